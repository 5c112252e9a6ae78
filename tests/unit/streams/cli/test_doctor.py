"""What `lofty-ghl doctor` prints of many connections: what is wrong first, and of what is ok how much."""

from __future__ import annotations

from streams.cli.doctor import lines
from streams.operations.doctor.check_result import CheckResult

DEPLOYMENT = (CheckResult("Kafka", "kafka:9092", "ok", "answers"), CheckResult("disk", "data", "warning", "is full"))


def of(number: int, *, refused: bool = False) -> CheckResult:
    """A check of a connection's access."""
    name = f"agency-{number}"
    if refused:
        return CheckResult("access", f"GHL of {name}", "wrong", "is refused: 401", f"set the key of {name}", name)
    return CheckResult("access", f"GHL of {name}", "ok", "the token is accepted", connection=name)


def test_of_a_thousand_connections_what_is_wrong_comes_first_and_what_is_ok_is_counted() -> None:
    """Three that are refused among them are not lost between two thousand lines."""
    results = (*DEPLOYMENT, *(of(number, refused=number in (3, 500, 999)) for number in range(1000)))
    printed = list(lines(results))

    assert [line.split()[0] for line in printed[:2]] == ["warning", "wrong"]
    assert "GHL of agency-3: is refused: 401" in printed[1]
    assert printed[2].strip() == "→ set the key of agency-3"
    assert any(line.split() == ["ok", "access", "997"] for line in printed)
    assert len(printed) <= 12


def test_many_that_are_wrong_alike_are_one_line() -> None:
    """The fix says that it names the first of them."""
    printed = list(lines(tuple(of(number, refused=True) for number in range(100))))

    assert printed[0].endswith("GHL of agency-0, GHL of agency-1, GHL of agency-2 and 97 more: is refused: 401")
    assert printed[1].strip() == "→ set the key of agency-0 (and so for the others)"


def test_each_line_is_printed_of_few_connections_and_when_asked_for() -> None:
    """In the order of the checks, as it helps to read them."""
    few = (*DEPLOYMENT, *(of(number) for number in range(5)))
    many = (*DEPLOYMENT, *(of(number) for number in range(50)))

    for results, everything in ((few, False), (many, True)):
        printed = list(lines(results, everything=everything))
        assert [line.split()[0] for line in printed] == [one.level for one in results]
