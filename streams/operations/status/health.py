"""What is wrong with a deployment, out of its overview: what `lofty-ghl status` tells, and why its exit code is 1. Pure.

Only what somebody should act on is wrong. A budget that pauses for some seconds after a 429, or a lag that is worked off, is the
pipeline at work.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from streams.messages.parked import PASSED_OVER
from streams.messages.worker_status import STUCK_LOOKS, BudgetStatus
from streams.operations.status.overview import ConnectionView, Overview

PATIENCE_MS = 5 * 60_000
"""How long a pause or a lag may last."""

UNDELIVERED_MS = 60 * 60_000
"""How old the oldest change under way may be: a backfill is hours of work, and is not counted by it."""

SWEEPS_MISSED = 2
"""After so many intervals without one a full sweep is overdue."""


STARTING_MS = 5 * 60_000
"""So long may a worker or a gateway need until it is ready."""

QUIET_MS = 24 * 60 * 60_000
"""So long may no webhook come while sweeps find what they should have told."""

FAILING = 3
"""So many entities of a connection at which attempts fail again and again are no bad luck of one."""

Kind = Literal["worker", "mapping", "partitions", "gateway", "connection", "budget", "lag", "parked"]


@dataclass(frozen=True, slots=True)
class HealthProblem:
    """One thing that is wrong, and what mends it."""

    subject: str
    says: str
    mend: str
    kind: Kind = "worker"


def troubles(found: Overview) -> tuple[HealthProblem, ...]:
    """All that is wrong, the gravest first."""
    if not found.alive:
        silent = [one for one in found.workers if one.state == "silent"]
        last = f"; the last was heard {min(one.silent_ms for one in silent) // 1000} s ago" if silent else ""
        none = HealthProblem("workers", f"none is alive{last}: nothing is carried", "lofty-ghl worker")
        return (none, *_gateways(found), *_parked(found))
    return (
        *_workers(found),
        *_gateways(found),
        *_fallen_silent(found),
        *_parked(found),
        *(trouble for one in found.connections for trouble in _connection(one, found.at_ms)),
        *_unserved(found),
        *(trouble for one in found.budgets for trouble in _budget(one, found.at_ms)),
        *_lags(found),
        *_webhooks(found),
    )


def _workers(found: Overview) -> Iterator[HealthProblem]:
    is_settling = any(_is_starting(one.state, one.status.started_ms, found.at_ms) for one in found.alive)
    if found.unowned and not is_settling:
        says = f"nobody acts for {len(found.unowned)} of {found.partitions} partitions"
        mend = "wait for a rebalance to end; if it stays, restart the workers: their logs say why"
        yield HealthProblem("workers", says, mend, "partitions")
    for one in found.alive:
        name, status = f"worker {one.status.instance}", one.status
        if status.mapping_trouble:
            yield HealthProblem(name, status.mapping_trouble, "lofty-ghl mapping show", "mapping")
        if status.appends_failing_seconds:
            says = f"Kafka has taken nothing of what it writes for {status.appends_failing_seconds:.0f} s"
            yield HealthProblem(name, says, "look at Kafka; the worker's log says what it answers")
        elif (
            one.state == "starting"
            and not _is_starting(one.state, status.started_ms, found.at_ms)
            and not found.unowned
        ):
            minutes = (found.at_ms - status.started_ms) // 60_000
            yield HealthProblem(
                name, f"is alive and not ready, {minutes} min after its start", "its log says what it waits for"
            )
        if status.stuck_looks >= STUCK_LOOKS:
            says = f"has more to read and does not get on: no commit moved in {status.stuck_looks} looks"
            yield HealthProblem(name, says, "its watchdog ends it soon; if this stays, its log says why")
        if aside := status.stores_set_aside:
            says = f"a damaged local store was set aside and read anew from Kafka: {', '.join(aside)}"
            yield HealthProblem(name, says, "look at that disk, then delete it in worker.data_dir")
        if _is_other(status.configuration, found.configuration):
            yield HealthProblem(
                name, "works with another configuration than this one", "give all processes the same file"
            )


def _fallen_silent(found: Overview) -> Iterator[HealthProblem]:
    """Processes that ended without a word (killed, or by a disk that refuses) and that nobody has started again on their host."""
    begun = [(one.status.host, one.status.started_ms) for one in found.alive]
    for one in found.workers:
        status = one.status
        if one.state == "silent" and not _is_followed(status.host, status.at_ms, begun):
            says = f"fell silent {one.silent_ms // 1000} s ago at {status.host or 'an unknown host'}, without having stopped"
            yield HealthProblem(f"worker {status.instance}", says, "its last log lines say why; start it again")
    begun = [(one.status.host, one.status.begun_ms) for one in found.gateways or () if one.is_alive]
    for gateway in found.gateways or ():
        told = gateway.status
        if begun and gateway.state == "silent" and not _is_followed(told.host, told.at_ms, begun):
            says = f"fell silent {gateway.silent_ms // 1000} s ago at {told.host or 'an unknown host'}, without having stopped"
            yield HealthProblem(
                f"gateway {told.gateway}", says, "its last log lines say why; start it again", "gateway"
            )


def _is_followed(host: str, at_ms: int, begun: list[tuple[str, int]]) -> bool:
    return any(its_host == host and its_ms >= at_ms for its_host, its_ms in begun)


def _is_starting(state: str, started_ms: int, now_ms: int) -> bool:
    return state == "starting" and now_ms - started_ms < STARTING_MS


def _is_other(its: str, ours: str) -> bool:
    return bool(its and ours) and its != ours


def _gateways(found: Overview) -> Iterator[HealthProblem]:
    if found.gateways is None:
        return
    if not any(one.is_alive for one in found.gateways):
        silent = [one.silent_ms for one in found.gateways if one.state == "silent"]
        last = f"; the last was heard {min(silent) // 1000} s ago" if silent else ""
        says = f"none is alive{last}: no webhook is taken, and changes come by the sweep only"
        yield HealthProblem("gateways", says, "lofty-ghl gateway", "gateway")
    for one in found.gateways:
        name, status = f"gateway {one.status.gateway}", one.status
        if not one.is_alive:
            continue
        if status.appends_failing_seconds or not status.is_ready:
            says = f"is not ready: Kafka has taken nothing of what it writes for {status.appends_failing_seconds:.0f} s"
            yield HealthProblem(name, says, "look at Kafka; the gateway's log says what it answers", "gateway")
        if _is_other(status.configuration, found.configuration):
            says = f"works with another configuration than this one ({status.connections} connections)"
            yield HealthProblem(name, says, "give all processes the same file, and restart it", "gateway")


def _parked(found: Overview) -> Iterator[HealthProblem]:
    for one in found.parked_open:
        if one.reason == PASSED_OVER:
            mend = f"lofty-ghl backfill CONNECTION, then lofty-ghl parked discard --reason '{PASSED_OVER}'"
            yield HealthProblem("Kafka", one.says, mend, "parked")
        else:
            says = f"{one.number} parked: {one.reason}"
            yield HealthProblem(f"stage {one.stage}", says, f"lofty-ghl parked list --stage '{one.stage}'", "parked")


def _unserved(found: Overview) -> Iterator[HealthProblem]:
    """Connections of this configuration of which no worker tells, although each partition has its owner."""
    is_told = all(
        one.state == "ready"
        and found.at_ms - one.status.started_ms > STARTING_MS
        and one.status.parts_heard == one.status.parts
        for one in found.alive
    )
    if found.unowned or not is_told:
        return
    for one in found.connections:
        sides = [name for name, side in (("Lofty", one.reading), ("GHL", one.writing)) if side is None]
        if sides:
            says = f"no worker serves its {' and '.join(sides)} side: it is not in their configuration"
            yield HealthProblem(f"connection {one.connection}", says, "give all workers the same file", "connection")


def _webhooks(found: Overview) -> Iterator[HealthProblem]:
    """No webhook for a day, though sweeps find changes: somebody does not tell us any more."""
    alive = [one.status for one in found.gateways or () if one.is_alive]
    if not alive or min(one.begun_ms for one in alive) > found.at_ms - QUIET_MS:
        return
    heard_ms = max((one.heard_ms.get("lofty", one.begun_ms) for one in alive), default=0)
    sweeps = [
        one.reading.sweep for one in found.connections if one.reading is not None and one.reading.sweep is not None
    ]
    missed = sum(
        one.changes for one in sweeps if one.running is None and max(one.new_ended_ms, one.full_ended_ms) > heard_ms
    )
    if found.at_ms - heard_ms > QUIET_MS and missed:
        hours = (found.at_ms - heard_ms) // 3_600_000
        says = f"none of Lofty was accepted for {hours} h, and sweeps found {missed} changes meanwhile"
        yield HealthProblem("webhooks", says, "lofty-ghl doctor, then lofty-ghl subscriptions apply", "gateway")


def _connection(one: ConnectionView, now_ms: int) -> Iterator[HealthProblem]:
    name = f"connection {one.connection}"
    if one.on_hold:
        yield HealthProblem(name, f"on hold: {one.on_hold}", "lofty-ghl doctor", "connection")
    if parked := sum(one.parked.values()):
        yield HealthProblem(
            name, f"{parked} parked", f"lofty-ghl parked list --connection {one.connection}", "connection"
        )
    for vendor, does, side in (("Lofty", "reads", one.reading), ("GHL", "writes", one.writing)):
        if side is not None and side.failing >= FAILING:
            says = f"{side.failing} {does} fail again and again at {vendor}: {side.failing_in}"
            yield HealthProblem(name, says, "lofty-ghl doctor; the worker's log has each", "connection")
    sweep = one.reading.sweep if one.reading is not None else None
    is_filling = sweep is not None and sweep.running == "backfill"
    if one.oldest_accepted_ms is not None and not is_filling and now_ms - one.oldest_accepted_ms > UNDELIVERED_MS:
        minutes = (now_ms - one.oldest_accepted_ms) // 60_000
        yield HealthProblem(
            name, f"a change waits since {minutes} min", "lofty-ghl explain LEAD says what it waits for", "connection"
        )
    if sweep is not None and sweep.full_interval_ms and sweep.running is None:
        late_ms = now_ms - sweep.full_ended_ms - SWEEPS_MISSED * sweep.full_interval_ms
        if sweep.full_ended_ms and late_ms > 0:
            hours = (now_ms - sweep.full_ended_ms) // 3_600_000
            yield HealthProblem(
                name, f"the last full sweep ended {hours} h ago", "the worker's log says why none ends", "connection"
            )


def _budget(one: BudgetStatus, now_ms: int) -> Iterator[HealthProblem]:
    name = f"{'Lofty' if one.dispatcher == 'read' else 'GHL'} budget {one.budget}"
    if one.paused:
        is_for_somebody = one.paused_until_ms is None
        is_long = one.paused_since_ms is not None and now_ms - one.paused_since_ms > PATIENCE_MS
        if is_for_somebody or is_long:
            yield HealthProblem(name, f"paused: {one.because or one.paused}", "lofty-ghl doctor", "budget")
    if one.quota_left == 0:
        hours = (one.quota_reset_seconds or 0) / 3600
        yield HealthProblem(
            name, f"the daily quota is used up; it begins anew in {hours:.1f} h", "wait; nothing is lost", "budget"
        )


def _lags(found: Overview) -> Iterator[HealthProblem]:
    for lag in found.lags:
        if lag.records and lag.oldest_ms is not None and found.at_ms - lag.oldest_ms > PATIENCE_MS:
            minutes = (found.at_ms - lag.oldest_ms) // 60_000
            yield HealthProblem(
                f"topic {lag.topic}", f"{lag.records} records wait, since {minutes} min", "start another worker", "lag"
            )
