"""Publishes a worker's status every few seconds: on the topic `status`, and as gauges at `/metrics`.

Every figure is read from counts that are kept as things happen, so a status costs the same with a million links as with ten.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Iterator
from typing import TypeVar

from streams.core.attention import Attention
from streams.core.status_parts import Parts, Turns
from streams.messages import StatusPart, WorkerStatus
from streams.messages.topics import CHANGES, FETCHES, GHL_CHANGES, LOFTY_WRITES, RECEIPTS, REPLAYS, SNAPSHOTS
from streams.messages.worker_status import BudgetStatus, ConnectionStatus, LagStatus
from streams.telemetry.metrics.folding import folded
from streams.telemetry.metrics.gauges import of_worker
from streams.telemetry.metrics.spec import Reading
from streams.telemetry.process import RELEASE, append_topics, process_readings, watch_loop
from streams.telemetry.status_publisher import configuration_of, publish_status
from streams.worker.reporting.reporter import Reporter
from streams.worker.reporting.sources import StatusSources
from streams.worker.reporting.status import StatusBuilder, Tells, everything

log = logging.getLogger("lofty_ghl.observing")

T = TypeVar("T")

STATUS_SECONDS = 5.0
SLICE, SLICE_SECONDS = 8, 0.005
"""After so many budgets or connections, about a millisecond, the leads get their turn: two hundred take 40 ms together."""
WATCHED_TOPICS = (CHANGES, FETCHES, SNAPSHOTS, RECEIPTS, GHL_CHANGES, LOFTY_WRITES, REPLAYS)
"""The topics whose lag is read."""


class StatusPublisher:
    """One worker's status, from what its `reporter` has counted and its `parts` hold."""

    def __init__(self, reporter: Reporter, parts: StatusSources) -> None:
        self._reporter = reporter
        self._parts = parts
        self._deps = reporter.deps
        self._metrics = reporter.metrics
        self._settings = reporter.settings
        self._builder = StatusBuilder(
            reporter.connections, reporter.redact, reporter.rows, reporter.holds, reporter.deps.monotonic
        )
        self._turns = Turns()
        self._attention = Attention() if self._settings.worker.connection_metrics == "needing_attention" else None
        if self._attention is not None:
            self._metrics.show((), ())
        self._is_ending = False
        self._metrics.create_series({"connection": self._settings.connections, "topic": append_topics()})
        self._metrics.gauges = self.readings

    def readings(self) -> Iterator[Reading]:
        """What the gauges read now."""
        status, attention = self.status(), self._attention
        if attention is None:
            return of_worker(status)
        attention.look(status.budgets, status.connections, status.at_ms)
        self._metrics.show(attention.connections, attention.budgets)
        return folded(of_worker(status, attention.in_need), attention.connections, attention.budgets)

    def status(self) -> WorkerStatus:
        """The status now."""
        now_ms, parts = self._deps.now_ms(), self._parts
        budgets, connections = (
            self._builder.budgets(parts, now_ms, everything),
            self._builder.connections(parts, everything),
        )
        return self._status(tuple(budgets), tuple(connections))

    def _status(
        self,
        budgets: tuple[BudgetStatus, ...],
        connections: tuple[ConnectionStatus, ...],
        *,
        is_stopping: bool = False,
    ) -> WorkerStatus:
        parts, reporter = self._parts, self._reporter
        now_ms, ownership, failing = self._deps.now_ms(), parts.ownership, parts.failing_seconds()
        rows, size = parts.tables.store.size()
        return WorkerStatus(
            instance=self._deps.instance,
            host=socket.gethostname(),
            pid=os.getpid(),
            process=self._deps.process,
            release=RELEASE,
            started_ms=reporter.started_ms,
            at_ms=now_ms,
            is_stopping=is_stopping,
            is_ready=ownership.is_ready and not is_stopping and not failing and reporter.gets_on,
            appends_failing_seconds=failing,
            mapping_version=reporter.in_force.mapping_version,
            mapping_trouble=reporter.mapping_trouble,
            connection_trouble=reporter.connection_trouble,
            partitions=self._settings.kafka.partitions,
            assigned=tuple(sorted(ownership.assigned)),
            fenced=tuple(sorted(ownership.fenced)),
            standby=tuple(sorted(parts.tables.changelogs.standby)),
            lease_seconds=parts.lease.left_seconds,
            recovering_since_ms=reporter.recovering_since_ms,
            recovery_seconds=reporter.recovery_seconds,
            stuck_looks=reporter.stuck_looks,
            store_rows=rows,
            store_bytes=size,
            stores_set_aside=parts.tables.store.set_aside(),
            tables=reporter.rows.numbers(),
            lags=tuple(self._lags()),
            budgets=budgets,
            connections=connections,
            stages=dict(self._metrics.stages),
            totals=dict(self._metrics.totals),
            configuration=configuration_of(reporter.in_force),
        )

    def _lags(self) -> Iterator[LagStatus]:
        for topic in WATCHED_TOPICS:
            name, backlog = self._reporter.names.of(topic), self._reporter.backlog
            yield LagStatus(topic=topic, records=backlog.records(name), oldest_ms=backlog.oldest_ms(name))

    async def _in_parts(self, *, is_stopping: bool) -> tuple[WorkerStatus, tuple[StatusPart, ...]]:
        """The status, and those of its parts whose turn it is; all of them, and at once, when the worker stops."""
        parts, sources, now_ms = Parts(self._builder.owned(self._parts)), self._parts, self._deps.now_ms()
        numbers = range(parts.count) if is_stopping else self._turns.take(parts.count)
        tells: Tells = (lambda connections: parts.of(connections) in numbers) if parts.count else everything
        pause_seconds = 0.0 if is_stopping else SLICE_SECONDS
        budgets = await _gathered(self._builder.budgets(sources, now_ms, tells), pause_seconds)
        connections = await _gathered(self._builder.connections(sources, tells), pause_seconds)
        return parts.split(self._status(budgets, connections, is_stopping=is_stopping), numbers)

    async def run(self) -> None:
        """Publish the status every few seconds, until cancelled. Where nothing is counted, nothing is published."""
        while self._metrics.is_on:
            await self._publish()
            await asyncio.sleep(STATUS_SECONDS)

    async def watch_loop(self) -> None:
        """Measure how late the event loop is, until cancelled."""
        await watch_loop(self._metrics)

    async def end(self) -> None:
        """Publish the last status: this worker stops. Its gauges are not read after that."""
        self._is_ending = True
        await self._publish(is_stopping=True)
        self._metrics.gauges = process_readings(self._deps.now_ms)

    async def _publish(self, *, is_stopping: bool = False) -> None:
        """Publish the status once. An error here stops nothing else."""
        producer, names = self._parts.batching_producer, self._reporter.names
        try:
            status, parts = await self._in_parts(is_stopping=is_stopping)
            if self._is_ending and not is_stopping:
                return  # it would say that the worker goes on
            await publish_status(producer, names, self._settings.kafka.partitions, status, parts)
        except Exception as error:  # whatever it is: the next status comes in five seconds
            self._metrics.statuses.labels("failed").inc()
            log.warning("this worker's status could not be published: %r", error)
        else:
            self._metrics.statuses.labels("published").inc()


async def _gathered(found: Iterator[T], pause_seconds: float) -> tuple[T, ...]:
    """All of them, with pauses in which the leads get their turn."""
    gathered: list[T] = []
    for number, one in enumerate(found, 1):
        gathered.append(one)
        if number % SLICE == 0:
            await asyncio.sleep(pause_seconds)
    return tuple(gathered)
