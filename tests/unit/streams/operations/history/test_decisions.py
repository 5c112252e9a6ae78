"""Why something led to nothing."""

from __future__ import annotations

from streams.messages import Change, Snapshot
from streams.operations.history.decisions import decisions_of

NOW = 1_000_000_000


def change(update_ms: int, accepted_ms: int, origin: str = "webhook") -> Change:
    """A change of one lead."""
    of_entity = {"connection": "c", "lead": "7", "kind": "contact", "id": "7", "operation": "updated"}
    times = {"update_time_ms": update_ms, "accepted_ms": accepted_ms, "origin": origin}
    return Change.model_validate(of_entity | times)


def snapshot(version_ms: int, fingerprint: str, kind: str = "contact", **state: object) -> Snapshot:
    """A state of one entity."""
    facts = {"connection": "c", "lead": "7", "kind": kind, "id": "7", "state": state, "fingerprint": fingerprint}
    times = {"version_ms": version_ms, "read_ms": 2, "update_time_ms": 1, "accepted_ms": 1}
    return Snapshot.model_validate(facts | times)


def test_a_change_that_was_not_let_through_says_why() -> None:
    """Reported before, or late; one that was let through says nothing."""
    first, again, late = change(50, 100), change(50, 200), change(40, 300)
    told = [("a", NOW - 90_000, first), ("b", NOW - 80_000, again), ("c", NOW - 70_000, late)]
    found = decisions_of(told, [first], [], NOW)
    assert set(found) == {"b", "c"}
    assert "reported before" in found["b"]
    assert "came late" in found["c"]


def test_what_is_too_old_or_too_young_to_be_known_is_left_open() -> None:
    """`lofty.fetches` keeps a week; a change of this moment may be let through yet."""
    week = 8 * 24 * 3_600_000
    assert decisions_of([("a", NOW - week, change(1, 1)), ("b", NOW - 100, change(2, 2))], [], [], NOW) == {}


def test_a_read_that_changed_nothing_says_so() -> None:
    """The same content, or an older one, or what stays in Lofty."""
    told = [
        ("a", snapshot(10, "x", firstName="Ada")),
        ("b", snapshot(20, "x", firstName="Ada")),
        ("c", snapshot(15, "y", firstName="Eve")),
        ("d", snapshot(10, "z", kind="note", content="log", systemNote=True)),
    ]
    found = decisions_of([], [], told, NOW)
    assert set(found) == {"b", "c", "d"}
    assert "unchanged" in found["b"]
    assert "newer state" in found["c"]
    assert "stays in Lofty" in found["d"]
