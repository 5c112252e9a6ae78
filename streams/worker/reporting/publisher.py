"""Publishes a worker's status every few seconds: on the topic `status`, and as gauges at `/metrics`.

Every figure is read from counts that are kept as things happen, so a status costs the same with a million links as with ten.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Iterator

from streams.core.status_parts import Parts, Turns
from streams.messages import StatusPart, WorkerStatus
from streams.messages.topics import CHANGES, FETCHES, GHL_CHANGES, LOFTY_WRITES, RECEIPTS, REPLAYS, SNAPSHOTS
from streams.messages.worker_status import LagStatus
from streams.telemetry.metrics.gauges import Reading, of_worker
from streams.telemetry.process import RELEASE, append_topics, process_readings, watch_loop
from streams.telemetry.status_publisher import configuration_of, publish_status
from streams.worker.reporting.reporter import Reporter
from streams.worker.reporting.sources import StatusSources
from streams.worker.reporting.status import StatusBuilder, Tells, everything

log = logging.getLogger("lofty_ghl.observing")

STATUS_SECONDS = 5.0
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
        self._metrics.create_series({"connection": self._settings.connections, "topic": append_topics()})
        self._metrics.gauges = self.readings

    def readings(self) -> Iterator[Reading]:
        """What the gauges read now."""
        return of_worker(self.status())

    def status(self, *, is_stopping: bool = False, tells: Tells = everything) -> WorkerStatus:
        """The status now; of budgets and connections only those for which `tells` is true."""
        parts, reporter = self._parts, self._reporter
        now_ms, ownership, failing = self._deps.now_ms(), parts.ownership, parts.failing_seconds()
        rows, size = parts.tables.store.size()
        return WorkerStatus(
            instance=self._deps.instance,
            host=socket.gethostname(),
            pid=os.getpid(),
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
            budgets=tuple(self._builder.budgets(parts, now_ms, tells)),
            connections=tuple(self._builder.connections(parts, tells)),
            stages=dict(self._metrics.stages),
            totals=dict(self._metrics.totals),
            configuration=configuration_of(reporter.in_force),
        )

    def _lags(self) -> Iterator[LagStatus]:
        for topic in WATCHED_TOPICS:
            name, backlog = self._reporter.names.of(topic), self._reporter.backlog
            yield LagStatus(topic=topic, records=backlog.records(name), oldest_ms=backlog.oldest_ms(name))

    def _in_parts(self, *, is_stopping: bool) -> tuple[WorkerStatus, tuple[StatusPart, ...]]:
        """The status, and those of its parts whose turn it is; all of them when the worker stops."""
        parts = Parts(self._builder.owned(self._parts))
        numbers = range(parts.count) if is_stopping else self._turns.take(parts.count)
        tells: Tells = (lambda connections: parts.of(connections) in numbers) if parts.count else everything
        return parts.split(self.status(is_stopping=is_stopping, tells=tells), numbers)

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
        await self._publish(is_stopping=True)
        self._metrics.gauges = process_readings(self._deps.now_ms)

    async def _publish(self, *, is_stopping: bool = False) -> None:
        """Publish the status once. An error here stops nothing else."""
        producer, names = self._parts.batching_producer, self._reporter.names
        try:
            status, parts = self._in_parts(is_stopping=is_stopping)
            await publish_status(producer, names, self._settings.kafka.partitions, status, parts)
        except Exception as error:  # whatever it is: the next status comes in five seconds
            self._metrics.statuses.labels("failed").inc()
            log.warning("this worker's status could not be published: %r", error)
        else:
            self._metrics.statuses.labels("published").inc()
