"""The one place that wires everything: from settings and collaborators to a running worker.

A worker is a Faust app (consuming, tables, recovery) with two dispatchers beside it (reading Lofty, writing GHL).
Partitions come and go with Faust's rebalances; with them come and go the budgets that are placed there.
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import Callable
from dataclasses import astuple, dataclass, field
from functools import partial
from typing import Any, Self

from aiokafka import AIOKafkaProducer
from faust.types import TP
from mode.utils.logging import get_logger

from connectors.http import AiohttpTransport, Transport
from streams.agents.batches import Process, agent
from streams.agents.busy import Busy
from streams.agents.dedupe import dedupe
from streams.agents.deliver import deliver
from streams.agents.fetch import fetch
from streams.agents.inspect import inspect
from streams.agents.record import record
from streams.agents.replay import replay
from streams.agents.sweep import sweep
from streams.agents.tokens import tokens
from streams.appender import Appender, Record
from streams.back import new_way_back
from streams.core.admission import priority_of
from streams.core.delivery import settled_as
from streams.core.dispatcher import BudgetPolicy, Item
from streams.core.rows import FetchRow, OutboxRow
from streams.dispatch.directories import Directories
from streams.dispatch.inspector import Inspector
from streams.dispatch.lease import Lease, LeasedTransport
from streams.dispatch.loop import DispatchLoop, Finish, Slot
from streams.dispatch.members import Members
from streams.dispatch.mending import Mending
from streams.dispatch.ownership import Hooks, Ownership
from streams.dispatch.reader import WINDOW_SECONDS, Reader
from streams.dispatch.receipts import Receipts
from streams.dispatch.recorded import Recorded
from streams.dispatch.spending import Spending
from streams.dispatch.sweeper import Sweeper, schedule_of
from streams.dispatch.tokens import Tokens
from streams.dispatch.watchdog import LoopWatch, end_process, watch_consumer
from streams.dispatch.writer import Writer
from streams.faust_app import new_faust_app
from streams.kafka import GroupLag, new_producer, start_producer
from streams.metrics import Metrics
from streams.oauth import Grants
from streams.observing import WATCHED_TOPICS, Observed, Observing, counting_appends, watch_loop
from streams.parking import Parking
from streams.placement import ghl_budget, lofty_budget
from streams.places import Places
from streams.settings import Settings
from streams.state import State
from streams.topics import (
    CHANGES,
    FETCHES,
    GHL_CHANGES,
    INSPECTIONS,
    LOFTY_WRITES,
    OBSERVATIONS,
    RECEIPTS,
    REPLAYS,
    SNAPSHOTS,
    SWEEPS,
    TOKENS,
    TopicNames,
)
from streams.tracing import NoTracing, Tracing
from streams.vendors import locations_of, teams_of
from streams.words import Change, Entity, Observation, Snapshot

STOP_SECONDS = 45.0
"""How long an orderly stop may take; what is cut off then is done again at the next start."""

LEAVE_SECONDS = 10.0
"""How long Faust may then take to leave the group; all is written by that time."""

log = get_logger("lofty_ghl.worker")

RELOAD_SECONDS = 3600.0
"""How often custom fields, users and members are read again."""


@dataclass(frozen=True, slots=True)
class Collaborators:
    """What a worker is given from outside. The defaults are the real things; tests replace some.

    `instance` names this process to the vendors and in its fences. `end` ends a process that cannot go on.
    `newer_mappings` tells the version of the mappings that the worker's are equal to, and why a newer one is not in force.
    """

    instance: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    transport: Callable[[str, Callable[[], bool]], Transport] = lambda instance, may_send: AiohttpTransport(
        instance=instance, may_send=may_send
    )
    producer: Callable[[Settings], AIOKafkaProducer] = new_producer
    monotonic: Callable[[], float] = time.monotonic
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    jitter: Callable[[], float] = random.random
    metrics: Metrics = field(default_factory=Metrics)
    tracing: Tracing = field(default_factory=NoTracing)
    end: Callable[[str], None] = end_process
    newer_mappings: Callable[[Settings], tuple[int, str]] = lambda s: (s.mapping_version, s.mapping_trouble)
    visibility_ms: int = 60_000
    search_lag_ms: int = 10_000


class Worker:
    """A worker: `async with Worker(settings, given) as worker: await worker.wait()`."""

    def __init__(self, settings: Settings, given: Collaborators) -> None:
        self.settings = settings
        self.metrics = given.metrics
        self._given = given
        self._names = TopicNames(settings.kafka.topic_prefix)
        self._places = Places(settings)
        self._recorded = Recorded()
        self._busy = Busy()
        self.lease = Lease(settings.kafka.session_timeout_seconds, given.monotonic, self._lease_over)
        self._wire = given.transport(given.instance, lambda: self.lease.is_held)
        self._background: list[asyncio.Task[None]] = []
        self._lag = GroupLag(settings, self._names.group)
        self.observing = Observing(
            settings,
            self._names,
            self._places,
            given.metrics,
            given.instance,
            given.now_ms,
            given.monotonic,
            given.tracing,
            lambda: given.newer_mappings(settings),
        )

    # -- starting and stopping ----------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        self._producer = self._given.producer(self.settings)
        await start_producer(self._producer)
        self._producer.client.send = self.lease.guarding(self._producer.client.send)
        self._appender = Appender(self._producer, counting_appends(self.metrics, self._names))
        self.app = new_faust_app(self.settings, self._names, self.lease)
        self.state = State.of(self.settings, self._names, self._appender, self._given.monotonic)
        self._parking = Parking(self._names, self.settings.kafka.partitions, self.metrics.put_aside)
        self._new_dispatchers()
        self._define_agents()
        self.observing.look_at(
            Observed(self.state, self.lease, self.ownership, self.reading, self.writing, self._tokens, self._appender)
        )
        # Faust calls a receiver with what its signal's own type says; the type of `connect` only knows `*args: Any`.
        self.app.on_partitions_revoked.connect(self._on_revoked, weak=False)  # type: ignore[arg-type]  # see above
        self.app.on_rebalance_complete.connect(self._on_rebalanced, weak=False)  # type: ignore[arg-type]  # see above
        self._background = [
            asyncio.create_task(self.reading.run(), name="read"),
            asyncio.create_task(self.writing.run(), name="write"),
            asyncio.create_task(self._reload_directories(), name="reload directories"),
            asyncio.create_task(self.state.changelogs.run(), name="standby copies"),
            asyncio.create_task(self._watch_consumer(), name="watch consumer"),
            asyncio.create_task(self.observing.run(), name="tell how it is"),
            asyncio.create_task(watch_loop(self.metrics), name="watch loop"),
        ]
        self._loop_watch = LoopWatch(stalled=self._given.end)
        self.app.finalize()
        await self.app.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Start no more requests, let those in flight end and be recorded, commit, and let go."""
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self.ownership.release(set(self.ownership.assigned))
                await self.observing.end()
                await self._appender.drain()
        except TimeoutError:
            self._given.end(f"What was under way did not end within {STOP_SECONDS:.0f} s (is Kafka away?).")
        self._loop_watch.stop()
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        self.lease.give_up()
        try:
            async with asyncio.timeout(LEAVE_SECONDS):
                await self.app.stop()
        except TimeoutError:
            self._given.end(
                f"Faust did not stop within {LEAVE_SECONDS:.0f} s. Everything was written and let go before."
            )
        await self._appender.drain()
        await self._producer.stop()
        await self._lag.aclose()
        self.state.store.close()
        close = getattr(self._wire, "aclose", None)
        if close is not None:
            await close()

    async def wait(self) -> None:
        """Return when the worker cannot go on; raises what crashed it."""
        await self.app.wait_until_stopped()
        if self.app.crash_reason is not None:
            raise self.app.crash_reason

    @property
    def is_ready(self) -> bool:
        """Partitions are assigned, the tables recovered, and every fence is read back."""
        return self.ownership.is_ready

    @property
    def mapping_version(self) -> int:
        """The version of the mappings by which it writes; a newer one that maps the same counts as that."""
        return self._given.newer_mappings(self.settings)[0]

    @property
    def mapping_trouble(self) -> str:
        """Why a newer version of the mappings is not in force here; empty when there is none."""
        return self._given.newer_mappings(self.settings)[1]

    # -- what an operator asks ----------------------------------------------------------------------------

    def budgets(self) -> list[dict[str, Any]]:
        """The state of every budget that this worker owns, for people: what waits, and what a pause waits for."""
        now = self._given.monotonic()
        return [{"dispatcher": loop.name, **view.as_dict()} for loop in self._loops for view in loop.core.view(now)]

    def reload_directories(self) -> None:
        """Look again at what the vendors call custom fields, users and members."""
        for partition in self.ownership.fenced:
            self._load_directories(partition)

    async def _reload_directories(self) -> None:
        """Names in the vendors change seldom: look again each hour."""
        while True:
            await asyncio.sleep(RELOAD_SECONDS)
            self.reload_directories()
            for partition in self.ownership.fenced:
                self._back.purge(partition)

    def _load_directories(self, partition: int) -> None:
        for c in self._places.reading_at(partition):
            self._members.load(c.name)
        for c in self._places.writing_at(partition):
            self._directories.load(c.name)

    async def _watch_consumer(self) -> None:
        lags, observing = self.observing.watching_lags(self._lags), self.observing
        await watch_consumer(lags, stalled=self._given.end, looked=observing.looked)

    async def _lags(self) -> dict[tuple[str, int], tuple[int, int]]:
        topics = [self._names.of(topic) for topic in WATCHED_TOPICS]
        return await self._lag.look((topic, partition) for topic in topics for partition in self.ownership.assigned)

    # -- partitions come and go ---------------------------------------------------------------------------

    async def _on_rebalanced(self, _app: object, **_: object) -> None:
        """Kafka gave us partitions: bring their tables up to date, then own them. Faust lets nothing flow until then."""
        generation, releases = self.app.consumer_generation_id, self.ownership.releases
        receipts = self._names.of(RECEIPTS)
        actives = {tp.partition for tp in self.app.assignor.assigned_actives() if tp.topic == receipts}
        self.observing.recovering()
        try:
            recovered = await self.state.changelogs.recover(actives - self.ownership.assigned)
        except Exception as error:  # whatever it is: without its tables a worker must not work
            self._given.end(f"The tables of partitions {sorted(actives)} cannot be recovered ({error!r}).")
            raise
        self.observing.recovered(recovered.records, recovered.seconds)
        if (self.app.consumer_generation_id, self.ownership.releases) != (generation, releases):
            return  # a newer rebalance has begun meanwhile; it comes here again
        log.info("%d partitions recovered: %d records in %.1f s", *astuple(recovered))
        await self.ownership.assign(actives)
        if self.settings.worker.standby:
            self.state.changelogs.follow(set(range(self.settings.kafka.partitions)) - actives)

    async def _on_revoked(self, _app: object, revoked: set[TP], **_: object) -> None:
        await self.ownership.release({tp.partition for tp in revoked})

    def _gained(self, partition: int) -> None:
        worker = self.settings.worker
        for c in self._places.reading_at(partition):
            policy = BudgetPolicy(
                c.lofty.requests_per_minute, WINDOW_SECONDS, worker.in_flight_per_lofty_budget, is_noted=True
            )
            self.reading.gain(c.lofty_budget, policy, self._reads_spent.of_another(c.lofty_budget))
            self._sweeper.gain(c.name)
        for c in self._places.writing_at(partition):
            policy = BudgetPolicy(
                c.ghl.requests_per_window,
                c.ghl.window_seconds,
                worker.in_flight_per_location,
                is_noted=True,
                daily_limit=c.ghl.requests_per_day,
                live_reserve=c.ghl.live_reserve,
            )
            self.writing.gain(c.ghl_budget, policy, self._writes_spent.of_another(c.ghl_budget))
        self._load_directories(partition)
        self.observing.took_over(partition)
        for key, pending in self.state.fetches.items(partition):
            self.observing.rows.fetch(partition, key, pending)
            self._offer_read(pending)
        for key, desired in self.state.outbox.items(partition):
            self.observing.rows.desired(partition, key, desired)
            self._offer_write(desired)
        self._back.gained(partition)

    async def _losing(self, partitions: set[int]) -> None:
        async with asyncio.TaskGroup() as both:
            for partition in partitions:
                for c in self._places.reading_at(partition):
                    self._sweeper.lose(c.name)
                both.create_task(self.reading.lose({c.lofty_budget for c in self._places.reading_at(partition)}))
                both.create_task(self.writing.lose({c.ghl_budget for c in self._places.writing_at(partition)}))
        if self._tokens is not None:
            await self._tokens.lose(partitions)
        await self._busy.until_idle()

    def _released(self, partitions: set[int]) -> None:
        self.state.release(partitions)
        self.observing.let_go(partitions)

    def _newest_epoch(self, partition: int) -> int:
        return max((row.epoch for _, row in self.state.budgets.items(partition)), default=0)

    def _read_place(self, budget: str) -> tuple[str, int, int]:
        key = lofty_budget(budget)
        partition = self._places.of(key)
        return key, partition, self.ownership.epoch(partition)

    def _write_place(self, budget: str) -> tuple[str, int, int]:
        key = ghl_budget(budget)
        partition = self._places.of(key)
        return key, partition, self.ownership.epoch(partition)

    # -- the two dispatchers ------------------------------------------------------------------------------

    async def _read(self, item: Item, slot: Slot) -> Finish:
        if self._sweeper.is_sweep(item):
            return await self._sweeper(item, slot)
        if self._back.errands.is_errand(item):
            return await self._back.errands(item, slot)
        return await (self._members if self._members.is_members(item) else self._reader)(item, slot)

    async def _write(self, item: Item, slot: Slot) -> Finish:
        if self._inspector.is_inspection(item):
            return await self._inspector(item, slot)
        if self._back.responder.is_event(item):
            return await self._back.responder(item, slot)
        return await (self._directories if self._directories.is_directory(item) else self._writer)(item, slot)

    def _offer_read(self, row: FetchRow) -> None:
        c = self.settings.connections.get(row.connection)
        if c is None or row.parked:
            return
        entity = row.entity
        rank = 0 if row.kind == "contact" else 1
        item = Item(entity.key, entity.lane, c.lofty_budget, c.name, priority_of(row.origin), rank)
        self.reading.offer(item, wait_seconds=(row.not_before_ms - self._given.now_ms()) / 1000)

    def _offer_write(self, row: OutboxRow) -> None:
        c = self.settings.connections.get(row.snapshot.connection)
        if c is None or row.parked:
            return
        entity = row.snapshot.entity
        rank = 0 if entity.kind == "contact" else 1
        item = Item(entity.key, entity.lane, c.ghl_budget, c.name, priority_of(row.snapshot.origin), rank)
        self.writing.offer(item, wait_seconds=(row.not_before_ms - self._given.now_ms()) / 1000)

    def _ask(self, entity: Entity, update_time_ms: int) -> asyncio.Future[int]:
        """Request a read of an entity that a write depends on."""
        change = Change(
            connection=entity.connection,
            lead=entity.lead,
            kind=entity.kind,
            id=entity.id,
            operation="updated",
            update_time_ms=update_time_ms,
            accepted_ms=self._given.now_ms(),
            origin="dependency",
        )
        partition = self._places.lofty(self.settings.connections[entity.connection])
        record = Record(self._names.of(FETCHES), partition, entity.lane.encode(), change.to_bytes())
        return self._appender.enqueue(record)

    def _settled_as(self, snapshot: Snapshot) -> str:
        """What a link reads when it satisfies a snapshot; empty for a connection that is not configured any more."""
        connection = self.settings.connections.get(snapshot.connection)
        return settled_as(snapshot.fingerprint, connection.mapping_fingerprint) if connection else ""

    # -- parts --------------------------------------------------------------------------------------------

    def _new_dispatchers(self) -> None:
        given, state, settings = self._given, self.state, self.settings
        self._reads_spent = Spending(state.budgets, self._read_place)
        self._writes_spent = Spending(state.budgets, self._write_place)
        self.reading = DispatchLoop(
            "read",
            self._read,
            given.monotonic,
            note=self._reads_spent.note,
            now_ms=given.now_ms,
            may_start=lambda: self.lease.is_held,
            watching=self.observing,
        )
        self.writing = DispatchLoop(
            "write",
            self._write,
            given.monotonic,
            note=self._writes_spent.note,
            now_ms=given.now_ms,
            may_start=lambda: self.lease.is_held,
            watching=self.observing,
        )
        self._loops = (self.reading, self.writing)
        transport = LeasedTransport(self._wire, self.lease)
        grants = Grants.of(settings)
        self._tokens = (
            Tokens(grants, state.tokens, transport, self._resume, given.now_ms, self.metrics) if grants else None
        )
        teams = teams_of(
            settings,
            self._places,
            transport,
            partial(self._answered, self.reading),
            given.visibility_ms,
            grants,
            self._tokens,
        )
        places = locations_of(
            settings,
            self._places,
            transport,
            partial(self._answered, self.writing),
            given.search_lag_ms,
            grants,
            self._tokens,
        )
        self._members = Members(self.reading, teams)
        self._sweeper = Sweeper(
            loop=self.reading,
            teams=teams,
            schedules={name: schedule_of(c.sweep) for name, c in settings.connections.items()},
            sweeps=state.sweeps,
            swept=state.swept,
            appender=self._appender,
            changes_topic=self._names.of(CHANGES),
            partitions=settings.kafka.partitions,
            pause=self.reading.pause,
            now_ms=given.now_ms,
            jitter=given.jitter,
            count=lambda connection, result: self.metrics.sweeps.labels(connection, result).inc(),
        )
        self._directories = Directories(self.writing, places)
        hooks = Hooks(self._newest_epoch, self._gained, self._losing, self._released, self._fence_failed)
        receipts_topic = self._names.of(RECEIPTS)
        self.ownership = Ownership(given.instance, receipts_topic, self._appender, self._recorded, given.now_ms, hooks)
        self._reader = Reader(
            teams=teams,
            fetches=state.fetches,
            snapshots_topic=self._names.of(SNAPSHOTS),
            appender=self._appender,
            parking=self._parking,
            agent=self._members.agent,
            pause=self.reading.pause,
            now_ms=given.now_ms,
            jitter=given.jitter,
            metrics=self.metrics,
        )
        receipts = Receipts(receipts_topic, self._appender, self._recorded, given.now_ms, self._epoch_of)
        self._back = new_way_back(
            settings=settings,
            names=self._names,
            places=self._places,
            state=state,
            reading=self.reading,
            writing=self.writing,
            teams=teams,
            locations=places,
            receipts=receipts,
            appender=self._appender,
            parking=self._parking,
            ask=self._ask,
            now_ms=given.now_ms,
            jitter=given.jitter,
            metrics=self.metrics,
            opened=self.observing.rows.errand,
        )
        self._writer = Writer(
            locations=places,
            outbox=state.outbox,
            links=state.links,
            receipts=receipts,
            appender=self._appender,
            parking=self._parking,
            directory=self._directories.get,
            lacks=self._directories.lacks,
            ask=self._ask,
            held=self.observing.held,
            lofty_was_edited=self._back.responder.lofty_was_edited,
            pause=self.writing.pause,
            settled_as=self._settled_as,
            now_ms=given.now_ms,
            jitter=given.jitter,
            metrics=self.metrics,
        )
        self._inspector = Inspector(
            loop=self.writing,
            locations=places,
            links=state.links,
            outbox=state.outbox,
            directory=self._directories.get,
            mending=Mending(state.links, state.outbox, receipts, self._offer_write, self._epoch_of),
            answer=self._observed,
            now_ms=given.now_ms,
            jitter=given.jitter,
        )

    def _epoch_of(self, connection: str) -> int:
        return self.ownership.epoch(self._places.ghl_of(connection))

    async def _observed(self, observation: Observation, partition: int) -> None:
        topic = self._names.of(OBSERVATIONS)
        await self._appender.append([Record(topic, partition, observation.lane.encode(), observation.to_bytes())])

    def _define_agents(self) -> None:
        now_ms, parking, appender, state = self._given.now_ms, self._parking, self._appender, self.state
        connections = self.settings.connections
        self._agent(
            "dedupe",
            CHANGES,
            dedupe(
                seen=state.seen,
                appender=appender,
                parking=parking,
                fetches_topic=self._names.of(FETCHES),
                lofty_partitions={name: self._places.lofty(c) for name, c in connections.items()},
                now_ms=now_ms,
                count=lambda decision: self.metrics.changes.labels(decision).inc(),
                new_trace=self.observing.new_trace,
                traced=self.observing.admitted if self._given.tracing.is_on else None,
            ),
        )
        self._agent(
            "fetch",
            FETCHES,
            fetch(fetches=state.fetches, appender=appender, parking=parking, offer=self._offer_read, now_ms=now_ms),
        )
        self._agent(
            "deliver",
            SNAPSHOTS,
            deliver(
                outbox=state.outbox,
                links=state.links,
                appender=appender,
                parking=parking,
                receipts_topic=self._names.of(RECEIPTS),
                settled_as=self._settled_as,
                offer=self._offer_write,
                epoch=self.ownership.epoch,
                now_ms=now_ms,
                count=self.metrics.delivered,
            ),
        )
        self._agent(
            "replay",
            REPLAYS,
            replay(
                outbox=state.outbox,
                links=state.links,
                appender=appender,
                parking=parking,
                settled_as=self._settled_as,
                offer=self._offer_write,
                epoch=self.ownership.epoch,
                now_ms=now_ms,
                count=lambda decision: self.metrics.snapshots.labels(f"replayed: {decision}").inc(),
            ),
        )
        self._agent(
            "record",
            RECEIPTS,
            record(
                links=state.links,
                outbox=state.outbox,
                appender=appender,
                parking=parking,
                settled_as=self._settled_as,
                ask=self._ask,
                recorded=self._recorded.advance,
                linked=self._back.linked,
                now_ms=now_ms,
            ),
        )

        if self._tokens is not None:
            adopt = self._tokens.adopt
            taken = tokens(table=state.tokens, appender=appender, parking=parking, adopt=adopt, now_ms=now_ms)
            self._agent("tokens", TOKENS, taken)
        self._agent("respond", GHL_CHANGES, self._back.respond_process())
        self._agent("write_back", LOFTY_WRITES, self._back.write_back_process())
        self._agent(
            "sweep",
            SWEEPS,
            sweep(sweeps=state.sweeps, appender=appender, parking=parking, offer=self._sweeper.offer, now_ms=now_ms),
        )
        self._agent(
            "inspect",
            INSPECTIONS,
            inspect(
                ask=self._inspector.ask,
                appender=appender,
                parking=parking,
                observations_topic=self._names.of(OBSERVATIONS),
                now_ms=now_ms,
            ),
        )

    def _agent(self, name: str, topic: str, process: Process) -> None:
        source = self.app.topic(
            self._names.of(topic), key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
        )
        resumes_at = None if topic in (SNAPSHOTS, TOKENS) else self._lag.resumes_at
        body = agent(name, self.observing.stage(name, process), self._busy, self._given.end, resumes_at)
        self.app.agent(source, name=f"lofty_ghl.{name}", concurrency=1)(body)

    def _answered(self, loop: DispatchLoop, budget: str, answer: Any) -> None:
        self.observing.answered(answer)
        if answer.rate is not None:
            loop.observe(budget, answer.rate)

    def _resume(self, budget: str) -> None:
        """A budget has been given access: what could not be read without it is read first."""
        for partition in self.ownership.fenced:
            for c in self._places.reading_at(partition):
                if c.lofty_budget == budget:
                    self._members.load(c.name)
            for c in self._places.writing_at(partition):
                if c.ghl_budget == budget:
                    self._directories.load(c.name)
        for loop in self._loops:
            loop.resume(budget)

    def _lease_over(self) -> None:
        self._given.end("Kafka gave this worker's partitions to others: it was frozen, or cut off, for too long.")

    def _fence_failed(self, error: BaseException) -> None:
        self._given.end(f"A fence could not be written ({error!r}).")
