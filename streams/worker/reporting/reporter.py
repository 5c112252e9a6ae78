"""Is told what happens in a worker, and says every few seconds how it is: on the topic `status`, and at `/metrics`.

Everything here is asked of counts that are kept as things happen, so a look costs the same with a million links as with ten.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any

from connectors.http.call_record import CallRecord
from streams.core.progress.backlog import Backlog, TopicPartition
from streams.core.progress.hold_time import Held, HoldTimes
from streams.core.scheduling.items import Item, Verdict
from streams.core.scheduling.pauses import pause_kind
from streams.core.status_parts import Parts, Turns
from streams.messages import StatusPart, WorkerStatus
from streams.messages.topics import (
    CHANGES,
    FETCHES,
    GHL_CHANGES,
    LOFTY_WRITES,
    RECEIPTS,
    REPLAYS,
    SNAPSHOTS,
    TopicNames,
)
from streams.messages.worker_status import STUCK_LOOKS, LagStatus
from streams.settings import Settings
from streams.settings.partitions import ConnectionPartitions
from streams.telemetry.metrics.gauges import Reading, of_worker
from streams.telemetry.process import RELEASE, append_topics, process_readings, watch_loop
from streams.telemetry.status_publisher import configuration_of, publish_status
from streams.telemetry.tracing import in_hand, trace_id
from streams.worker.agents.batches import Process
from streams.worker.dependencies import Dependencies
from streams.worker.reporting.open_rows import OpenRows
from streams.worker.reporting.status import StatusBuilder, StatusSources, Tells, everything

log = logging.getLogger("lofty_ghl.observing")

STATUS_SECONDS = 5.0
WATCHED_TOPICS = (CHANGES, FETCHES, SNAPSHOTS, RECEIPTS, GHL_CHANGES, LOFTY_WRITES, REPLAYS)
"""The topics whose lag is looked at."""


class Reporter:
    """One worker's observer. `look_at` is given the parts once they are made; until then there is nothing to tell.

    `rows` receives the rows that a partition had when it was acquired.
    """

    def __init__(self, settings: Settings, names: TopicNames, places: ConnectionPartitions, deps: Dependencies) -> None:
        self.settings = settings
        self.names = names
        self.places = places
        self._deps = deps
        self.metrics = deps.metrics
        self.now_ms = deps.now_ms
        self.tracing = deps.tracing
        self.rows = OpenRows()
        self._holds = HoldTimes()
        self._status_builder = StatusBuilder(settings, places, self.rows, self._holds, deps.monotonic)
        self._backlog = Backlog()
        self._started_ms = deps.now_ms()
        self._stuck_looks = 0
        self._recovering_since_ms: int | None = None
        self._recovery_seconds = 0.0
        self._parts: StatusSources | None = None
        self._turns = Turns()
        self._configuration = configuration_of(settings)

    def look_at(self, parts: StatusSources) -> None:
        """The worker's parts are made: from now on there is something to tell."""
        self._parts = parts
        self.rows.watch(parts.tables)
        self.metrics.begin({"connection": self.settings.connections, "topic": append_topics()})
        self.metrics.gauges = self.readings

    # -- what is told -------------------------------------------------------------------------------------

    def offered(self, dispatcher: str, *, is_new: bool) -> None:
        """An entity was offered to a dispatcher."""
        self.metrics.offers.labels(dispatcher, "new" if is_new else "coalesced").inc()

    def acquired(self, dispatcher: str, budget: str) -> None:
        """A budget is this worker's now."""
        self.metrics.begin_budget(dispatcher, budget)

    def paused(self, dispatcher: str, budget: str, cause: str) -> None:
        """A budget pauses."""
        kind, now_ms = pause_kind(cause), self.now_ms()
        self.metrics.paused(dispatcher, budget, kind)
        self._holds.paused(dispatcher, budget, kind, now_ms)

    def worked(self, dispatcher: str, item: Item, verdict: Verdict, began_ns: int) -> None:
        """A dispatcher has ended a piece of work, in whose task this is."""
        if self.tracing.is_on and (trace := in_hand().trace):
            facts = {"connection": item.tenant, "entity": item.key, "verdict": verdict.value}
            self.tracing.tell(dispatcher, trace, began_ns, time.time_ns(), **facts)

    def answered(self, answer: CallRecord) -> None:
        """A vendor has answered, in whose asker's task this is."""
        work = in_hand()
        self.metrics.answered(answer, is_retry=work.failures > 0, trace=trace_id(work.trace))
        if self.tracing.is_on and work.trace:
            ended_ns = time.time_ns()
            began_ns = ended_ns - int(answer.seconds * 1e9)
            facts: dict[str, str | int] = {
                "http.response.status_code": answer.status,
                "vendor.trace": answer.trace_id or "",
            }
            self.tracing.tell(f"{answer.vendor} {answer.operation}", work.trace, began_ns, ended_ns, **facts)

    def new_trace(self) -> str:
        """A trace for a change that came without one: from a sweep, a backfill, or another producer."""
        span = self.tracing.begin("found")
        span.end()
        return span.traceparent

    def admitted(self, trace: str, began_ns: int) -> None:
        """`dedupe` has let a change through."""
        self.tracing.tell("dedupe", trace, began_ns, time.time_ns())

    def held(self, connection: str, accepted_ms: int) -> Held:
        """What has held a connection's changes back since then: `quota`, `access`, or `no`."""
        c = self.settings.connections[connection]
        return self._holds.since((("read", c.lofty_budget), ("write", c.ghl_budget)), accepted_ms)

    def stage(self, name: str, process: Process) -> Process:
        """An agent's process, watched."""

        async def watched(messages: list[Any]) -> None:
            began = time.perf_counter()
            await process(messages)
            self.metrics.worked(name, len(messages), time.perf_counter() - began)
            for place, message in {(one.topic, one.partition): one for one in messages}.items():
                self._backlog.worked(place, int(message.timestamp * 1000))

        return watched

    def watching_lags(self, look: Callable[[], Awaitable[dict[TopicPartition, tuple[int, int]]]]) -> Any:
        """The watchdog's look at our partitions, watched."""

        async def watched() -> dict[TopicPartition, tuple[int, int]]:
            try:
                found = await look()
            except Exception:
                self.metrics.watchdog_looks.labels("failed").inc()
                raise
            self._backlog.look(found, self.now_ms())
            return found

        return watched

    def looked(self, stuck_looks: int) -> None:
        """The watchdog has looked: so many looks in a row the worst place did not move."""
        self._stuck_looks = stuck_looks
        self.metrics.watchdog_looks.labels("stuck" if stuck_looks else "moving").inc()

    @property
    def gets_on(self) -> bool:
        """Whether the watchdog has lately seen commits move where there is something to read."""
        return self._stuck_looks < STUCK_LOOKS

    def recovering(self) -> None:
        """Tables begin to be recovered."""
        self._recovering_since_ms = self.now_ms()

    def recovered(self, records: int, seconds: float) -> None:
        """Tables are recovered."""
        self._recovering_since_ms, self._recovery_seconds = None, seconds
        self.metrics.recovery_records.inc(records)

    def took_over(self, partition: int) -> None:
        """The partition is ours: its links are counted from now on, in the background."""
        if self._parts is not None:
            self._parts.tables.links.count(partition)

    def let_go(self, partitions: Iterable[int]) -> None:
        """The partitions go to another worker."""
        self.rows.forget(partitions)

    # -- what is asked ------------------------------------------------------------------------------------

    def readings(self) -> Iterator[Reading]:
        """What the gauges read now."""
        return of_worker(self.status())

    def status(self, *, is_stopping: bool = False, tells: Tells = everything) -> WorkerStatus:
        """How this worker is; of its budgets and connections those that it `tells`."""
        parts = self._parts
        assert parts is not None, "look_at comes first"
        now_ms, ownership, failing = self.now_ms(), parts.ownership, parts.failing_seconds()
        rows, size = parts.tables.store.size()
        mapping_version, mapping_trouble = self._deps.newer_mappings(self.settings)
        return WorkerStatus(
            instance=self._deps.instance,
            host=socket.gethostname(),
            pid=os.getpid(),
            release=RELEASE,
            started_ms=self._started_ms,
            at_ms=now_ms,
            is_stopping=is_stopping,
            is_ready=ownership.is_ready and not is_stopping and not failing and self.gets_on,
            appends_failing_seconds=failing,
            mapping_version=mapping_version,
            mapping_trouble=mapping_trouble,
            partitions=self.settings.kafka.partitions,
            assigned=tuple(sorted(ownership.assigned)),
            fenced=tuple(sorted(ownership.fenced)),
            standby=tuple(sorted(parts.tables.changelogs.standby)),
            lease_seconds=parts.lease.left_seconds,
            recovering_since_ms=self._recovering_since_ms,
            recovery_seconds=self._recovery_seconds,
            stuck_looks=self._stuck_looks,
            store_rows=rows,
            store_bytes=size,
            stores_set_aside=parts.tables.store.set_aside(),
            tables=self.rows.numbers(),
            lags=tuple(self._lags()),
            budgets=tuple(self._status_builder.budgets(parts, now_ms, tells)),
            connections=tuple(self._status_builder.connections(parts, tells)),
            stages=dict(self.metrics.stages),
            totals=dict(self.metrics.totals),
            configuration=self._configuration,
        )

    def _lags(self) -> Iterator[LagStatus]:
        for topic in WATCHED_TOPICS:
            name = self.names.of(topic)
            yield LagStatus(topic=topic, records=self._backlog.records(name), oldest_ms=self._backlog.oldest_ms(name))

    def _in_parts(self, observed: StatusSources, *, is_stopping: bool) -> tuple[WorkerStatus, tuple[StatusPart, ...]]:
        """What is said now; all of it as the last word."""
        parts = Parts(self._status_builder.owned(observed))
        numbers = range(parts.count) if is_stopping else self._turns.take(parts.count)
        tells: Tells = (lambda connections: parts.of(connections) in numbers) if parts.count else everything
        return parts.split(self.status(is_stopping=is_stopping, tells=tells), numbers)

    # -- going on -----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Say how this worker is, every few seconds, until cancelled. Where nothing is counted, nothing is said."""
        while self.metrics.is_on:
            await self.say()
            await asyncio.sleep(STATUS_SECONDS)

    async def watch_loop(self) -> None:
        """Measure how late the event loop is, until cancelled."""
        await watch_loop(self.metrics)

    async def end(self) -> None:
        """Report for the last time: this worker stops, and its gauges are no longer updated."""
        await self.say(is_stopping=True)
        self.metrics.gauges = process_readings(self.now_ms)

    async def say(self, *, is_stopping: bool = False) -> None:
        """Say it once. What goes wrong here stops nobody."""
        if self._parts is None:
            return
        try:
            status, parts = self._in_parts(self._parts, is_stopping=is_stopping)
            await publish_status(
                self._parts.batching_producer, self.names, self.settings.kafka.partitions, status, parts
            )
        except Exception as error:  # whatever it is: the next word comes in five seconds
            self.metrics.statuses.labels("failed").inc()
            log.warning("this worker's status could not be published: %r", error)
        else:
            self.metrics.statuses.labels("published").inc()
