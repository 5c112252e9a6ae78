"""Rotation: whose notes, tasks and appointments a full sweep reads. They cost two requests a lead, the leads themselves a hundredth of one.

- **Active leads, each time**: Lofty's list shows anything of the lead otherwise than before (its times of the last update, touch and
  visit are in it), a webhook made us read something of it, or we wrote to it in Lofty. Also those whose lists were never read.
- **Quiet leads, in turn**: each has moments of its own, always `interval_ms` apart, at a place that follows from its id. It is due
  in the first sweep after one. So a night has an even share of the leads, even if all were read at once before, as by a backfill,
  and a night that is missed is made up for in the next one.

The interval is the greatest number of whole sweeps that keeps what `quiet_days` promises, also where sweeps begin late by a quarter
of their own interval in all: with a sweep a day and 7 days, six. Where that is one sweep, there is no rotation.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from math import ceil

from streams.core.rows import SweepKind, SweptRow
from streams.core.sweep import Listed, Schedule
from streams.messages import Entity

LATE = 0.25
"""How late sweeps may begin between two looks at a quiet lead, all together, as a part of their interval."""


def interval_ms(schedule: Schedule) -> int:
    """How far apart the moments of a quiet lead are; 0 where each full sweep reads what hangs on every lead."""
    if not schedule.full_ms:
        return 0
    sweeps = ceil(schedule.quiet_ms / schedule.full_ms - LATE) - 1
    return sweeps * schedule.full_ms if sweeps > 1 else 0


def promised_ms(schedule: Schedule) -> int | None:
    """What is promised: the lists of each lead are read at least so often. None where full sweeps read none, or never run."""
    return max(schedule.quiet_ms, schedule.full_ms) if schedule.children and schedule.full_ms else None


def is_active(before: SweptRow | None, lead: Listed) -> bool:
    """Whether something has happened to a lead since its lists were read, by how it is listed now."""
    if before is None or before.is_active:
        return True
    return (before.updated_ms, before.fingerprint) != (lead.updated_ms, lead.fingerprint)


def seen_row(before: SweptRow | None, one: Listed, run_ms: int) -> SweptRow:
    """What is remembered of an entity that a run has listed."""
    row = SweptRow(run_ms=run_ms, updated_ms=one.updated_ms, fingerprint=one.fingerprint)
    if one.entity.kind != "contact":
        return row
    read_ms = before.children_ms if before is not None else 0
    return row.model_copy(update={"children_ms": read_ms, "is_active": is_active(before, one)})


def must_read_children(
    kind: SweepKind, before: SweptRow | None, lead: Listed, started_ms: int, schedule: Schedule
) -> bool:
    """Whether a run that began at `started_ms` reads the lists of a lead; `before` is what was known of it."""
    if kind == "new" or not schedule.children:
        return False
    if before is None or not before.children_ms:
        return True
    if before.children_ms == started_ms:
        return False  # before its worker was replaced
    interval = interval_ms(schedule)
    if kind == "backfill" or not interval or is_active(before, lead):
        return True
    return is_due(lead.entity, before.children_ms, started_ms, interval)


def is_due(lead: Entity, read_ms: int, now_ms: int, interval: int) -> bool:
    """Whether a moment of a quiet lead has passed since its lists were read."""
    place = int.from_bytes(blake2b(lead.lane.encode(), digest_size=8).digest(), "big") % interval
    return (read_ms - place) // interval < (now_ms - place) // interval


def leads_to_read(
    kind: SweepKind, known: Sequence[SweptRow | None], page: Sequence[Listed], started_ms: int, schedule: Schedule
) -> list[Entity]:
    """The leads of a page whose lists are read; `known` is what was known of each."""
    return [
        lead.entity
        for before, lead in zip(known, page, strict=True)
        if must_read_children(kind, before, lead, started_ms, schedule)
    ]
