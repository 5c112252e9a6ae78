"""What came of records that were sent again."""

from __future__ import annotations

from streams.console.pages.views.parked_view import retry_card
from streams.console.services.retry_outcomes import KEPT, Retries
from streams.messages import Parked
from streams.operations.parked.open_records import ParkedItem


def item(record: str, lead: int, stage: str = "deliver") -> ParkedItem:
    """A parked record of a lead's contact."""
    facts = {
        "stage": stage,
        "reason": "refused",
        "entity": f"acme:{lead}:contact:{lead}",
        "source": "x/0@1",
        "at_ms": 1,
        "message": "no",
    }
    return ParkedItem(record, Parked.model_validate(facts))


def test_it_is_no_success_until_every_record_is_done() -> None:
    """Under way, then parked once more under another record, or settled."""
    retried = Retries().add([item("0@1", 1), item("0@2", 2), item("0@3", 3)], 5, "ann")
    pending = {one for one in retried.entities if one != "acme:1:contact:1"}
    found = retried.outcome([item("0@9", 2)], pending)
    assert (found.total, found.settled, found.waiting, found.again, found.unknown) == (3, 1, 1, 1, 0)
    assert retry_card(found).state.level == "bad"
    assert retry_card(retried.outcome([], pending)).state.level == "busy"
    assert retry_card(retried.outcome([], ())).state.level == "ok"


def test_what_was_sent_is_not_taken_for_a_new_failure() -> None:
    """The list may still hold the record for a moment."""
    retried = Retries().add([item("0@1", 1)], 5, "ann")
    assert retried.outcome([item("0@1", 1)], retried.entities).again == 0


def test_what_nobody_can_follow_is_said_and_is_no_success() -> None:
    """A delivery of an unknown form; and everything where there is no index."""
    retried = Retries().add([item("0@1", 1, "intake"), item("0@2", 2)], 5, "ann")
    assert retried.outcome([], ()).unknown == 1
    without_index = retried.outcome([], None)
    assert (without_index.unknown, without_index.settled) == (2, 0)
    assert retry_card(without_index).state.level == "idle"


def test_old_retries_are_forgotten() -> None:
    retries = Retries()
    made = [retries.add([item("0@1", 1)], 5, "ann") for _ in range(KEPT + 1)]
    assert retries.get(made[0].id) is None
    assert retries.get(made[-1].id) == made[-1]
