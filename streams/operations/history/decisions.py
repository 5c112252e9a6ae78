"""Why a record led to nothing: the decisions of dedupe and deliver, reconstructed from the topics. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from streams.mapping import should_sync
from streams.messages import Change, Snapshot
from streams.messages.topics import DAY_MS

FETCHES_DAYS = 7
"""The retention of `lofty.fetches`, which shows the changes that were let through."""
SOON_MS = 10_000
"""A younger change may still be let through."""


def decisions_of(
    changes: Sequence[tuple[str, int, Change]],
    fetches: Iterable[Change],
    snapshots: Sequence[tuple[str, Snapshot]],
    now_ms: int,
) -> dict[str, str]:
    """The decision about each record that led to nothing, by its place. All arguments are in order of time.

    `changes` come with their place and Kafka's timestamp.
    """
    return {**_of_changes(changes, fetches, now_ms), **_of_snapshots(snapshots)}


def _of_changes(changes: Sequence[tuple[str, int, Change]], fetches: Iterable[Change], now_ms: int) -> dict[str, str]:
    # Only the time of a change may differ on the way, so these three identify it.
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
            found[place] = "not let through: the same change was reported before"
        elif change.update_time_ms < before:
            found[place] = "not let through: it came late: a newer change was let through before"
        else:
            found[place] = "not let through yet"
    return found


def _of_snapshots(snapshots: Sequence[tuple[str, Snapshot]]) -> dict[str, str]:
    before: dict[object, Snapshot] = {}
    found: dict[str, str] = {}
    for place, one in snapshots:
        last = before.get(one.entity)
        if one.state is not None and not should_sync(one.kind, one.state):
            found[place] = f"not synced: this kind of {one.kind} stays in Lofty"
        elif last is not None and one.version_ms < last.version_ms:
            found[place] = "ignored: a newer state was read before"
        elif last is not None and one.fingerprint == last.fingerprint:
            found[place] = "unchanged since the last read"
        if last is None or one.version_ms >= last.version_ms:
            before[one.entity] = one
    return found
