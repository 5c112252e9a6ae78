"""Which edits of recipients count: one of two at a time, none after a removal, and the same ones whatever was deleted meanwhile."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.notifications.recipient_log import RecipientLog
from streams.messages.recipient_edit import RecipientEdit, recipient_key


def edit(id: str, based_on: int, **facts: object) -> RecipientEdit:
    """An edit of the one recipient."""
    head = {"id": id, "name": "ann-1", "based_on": based_on, "at_ms": 1, "by": "ann"}
    return RecipientEdit.model_validate({**head, "label": id, **facts})


def test_of_two_edits_of_one_version_the_first_counts_and_the_other_is_to_be_deleted() -> None:
    log = RecipientLog()
    assert [log.add(edit("a", 0)), log.add(edit("b", 1)), log.add(edit("c", 1))] == [True, True, False]
    assert (log.version("ann-1"), [one.label for one in log.all()]) == (2, ["b"])
    assert log.superseded() == (("ann-1", "a"), ("ann-1", "c"))
    log.take(recipient_key("ann-1", "a").encode(), None)
    assert log.superseded() == (("ann-1", "c"),)


def test_what_was_edited_beside_a_removal_does_not_count() -> None:
    log = RecipientLog()
    log.add(edit("a", 0))
    assert log.add(edit("b", 1, is_removed=True))
    assert not log.add(edit("c", 1))
    assert (log.get("ann-1"), log.all()) == (None, ())
    assert log.superseded() == (("ann-1", "a"), ("ann-1", "c")), "nothing of its addresses remains"


def test_a_removal_that_was_too_late_removes_nothing_for_who_reads_what_is_left() -> None:
    """Of the edits before it some are gone, so it seems to count; the next one shows that it did not."""
    log = RecipientLog()
    assert [log.add(edit("a", 0)), log.add(edit("late", 3, is_removed=True)), log.add(edit("d", 4))] == [True] * 3
    assert [one.label for one in log.all()] == ["d"]


@settings(max_examples=500)
@given(
    steps=st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.booleans()), max_size=25),
    kept=st.sets(st.integers(0, 24)),
)
def test_who_reads_what_is_left_knows_the_same_as_who_read_all(
    steps: list[tuple[int, bool, bool]], kept: set[int]
) -> None:
    """Writers are up to two versions behind; what was superseded is deleted at any time, and the broker forgets it or not yet."""
    full, records = RecipientLog(), list[tuple[int, RecipientEdit]]()
    deleted = set[str]()
    for number, (behind, tidies, removes) in enumerate(steps):
        version = full.version("ann-1")
        if full.get("ann-1") is None and version:
            break  # an editor refuses one that was removed
        one = edit(f"e{number}", max(0, version - behind), is_removed=removes and version > 3)
        full.add(one)
        records.append((number, one))
        if tidies:
            for name, gone in full.superseded():
                full.drop(name, gone)
                deleted.add(gone)
    late = RecipientLog()
    for number, one in records:
        if one.id not in deleted or number in kept:
            late.add(one)
    assert (late.version("ann-1"), late.all()) == (full.version("ann-1"), full.all())
