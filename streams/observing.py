"""How a worker is: gathered every few seconds, said on the topic `status`, shown at `/metrics`.

Everything here is asked of counts that are kept as things happen, so a look costs the same with a million links as with ten.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from math import inf
from typing import Any

from mode.utils.logging import get_logger

from connectors.answered import Answered
from streams.agents.batches import Process
from streams.appender import Appender
from streams.core.back_rows import ErrandRow
from streams.core.backlog import Backlog, Place
from streams.core.budget import BudgetView
from streams.core.pauses import pause_kind
from streams.core.rows import FetchRow, OutboxRow, SweepRow
from streams.core.undelivered import Open, Undelivered
from streams.core.work import Item, Verdict
from streams.dispatch.lease import Lease
from streams.dispatch.loop import DispatchLoop
from streams.dispatch.ownership import Ownership
from streams.dispatch.sweeper import schedule_of
from streams.dispatch.tokens import Tokens
from streams.logs import Redaction
from streams.metrics import Metrics
from streams.metrics.gauges import Reading, of_process, of_worker
from streams.places import Places
from streams.settings import Connection, Settings
from streams.settings.secrets import secret_values
from streams.state import State
from streams.statuses import publish
from streams.tables.counting import RowCount
from streams.topics import (
    CHANGES,
    FETCHES,
    GHL_CHANGES,
    LOFTY_WRITES,
    RECEIPTS,
    REPLAYS,
    SNAPSHOTS,
    TABLES,
    TOPICS,
    TopicNames,
)
from streams.tracing import NoTracing, Tracing, in_hand, trace_id
from streams.words import WorkerStatus
from streams.words.worker_status import BudgetStatus, ConnectionStatus, LagStatus, SideStatus, SweepStatus

log = get_logger("lofty_ghl.observing")

STATUS_SECONDS = 5.0
LOOP_SECONDS = 0.5
RELEASE = version("lofty-ghl")
WATCHED_TOPICS = (CHANGES, FETCHES, SNAPSHOTS, RECEIPTS, GHL_CHANGES, LOFTY_WRITES, REPLAYS)
"""The topics whose lag is looked at."""

_HELD = {"no access": "access", "uninstalled": "access", "daily quota": "quota"}


@dataclass(frozen=True, slots=True)
class Observed:
    """The parts of a worker that are asked how they are."""

    state: State
    lease: Lease
    ownership: Ownership
    reading: DispatchLoop
    writing: DispatchLoop
    tokens: Tokens | None
    appender: Appender


@dataclass(slots=True)
class _Recovery:
    since_ms: int | None = None
    seconds: float = 0.0


@dataclass(slots=True)
class Observing:
    """One worker's observer. `look_at` is given the parts once they are made; until then there is nothing to tell."""

    settings: Settings
    names: TopicNames
    places: Places
    metrics: Metrics
    instance: str
    now_ms: Callable[[], int]
    monotonic: Callable[[], float]
    tracing: Tracing = field(default_factory=NoTracing)
    newer_mappings: Callable[[], tuple[int, str]] = lambda: (0, "")
    started_ms: int = 0
    stuck_looks: int = 0
    backlog: Backlog = field(default_factory=Backlog)
    fetches: Undelivered = field(default_factory=Undelivered)
    outbox: Undelivered = field(default_factory=Undelivered)
    errands: Undelivered = field(default_factory=Undelivered)
    links: RowCount = field(default_factory=RowCount)
    _recovery: _Recovery = field(default_factory=_Recovery)
    _paused_since: dict[tuple[str, str], int] = field(default_factory=dict)
    _held_ms: dict[tuple[str, str, str], int] = field(default_factory=dict)
    _parts: Observed | None = None
    _redact: Redaction = field(default_factory=Redaction)

    def look_at(self, parts: Observed) -> None:
        """The worker's parts are made: from now on there is something to tell."""
        self._parts = parts
        self._redact = Redaction(secret_values(self.settings))
        self.started_ms = self.started_ms or self.now_ms()
        parts.state.fetches.watch = self._fetch
        parts.state.outbox.watch = self._outbox_row
        parts.state.errands.watch = self._errand
        parts.state.links.rows = self.links
        self.metrics.begin({"connection": self.settings.connections, "topic": append_topics()})
        self.metrics.gauges = self.readings

    # -- what is told -------------------------------------------------------------------------------------

    def offered(self, dispatcher: str, *, is_new: bool) -> None:
        """An entity was offered to a dispatcher."""
        self.metrics.offers.labels(dispatcher, "new" if is_new else "coalesced").inc()

    def gained(self, dispatcher: str, budget: str) -> None:
        """A budget is this worker's now."""
        self.metrics.begin_budget(dispatcher, budget)

    def paused(self, dispatcher: str, budget: str, cause: str) -> None:
        """A budget pauses."""
        kind, now_ms = pause_kind(cause), self.now_ms()
        self.metrics.paused(dispatcher, budget, kind)
        self._paused_since.setdefault((dispatcher, budget), now_ms)
        if held := _HELD.get(kind):
            self._held_ms[dispatcher, budget, held] = now_ms

    def worked(self, dispatcher: str, item: Item, verdict: Verdict, began_ns: int) -> None:
        """A dispatcher has ended a piece of work, in whose task this is."""
        if self.tracing.is_on and (trace := in_hand().trace):
            facts = {"connection": item.tenant, "entity": item.key, "verdict": verdict.value}
            self.tracing.tell(dispatcher, trace, began_ns, time.time_ns(), **facts)

    def answered(self, answer: Answered) -> None:
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

    def held(self, connection: str, accepted_ms: int) -> str:
        """What has held a connection's changes back since then: `quota`, `access`, or `no`."""
        c = self.settings.connections[connection]
        budgets = (("read", c.lofty_budget), ("write", c.ghl_budget))
        for held in ("access", "quota"):
            if any(self._held_ms.get((*budget, held), 0) >= accepted_ms for budget in budgets):
                return held
        return "no"

    def stage(self, name: str, process: Process) -> Process:
        """An agent's process, watched."""

        async def watched(messages: list[Any]) -> None:
            began = time.perf_counter()
            await process(messages)
            self.metrics.worked(name, len(messages), time.perf_counter() - began)
            for place, message in {(one.topic, one.partition): one for one in messages}.items():
                self.backlog.worked(place, int(message.timestamp * 1000))

        return watched

    def watching_lags(self, look: Callable[[], Awaitable[dict[Place, tuple[int, int]]]]) -> Any:
        """The watchdog's look at our partitions, watched."""

        async def watched() -> dict[Place, tuple[int, int]]:
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

    def recovering(self) -> None:
        """Tables begin to be recovered."""
        self._recovery.since_ms = self.now_ms()

    def recovered(self, records: int, seconds: float) -> None:
        """Tables are recovered."""
        self._recovery.since_ms, self._recovery.seconds = None, seconds
        self.metrics.recovery_records.inc(records)

    # -- rows ---------------------------------------------------------------------------------------------

    def took_over(self, partition: int) -> None:
        """The partition is ours: its links are counted from now on. Its open rows are told one by one (`fetch`, ...)."""
        if self._parts is not None:
            self._parts.state.links.count(partition)

    def let_go(self, partitions: Iterable[int]) -> None:
        """The partitions go to another worker."""
        for partition in partitions:
            for one in (self.fetches, self.outbox, self.errands):
                one.forget(partition)

    def fetch(self, partition: int, key: str, row: FetchRow) -> None:
        """A row that was there when its partition was gained."""
        self._fetch(partition, key, row)

    def desired(self, partition: int, key: str, row: OutboxRow) -> None:
        """The same for a state that is to be written."""
        self._outbox_row(partition, key, row)

    def errand(self, partition: int, key: str, row: ErrandRow) -> None:
        """The same for what is to be written to Lofty."""
        self._errand(partition, key, row)

    def _fetch(self, partition: int, key: str, row: FetchRow | None) -> None:
        self.fetches.put(
            partition, key, Open(row.connection, row.accepted_ms, bool(row.parked)) if row is not None else None
        )

    def _outbox_row(self, partition: int, key: str, row: OutboxRow | None) -> None:
        opened = None
        if row is not None:
            opened = Open(row.snapshot.connection, row.snapshot.accepted_ms, bool(row.parked))
        self.outbox.put(partition, key, opened)

    def _errand(self, partition: int, key: str, row: ErrandRow | None) -> None:
        is_open = row is not None and not row.is_settled
        opened = Open(row.write.connection, row.write.accepted_ms, bool(row.parked)) if row and is_open else None
        self.errands.put(partition, key, opened)

    # -- what is asked ------------------------------------------------------------------------------------

    def readings(self) -> Iterator[Reading]:
        """What the gauges read now."""
        return of_worker(self.status())

    def status(self, *, is_stopping: bool = False) -> WorkerStatus:
        """How this worker is."""
        parts = self._parts
        assert parts is not None, "look_at comes first"
        now_ms, ownership = self.now_ms(), parts.ownership
        rows, size = parts.state.store.size()
        mapping_version, mapping_trouble = self.newer_mappings()
        return WorkerStatus(
            instance=self.instance,
            host=socket.gethostname(),
            pid=os.getpid(),
            release=RELEASE,
            started_ms=self.started_ms,
            at_ms=now_ms,
            is_stopping=is_stopping,
            is_ready=ownership.is_ready and not is_stopping,
            mapping_version=mapping_version,
            mapping_trouble=mapping_trouble,
            partitions=self.settings.kafka.partitions,
            assigned=tuple(sorted(ownership.assigned)),
            fenced=tuple(sorted(ownership.fenced)),
            standby=tuple(sorted(parts.state.changelogs.standby)),
            lease_seconds=parts.lease.left_seconds,
            recovering_since_ms=self._recovery.since_ms,
            recovery_seconds=self._recovery.seconds,
            stuck_looks=self.stuck_looks,
            store_rows=rows,
            store_bytes=size,
            tables={
                "fetches": len(self.fetches),
                "outbox": len(self.outbox),
                "errands": len(self.errands),
                "links": self.links.total,
            },
            lags=tuple(self._lags()),
            budgets=tuple(self._budgets(parts, now_ms)),
            connections=tuple(self._connections(parts)),
            stages=dict(self.metrics.stages),
            totals=dict(self.metrics.totals),
        )

    def _lags(self) -> Iterator[LagStatus]:
        for topic in WATCHED_TOPICS:
            name = self.names.of(topic)
            yield LagStatus(topic=topic, records=self.backlog.records(name), oldest_ms=self.backlog.oldest_ms(name))

    def _budgets(self, parts: Observed, now_ms: int) -> Iterator[BudgetStatus]:
        now = self.monotonic()
        for loop, of in ((parts.reading, "lofty_budget"), (parts.writing, "ghl_budget")):
            sharing: dict[str, list[str]] = {}
            for c in self.settings.connections.values():
                sharing.setdefault(getattr(c, of), []).append(c.name)
            for view in loop.core.view(now):
                yield self._budget(loop.name, view, tuple(sharing.get(view.budget, ())), now_ms)

    def _budget(self, dispatcher: str, view: BudgetView, connections: tuple[str, ...], now_ms: int) -> BudgetStatus:
        key = (dispatcher, view.budget)
        kind = pause_kind(view.pause_cause) if view.pause_cause else ""
        if kind:
            self._paused_since.setdefault(key, now_ms)
        else:
            self._paused_since.pop(key, None)
        held = "quota" if view.waiting_for_quota else _HELD.get(kind)
        if held:
            self._held_ms[(*key, held)] = now_ms
        lasts = view.pause_seconds if kind and view.pause_seconds < inf else None
        return BudgetStatus(
            dispatcher="read" if dispatcher == "read" else "write",
            budget=view.budget,
            connections=connections,
            waiting={priority.name.lower(): number for priority, number in view.waiting.items() if number},
            blocked=view.blocked,
            in_flight=view.in_flight,
            in_flight_limit=view.in_flight_limit,
            window_used=view.used,
            window_limit=view.limit,
            window_seconds=view.window_seconds,
            quota_left=view.quota_left,
            quota_limit=view.quota_limit,
            quota_reset_seconds=view.quota_reset_seconds,
            quota_regime=view.quota_regime,
            waiting_for_quota=view.waiting_for_quota,
            paused=kind,
            because=self._redact.text(view.pause_cause),
            paused_since_ms=self._paused_since.get(key),
            paused_until_ms=None if lasts is None else now_ms + int(lasts * 1000),
        )

    def _connections(self, parts: Observed) -> Iterator[ConnectionStatus]:
        fenced = parts.ownership.fenced
        for c in self.settings.connections.values():
            reading = self._reading(c, parts) if self.places.lofty(c) in fenced else None
            writing = self._writing(c, parts) if self.places.ghl(c) in fenced else None
            if reading is not None or writing is not None:
                yield ConnectionStatus(connection=c.name, reading=reading, writing=writing)

    def _reading(self, c: Connection, parts: Observed) -> SideStatus:
        oldest = [one.oldest_ms(c.name) for one in (self.fetches, self.errands)]
        return SideStatus(
            undelivered={"fetch": self.fetches.number(c.name), "write back": self.errands.number(c.name)},
            parked={"fetch": self.fetches.parked(c.name), "write back": self.errands.parked(c.name)},
            oldest_accepted_ms=min((at for at in oldest if at is not None), default=None),
            on_hold=_hold(parts.reading, c.lofty_budget, c.name, "reads Lofty's members first"),
            sweep=_sweep(c, parts.state.sweeps.get(self.places.lofty(c), c.name) or SweepRow()),
            token_expires_ms=parts.tokens.expires_ms(c, "lofty") if parts.tokens is not None else None,
        )

    def _writing(self, c: Connection, parts: Observed) -> SideStatus:
        return SideStatus(
            undelivered={"deliver": self.outbox.number(c.name)},
            parked={"deliver": self.outbox.parked(c.name)},
            oldest_accepted_ms=self.outbox.oldest_ms(c.name),
            on_hold=_hold(parts.writing, c.ghl_budget, c.name, "reads GHL's fields and users first"),
            links=self.links.number(c.name),
            token_expires_ms=parts.tokens.expires_ms(c, "ghl") if parts.tokens is not None else None,
        )

    # -- going on -----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Say how this worker is, every few seconds, until cancelled. Where nothing is counted, nothing is said."""
        while self.metrics.is_on:
            await self.say()
            await asyncio.sleep(STATUS_SECONDS)

    async def end(self) -> None:
        """The last word: this worker stops, and nothing reads its gauges any more."""
        await self.say(is_stopping=True)
        self.metrics.gauges = process_readings(self.now_ms)

    async def say(self, *, is_stopping: bool = False) -> None:
        """Say it once. What goes wrong here stops nobody."""
        if self._parts is None:
            return
        try:
            status = self.status(is_stopping=is_stopping)
            await publish(self._parts.appender, self.names, self.settings.kafka.partitions, status)
        except Exception as error:  # whatever it is: the next word comes in five seconds
            self.metrics.statuses.labels("failed").inc()
            log.warning("this worker's status could not be published: %r", error)
        else:
            self.metrics.statuses.labels("published").inc()


async def watch_loop(metrics: Metrics, seconds: float = LOOP_SECONDS) -> None:
    """See how late the event loop wakes us, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + seconds
        await asyncio.sleep(seconds)
        metrics.loop_lag.observe(max(0.0, loop.time() - due))


def append_topics() -> tuple[str, ...]:
    """The names under which appended records are counted."""
    return (*(spec.name for spec in TOPICS), CHANGELOGS)


CHANGELOGS = "changelogs"


def counting_appends(metrics: Metrics, names: TopicNames) -> Callable[[str, int, float, bool], None]:
    """What an appender tells of its batches, counted by the topic's name in the product."""
    known = {names.of(spec.name): spec.name for spec in TOPICS}
    known |= {names.changelog(table): CHANGELOGS for table in TABLES}

    def appended(topic: str, records: int, seconds: float, failed: bool) -> None:
        metrics.appended(known.get(topic, topic), records, seconds, failed=failed)

    return appended


def process_readings(now_ms: Callable[[], int]) -> Callable[[], Iterable[Reading]]:
    """The gauges of a process that is no worker."""
    return lambda: of_process(RELEASE, now_ms())


def _hold(loop: DispatchLoop, budget: str, connection: str, why: str) -> str:
    return why if loop.core.is_held(budget, connection) else ""


def _sweep(c: Connection, row: SweepRow) -> SweepStatus:
    schedule = schedule_of(c.sweep)
    return SweepStatus(
        running=row.kind,
        started_ms=row.started_ms,
        leads=row.leads,
        total=row.total,
        changes=row.changes,
        new_ended_ms=row.new_ended_ms,
        full_ended_ms=row.full_ended_ms,
        new_interval_ms=schedule.new_ms,
        full_interval_ms=schedule.full_ms,
        ordered=row.ordered,
        served=row.served,
    )
