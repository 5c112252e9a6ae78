"""Dedupe: any order of arrival and any duplication, and still the newest change is read."""

from __future__ import annotations

from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.rows import FetchRow, SeenRow
from streams.core.scheduling.dispatcher import Priority
from streams.core.to_ghl.dedupe import admit, gather, priority_of, raised, remember
from streams.messages import Change

OPERATIONS = ["created", "updated", "finished", "deleted"]
ORIGINS = ["webhook", "sweep", "backfill", "replay", "dependency"]


def change(update_time_ms: int = 5, operation: str = "updated", accepted_ms: int = 100, **facts: Any) -> Change:
    """A change of one contact."""
    times = {"update_time_ms": update_time_ms, "accepted_ms": accepted_ms}
    return Change.model_validate(
        {"connection": "c", "lead": "7", "kind": "contact", "id": "7", "operation": operation, **times, **facts}
    )


HINTS = st.builds(change, st.integers(0, 4), st.sampled_from(OPERATIONS), st.integers(0, 9), origin=st.just("webhook"))
CHANGES = st.builds(
    change, st.integers(0, 4), st.sampled_from(OPERATIONS), st.integers(0, 9), origin=st.sampled_from(ORIGINS)
)


@st.composite
def arrivals(draw: st.DrawFn) -> list[Change]:
    """A set of changes, some of them several times, in any order."""
    changes = draw(st.lists(HINTS, min_size=1, max_size=6))
    return draw(st.permutations([*changes, *draw(st.lists(st.sampled_from(changes), max_size=6))]))


def let_through(changes: list[Change], seen: SeenRow | None = None) -> tuple[list[Change], SeenRow | None]:
    """What the dedupe agent lets through, and what it remembers."""
    admitted = []
    for one in changes:
        if admit(seen, one) == "admitted":
            admitted.append(one)
            seen = remember(seen, one)
    return admitted, seen


@given(arrivals())
def test_every_change_is_admitted_or_covered_by_one_at_least_as_new(changes: list[Change]) -> None:
    """A change that was dropped came after one that was not older: the read that followed has seen it."""
    seen: SeenRow | None = None
    admitted: list[Change] = []
    for one in changes:
        if admit(seen, one) == "admitted":
            admitted.append(one)
            seen = remember(seen, one)
        else:
            assert any(other.update_time_ms >= one.update_time_ms for other in admitted)
            assert any(
                other.update_time_ms > one.update_time_ms or other.operation == one.operation for other in admitted
            )
    newest = max(one.update_time_ms for one in changes)
    assert max(one.update_time_ms for one in admitted) == newest
    assert {one.operation for one in changes if one.update_time_ms == newest} <= {
        one.operation for one in admitted if one.update_time_ms == newest
    }


@given(arrivals())
def test_the_memory_never_goes_back_in_time(changes: list[Change]) -> None:
    """Whatever the order, the newest time is what is remembered at the end."""
    _, seen = let_through(changes)
    assert seen is not None
    assert seen.update_time_ms == max(one.update_time_ms for one in changes)


@given(st.lists(st.builds(change, st.integers(0, 4), st.just("updated"), origin=st.just("webhook")), min_size=1))
def test_replaying_changes_lets_nothing_through(changes: list[Change]) -> None:
    """The whole topic once more is all duplicates and latecomers."""
    _, seen = let_through(changes)
    again, still = let_through(changes, seen)
    assert again == []
    assert still == seen


def test_two_operations_at_the_same_millisecond_are_two_changes() -> None:
    """Created and updated in one burst: both are let through, each once."""
    admitted, seen = let_through([change(operation="created"), change(operation="updated"), change()])
    assert [one.operation for one in admitted] == ["created", "updated"]
    assert admit(seen, change(operation="updated")) == "duplicate"


def test_an_older_change_is_late() -> None:
    """It is distinguished from a duplicate, for the metrics."""
    assert admit(SeenRow(update_time_ms=6, operation="updated"), change(5)) == "late"


@pytest.mark.parametrize("origin", ["replay", "backfill", "dependency"])
def test_what_was_asked_for_on_purpose_always_passes(origin: str) -> None:
    """An operator's replay of an old change is done, and does not turn the memory back."""
    seen = SeenRow(update_time_ms=9, operation="updated")
    old = change(5, origin=origin)
    assert admit(seen, old) == "admitted"
    assert remember(seen, old) == seen


@pytest.mark.parametrize(("at_ms", "operation"), [(5, "deleted"), (9, "updated"), (12, "updated")])
def test_what_a_list_showed_before_a_deletion_does_not_undo_it(at_ms: int, operation: str) -> None:
    """Lofty finds it neither among its leads nor, after a merge, in the trash: that is no lead hidden from us."""
    listed = change(at_ms, origin="backfill")
    assert raised(SeenRow(update_time_ms=9, operation="deleted"), listed).operation == operation
    assert raised(SeenRow(update_time_ms=9, operation="updated"), listed).operation == "updated"


@given(st.lists(CHANGES, min_size=1, max_size=8))
def test_any_number_of_changes_gathers_into_one_read(changes: list[Change]) -> None:
    """Oldest times for freshness, newest time and operation for the version, most urgent origin for the priority."""
    row = reduce(gather, changes, None)
    assert row is not None
    newest = max(one.update_time_ms for one in changes)
    assert row.newest_update_ms == newest
    assert row.oldest_update_ms == min(one.update_time_ms for one in changes)
    assert row.accepted_ms == min(one.accepted_ms for one in changes)
    assert row.operation == [one.operation for one in changes if one.update_time_ms == newest][-1]
    assert priority_of(row.origin) == min(priority_of(one.origin) for one in changes)
    assert row.generation == len(changes)


@given(st.permutations([change(1, "created", 30), change(2, "updated", 10), change(3, "deleted", 20)]))
def test_the_order_of_arrival_does_not_matter(changes: list[Change]) -> None:
    """Three changes of different times gather into the same read in any order."""
    assert reduce(gather, changes, None) == reduce(gather, sorted(changes, key=lambda one: one.update_time_ms), None)


def test_a_new_change_asks_the_ordinary_question_again() -> None:
    """A lead restored while we were asking the trash for it must not count as deleted; what parked it is forgotten."""
    pending = gather(None, change())
    parked = pending.model_copy(update={"parked": "not visible", "confirms": True, "attempts": 2, "not_before_ms": 8})
    assert gather(parked, change(6)) == FetchRow(
        connection="c",
        lead="7",
        kind="contact",
        id="7",
        operation="updated",
        newest_update_ms=6,
        oldest_update_ms=5,
        accepted_ms=100,
        origin="webhook",
        generation=2,
        attempts=2,
        not_before_ms=8,
    )


@pytest.mark.parametrize("name", ["only_moved", "may_be_unknown"])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("second", [True, False])
def test_an_ordinary_change_is_read_in_full_beside_one_that_asks_for_less(name: str, first: bool, second: bool) -> None:
    """In whichever order they come."""
    row = gather(gather(None, change(**{name: first})), change(6, **{name: second}))
    assert getattr(row, name) is (first and second)


def test_what_hangs_on_a_contact_is_that_of_the_newest_change_that_says_it() -> None:
    """A change that says nothing of it takes nothing away."""
    row = gather(gather(None, change(hanging=("note:1",))), change(6, hanging=("note:2",)))
    assert (row.hanging, gather(row, change(7)).hanging) == (("note:2",), ("note:2",))


def test_origins_have_their_priority() -> None:
    """What a person is waiting for goes first; a read that a write waits for is no less urgent."""
    assert {origin: priority_of(origin) for origin in ORIGINS} == {  # type: ignore[arg-type]  # the list above is Origin's
        "webhook": Priority.LIVE,
        "dependency": Priority.LIVE,
        "sweep": Priority.SWEEP,
        "replay": Priority.SWEEP,
        "backfill": Priority.BACKFILL,
    }
