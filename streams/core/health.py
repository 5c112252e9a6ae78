"""What is wrong with a deployment, out of its overview: what `lofty-ghl status` tells, and why its exit code is 1. Pure.

Only what somebody should act on is wrong. A budget that pauses for some seconds after a 429, or a lag that is worked off, is the
pipeline at work.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from streams.core.overview import ConnectionView, Overview
from streams.words.worker_status import BudgetStatus

PATIENCE_MS = 5 * 60_000
"""How long a pause or a lag may last."""

UNDELIVERED_MS = 60 * 60_000
"""How old the oldest change under way may be: a backfill is hours of work, and is not counted by it."""

SWEEPS_MISSED = 2
"""After so many intervals without one a full sweep is overdue."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong, and what mends it."""

    subject: str
    says: str
    mend: str


def troubles(found: Overview) -> tuple[Trouble, ...]:
    """All that is wrong, the gravest first."""
    if not found.alive:
        silent = [one for one in found.workers if one.state == "silent"]
        last = f"; the last was heard {min(one.silent_ms for one in silent) // 1000} s ago" if silent else ""
        return (Trouble("workers", f"none is alive{last}: nothing is carried", "lofty-ghl worker"),)
    return (
        *_workers(found),
        *(trouble for one in found.connections for trouble in _connection(one, found.at_ms)),
        *(trouble for one in found.budgets for trouble in _budget(one, found.at_ms)),
        *_lags(found),
    )


def _workers(found: Overview) -> Iterator[Trouble]:
    if found.unowned and all(one.state == "ready" for one in found.alive):
        says = f"nobody acts for {len(found.unowned)} of {found.partitions} partitions"
        yield Trouble(
            "workers", says, "wait for a rebalance to end; if it stays, restart the workers: their logs say why"
        )
    for one in found.alive:
        if one.status.mapping_trouble:
            yield Trouble(f"worker {one.status.instance}", one.status.mapping_trouble, "lofty-ghl mapping show")
        if aside := one.status.stores_set_aside:
            says = f"a damaged local store was set aside and read anew from Kafka: {', '.join(aside)}"
            yield Trouble(f"worker {one.status.instance}", says, "look at that disk, then delete it in worker.data_dir")


def _connection(one: ConnectionView, now_ms: int) -> Iterator[Trouble]:
    name = f"connection {one.connection}"
    if one.on_hold:
        yield Trouble(name, f"on hold: {one.on_hold}", "lofty-ghl doctor")
    if parked := sum(one.parked.values()):
        yield Trouble(name, f"{parked} parked", f"lofty-ghl parked list --connection {one.connection}")
    sweep = one.reading.sweep if one.reading is not None else None
    is_filling = sweep is not None and sweep.running == "backfill"
    if one.oldest_accepted_ms is not None and not is_filling and now_ms - one.oldest_accepted_ms > UNDELIVERED_MS:
        minutes = (now_ms - one.oldest_accepted_ms) // 60_000
        yield Trouble(name, f"a change waits since {minutes} min", "lofty-ghl explain LEAD says what it waits for")
    if sweep is not None and sweep.full_interval_ms and sweep.running is None:
        late_ms = now_ms - sweep.full_ended_ms - SWEEPS_MISSED * sweep.full_interval_ms
        if sweep.full_ended_ms and late_ms > 0:
            hours = (now_ms - sweep.full_ended_ms) // 3_600_000
            yield Trouble(name, f"the last full sweep ended {hours} h ago", "the worker's log says why none ends")


def _budget(one: BudgetStatus, now_ms: int) -> Iterator[Trouble]:
    name = f"{'Lofty' if one.dispatcher == 'read' else 'GHL'} budget {one.budget}"
    if one.paused:
        is_for_somebody = one.paused_until_ms is None
        is_long = one.paused_since_ms is not None and now_ms - one.paused_since_ms > PATIENCE_MS
        if is_for_somebody or is_long:
            yield Trouble(name, f"paused: {one.because or one.paused}", "lofty-ghl doctor")
    if one.quota_left == 0:
        hours = (one.quota_reset_seconds or 0) / 3600
        yield Trouble(name, f"the daily quota is used up; it begins anew in {hours:.1f} h", "wait; nothing is lost")


def _lags(found: Overview) -> Iterator[Trouble]:
    for lag in found.lags:
        if lag.records and lag.oldest_ms is not None and found.at_ms - lag.oldest_ms > PATIENCE_MS:
            minutes = (found.at_ms - lag.oldest_ms) // 60_000
            yield Trouble(
                f"topic {lag.topic}", f"{lag.records} records wait, since {minutes} min", "start another worker"
            )
