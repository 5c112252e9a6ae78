"""What an answer of Lofty says of an entity."""

from __future__ import annotations

from typing import Any

import pytest

from streams.core.fingerprint import fingerprint
from streams.core.rows import FetchRow
from streams.core.to_ghl.read_result import not_found, snapshot_of


def pending(**facts: Any) -> FetchRow:
    """A read that was asked for at 1000 ms, for a change at 500 ms."""
    given_facts = {"kind": "contact", "id": "7", "operation": "updated"} | facts
    return FetchRow.model_validate(
        {"connection": "c", "lead": "7", "newest_update_ms": 500, "oldest_update_ms": 400, "accepted_ms": 1000}
        | {"origin": "webhook"}
        | given_facts
    )


@pytest.mark.parametrize(
    ("facts", "now_ms", "means"),
    [
        ({"operation": "deleted"}, 1000, "gone"),
        ({"operation": "created"}, 60_999, "ask again"),
        ({"operation": "updated", "kind": "note"}, 60_999, "ask again"),
        ({"operation": "updated", "kind": "note"}, 61_000, "gone"),
        ({"operation": "updated"}, 61_000, "ask the trash"),
        ({"operation": "updated", "confirms": True}, 61_000, "not visible"),
        ({"operation": "updated", "may_be_unknown": True}, 1000, "ask the trash"),
        ({"operation": "updated", "may_be_unknown": True, "confirms": True}, 1000, "no lead"),
    ],
)
def test_what_a_404_means(facts: dict[str, Any], now_ms: int, means: str) -> None:
    """A young entity may not be visible yet, a hidden lead is never treated as deleted."""
    assert not_found(pending(**facts), now_ms, visibility_ms=60_000) == means


@pytest.mark.parametrize(
    ("facts", "now_ms", "means"),
    [
        ({"operation": "deleted"}, 1000, "gone"),
        ({"operation": "updated"}, 60_999, "ask again"),
        ({"operation": "updated"}, 61_000, "unknown"),
        ({"operation": "updated", "kind": "note"}, 61_000, "unknown"),
    ],
)
def test_what_a_404_means_that_names_nothing(facts: dict[str, Any], now_ms: int, means: str) -> None:
    """It may be a proxy's: of itself it deletes nothing."""
    assert not_found(pending(**facts), now_ms, visibility_ms=60_000, names_nothing=True) == means


def test_a_snapshot_bears_the_newest_version_and_the_oldest_change() -> None:
    """Not every edit moves Lofty's own time, and it may be ahead of the webhook's."""
    earlier, later = {"lastUpdateTime": 450}, {"lastUpdateTime": 600, "lastUpdate": 550}
    behind, ahead = snapshot_of(pending(), earlier, read_ms=2000), snapshot_of(pending(), later, read_ms=2000)
    assert (behind.version_ms, ahead.version_ms) == (500, 600)
    assert (ahead.update_time_ms, ahead.accepted_ms, ahead.read_ms) == (400, 1000, 2000)
    assert ahead.fingerprint == fingerprint(later)


def test_a_gone_entity_is_a_snapshot_without_state() -> None:
    """Its version is that of the change which announced it."""
    gone = snapshot_of(pending(operation="deleted"), None, read_ms=2000)
    assert gone.is_gone
    assert gone.version_ms == 500
    assert gone.fingerprint != fingerprint({})
