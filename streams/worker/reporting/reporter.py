"""Counts what happens in a worker, and traces it. `publisher.py` makes its status from these counts."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from connectors.http.call_record import CallRecord
from streams.core.progress.backlog import Backlog, TopicPartition
from streams.core.progress.hold_time import Held, HoldTimes
from streams.core.scheduling.items import Item, Verdict
from streams.core.scheduling.pauses import pause_kind
from streams.messages.topics import TopicNames
from streams.messages.worker_status import STUCK_LOOKS
from streams.settings import Connection, Settings
from streams.settings.secrets import secret_values
from streams.telemetry.logs import Redaction
from streams.telemetry.tracing import in_hand, trace_id
from streams.worker.agents.batches import Process
from streams.worker.connections import LiveConnections
from streams.worker.dependencies import Dependencies
from streams.worker.reporting.open_rows import OpenRows


class Reporter:
    """One worker's observer. `rows` receives the rows that a partition had when it was acquired."""

    def __init__(self, settings: Settings, names: TopicNames, deps: Dependencies) -> None:
        self.settings = settings
        self.in_force = settings
        """The newest settings of which everything is in force in this worker."""
        self.mapping_trouble = settings.mapping_trouble
        self.connection_trouble = settings.connection_trouble
        self.redact = Redaction(secret_values(settings))
        self.names = names
        self.connections = LiveConnections(settings)
        self.deps = deps
        self.metrics = deps.metrics
        self.now_ms = deps.now_ms
        self.tracing = deps.tracing
        self.rows = OpenRows()
        self.holds = HoldTimes()
        self.backlog = Backlog()
        self.started_ms = deps.now_ms()
        self.stuck_looks = 0
        self.recovering_since_ms: int | None = None
        self.recovery_seconds = 0.0

    def taken_over(self, in_force: Settings, wanted: Settings) -> None:
        """`wanted` are the newest settings, `in_force` those of which everything is in force."""
        self.in_force, self.mapping_trouble = in_force, wanted.mapping_trouble
        self.connection_trouble = wanted.connection_trouble

    def replaced(self, before: Connection | None, now: Connection | None) -> None:
        """A connection is another from now on."""
        if now is not None:
            self.redact.add(secret_values(now))
            self.metrics.create_series({"connection": [now.name]})
        if before is not None and now is not None and before.paused:
            self.holds.resumed(now.name, self.now_ms())

    def offered(self, dispatcher: str, *, is_new: bool) -> None:
        """An entity was offered to a dispatcher."""
        self.metrics.offers.labels(dispatcher, "new" if is_new else "coalesced").inc()

    def acquired(self, dispatcher: str, budget: str) -> None:
        """A budget is this worker's now."""
        self.metrics.create_budget_series(dispatcher, budget)

    def paused(self, dispatcher: str, budget: str, cause: str) -> None:
        """A budget pauses."""
        kind, now_ms = pause_kind(cause), self.now_ms()
        self.metrics.paused(dispatcher, budget, kind)
        self.holds.paused(dispatcher, budget, kind, now_ms)

    def worked(self, dispatcher: str, item: Item, verdict: Verdict, began_ns: int) -> None:
        """A dispatcher has ended a piece of work, in whose task this is."""
        if self.tracing.is_on and (trace := in_hand().trace):
            facts = {"connection": item.tenant, "entity": item.key, "verdict": verdict.value}
            self.tracing.record_span(dispatcher, trace, began_ns, time.time_ns(), **facts)

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
            self.tracing.record_span(f"{answer.vendor} {answer.operation}", work.trace, began_ns, ended_ns, **facts)

    def new_trace(self) -> str:
        """A trace for a change that came without one: from a sweep, a backfill, or another producer."""
        span = self.tracing.start_span("found")
        span.end()
        return span.traceparent

    def admitted(self, trace: str, began_ns: int) -> None:
        """`dedupe` has let a change through."""
        self.tracing.record_span("dedupe", trace, began_ns, time.time_ns())

    def held(self, connection: str, accepted_ms: int) -> Held:
        """What has held a connection's changes back since then: `paused`, `access`, `quota`, or `no`."""
        c = self.connections[connection]
        return self.holds.since((("read", c.lofty_budget), ("write", c.ghl_budget)), accepted_ms, connection)

    def stage(self, name: str, process: Process) -> Process:
        """An agent's process, watched."""

        async def watched(messages: list[Any]) -> None:
            began = time.perf_counter()
            await process(messages)
            self.metrics.worked(name, len(messages), time.perf_counter() - began)
            for topic_partition, message in {(one.topic, one.partition): one for one in messages}.items():
                self.backlog.worked(topic_partition, int(message.timestamp * 1000))

        return watched

    def watching_lags(self, look: Callable[[], Awaitable[dict[TopicPartition, tuple[int, int]]]]) -> Any:
        """The watchdog's look at our partitions, watched."""

        async def watched() -> dict[TopicPartition, tuple[int, int]]:
            try:
                found = await look()
            except Exception:
                self.metrics.watchdog_looks.labels("failed").inc()
                raise
            self.backlog.look(found, self.now_ms())
            return found

        return watched

    def looked(self, stuck_looks: int) -> None:
        """The watchdog has looked: so many looks in a row the worst place did not move."""
        self.stuck_looks = stuck_looks
        self.metrics.watchdog_looks.labels("stuck" if stuck_looks else "moving").inc()

    @property
    def gets_on(self) -> bool:
        """Whether the watchdog has lately seen commits move where there is something to read."""
        return self.stuck_looks < STUCK_LOOKS

    def recovering(self) -> None:
        """Tables begin to be recovered."""
        self.recovering_since_ms = self.now_ms()

    def recovered(self, records: int, seconds: float) -> None:
        """Tables are recovered."""
        self.recovering_since_ms, self.recovery_seconds = None, seconds
        self.metrics.recovery_records.inc(records)

    def let_go(self, partitions: Iterable[int]) -> None:
        """The partitions go to another worker."""
        self.rows.forget(partitions)
