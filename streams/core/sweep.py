"""Sweep: reads all that Lofty lists, to find changes that no webhook reported.

Lofty lists leads by page and knows no "changed since". So there are two runs:

- **new leads**, often: the newest first, back to an hour before the last run began;
- **full**, rarely: all leads from the oldest, each compared with how the last run found it, and the notes, tasks and
  appointments of those whose turn it is (`core/sweep_rotation.py`). An entity that is no longer listed is missing: it is read, because missing does not prove that it was deleted.

New leads come at the end of a full run's order, so they shift nothing; a deleted lead moves those behind it forward.
Therefore each page begins with the last lead of the page before it. A page on which nothing is known of this run shows that
the list has moved: the run goes back until it meets what it has seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.lofty.times import parse_time_ms
from streams.core.fingerprint import fingerprint
from streams.core.rows import SweepKind, SweepRow, SweptRow
from streams.messages import Change, Entity, Operation, Origin
from streams.messages.entity import Kind
from streams.settings import Connection, SweepSettings

PAGE = 100
"""Lofty's largest page of leads."""

OVERLAP_MS = 60 * 60 * 1000
"""How far a sweep of new leads reaches back behind the last one's begin: clocks differ, and Lofty creates asynchronously."""

SUSPICIOUS_PART = 0.2
SUSPICIOUS_LEADS = 20
"""More than this part of all leads, and more than this number, do not vanish between two runs: then it is our access."""

CHILD_LISTS: Mapping[Kind, tuple[Kind, ...]] = {"note": ("note",), "task": ("task", "appointment")}
"""The lists of what hangs on a lead, by the kind that each is named for, and the kinds that each holds."""

_UPDATED = ("lastUpdateTime", "lastUpdate", "updateTime", "createTime")


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a connection is swept: milliseconds between two runs, None for never. `children`: notes, tasks, appointments too,
    of a lead to which nothing happens at least every `quiet_ms`, 0 for in each full run.
    """

    new_ms: int | None
    full_ms: int | None
    children: bool = True
    quiet_ms: int = 0


@dataclass(frozen=True, slots=True)
class Listed:
    """One entity of a list."""

    entity: Entity
    updated_ms: int | None
    created_ms: int | None
    fingerprint: str
    state: Mapping[str, Any] = field(repr=False, compare=False)


def listed(entity: Entity, state: Mapping[str, Any]) -> Listed:
    """What a list says of an entity, by Lofty's own JSON."""
    updated = [at for name in _UPDATED if (at := parse_time_ms(state.get(name))) is not None]
    created = parse_time_ms(state.get("createTime"))
    return Listed(entity, max(updated, default=None), created, fingerprint(dict(state)), state)


def pair_of(connection: Connection) -> dict[str, str]:
    """What a row of `sweeps` names of a connection."""
    return {"team_id": connection.lofty.team_id, "location_id": connection.ghl.location_id}


def schedule_of(settings: SweepSettings) -> Schedule:
    """A connection's schedule from its settings."""
    return Schedule(
        new_ms=round(settings.new_minutes * 60_000) or None,
        full_ms=round(settings.full_hours * 3_600_000) or None,
        children=settings.children,
        quiet_ms=round(settings.quiet_days * 86_400_000),
    )


def next_run(row: SweepRow, schedule: Schedule, now_ms: int) -> tuple[SweepKind | None, int]:
    """What is due now; or None, and in how many milliseconds something is."""
    if row.ordered != row.served:
        return "backfill", 0
    waits: list[tuple[int, SweepKind]] = []
    if schedule.full_ms is not None:
        waits.append((row.full_ended_ms + schedule.full_ms - now_ms, "full"))
    if schedule.new_ms is not None:
        waits.append((row.new_ended_ms + schedule.new_ms - now_ms, "new"))
    for wait, kind in waits:
        if wait <= 0:
            return kind, 0
    return None, min((wait for wait, _ in waits), default=24 * 60 * 60 * 1000)


def start_sweep(row: SweepRow, kind: SweepKind, now_ms: int) -> SweepRow:
    """A run starts."""
    return row.model_copy(
        update={
            "kind": kind,
            "started_ms": now_ms,
            "offset": 0,
            "since_ms": row.new_ended_ms - OVERLAP_MS,
            "is_listed": False,
            "leads": 0,
            "changes": 0,
            "looks": 0,
            "total": None,
        }
    )


def connects(row: SweepRow, page: Sequence[SweptRow | None]) -> bool:
    """Whether a page goes on where the one before it ended; `page` is what is known of each of its leads."""
    if row.offset == 0 or row.kind == "new":
        return True
    return any(swept is not None and swept.run_ms == row.started_ms for swept in page)


def go_back(row: SweepRow) -> SweepRow:
    """The list has moved forward beneath us, or a worker ended in the middle of a page: a page earlier."""
    return row.model_copy(update={"offset": max(0, row.offset - PAGE + 1)})


def go_on(
    row: SweepRow, page: Sequence[Listed], total: int | None, changes: int, lost: int = 0, looks: int = 0
) -> SweepRow:
    """A page that connects was read, and what hangs on `looks` of its leads too. `lost` counts those that cannot be read."""
    end = row.offset + len(page) + lost
    is_listed = end == row.offset or (end >= total if total is not None else len(page) + lost < PAGE)
    if row.kind == "new":
        is_listed |= any(one.created_ms is not None and one.created_ms < row.since_ms for one in page)
    return row.model_copy(
        update={
            "offset": max(end - 1, row.offset + 1),
            "is_listed": is_listed,
            "leads": end if total is None else min(end, total),
            "changes": row.changes + changes,
            "looks": row.looks + looks,
            "total": total,
        }
    )


def finish(row: SweepRow, missing: int, now_ms: int, oldest_look_ms: int = 0) -> SweepRow:
    """A run has ended. A full one has found what is new, too."""
    update: dict[str, object] = {"kind": None, "new_ended_ms": row.started_ms, "changes": row.changes + missing}
    if row.kind != "new":
        update |= {"full_ended_ms": row.started_ms, "oldest_look_ms": oldest_look_ms}
    if row.kind == "full":
        took_ms = max(0, now_ms - row.started_ms)
        update |= {"full_leads": row.leads, "full_looks": row.looks, "full_took_ms": took_ms}
    if row.kind == "backfill":
        update["served"] = row.ordered
    return row.model_copy(update=update)


def must_read(kind: SweepKind, swept: SweptRow | None, one: Listed) -> bool:
    """Whether an entity must be read: it is not as the last run found it, or everything was asked for."""
    if kind == "backfill" or swept is None:
        return True
    return (swept.updated_ms, swept.fingerprint) != (one.updated_ms, one.fingerprint)


def is_suspicious(missing: int, known: int) -> bool:
    """Whether so many leads are missing that it must be our access that changed, and not the leads."""
    return missing > SUSPICIOUS_LEADS and missing > known * SUSPICIOUS_PART


def change_of(entity: Entity, kind: SweepKind, operation: Operation, updated_ms: int | None, now_ms: int) -> Change:
    """The change that a run has found. Its time is Lofty's own; `dedupe` raises it to the newest that it has let through."""
    origin: Origin = "backfill" if kind == "backfill" else "sweep"
    return Change(
        connection=entity.connection,
        lead=entity.lead,
        kind=entity.kind,
        id=entity.id,
        operation=operation,
        update_time_ms=updated_ms or 0,
        accepted_ms=now_ms,
        origin=origin,
    )
