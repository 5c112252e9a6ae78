"""What is wrong with a deployment, by its overview: what `lofty-ghl status` reports, and why its exit code is 1. Pure.

Only what a person should act on is wrong. A budget that pauses for some seconds after a 429, or a lag that shrinks, is the
pipeline at work.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from streams.messages.parked import PASSED_OVER
from streams.messages.worker_status import STUCK_LOOKS, BudgetStatus
from streams.operations.status.overview import ConnectionView, Overview

LONG_MS = 5 * 60_000
"""How long a pause or a lag may last."""

UNDELIVERED_MS = 60 * 60_000
"""How old the oldest pending change may be, except during a backfill, which takes hours."""

SWEEPS_MISSED = 2
"""After so many intervals without one a full sweep is overdue."""

STARTING_MS = 5 * 60_000
"""How long a worker or a gateway may take until it is ready."""

QUIET_MS = 24 * 60 * 60_000
"""How long no webhook may come while sweeps find changes."""

FAILING = 3
"""So many failing entities of a connection are more than the bad luck of one."""

Kind = Literal["worker", "mapping", "partitions", "gateway", "connection", "budget", "lag", "parked"]


@dataclass(frozen=True, slots=True)
class HealthProblem:
    """One thing that is wrong, and how to fix it."""

    subject: str
    says: str
    mend: str
    kind: Kind = "worker"


def problems_of(found: Overview) -> tuple[HealthProblem, ...]:
    """All problems, the gravest first."""
    if not found.alive:
        silent = [worker.silent_ms for worker in found.workers if worker.state == "silent"]
        last = f"; the last reported {min(silent) // 1000} s ago" if silent else ""
        none = HealthProblem("workers", f"none is alive{last}: nothing is synced", "lofty-ghl worker")
        return (none, *_gateways(found), *_parked(found))
    return (
        *_workers(found),
        *_gateways(found),
        *_silent(found),
        *_parked(found),
        *(problem for connection in found.connections for problem in _connection(connection, found.at_ms)),
        *_unserved(found),
        *(problem for budget in found.budgets for problem in _budget(budget, found.at_ms)),
        *_lags(found),
        *_webhooks(found),
    )


def _workers(found: Overview) -> Iterator[HealthProblem]:
    is_settling = any(_is_starting(worker.state, worker.status.started_ms, found.at_ms) for worker in found.alive)
    if found.unowned and not is_settling:
        says = f"no worker owns {len(found.unowned)} of {found.partitions} partitions"
        mend = "wait for the end of a rebalance; if it stays, restart the workers: their logs say why"
        yield HealthProblem("workers", says, mend, "partitions")
    for worker in found.alive:
        name, status = f"worker {worker.status.instance}", worker.status
        is_late = worker.state == "starting" and not _is_starting(worker.state, status.started_ms, found.at_ms)
        if status.mapping_trouble:
            yield HealthProblem(name, status.mapping_trouble, "lofty-ghl mapping show", "mapping")
        if status.appends_failing_seconds:
            says = f"Kafka has acknowledged none of its records for {status.appends_failing_seconds:.0f} s"
            yield HealthProblem(name, says, "check Kafka; the worker's log has its answers")
        elif is_late and not found.unowned:
            says = f"is alive but not ready, {(found.at_ms - status.started_ms) // 60_000} min after its start"
            yield HealthProblem(name, says, "its log says what it waits for")
        if status.stuck_looks >= STUCK_LOOKS:
            says = f"has records to read and makes no progress: no commit moved in {status.stuck_looks} checks"
            yield HealthProblem(name, says, "its watchdog ends it soon; if this stays, its log says why")
        if aside := status.stores_set_aside:
            says = f"a damaged local store was set aside and rebuilt from Kafka: {', '.join(aside)}"
            yield HealthProblem(name, says, "check that disk, then delete the damaged store in worker.data_dir")
        if _differs(status.configuration, found.configuration):
            says = "uses another configuration than this one"
            yield HealthProblem(name, says, "give all processes the same file")


def _silent(found: Overview) -> Iterator[HealthProblem]:
    """Processes that ended without a shutdown (killed, or by a failing disk) and were not started again on their host."""
    log = "its last log lines say why; start it again"
    started = [(worker.status.host, worker.status.started_ms) for worker in found.alive]
    for worker in found.workers:
        status = worker.status
        if worker.state == "silent" and not _is_replaced(status.host, status.at_ms, started):
            yield HealthProblem(f"worker {status.instance}", _stopped(worker.silent_ms, status.host), log)
    started = [(gateway.status.host, gateway.status.begun_ms) for gateway in found.gateways or () if gateway.is_alive]
    for gateway in found.gateways or ():
        about = gateway.status
        if started and gateway.state == "silent" and not _is_replaced(about.host, about.at_ms, started):
            says = _stopped(gateway.silent_ms, about.host)
            yield HealthProblem(f"gateway {about.gateway}", says, log, "gateway")


def _stopped(silent_ms: int, host: str) -> str:
    return f"stopped reporting {silent_ms // 1000} s ago on {host or 'an unknown host'}, without a shutdown"


def _is_replaced(host: str, at_ms: int, started: list[tuple[str, int]]) -> bool:
    return any(other == host and started_ms >= at_ms for other, started_ms in started)


def _is_starting(state: str, started_ms: int, now_ms: int) -> bool:
    return state == "starting" and now_ms - started_ms < STARTING_MS


def _differs(configuration: str, other: str) -> bool:
    return bool(configuration and other) and configuration != other


def _gateways(found: Overview) -> Iterator[HealthProblem]:
    if found.gateways is None:
        return
    if not any(gateway.is_alive for gateway in found.gateways):
        silent = [gateway.silent_ms for gateway in found.gateways if gateway.state == "silent"]
        last = f"; the last reported {min(silent) // 1000} s ago" if silent else ""
        says = f"none is alive{last}: no webhook is accepted, and only sweeps find changes"
        yield HealthProblem("gateways", says, "lofty-ghl gateway", "gateway")
    for gateway in found.gateways:
        name, status = f"gateway {gateway.status.gateway}", gateway.status
        if not gateway.is_alive:
            continue
        if status.appends_failing_seconds or not status.is_ready:
            seconds = status.appends_failing_seconds
            says = f"is not ready: Kafka has acknowledged none of its records for {seconds:.0f} s"
            yield HealthProblem(name, says, "check Kafka; the gateway's log has its answers", "gateway")
        if _differs(status.configuration, found.configuration):
            says = f"uses another configuration than this one ({status.connections} connections)"
            yield HealthProblem(name, says, "give all processes the same file, and restart it", "gateway")


def _parked(found: Overview) -> Iterator[HealthProblem]:
    for parked in found.parked_open:
        if parked.reason == PASSED_OVER:
            mend = f"lofty-ghl backfill CONNECTION, then lofty-ghl parked discard --reason '{PASSED_OVER}'"
            yield HealthProblem("Kafka", parked.says, mend, "parked")
        else:
            mend = f"lofty-ghl parked list --stage '{parked.stage}'"
            yield HealthProblem(f"stage {parked.stage}", f"{parked.number} parked: {parked.reason}", mend, "parked")


def _unserved(found: Overview) -> Iterator[HealthProblem]:
    """Connections of this configuration that no worker reports, although each partition has an owner."""
    is_reported = all(
        worker.state == "ready"
        and found.at_ms - worker.status.started_ms > STARTING_MS
        and worker.status.parts_heard == worker.status.parts
        for worker in found.alive
    )
    if found.unowned or not is_reported:
        return
    for connection in found.connections:
        sides = [name for name, side in (("Lofty", connection.reading), ("GHL", connection.writing)) if side is None]
        if sides:
            says = f"no worker serves its {' and '.join(sides)} side: it is not in their configuration"
            name = f"connection {connection.title}"
            yield HealthProblem(name, says, "give all workers the same file", "connection")


def _webhooks(found: Overview) -> Iterator[HealthProblem]:
    """No webhook for a day, although sweeps find changes: Lofty has stopped to send them."""
    alive = [gateway.status for gateway in found.gateways or () if gateway.is_alive]
    if not alive or min(status.begun_ms for status in alive) > found.at_ms - QUIET_MS:
        return
    last_ms = max((status.heard_ms.get("lofty", status.begun_ms) for status in alive), default=0)
    sweeps = [
        one.reading.sweep for one in found.connections if one.reading is not None and one.reading.sweep is not None
    ]
    missed = sum(
        sweep.changes
        for sweep in sweeps
        if sweep.running is None and max(sweep.new_ended_ms, sweep.full_ended_ms) > last_ms
    )
    if found.at_ms - last_ms > QUIET_MS and missed:
        hours = (found.at_ms - last_ms) // 3_600_000
        says = f"none from Lofty was accepted for {hours} h, and sweeps found {missed} changes meanwhile"
        yield HealthProblem("webhooks", says, "lofty-ghl doctor, then lofty-ghl subscriptions apply", "gateway")


def _connection(view: ConnectionView, now_ms: int) -> Iterator[HealthProblem]:
    name = f"connection {view.title}"
    if view.on_hold:
        yield HealthProblem(name, f"on hold: {view.on_hold}", "lofty-ghl doctor", "connection")
    if parked := sum(view.parked.values()):
        mend = f"lofty-ghl parked list --connection {view.connection}"
        yield HealthProblem(name, f"{parked} parked", mend, "connection")
    for vendor, calls, side in (("Lofty", "reads", view.reading), ("GHL", "writes", view.writing)):
        if side is not None and side.failing >= FAILING:
            says = f"{side.failing} {calls} keep failing at {vendor}: {side.failing_in}"
            yield HealthProblem(name, says, "lofty-ghl doctor; the worker's log has each", "connection")
    sweep = view.reading.sweep if view.reading is not None else None
    is_backfill = sweep is not None and sweep.running == "backfill"
    if view.oldest_accepted_ms is not None and not is_backfill and now_ms - view.oldest_accepted_ms > UNDELIVERED_MS:
        says = f"a change has waited for {(now_ms - view.oldest_accepted_ms) // 60_000} min"
        yield HealthProblem(name, says, "lofty-ghl explain LEAD says what it waits for", "connection")
    if sweep is not None and sweep.full_interval_ms and sweep.running is None:
        late_ms = now_ms - sweep.full_ended_ms - SWEEPS_MISSED * sweep.full_interval_ms
        if sweep.full_ended_ms and late_ms > 0:
            says = f"the last full sweep ended {(now_ms - sweep.full_ended_ms) // 3_600_000} h ago"
            yield HealthProblem(name, says, "the worker's log says why none ends", "connection")


def _budget(budget: BudgetStatus, now_ms: int) -> Iterator[HealthProblem]:
    name = f"{'Lofty' if budget.dispatcher == 'read' else 'GHL'} budget {budget.budget}"
    if budget.paused:
        is_until_fixed = budget.paused_until_ms is None
        is_long = budget.paused_since_ms is not None and now_ms - budget.paused_since_ms > LONG_MS
        if is_until_fixed or is_long:
            yield HealthProblem(name, f"paused: {budget.because or budget.paused}", "lofty-ghl doctor", "budget")
    if budget.quota_left == 0:
        says = f"the daily quota is used up; it resets in {(budget.quota_reset_seconds or 0) / 3600:.1f} h"
        yield HealthProblem(name, says, "wait; nothing is lost", "budget")


def _lags(found: Overview) -> Iterator[HealthProblem]:
    for lag in found.lags:
        if lag.records and lag.oldest_ms is not None and found.at_ms - lag.oldest_ms > LONG_MS:
            says = f"{lag.records} records wait, the oldest for {(found.at_ms - lag.oldest_ms) // 60_000} min"
            yield HealthProblem(f"topic {lag.topic}", says, "start another worker", "lag")
