"""How old the oldest unread record is, computed from sampled offsets."""

from __future__ import annotations

from streams.core.progress.backlog import Backlog

PLACE = ("topic", 0)
FIRST = 1_800_000_000_000
LOOK = 5_000


def at(number: int) -> int:
    """The time of a look."""
    return FIRST + number * LOOK


def test_nothing_unread_has_no_age() -> None:
    """All is committed."""
    backlog = Backlog()
    backlog.look({PLACE: (7, 7)}, at(0))
    assert (backlog.records("topic"), backlog.oldest_ms("topic")) == (0, None)


def test_the_oldest_came_after_the_last_look_that_did_not_see_it() -> None:
    """Records came between the first and the second look, and nobody reads them: their age grows from look to look."""
    backlog = Backlog()
    backlog.look({PLACE: (7, 7)}, at(0))
    for number in range(1, 10):
        backlog.look({PLACE: (7, 7 + number)}, at(number))
        assert backlog.oldest_ms("topic") == at(0)
    assert backlog.records("topic") == 9


def test_as_the_commit_moves_the_age_follows() -> None:
    """What came later is younger."""
    backlog = Backlog()
    for number in range(5):
        backlog.look({PLACE: (0, number * 10)}, at(number))
    backlog.look({PLACE: (25, 40)}, at(5))
    assert backlog.oldest_ms("topic") == at(2)
    backlog.look({PLACE: (40, 40)}, at(6))
    assert backlog.oldest_ms("topic") is None
    backlog.look({PLACE: (40, 41)}, at(7))
    assert backlog.oldest_ms("topic") == at(6)


def test_a_backlog_from_before_is_told_by_what_is_worked_off() -> None:
    """A worker starts an hour behind: once it has read a record, that one's time says how old the next are."""
    backlog = Backlog()
    backlog.look({PLACE: (0, 1_000)}, at(0))
    assert backlog.oldest_ms("topic") == at(0)
    backlog.worked(PLACE, FIRST - 3_600_000)
    backlog.look({PLACE: (500, 1_000)}, at(1))
    assert backlog.oldest_ms("topic") == FIRST - 3_600_000


def test_places_that_went_to_others_are_forgotten() -> None:
    """Their lag is another worker's to tell."""
    backlog = Backlog()
    backlog.look({PLACE: (0, 5), ("topic", 1): (0, 3)}, at(0))
    backlog.look({("topic", 1): (0, 3)}, at(1))
    assert backlog.records("topic") == 3
