"""Why something was not done: what dedupe and deliver decided, told from what stands on the topics afterwards. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from streams.mapping import should_sync
from streams.messages import Change, Snapshot
from streams.messages.topics import DAY_MS

FETCHES_DAYS = 7
"""As long as `lofty.fetches` tells which changes were let through."""
SOON_MS = 10_000
"""A change that is younger may be let through yet."""


def decided(
    changes: Sequence[tuple[str, int, Change]],
    fetches: Iterable[Change],
    snapshots: Sequence[tuple[str, Snapshot]],
    now_ms: int,
) -> dict[str, str]:
    """What was decided about each record that led to nothing, by its place, in words. All in order of time.

    `changes` come with their place and when Kafka got them.
    """
    return {**_of_changes(changes, fetches, now_ms), **_of_snapshots(snapshots)}


def _of_changes(changes: Sequence[tuple[str, int, Change]], fetches: Iterable[Change], now_ms: int) -> dict[str, str]:
    # A change is let through with another time at most, so these three name it.
    let_through = {(one.entity, one.operation, one.accepted_ms) for one in fetches}
    newest: dict[object, int] = {}
    found: dict[str, str] = {}
    for place, at_ms, change in changes:
        entity, before = change.entity, newest.get(change.entity)
        if (entity, change.operation, change.accepted_ms) in let_through:
            newest[entity] = max(before or 0, change.update_time_ms)
            continue
        if now_ms - at_ms > FETCHES_DAYS * DAY_MS or now_ms - at_ms < SOON_MS:
            continue
        if before is None or change.update_time_ms == before:
            found[place] = "not let through: the same change had been told before"
        elif change.update_time_ms < before:
            found[place] = "not let through: it came late, and a newer change had been let through"
        else:
            found[place] = "not let through yet"
    return found


def _of_snapshots(snapshots: Sequence[tuple[str, Snapshot]]) -> dict[str, str]:
    before: dict[object, Snapshot] = {}
    found: dict[str, str] = {}
    for place, one in snapshots:
        last = before.get(one.entity)
        if one.state is not None and not should_sync(one.kind, one.state):
            found[place] = f"not carried: this {one.kind} is one that stays in Lofty"
        elif last is not None and one.version_ms < last.version_ms:
            found[place] = "left alone: a newer state had been read before"
        elif last is not None and one.fingerprint == last.fingerprint:
            found[place] = "the same as at the read before"
        if last is None or one.version_ms >= last.version_ms:
            before[one.entity] = one
    return found
