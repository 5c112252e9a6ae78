"""What a comparison found, as a person reads it."""

from __future__ import annotations

from dataclasses import replace

from streams.console.pages.views.verification_view import verification_view
from streams.console.services.verifications import Verification, outcome_words, result_from
from tests.browser.samples import FOUND, UNDECIDED, VERIFIED


def done(**found: object) -> Verification:
    """A comparison that found this."""
    return replace(VERIFIED, ended_ms=1, result=result_from({**FOUND, **found}))


def test_a_running_comparison_says_how_far_it_is() -> None:
    view = verification_view(VERIFIED)
    assert view.progress is not None
    assert (view.progress.part, view.progress.left, view.state.level) == (0.6, "120 of 200", "busy")
    unknown = verification_view(replace(VERIFIED, doing="searching", of=0)).progress
    assert unknown is not None
    assert (unknown.part, unknown.left) == (None, "120 so far")


def test_findings_name_the_lead_both_values_and_what_can_be_repaired() -> None:
    view = verification_view(done())
    assert (view.state.words, view.repairable, view.is_running) == ("2 wrong", 1, False)
    contact, note = view.findings
    assert (contact.what, contact.fields) == ("Contact of lead 600123", (("Lofty stage", "Hot", ""),))
    assert (note.what, note.state) == ("Note 77 of lead 600124", "is missing in GoHighLevel")
    assert (
        view.summary
        == "200 leads, 5210 fields compared with the latest data from Lofty. 1 repaired. 3 on the way, not compared."
    )


def test_nothing_is_called_right_that_was_not_compared() -> None:
    none = {"findings": [], "counts": {"ok": 1}}
    assert verification_view(done(**none)).state.words == "not everything could be compared"
    assert verification_view(done(**none, unfinished=[])).state.level == "ok"
    parked = {"findings": [], "counts": {"ok": 1, "parked": 2}, "unfinished": []}
    assert verification_view(done(**parked)).state.words == "2 need attention"
    failed = verification_view(replace(VERIFIED, ended_ms=1, problem="Kafka is away"))
    assert (failed.state.level, failed.problem) == ("bad", "Kafka is away")


CONFLICT: dict[str, object] = UNDECIDED["findings"][0]


def test_a_conflict_that_nobody_has_decided_is_not_called_right() -> None:
    """Neither on the page, nor by the API, nor in the audit log."""
    open_conflict = done(findings=[CONFLICT], counts={"ok": 9, "conflict": 1}, mended=[], unfinished=[])
    view, result = verification_view(open_conflict), open_conflict.result
    assert (view.state.level, view.state.words) == ("warn", "1 conflict to decide")
    assert view.heading == "Nothing is wrong, but not everything is decided"
    assert [(one.what, one.state, one.advice) for one in view.findings] == [
        ("Contact of lead 600124", "waits for a decision", "")
    ]
    assert result is not None
    assert (result.undecided, result.wrong, result.is_right) == (1, 0, False)
    assert outcome_words(result) == "0 wrong, 0 repaired, 1 conflict undecided"


def test_a_conflict_that_a_person_has_decided_is_right() -> None:
    decided = CONFLICT | {"is_undecided": False, "advice": "a person has decided it so"}
    verified = done(findings=[decided], counts={"conflict": 1}, mended=[], unfinished=[])
    view, result = verification_view(verified), verified.result
    assert (view.state.words, view.heading) == ("all right", "Nothing is wrong")
    assert view.findings[0].state == "is as a person has decided"
    assert result is not None
    assert (result.undecided, result.is_right) == (0, True)


def test_undecided_conflicts_are_counted_also_where_they_are_not_listed() -> None:
    many = [CONFLICT | {"entity": f"acme:{lead}:contact:{lead}"} for lead in range(1, 301)]
    result = done(findings=many, counts={"conflict": 300}, mended=[], unfinished=["note pages"]).result
    assert result is not None
    assert (len(result.findings), result.undecided) == (200, 300)
    assert outcome_words(result) == "0 wrong, 0 repaired, 300 conflicts undecided, not everything could be compared"
