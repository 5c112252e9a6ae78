"""Read: what an answer of Lofty says of an entity, as a snapshot, or as a reason to ask again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from connectors.lofty.times import parse_time_ms
from streams.core.fingerprint import fingerprint
from streams.core.rows import FetchRow
from streams.messages import Snapshot

UPDATED = ("lastUpdateTime", "lastUpdate", "updateTime")
"""Where Lofty says when an entity was changed last."""

NotFound = Literal["gone", "ask again", "ask the trash", "not visible", "no lead", "unknown"]


def not_found(row: FetchRow, now_ms: int, *, visibility_ms: int, names_nothing: bool = False) -> NotFound:
    """What a 404 means. `names_nothing`: it does not say what is not there, and may be a proxy's.

    Lofty creates asynchronously: for a while after the change, an entity may not be visible yet.
    A deletion that was announced is confirmed by the 404.
    A lead that nobody said was deleted may merely be hidden from us: only the trash shows it, and a hidden lead is never
    treated as deleted, since the policy may be to delete its contact.
    A lead of which nothing is known but an id in GHL is not a new one, and may be no lead of this team at all.
    """
    if row.operation == "deleted":
        return "gone"
    if now_ms < row.accepted_ms + visibility_ms and not row.may_be_unknown:
        return "ask again"
    if names_nothing:
        return "unknown"
    if row.kind != "contact":
        return "gone"
    if not row.confirms:
        return "ask the trash"
    return "no lead" if row.may_be_unknown else "not visible"


def snapshot_of(row: FetchRow, state: Mapping[str, Any] | None, *, read_ms: int) -> Snapshot:
    """The snapshot of one read. `state` None means that the entity is gone.

    The version is in the vendor's time: the newest that we know of, since not every edit moves `lastUpdateTime`.
    """
    content = None if state is None else dict(state)
    updated = (parse_time_ms(state.get(name)) for name in UPDATED) if state else ()
    return Snapshot(
        connection=row.connection,
        lead=row.lead,
        kind=row.kind,
        id=row.id,
        state=content,
        version_ms=max((row.newest_update_ms, *(at or 0 for at in updated))),
        fingerprint=fingerprint(content),
        read_ms=read_ms,
        update_time_ms=row.oldest_update_ms,
        accepted_ms=row.accepted_ms,
        origin=row.origin,
        trace=row.trace,
    )
