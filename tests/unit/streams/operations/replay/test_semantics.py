"""What a replay means for each topic, and which are refused with a reason."""

from __future__ import annotations

import pytest

from streams.messages import Change, GhlEvent, Replay, Selection
from streams.messages.topics import TOPICS
from streams.operations.replay.selection import record_position, time_ms
from streams.operations.replay.semantics import MEANING, REFUSED, changed_for_retry, event_for_retry, refusal, under


def test_every_topic_can_be_replayed_or_is_refused_with_a_reason() -> None:
    """No topic is forgotten, and none is both."""
    assert {*MEANING, *REFUSED} >= {spec.name for spec in TOPICS}
    assert not MEANING.keys() & REFUSED.keys()
    assert all(REFUSED[topic] in refusal(Selection(topic=topic)) for topic in REFUSED)


@pytest.mark.parametrize(
    ("selection", "says"),
    [
        (Selection(topic="lofty.change"), "no topic 'lofty.change'"),
        (Selection(topic="lofty.changes", reason="refused"), "replay parked"),
        (Selection(topic="lofty.changes", from_offset=3), "say which"),
        (Selection(topic="lofty.changes", since_ms=5, until_ms=4), "begins after it ends"),
    ],
)
def test_a_selection_that_makes_no_sense_is_refused(selection: Selection, says: str) -> None:
    """Each with what can be done instead."""
    assert says in refusal(selection)


def test_what_makes_sense_is_not_refused() -> None:
    """By place, time, contact, connection and reason."""
    chosen = Selection(topic="lofty.changes", connection="acme", contact="7", partition=3, from_offset=1, since_ms=1)
    assert refusal(chosen) == ""
    assert refusal(Selection(topic="parked", reason="refused")) == ""


def test_a_selection_takes_records_by_place_time_and_contact() -> None:
    """Both ends belong to it."""
    chosen = Selection(topic="x", partition=3, from_offset=10, to_offset=12, since_ms=100, until_ms=200, contact="7")
    assert [offset for offset in range(20) if chosen.takes_place(3, offset, 150)] == [10, 11, 12]
    assert not chosen.takes_place(2, 10, 150)
    assert [at for at in (99, 100, 200, 201) if chosen.takes_place(3, 10, at)] == [100, 200]
    assert chosen.takes_contact("any", "7")
    assert not chosen.takes_contact("any", "8")


def test_a_replayed_change_asks_for_a_read_and_claims_nothing() -> None:
    """A deletion that was reported once is checked, not believed again."""
    change = Change(
        connection="acme", lead="7", kind="note", id="9", operation="deleted", update_time_ms=5, accepted_ms=6
    )
    again = changed_for_retry(change, 99)
    assert (again.operation, again.origin, again.accepted_ms, again.update_time_ms) == ("updated", "replay", 99, 5)


def test_a_replayed_event_keeps_the_id_by_which_rules_act_once() -> None:
    """Only the dedupe is passed."""
    event = GhlEvent(type="NoteCreate", location="loc", id="n", at_ms=1, accepted_ms=1, webhook="w1")
    assert (event_for_retry(event).webhook, event_for_retry(event).again) == ("w1", True)


def test_a_replay_that_was_left_under_another_mapping_begins_again() -> None:
    """What it did then does not count; under the same mapping it goes on from where it was."""
    left = Replay(
        run="r", selection=Selection(topic="lofty.snapshots"), by="ann", began_ms=1, moved_ms=2, holder="h",
        state="stopped", mapping="old", position="acme:7:contact:7", chosen=9, handed=3, passed=2, left=1,
    )  # fmt: skip
    again = under(left, "new")
    assert under(left, "old") == left
    assert (again.mapping, again.position, again.handed, again.passed, again.left) == ("new", "", 0, 0, 0)
    assert (again.run, again.by, again.began_ms) == ("r", "ann", 1)


def test_times_and_places_are_read_as_people_write_them() -> None:
    """So long ago, or ISO with or without an offset."""
    assert time_ms("2h", 10_000_000) == 2_800_000
    assert time_ms("1970-01-01T00:01", 0) == 60_000
    assert time_ms("1970-01-01T01:00:01+01:00", 0) == 1_000
    assert record_position("3@1700") == (3, 1700)


@pytest.mark.parametrize("text", ["yesterday", "", "2w"])
def test_what_is_no_time_is_refused(text: str) -> None:
    """With an example of each form."""
    with pytest.raises(ValueError, match="expected a time such as"):
        time_ms(text, 0)


@pytest.mark.parametrize("text", ["3", "@7", "a@7", "3@-1"])
def test_what_is_no_place_is_refused(text: str) -> None:
    """With an example."""
    with pytest.raises(ValueError, match="such as 3@1700"):
        record_position(text)
