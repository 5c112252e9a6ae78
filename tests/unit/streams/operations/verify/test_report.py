"""What a run's report says, and how it is shown."""

from __future__ import annotations

import pytest

from streams.core.to_ghl.compare import FieldDifference
from streams.messages import Remedy
from streams.operations.verify.findings import Finding, State
from streams.operations.verify.report import ConnectionReport, Report
from streams.operations.verify.show import MOST_LINES, lines

KEY = "acme:7:contact:7"
OK = Finding(KEY, "ok", compared=3)
DIFFERENT = Finding(
    KEY,
    "different",
    "",
    (FieldDifference("firstName", "Ada", "E" * 100),),
    ("c-1",),
    (Remedy(cure="doubt", fields=("firstName",)),),
)


def report_of(*findings: Finding, unfinished: tuple[str, ...] = ()) -> Report:
    """A report of one connection."""
    one = ConnectionReport("acme", leads=len(findings), unfinished=list(unfinished))
    one.add(findings)
    return Report("r", 1.23, (one,))


@pytest.mark.parametrize(
    ("state", "code"),
    [
        *[("ok", 0), ("pending", 0), ("parked", 0), ("conflict", 0)],
        *[("missing", 1), ("different", 1), ("double", 1), ("orphaned", 1)],
    ],
)
def test_the_exit_code_says_whether_anything_is_wrong(state: State, code: int) -> None:
    """What is on its way, or known to wait for a person, is not."""
    assert report_of(OK, Finding(KEY, state)).exit_code == code


def test_a_conflict_that_nobody_has_decided_is_not_called_right() -> None:
    """It has an exit code of its own, after what is wrong; the report names it, and what to do."""
    open_one = Finding(KEY, "conflict", "phone: GHL contact c-2 has it", advice="see", is_undecided=True)
    report = report_of(OK, open_one)
    assert (report.exit_code, report.as_dict()["is_right"], report.as_dict()["undecided_conflicts"]) == (4, False, 1)
    *_, finding, verdict = lines(report)
    assert "phone: GHL contact c-2 has it" in finding
    assert "Undecided conflicts: 1. `lofty-ghl conflicts`" in verdict
    assert report_of(open_one, DIFFERENT).exit_code == 1
    assert report_of(open_one, unfinished=("no worker",)).exit_code == 3


def test_what_could_not_be_looked_at_outweighs_what_is_wrong() -> None:
    """A schedule must not take a half run for a whole one."""
    report = report_of(DIFFERENT, unfinished=("no worker",))
    assert report.exit_code == 3
    assert (report.as_dict()["is_right"], report.as_dict()["is_finished"]) == (False, False)


def test_the_document_has_every_state_and_every_wrong_finding() -> None:
    """Also those that do not occur, so that a dashboard can count on them; what is right is only counted."""
    document = report_of(OK, DIFFERENT, Finding(KEY, "parked")).as_dict()
    assert document["counts"] == {
        "ok": 1, "pending": 0, "parked": 1, "conflict": 0, "missing": 0, "different": 1, "double": 0, "orphaned": 0
    }  # fmt: skip
    told = document["connections"]["acme"]
    assert [one["state"] for one in told["findings"]] == ["different", "parked"]
    assert told["fields_compared"] == 3


def test_people_are_told_the_field_what_was_wanted_and_what_was_found() -> None:
    """And says that it can be repaired; a long value is cut."""
    shown = "\n".join(lines(report_of(OK, DIFFERENT)))
    assert "firstName should be 'Ada', is 'EEEE" in shown
    assert "E" * 70 not in shown
    assert shown.endswith("Wrong: 1. --repair can fix 1.")


def test_a_long_list_is_cut_for_people() -> None:
    """The document has all."""
    shown = list(lines(report_of(*[DIFFERENT] * (MOST_LINES + 5))))
    assert sum(KEY in one for one in shown) == MOST_LINES
    assert any("and 5 more" in one for one in shown)


def test_what_is_right_is_said_in_one_line() -> None:
    """With what it cost."""
    assert list(lines(report_of(OK))) == [
        "acme: leads 1, 3 fields compared, 0 requests: 1 ok",
        "GHL holds what our newest snapshots of Lofty say. Lofty itself was not asked.",
    ]
