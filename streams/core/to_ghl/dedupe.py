"""Dedupe: which changes are let through, and how they gather into one pending read.

A change only says "look again".
So a change that is not newer than one already let through is a duplicate or a latecomer: the read that followed has seen it.
Two different operations at the same millisecond are two changes.
What a person or a schedule asks for on purpose (replay, backfill), what a sweep found to differ, and what the pipeline itself
needs (dependency) always passes, with the newest time that was let through: its read comes after that one's.
"""

from __future__ import annotations

from typing import Literal

from streams.core.rows import FetchRow, SeenRow
from streams.core.scheduling.dispatcher import Priority
from streams.messages import Change, Origin

Admission = Literal["admitted", "duplicate", "late"]

_ALWAYS: frozenset[Origin] = frozenset({"sweep", "replay", "backfill", "dependency"})

_PRIORITY: dict[Origin, Priority] = {
    "webhook": Priority.LIVE,
    "dependency": Priority.LIVE,
    "sweep": Priority.SWEEP,
    "replay": Priority.SWEEP,
    "backfill": Priority.BACKFILL,
}


def admit(seen: SeenRow | None, change: Change) -> Admission:
    """Whether a change is let through, given the newest one that was."""
    if seen is None or change.origin in _ALWAYS or change.update_time_ms > seen.update_time_ms:
        return "admitted"
    if change.update_time_ms < seen.update_time_ms:
        return "late"
    return "duplicate" if change.operation == seen.operation else "admitted"


def raised(seen: SeenRow | None, change: Change) -> Change:
    """The change as it is let through: never older than what was before it, or its snapshot would be taken for stale.

    Nor does it undo a deletion: a list may have been asked for before that. The read shows whether it was restored meanwhile.
    """
    if seen is None or change.update_time_ms >= seen.update_time_ms:
        return change
    operation = "deleted" if seen.operation == "deleted" else change.operation
    return change.model_copy(update={"update_time_ms": seen.update_time_ms, "operation": operation})


def remember(seen: SeenRow | None, change: Change) -> SeenRow:
    """The row after a change was let through. It never goes back in time."""
    if seen is not None and seen.update_time_ms > change.update_time_ms:
        return seen
    return SeenRow(update_time_ms=change.update_time_ms, operation=change.operation)


def priority_of(origin: Origin) -> Priority:
    """How urgent work of this origin is."""
    return _PRIORITY[origin]


def gather(row: FetchRow | None, change: Change) -> FetchRow:
    """Merge a change into the entity's pending read: any number of changes is one read.

    The newest operation counts, the oldest times measure freshness, the most urgent origin decides the priority.
    A new change clears what parked the read, and asks the ordinary question again before the trash is asked:
    a lead that was restored meanwhile is no deleted one. The waiting after failures goes on.
    """
    if row is None:
        return FetchRow(
            connection=change.connection,
            lead=change.lead,
            kind=change.kind,
            id=change.id,
            operation=change.operation,
            newest_update_ms=change.update_time_ms,
            oldest_update_ms=change.update_time_ms,
            accepted_ms=change.accepted_ms,
            origin=change.origin,
            trace=change.trace,
            only_moved=change.only_moved,
            may_be_unknown=change.may_be_unknown,
            hanging=change.hanging,
        )
    is_newer = change.update_time_ms >= row.newest_update_ms
    is_more_urgent = priority_of(change.origin) < priority_of(row.origin)
    return row.model_copy(
        update={
            "operation": change.operation if is_newer else row.operation,
            "newest_update_ms": max(row.newest_update_ms, change.update_time_ms),
            "oldest_update_ms": min(row.oldest_update_ms, change.update_time_ms),
            "accepted_ms": min(row.accepted_ms, change.accepted_ms),
            "origin": change.origin if is_more_urgent else row.origin,
            "trace": row.trace or change.trace,
            "generation": row.generation + 1,
            "parked": "",
            "confirms": False,
            "only_moved": row.only_moved and change.only_moved,
            "may_be_unknown": row.may_be_unknown and change.may_be_unknown,
            "hanging": change.hanging or row.hanging,
        }
    )
