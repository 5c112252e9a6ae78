"""What the gauges read, out of what the worker says of itself: scrape and status cannot tell two stories. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from streams.core.attention import connection_in_need
from streams.core.sweep_schedules import forecasts
from streams.messages.gateway_status import GatewayStatus
from streams.messages.worker_status import BudgetStatus, ConnectionStatus, SideStatus, SweepStatus, WorkerStatus
from streams.telemetry.metrics import catalogue as c
from streams.telemetry.metrics.spec import Reading


def of_process(release: str, now_ms: int, failing_seconds: float) -> Iterator[Reading]:
    """What every process shows."""
    yield c.BUILD, (release,), 1
    yield c.CLOCK, (), now_ms / 1000
    yield c.APPENDS_FAILING, (), failing_seconds


def of_gateway(status: GatewayStatus) -> Iterator[Reading]:
    """What a gateway shows."""
    yield from of_process(status.release, status.at_ms, status.appends_failing_seconds)
    yield c.CONFIGURATION, (status.configuration,), 1
    yield c.CONNECTIONS_CONFIGURED, (), status.connections
    for topic in c.FOLLOWED.values:
        yield c.UNREAD_SECONDS, (topic,), _age(status.unread.get(topic), status.at_ms)
    move = status.move
    for state in c.MOVE_SECONDS.labels[0].values:
        is_there = move is not None and move.growth.state == state
        yield c.MOVE_SECONDS, (state,), _age(move.since_ms if move is not None and is_there else None, status.at_ms)
    yield c.MOVE_IDLE, (), _age(None if move is None else move.last_ms, status.at_ms)


def of_worker(status: WorkerStatus, in_need: int | None = None) -> Iterator[Reading]:
    """What a worker shows. `in_need` is how many connections need a look, where that was counted already."""
    yield from of_process(status.release, status.at_ms, status.appends_failing_seconds)
    yield c.CONFIGURATION, (status.configuration,), 1
    yield c.CONNECTIONS_SERVED, ("lofty",), sum(one.reading is not None for one in status.connections)
    yield c.CONNECTIONS_SERVED, ("ghl",), sum(one.writing is not None for one in status.connections)
    if in_need is None:
        in_need = sum(connection_in_need(one, status.at_ms) for one in status.connections)
    yield c.CONNECTIONS_IN_NEED, (), in_need
    yield c.PARTITIONS, ("assigned",), len(status.assigned)
    yield c.PARTITIONS, ("fenced",), len(status.fenced)
    yield c.PARTITIONS, ("standby",), len(status.standby)
    yield c.PARTITIONS_CONFIGURED, (), status.partitions
    yield c.LEASE, (), status.lease_seconds
    yield c.RECOVERING, (), _age(status.recovering_since_ms, status.at_ms)
    yield c.RECOVERY_SECONDS, (), status.recovery_seconds
    yield c.WATCHDOG_STUCK, (), status.stuck_looks
    yield c.STORE_ROWS, (), status.store_rows
    yield c.STORE_BYTES, (), status.store_bytes
    yield c.STORES_SET_ASIDE, (), len(status.stores_set_aside)
    yield c.MAPPING_VERSION, (), status.mapping_version
    for table, rows in status.tables.items():
        yield c.TABLE_ROWS, (table,), rows
    for lag in status.lags:
        yield c.LAG_RECORDS, (lag.topic,), lag.records
        yield c.LAG_SECONDS, (lag.topic,), _age(lag.oldest_ms, status.at_ms)
    for budget in status.budgets:
        yield from _budget(budget)
    for connection in status.connections:
        yield from _connection(connection, status.at_ms)
    for budget, found in forecasts(status.budgets, [(one.connection, one.reading) for one in status.connections]):
        yield c.SWEEP_LOAD, (budget.budget,), found.load
        yield c.SWEEP_FORECAST, (budget.budget, "full"), found.sweep_minutes * 60
        yield c.SWEEP_FORECAST, (budget.budget, "backfill"), found.backfill_minutes * 60


def _budget(budget: BudgetStatus) -> Iterator[Reading]:
    labels = (budget.dispatcher, budget.budget)
    for priority in c.PRIORITY.values:
        yield c.WAITING, (*labels, priority), budget.waiting.get(priority, 0)
    yield c.BLOCKED, labels, budget.blocked
    yield c.IN_FLIGHT, labels, budget.in_flight
    yield c.IN_FLIGHT_LIMIT, labels, budget.in_flight_limit
    yield c.WINDOW_USED, labels, budget.window_used
    yield c.WINDOW_LIMIT, labels, budget.window_limit
    yield c.PAUSED, labels, 1 if budget.paused else 0
    if budget.paused:
        yield c.PAUSED_BY, (*labels, budget.paused), 1
    if budget.quota_limit is not None:
        yield c.QUOTA_LEFT, labels, budget.quota_left or 0
        yield c.QUOTA_LIMIT, labels, budget.quota_limit
        yield c.QUOTA_RESET, labels, budget.quota_reset_seconds or 0
        yield c.WAITING_FOR_QUOTA, labels, budget.waiting_for_quota


def _connection(connection: ConnectionStatus, now_ms: int) -> Iterator[Reading]:
    name = connection.connection
    yield c.CONNECTION_INFO, (name, connection.title or name), 1
    sides = [side for side in (connection.reading, connection.writing) if side is not None]
    for side in sides:
        for stage, number in side.undelivered.items():
            yield c.UNDELIVERED, (name, stage), number
        for stage, number in side.parked.items():
            yield c.PARKED_OPEN, (name, stage), number
    oldest = [side.oldest_accepted_ms for side in sides if side.oldest_accepted_ms is not None]
    yield c.UNDELIVERED_SECONDS, (name,), _age(min(oldest, default=None), now_ms)
    opt_outs = [side.oldest_opt_out_ms for side in sides if side.oldest_opt_out_ms is not None]
    yield c.OPT_OUT_SECONDS, (name,), _age(min(opt_outs, default=None), now_ms)
    yield c.ON_HOLD, (name,), 1 if any(side.on_hold for side in sides) else 0
    if connection.reading is not None:
        yield c.SETTLE_SECONDS, (name,), connection.reading.settle_seconds
    for direction in c.DIRECTION.values:
        yield c.CONNECTION_PAUSED, (name, direction), 1 if direction in connection.paused else 0
    yield from _tokens(name, "lofty", connection.reading, now_ms)
    yield from _tokens(name, "ghl", connection.writing, now_ms)
    if connection.writing is not None:
        yield c.LINKS, (name,), connection.writing.links or 0
        yield c.CONFLICTS, (name,), connection.writing.conflicts or 0
        others = {one.deployment for one in connection.writing.other_deployments}
        yield c.OTHER_DEPLOYMENTS, (name,), len(others)
    if connection.reading is not None and connection.reading.sweep is not None:
        yield from _sweep(name, connection.reading.sweep)


def _tokens(name: str, vendor: str, side: SideStatus | None, now_ms: int) -> Iterator[Reading]:
    if side is not None and side.token_expires_ms is not None:
        yield c.TOKEN_EXPIRES, (name, vendor), (side.token_expires_ms - now_ms) / 1000


def _sweep(name: str, sweep: SweepStatus) -> Iterable[Reading]:
    yield c.SWEEP_ENDED, (name, "new"), sweep.new_ended_ms / 1000
    yield c.SWEEP_ENDED, (name, "full"), sweep.full_ended_ms / 1000
    for kind, interval_ms in (("new", sweep.new_interval_ms), ("full", sweep.full_interval_ms)):
        if interval_ms is not None:
            yield c.SWEEP_INTERVAL, (name, kind), interval_ms / 1000
    for kind in c.RUN.values:
        yield c.SWEEP_RUNNING, (name, kind), 1 if sweep.running == kind else 0
    yield c.SWEEP_CHANGES, (name,), sweep.changes
    yield c.SWEEP_SEEN, (name,), sweep.leads
    yield c.SWEEP_KNOWN, (name,), sweep.total or 0
    if sweep.look_interval_ms is not None:
        yield c.SWEEP_LOOK_INTERVAL, (name,), sweep.look_interval_ms / 1000
        if sweep.oldest_look_ms:
            yield c.SWEEP_OLDEST_LOOK, (name,), sweep.oldest_look_ms / 1000


def _age(since_ms: int | None, now_ms: int) -> float:
    return 0.0 if since_ms is None else max(0, now_ms - since_ms) / 1000
