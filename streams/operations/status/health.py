"""What is wrong with a deployment, by its overview: what `lofty-ghl status` reports, and why its exit code is 1. Pure.

Only what a person should act on is wrong. A budget that pauses for some seconds after a 429, or a lag that shrinks, is the
pipeline at work.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from streams.core.moments import utc
from streams.core.notifications.problem import Cause, Problem
from streams.core.sweep_schedules import forecasts, late_words, remedies
from streams.messages.parked import PASSED_OVER
from streams.messages.worker_status import STUCK_LOOKS, BudgetStatus, OtherDeployment, SweepStatus
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

OPT_OUT_MS = 60_000
"""How long one side may not know of an opt-out of the other: each further message may cost a fine."""

WRONG_ACCOUNT = "wrong account"
"""How the cause of a pause begins where the access is another team's (`connectors/outcome.py`)."""

UNREAD_MS = 30_000
"""How long a gateway may not read a topic that it follows: a broker that restarts takes some seconds."""
UNDELIVERABLE_MS = 60_000
"""How long notifications may fail."""

NO_ACCESS = frozenset({"no access", "uninstalled"})
"""Pauses that only a person ends, although each of them is tried again after a minute."""

STOP_ONE = "stop one of the two; if the other has stopped already, lofty-ghl connections take-over {name}"

Kind = Literal["worker", "mapping", "partitions", "gateway", "connection", "budget", "lag", "parked", "move"]


@dataclass(frozen=True, slots=True)
class HealthProblem:
    """One thing that is wrong, and how to fix it. `about` says it without words: notifications follow it over time."""

    subject: str
    says: str
    mend: str
    kind: Kind
    about: Problem


def problems_of(found: Overview) -> tuple[HealthProblem, ...]:
    """All problems, the gravest first."""
    if not found.alive:
        silent = [worker.silent_ms for worker in found.workers if worker.state == "silent"]
        last = f"; the last reported {min(silent) // 1000} s ago" if silent else ""
        none = HealthProblem(
            "workers", f"none is alive{last}: nothing is synced", "lofty-ghl worker", "worker", Problem("no worker")
        )
        moving = tuple(_move(found))
        # A worker that is started now would end at once.
        absent = () if found.move is not None and found.move.pauses_workers else (none,)
        return (*absent, *moving, *_gateways(found), *_parked(found))
    return (
        *_move(found),
        *_workers(found),
        *_gateways(found),
        *_silent(found),
        *_parked(found),
        *(problem for connection in found.connections for problem in _connection(connection, found.at_ms)),
        *_unserved(found),
        *(
            problem
            for budget in found.budgets
            if not awaits_consent(found, budget)
            for problem in _budget(budget, found.at_ms)
        ),
        *_schedules(found),
        *_lags(found),
        *_webhooks(found),
    )


def awaits_consent(found: Overview, budget: BudgetStatus) -> bool:
    """Whether a budget lacks an access that nobody needs yet: all its connections rest, as those do whose owner has not agreed yet."""
    if not budget.connections or not budget.paused or _pause_cause(budget) != "access":
        return False  # at first, as this is asked for each budget
    resting = {one.connection for one in found.connections if one.paused and one.rests}
    return resting.issuperset(budget.connections)


def _move(found: Overview) -> Iterator[HealthProblem]:
    """A move to more partitions that stands still, or that pauses all workers."""
    move = found.move
    if move is None:
        return
    since_ms = move.stands_still_since(found.at_ms)
    is_paused = move.pauses_workers and not found.alive
    if since_ms is None and not is_paused:
        return
    why = "no worker may run, so nothing is synced" if move.pauses_workers else "nobody goes on with it"
    about = Problem("move" if move.pauses_workers else "copy rests", since_ms=since_ms or move.since_ms)
    mend = f"lofty-ghl partitions grow --to {move.growth.to_partitions}"
    yield HealthProblem("more partitions", f"{why}: {move.words_at(found.at_ms)}", mend, "move", about)


def _workers(found: Overview) -> Iterator[HealthProblem]:
    is_settling = any(_is_starting(worker.state, worker.status.started_ms, found.at_ms) for worker in found.alive)
    if found.unowned and not is_settling:
        says = f"no worker owns {len(found.unowned)} of {found.partitions} partitions"
        mend = "wait for the end of a rebalance; if it stays, restart the workers: their logs say why"
        yield HealthProblem("workers", says, mend, "partitions", Problem("partitions"))
    for worker in found.alive:
        name, status = f"worker {worker.status.instance}", worker.status

        def problem(
            says: str, mend: str, cause: Cause = "worker", kind: Kind = "worker", name: str = name
        ) -> HealthProblem:
            return HealthProblem(name, says, mend, kind, Problem(cause, name))

        is_late = worker.state == "starting" and not _is_starting(worker.state, status.started_ms, found.at_ms)
        if status.mapping_trouble:
            yield problem(status.mapping_trouble, "lofty-ghl mapping show", kind="mapping")
        for connection, says in status.connection_trouble.items():
            about = Problem("worker", f"{name} {connection}", (connection,))
            mend = "change the connection in the console, or fix the keys"
            yield HealthProblem(f"connection {connection}", f"{name}: {says}", mend, "connection", about)
        if status.appends_failing_seconds:
            says = f"Kafka has acknowledged none of its records for {status.appends_failing_seconds:.0f} s"
            yield problem(says, "check Kafka; the worker's log has its answers", "kafka")
        elif is_late and not found.unowned:
            says = f"is alive but not ready, {(found.at_ms - status.started_ms) // 60_000} min after its start"
            yield problem(says, "its log says what it waits for")
        if status.stuck_looks >= STUCK_LOOKS:
            says = f"has records to read and makes no progress: no commit moved in {status.stuck_looks} checks"
            yield problem(says, "its watchdog ends it soon; if this stays, its log says why")
        if aside := status.stores_set_aside:
            says = f"a damaged local store was set aside and rebuilt from Kafka: {', '.join(aside)}"
            yield problem(says, "check that disk, then delete the damaged store in worker.data_dir")
        if _differs(status.configuration, found.configuration):
            says = "uses another configuration than this one"
            yield problem(says, "give all processes the same file")


def _silent(found: Overview) -> Iterator[HealthProblem]:
    """Processes that ended without a shutdown (killed, or by a failing disk) and were not started again on their host."""
    log = "its last log lines say why; start it again"
    started = [(worker.status.host, worker.status.started_ms) for worker in found.alive]
    for worker in found.workers:
        status = worker.status
        if worker.state == "silent" and not _is_replaced(status.host, status.at_ms, started):
            name = f"worker {status.instance}"
            says = _stopped(worker.silent_ms, status.host)
            yield HealthProblem(name, says, log, "worker", Problem("worker stopped", name, since_ms=status.at_ms))
    started = [(gateway.status.host, gateway.status.begun_ms) for gateway in found.gateways or () if gateway.is_alive]
    for gateway in found.gateways or ():
        about = gateway.status
        if started and gateway.state == "silent" and not _is_replaced(about.host, about.at_ms, started):
            says = _stopped(gateway.silent_ms, about.host)
            name = f"gateway {about.gateway}"
            yield HealthProblem(name, says, log, "gateway", Problem("gateway stopped", name, since_ms=about.at_ms))


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
        yield HealthProblem("gateways", says, "lofty-ghl gateway", "gateway", Problem("no gateway"))
    for gateway in found.gateways:
        name, status = f"gateway {gateway.status.gateway}", gateway.status
        if not gateway.is_alive:
            continue
        if status.appends_failing_seconds or not status.is_ready:
            seconds = status.appends_failing_seconds
            says = f"is not ready: Kafka has acknowledged none of its records for {seconds:.0f} s"
            yield HealthProblem(
                name, says, "check Kafka; the gateway's log has its answers", "gateway", Problem("kafka", name)
            )
        if _differs(status.configuration, found.configuration):
            says = f"uses another configuration than this one ({status.connections} connections)"
            yield HealthProblem(
                name, says, "give all processes the same file, and restart it", "gateway", Problem("gateway", name)
            )
        for topic, since_ms in status.unread.items():
            if found.at_ms - since_ms > UNREAD_MS:
                about = Problem("unread", f"{name} {topic}", since_ms=since_ms)
                says = f"has not read the topic {topic} for {(found.at_ms - since_ms) // 1000} s: edits since then are not known there"
                yield HealthProblem(name, says, "lofty-ghl topics show; the gateway's log says why", "gateway", about)
        for recipient, since_ms in status.notifications_failing.items():
            if found.at_ms - since_ms > UNDELIVERABLE_MS:
                about = Problem("notifications", recipient, since_ms=since_ms)
                says = f"the last one could not be delivered for {(found.at_ms - since_ms) // 60_000} min"
                mend = f"Send a test on the console's page Notifications, or lofty-ghl notifications test --to {recipient} for one of the file"
                yield HealthProblem(f"notifications to {recipient}", says, mend, "gateway", about)


def _parked(found: Overview) -> Iterator[HealthProblem]:
    for parked in found.parked_open:
        if parked.reason == PASSED_OVER:
            mend = f"lofty-ghl backfill CONNECTION, then lofty-ghl parked discard --reason '{PASSED_OVER}'"
            about = Problem("parked", "passed over", number=parked.number)
            yield HealthProblem("Kafka", parked.says, mend, "parked", about)
        else:
            mend = f"lofty-ghl parked list --stage '{parked.stage}'"
            about = Problem("parked", f"stage {parked.stage} {parked.reason}", number=parked.number)
            says = f"{parked.number} parked: {parked.reason}"
            yield HealthProblem(f"stage {parked.stage}", says, mend, "parked", about)


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
            about = Problem("stuck", f"unserved {connection.connection}", (connection.connection,))
            yield HealthProblem(name, says, "give all workers the same file", "connection", about)


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
        yield HealthProblem(
            "webhooks", says, "lofty-ghl doctor, then lofty-ghl subscriptions apply", "gateway", Problem("webhooks")
        )


def _connection(view: ConnectionView, now_ms: int) -> Iterator[HealthProblem]:
    name, of = f"connection {view.title}", (view.connection,)

    def problem(says: str, mend: str, about: Problem) -> HealthProblem:
        return HealthProblem(name, says, mend, "connection", about)

    if view.on_hold:
        about = Problem("stuck", f"hold {view.connection}", of)
        yield problem(f"on hold: {view.on_hold}", "lofty-ghl doctor", about)
    if parked := sum(view.parked.values()):
        about = Problem("parked", view.connection, of, parked)
        yield problem(f"{parked} parked", f"lofty-ghl parked list --connection {view.connection}", about)
    for vendor, calls, side in (("Lofty", "reads", view.reading), ("GHL", "writes", view.writing)):
        if side is None:
            continue
        if side.failing >= FAILING:
            says = f"{side.failing} {calls} keep failing at {vendor}: {side.failing_in}"
            about = Problem("stuck", f"{calls} {view.connection}", of, side.failing)
            yield problem(says, "lofty-ghl doctor; the worker's log has each", about)
        if side.oldest_opt_out_ms is not None and now_ms - side.oldest_opt_out_ms > OPT_OUT_MS:
            seconds = (now_ms - side.oldest_opt_out_ms) // 1000
            says = f"{vendor} has not known of an opt-out for {seconds} s"
            about = Problem("opt-out", f"{vendor} {view.connection}", of, since_ms=side.oldest_opt_out_ms)
            yield problem(says, "set it there by hand; lofty-ghl parked list and status say what holds it", about)
    for other in view.writing.other_deployments if view.writing is not None else ():
        about = Problem("other deployment", f"{other.deployment} {view.connection}", of, since_ms=other.since_ms)
        yield problem(_also_writes(other), STOP_ONE.format(name=view.connection), about)
    sweep = view.reading.sweep if view.reading is not None else None
    is_backfill = sweep is not None and sweep.running == "backfill"
    if view.oldest_accepted_ms is not None and not is_backfill and now_ms - view.oldest_accepted_ms > UNDELIVERED_MS:
        says = f"a change has waited for {(now_ms - view.oldest_accepted_ms) // 60_000} min"
        about = Problem("stuck", f"change {view.connection}", of, since_ms=view.oldest_accepted_ms)
        yield problem(says, "lofty-ghl explain LEAD says what it waits for", about)
    if sweep is not None and sweep.full_interval_ms and sweep.running is None:
        late_ms = now_ms - sweep.full_ended_ms - SWEEPS_MISSED * sweep.full_interval_ms
        if sweep.full_ended_ms and late_ms > 0:
            says = f"the last full sweep ended {(now_ms - sweep.full_ended_ms) // 3_600_000} h ago"
            about = Problem("sweep", view.connection, of, since_ms=sweep.full_ended_ms)
            yield problem(says, "the worker's log says why none ends", about)
        elif is_look_late(sweep, now_ms):
            days = (now_ms - sweep.oldest_look_ms) // (24 * 3_600_000)
            says = f"the notes, tasks and appointments of a lead were last read {days} days ago"
            about = Problem("sweep", f"looks {view.connection}", of, since_ms=sweep.oldest_look_ms)
            yield problem(
                says, "the worker's log says which lists of Lofty cannot be read, or why sweeps are late", about
            )


def is_look_late(sweep: SweepStatus, now_ms: int) -> bool:
    """Whether what hangs on a lead was not read for longer than is promised, and two sweeps more."""
    if sweep.look_interval_ms is None or not sweep.full_interval_ms or not sweep.oldest_look_ms:
        return False
    return now_ms - sweep.oldest_look_ms > sweep.look_interval_ms + SWEEPS_MISSED * sweep.full_interval_ms


def _also_writes(other: OtherDeployment) -> str:
    since, seen = (f"{utc(at_ms):%Y-%m-%d %H:%M}" for at_ms in (other.since_ms, other.seen_ms))
    return (
        f"another deployment writes to its GHL location, so new notes and tasks come twice: {other.deployment} (topic prefix "
        f"{other.topic_prefix!r}, connection {other.connection!r}, host {other.host}), since {since}, last at {seen} UTC"
    )


def _budget(budget: BudgetStatus, now_ms: int) -> Iterator[HealthProblem]:
    name = f"{'Lofty' if budget.dispatcher == 'read' else 'GHL'} budget {budget.budget}"
    if budget.paused:
        is_until_fixed = budget.paused_until_ms is None or budget.paused in NO_ACCESS
        is_long = budget.paused_since_ms is not None and now_ms - budget.paused_since_ms > LONG_MS
        if is_until_fixed or is_long:
            says, about = f"paused: {budget.because or budget.paused}", _of_budget(_pause_cause(budget), budget)
            yield HealthProblem(name, says, "lofty-ghl doctor", "budget", about)
    if budget.quota_left == 0:
        says = f"the daily quota is used up; it resets in {(budget.quota_reset_seconds or 0) / 3600:.1f} h"
        yield HealthProblem(name, says, "wait; nothing is lost", "budget", _of_budget("quota", budget))


def _schedules(found: Overview) -> Iterator[HealthProblem]:
    """Sweeps that cannot be made in time with what Lofty allows."""
    for budget, forecast in forecasts(found.budgets, [(one.connection, one.reading) for one in found.connections]):
        if not forecast.is_kept:
            about = _of_budget("schedule", budget)
            mend = f"one of these is enough: {remedies(forecast)}"
            yield HealthProblem(f"Lofty budget {budget.budget}", late_words(forecast), mend, "budget", about)


def _pause_cause(budget: BudgetStatus) -> Cause:
    if budget.because.startswith(WRONG_ACCOUNT):
        return "wrong account"
    if budget.paused == "daily quota":
        return "quota"
    return "access" if budget.paused in NO_ACCESS else "paused"


def _of_budget(cause: Cause, budget: BudgetStatus) -> Problem:
    return Problem(cause, f"{budget.dispatcher} {budget.budget}", budget.connections)


def _lags(found: Overview) -> Iterator[HealthProblem]:
    for lag in found.lags:
        if lag.records and lag.oldest_ms is not None and found.at_ms - lag.oldest_ms > LONG_MS:
            says = f"{lag.records} records wait, the oldest for {(found.at_ms - lag.oldest_ms) // 60_000} min"
            yield HealthProblem(
                f"topic {lag.topic}", says, "start another worker", "lag", Problem("stuck", f"topic {lag.topic}")
            )
