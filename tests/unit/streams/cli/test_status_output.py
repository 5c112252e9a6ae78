"""What `lofty-ghl status` prints: the same few lines for three connections and for a thousand, and what is wrong first."""

from __future__ import annotations

from streams.cli.status_output import FEW, MOST_IN_NEED, document, lines
from streams.messages import GatewayStatus
from streams.messages.worker_status import BudgetStatus, ConnectionStatus, SideStatus, SweepStatus, WorkerStatus
from streams.operations.status.health import problems_of
from streams.operations.status.overview import Overview, overview

NOW = 10_000_000_000
LIMIT = 100


def connection(number: int, *, parked: int = 0, paused: tuple[str, ...] = ()) -> ConnectionStatus:
    """One that is well, with 20 links, unless something is parked."""
    reading = SideStatus(sweep=SweepStatus(leads=20, total=20, full_interval_ms=86_400_000, full_ended_ms=NOW - 1000))
    writing = SideStatus(links=20, parked={"deliver": parked})
    return ConnectionStatus(connection=f"agency-{number:04d}", reading=reading, writing=writing, paused=paused)


def deployment(connections: list[ConnectionStatus], *, held: int = 0, workers: int = 1) -> Overview:
    """Workers that are well (the last of several still starts), a gateway, and a Lofty and a GHL budget for each connection; so many GHL budgets have no access."""
    names = [one.connection for one in connections]
    read = [
        BudgetStatus(dispatcher="read", budget=f"team {one}", connections=(one,), window_limit=500, window_seconds=60)
        for one in names
    ]
    write = [
        BudgetStatus(
            dispatcher="write",
            budget=f"location {one}",
            connections=(one,),
            window_limit=LIMIT,
            window_seconds=10,
            paused="no access" if number < held else "",
            because="no access: 401 Invalid token" if number < held else "",
        )
        for number, one in enumerate(names)
    ]
    started = NOW - 6_000_000
    statuses = [
        WorkerStatus(
            instance=f"w{number}",
            started_ms=started,
            at_ms=NOW - 1000,
            is_ready=number == 0 or number < workers - 1,
            partitions=8,
            fenced=tuple(range(8)) if number == 0 else (),
            connections=tuple(connections) if number == 0 else (),
            budgets=(*read, *write) if number == 0 else (),
        )
        for number in range(workers)
    ]
    gateway = GatewayStatus(gateway="g0", begun_ms=started, at_ms=NOW - 1000, is_ready=True)
    return overview(statuses, NOW, partitions=8, connections=names, gateways=[gateway])


def text(found: Overview, *, everything: bool = False) -> list[str]:
    """The lines."""
    return list(lines(found, problems_of(found), everything=everything))


def test_three_broken_connections_of_a_thousand_come_first_each_with_its_next_step() -> None:
    """Then their figures; of the others only how many they are. Everything fits a screen."""
    broken = {17: 2, 400: 1, 999: 5}
    printed = text(deployment([connection(number, parked=broken.get(number, 0)) for number in range(1000)]))

    assert printed[0].endswith("3 problems to fix:")
    assert printed[1:7] == [
        "  connection agency-0017: 2 parked",
        "    → lofty-ghl parked list --connection agency-0017",
        "  connection agency-0400: 1 parked",
        "    → lofty-ghl parked list --connection agency-0400",
        "  connection agency-0999: 5 parked",
        "    → lofty-ghl parked list --connection agency-0999",
    ]
    assert "connections  1000: 3 with a problem, 997 well, 20000 linked" in printed
    assert [line.split()[1] for line in printed if line.startswith("connection ")] == [
        *("agency-0017", "agency-0400", "agency-0999")
    ]
    assert "  997 more are not listed: lofty-ghl status --all" in printed
    assert len(printed) <= 40


def test_a_thousand_that_are_well_take_a_few_lines() -> None:
    """Nothing of any single connection, and the fullest of the limits of Lofty."""
    printed = text(deployment([connection(number) for number in range(1000)]))

    assert printed[0].endswith("all is well")
    assert "connections  1000: 1000 well, 20000 linked" in printed
    assert sum(line.startswith("sweeps") for line in printed) == 1
    assert "          999 limits more of Lofty, whose schedules take less" in printed
    assert len(printed) <= 12


def test_everything_is_listed_when_asked_for_and_where_it_is_little() -> None:
    """With `--all`, or with few connections."""
    many = deployment([connection(number) for number in range(FEW + 1)])
    few = deployment([connection(number) for number in range(FEW)])

    for found, everything, wanted in ((many, False, 0), (many, True, FEW + 1), (few, False, FEW)):
        printed = text(found, everything=everything)
        assert sum(line.startswith("connection ") for line in printed) == wanted
        assert any("not listed" in line for line in printed) == (wanted == 0)


def test_what_is_wrong_with_many_alike_is_one_line_unless_each_is_asked_for() -> None:
    """One lost access of a thousand locations does not push the one parked record off the screen."""
    connections = [connection(number, parked=int(number == 7)) for number in range(1000)]
    found = deployment(connections, held=1000)
    printed, whole = text(found), text(found, everything=True)

    assert printed[0].endswith("1001 problems to fix:")
    assert "  connection agency-0007: 1 parked" in printed
    together = "  GHL budget location agency-0000, GHL budget location agency-0001, GHL budget location agency-0002 and 997 more: "
    [at] = [number for number, line in enumerate(printed) if line.startswith(together)]
    assert printed[at].endswith("paused: no access: 401 Invalid token")
    assert printed[at + 1] == "    → lofty-ghl doctor"
    assert sum(line.startswith("connection ") for line in printed) == MOST_IN_NEED
    assert len(printed) <= 80
    assert sum("paused: no access" in line for line in whole if line.startswith("  GHL budget")) == 1000


def test_the_fix_of_many_alike_says_that_it_names_the_first() -> None:
    """Each record is listed by its own connection's name."""
    printed = text(deployment([connection(number, parked=1) for number in range(10)]))

    assert printed[1].endswith("connection agency-0002 and 7 more: 1 parked")
    assert printed[2] == "    → lofty-ghl parked list --connection agency-0000 (and so for the others)"


def test_paused_connections_are_counted() -> None:
    """A person's pause is no problem, and a hundred of them are not a line of a hundred names."""
    paused = [connection(number, paused=("to_ghl",)) for number in range(100)]
    printed = text(deployment([*paused, *(connection(number) for number in range(100, 103))]))

    assert printed[0].endswith("all is well, but for what is paused: agency-0000, agency-0001, agency-0002 and 97 more")
    assert "connections  103: 100 paused, 3 well, 2060 linked" in printed


def test_of_many_processes_those_that_are_ready_are_counted() -> None:
    """One worker of thirty that is starting is the one that is listed."""
    found = deployment([connection(0)], workers=30)
    printed = text(found)

    assert "workers   30 alive, 8 of 8 partitions" in printed
    assert "  the other 30 are ready" in printed
    [listed] = [line for line in printed if "last status" in line]
    assert listed.split()[:2] == ["w29", "starting"]


def test_the_document_is_whole_whatever_the_text_leaves_out() -> None:
    """Programs get every connection and every problem."""
    found = deployment([connection(number, parked=1) for number in range(100)])
    made = document(found, problems_of(found))

    assert len(made["connections"]) == len(made["wrong"]) == 100
    assert len(made["forecasts"]) == 100
