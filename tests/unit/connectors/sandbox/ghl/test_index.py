"""The search's lag, for any order of changes and looks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connectors.sandbox.ghl.index import SearchIndex

LAG = 10.0
IDS = ("a", "b", "c")
CHANGES = st.lists(st.tuples(st.floats(0, 8), st.sampled_from(IDS), st.booleans()), max_size=30)


def play(changes: list[tuple[float, str, bool]]) -> tuple[SearchIndex, float, dict[str, int]]:
    """Make changes after pauses: each writes a document with its turn, or deletes it. Also says what should be left."""
    index, now, truth = SearchIndex(LAG), 0.0, dict[str, int]()
    for turn, (pause, contact_id, deletes) in enumerate(changes):
        now += pause
        index.change(contact_id, None if deletes else {"id": contact_id, "turn": turn}, now)
        truth.pop(contact_id, None)
        if not deletes:
            truth[contact_id] = turn
    return index, now, truth


@given(CHANGES)
def test_after_the_lag_the_search_knows_the_last_state(changes: list[tuple[float, str, bool]]) -> None:
    """Whatever came before."""
    index, now, truth = play(changes)
    found = {one["id"]: one["turn"] for one in index.documents(now + LAG)}
    assert found == truth


@given(CHANGES, st.floats(0, LAG - 1e-6))  # nearer, and the sum of two floats is the lag itself
def test_within_the_lag_the_last_change_is_never_seen(changes: list[tuple[float, str, bool]], later: float) -> None:
    """Not even when it is looked for often."""
    index, now, _ = play(changes)
    newest = len(changes) - 1
    assert newest not in {one["turn"] for one in index.documents(now + later)}


@given(CHANGES, st.lists(st.floats(0, 30), max_size=10))
def test_looking_changes_nothing(changes: list[tuple[float, str, bool]], looks: list[float]) -> None:
    """What is found at a time does not depend on when it was looked for before."""
    watched, now, _ = play(changes)
    unwatched, _, _ = play(changes)
    for later in sorted(looks):
        watched.documents(now + later)
    assert watched.documents(now + 31) == unwatched.documents(now + 31)


def test_without_lag_a_change_is_seen_at_once() -> None:
    """For tests that do not care."""
    index = SearchIndex(0)
    index.change("a", {"id": "a"}, 0.0)
    assert index.documents(0.0) == [{"id": "a"}]
