"""Deliver: which snapshots become the desired state of an entity.

Snapshots of one entity are ordered by their version; an older one never replaces a newer one, in the outbox or in GHL.
Equal versions follow the topic: the record with the higher offset was read later.
"""

from __future__ import annotations

from typing import Literal

from streams.core.rows import LinkRow, OutboxRow
from streams.messages import Snapshot

Acceptance = Literal["accepted", "stale", "unchanged"]
Redelivered = Literal["accepted", "stale", "unchanged", "pending"]


def accept(row: OutboxRow | None, link: LinkRow | None, snapshot: Snapshot, settled_as: str) -> Acceptance:
    """Whether a snapshot becomes the entity's desired state.

    `settled_as` is the fingerprint of a link that satisfies this snapshot under the mapping in force. It is empty if the
    connection is no longer configured: then the state is kept until it is again.
    """
    if row is not None and snapshot.version_ms < row.snapshot.version_ms:
        return "stale"
    if link is not None:
        if snapshot.version_ms < link.version_ms:
            return "stale"
        if row is None and settled_as and link.settled == settled_as:
            return "unchanged"
    return "accepted"


def accept_again(row: OutboxRow | None, link: LinkRow | None, snapshot: Snapshot, settled_as: str) -> Redelivered:
    """Whether a snapshot that is replayed becomes the entity's desired state once more.

    It was read from the topic some time ago, so it counts only where nothing newer is known; versions may be equal though
    the states are not, and then the state in the row or the link was read later.
    What is on its way goes there under the mapping in force anyhow (`pending`); what is parked with this very state is tried
    again.
    """
    if row is not None:
        if snapshot.version_ms < row.snapshot.version_ms:
            return "stale"
        return "accepted" if row.parked and row.snapshot.fingerprint == snapshot.fingerprint else "pending"
    if link is not None:
        is_another = bool(link.settled) and not link.settled.startswith(f"{snapshot.fingerprint}/")
        if snapshot.version_ms < link.version_ms or (snapshot.version_ms == link.version_ms and is_another):
            return "stale"
        if settled_as and link.settled == settled_as:
            return "unchanged"
    return "accepted"


def desire(row: OutboxRow | None, snapshot: Snapshot, epoch: int = 0, under_way: Snapshot | None = None) -> OutboxRow:
    """The outbox row for an accepted snapshot. What parked an earlier state is forgotten; the oldest times are kept.

    A state that an earlier owner left behind may have been on its way to GHL when that owner ended: it is remembered.
    So is the one that is `under_way` right now, since we may end before its answer is recorded.
    """
    if row is None:
        return OutboxRow(snapshot=snapshot, epoch=epoch)
    before = row.before
    if row.epoch != epoch:
        if row.snapshot.fingerprint == snapshot.fingerprint:
            epoch = row.epoch  # the same state, read again: it still is the earlier owner's, and may be on its way
        else:
            before = (*before, row.snapshot)
    elif under_way is not None and under_way.fingerprint != snapshot.fingerprint and under_way not in before:
        before = (*before, under_way)
    oldest = snapshot.model_copy(
        update={
            "update_time_ms": min(snapshot.update_time_ms, row.snapshot.update_time_ms),
            "accepted_ms": min(snapshot.accepted_ms, row.snapshot.accepted_ms),
            "trace": row.snapshot.trace or snapshot.trace,
        }
    )
    return OutboxRow(
        snapshot=oldest, attempts=row.attempts, not_before_ms=row.not_before_ms, epoch=epoch, before=before
    )


def settled_as(snapshot_fingerprint: str, mapping_fingerprint: str) -> str:
    """What a link's `settled` reads when it satisfies a snapshot under a mapping."""
    return f"{snapshot_fingerprint}/{mapping_fingerprint}"
