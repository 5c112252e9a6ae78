"""What a comparison found, as a person reads it."""

from __future__ import annotations

from dataclasses import replace

from streams.console.pages.views.verification_view import verification_view
from streams.console.services.verifications import Verification, result_from
from tests.browser.samples import FOUND, VERIFIED


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
