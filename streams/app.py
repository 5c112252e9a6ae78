"""The one place that wires everything: from settings and collaborators to a running worker.

A worker is a Faust app (consuming, tables, recovery) with two dispatchers beside it (reading Lofty, writing GHL).
Partitions come and go with Faust's rebalances; with them come and go the budgets that are placed there.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Self, TypeVar

import faust
from aiokafka import AIOKafkaProducer
from faust.types import TP
from pydantic import SecretStr

from connectors.answered import Answered
from connectors.auth import StaticAuth
from connectors.ghl import GhlClient
from connectors.http import AiohttpTransport, Transport
from connectors.lofty import LoftyClient
from streams.agents.batches import Process, agent
from streams.agents.dedupe import dedupe
from streams.agents.deliver import deliver
from streams.agents.fetch import fetch
from streams.agents.record import record
from streams.appender import Appender, Record
from streams.core.admission import priority_of
from streams.core.delivery import settled_as
from streams.core.dispatcher import BudgetPolicy, Item
from streams.core.planning import Rules
from streams.core.rows import FetchRow, LinkRow, OutboxRow, SeenRow
from streams.dispatch.directories import Directories
from streams.dispatch.loop import DispatchLoop, Finish, Slot
from streams.dispatch.members import Members
from streams.dispatch.reader import WINDOW_SECONDS, Reader, Team
from streams.dispatch.receipts import Receipts
from streams.dispatch.recorded import Recorded
from streams.dispatch.writer import Location, Writer
from streams.kafka import faust_options, new_producer, shorten_fetch_wait, start_producer
from streams.metrics import Metrics
from streams.parking import Parking
from streams.placement import ghl_budget, lofty_budget, partition_of
from streams.settings import Connection, Settings
from streams.tables import Table
from streams.topics import (
    CHANGES,
    FETCHES,
    FETCHES_TABLE,
    LINKS_TABLE,
    OUTBOX_TABLE,
    RECEIPTS,
    SEEN_TABLE,
    SNAPSHOTS,
    TopicNames,
)
from streams.words import Change, Entity, Snapshot, Word

Row = TypeVar("Row", bound=Word)

RELOAD_SECONDS = 3600.0
"""How often custom fields, users and members are read again."""


@dataclass(frozen=True, slots=True)
class Collaborators:
    """What a worker is given from outside. The defaults are the real things; tests replace some."""

    transport: Callable[[], Transport] = AiohttpTransport
    producer: Callable[[Settings], AIOKafkaProducer] = new_producer
    monotonic: Callable[[], float] = time.monotonic
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    jitter: Callable[[], float] = random.random
    metrics: Metrics = field(default_factory=Metrics)
    visibility_ms: int = 60_000
    search_lag_ms: int = 10_000


class Worker:
    """A worker: `async with Worker(settings, given) as worker: await worker.wait()`."""

    def __init__(self, settings: Settings, given: Collaborators) -> None:
        self.settings = settings
        self.metrics = given.metrics
        self._given = given
        self._names = TopicNames(settings.kafka.topic_prefix)
        self._partitions = settings.kafka.partitions
        self._transport = given.transport()
        self._recorded = Recorded()
        self._loops: list[asyncio.Task[None]] = []
        self._owned: set[int] = set()
        self.reading = DispatchLoop("read", self._read, given.monotonic)
        self.writing = DispatchLoop("write", self._write, given.monotonic)
        self._members = Members(lambda: self.reading)
        creates = {name: c.policies.create_custom_fields for name, c in settings.connections.items()}
        self._directories = Directories(lambda: self.writing, creates)

    # -- starting and stopping ----------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        self._producer = self._given.producer(self.settings)
        await start_producer(self._producer)
        self._appender = Appender(self._producer)
        self.app = self._new_app()
        self.seen = self._table(SEEN_TABLE, SeenRow)
        self.fetches = self._table(FETCHES_TABLE, FetchRow)
        self.outbox = self._table(OUTBOX_TABLE, OutboxRow)
        self.links = self._table(LINKS_TABLE, LinkRow)
        self._parking = Parking(self._names, self._partitions)
        self._reader = self._new_reader()
        self._writer = self._new_writer()
        self._define_agents()
        # Faust calls a receiver with what its signal's own type says; the type of `connect` only knows `*args: Any`.
        self.app.on_partitions_revoked.connect(self._on_revoked, weak=False)  # type: ignore[arg-type]  # see above
        self.app.on_rebalance_complete.connect(self._on_rebalanced, weak=False)  # type: ignore[arg-type]  # see above
        self._loops = [
            asyncio.create_task(self.reading.run(), name="read"),
            asyncio.create_task(self.writing.run(), name="write"),
            asyncio.create_task(self._reload_directories(), name="reload directories"),
        ]
        self.app.finalize()
        await self.app.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Start no more requests, let those in flight end and be recorded, commit, and let go."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self.reading.lose(self._lofty_budgets()))
            both.create_task(self.writing.lose(self._ghl_budgets()))
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        await self._appender.drain()
        self._release_tables(self._owned)
        await self.app.stop()
        await self._appender.drain()
        await self._producer.stop()
        close = getattr(self._transport, "aclose", None)
        if close is not None:
            await close()

    async def wait(self) -> None:
        """Return when the worker cannot go on; raises what crashed it."""
        await self.app.wait_until_stopped()
        if self.app.crash_reason is not None:
            raise self.app.crash_reason

    @property
    def is_ready(self) -> bool:
        """Partitions are assigned and the tables recovered."""
        return bool(self._owned)

    def refresh_gauges(self) -> None:
        """Bring the dispatchers' gauges up to date, just before a scrape."""
        for loop in (self.reading, self.writing):
            for view in loop.core.view(self._given.monotonic()):
                labels = (loop.name, view.budget)
                for priority, number in view.waiting.items():
                    self.metrics.waiting.labels(*labels, priority.name.lower()).set(number)
                self.metrics.in_flight.labels(*labels).set(view.in_flight)
                self.metrics.window_used.labels(*labels).set(view.used)
                self.metrics.paused.labels(*labels).set(1 if view.pause_cause else 0)

    def reload_directories(self) -> None:
        """Look again at what the vendors call custom fields, users and members."""
        for c in self.settings.connections.values():
            if self._lofty_place(c) in self._owned:
                self._members.load(c.name)
            if self._ghl_place(c) in self._owned:
                self._directories.load(c.name)

    async def _reload_directories(self) -> None:
        """Names in the vendors change seldom: look again each hour."""
        while True:
            await asyncio.sleep(RELOAD_SECONDS)
            self.reload_directories()

    # -- partitions come and go ---------------------------------------------------------------------------

    async def _on_revoked(self, _app: object, revoked: set[TP], **_: object) -> None:
        partitions = {tp.partition for tp in revoked} & self._owned
        self._owned -= partitions
        for partition in partitions:
            self._recorded.disown(partition)
        connections = self.settings.connections.values()
        await self.reading.lose({c.lofty_budget for c in connections if self._lofty_place(c) in partitions})
        await self.writing.lose({c.ghl_budget for c in connections if self._ghl_place(c) in partitions})
        self._release_tables(partitions)

    def _release_tables(self, partitions: set[int]) -> None:
        for table in (self.seen, self.fetches, self.outbox, self.links):
            for partition in partitions:
                table.release(partition)

    async def _on_rebalanced(self, _app: object, **_: object) -> None:
        shorten_fetch_wait(self.app)
        receipts = self._names.of(RECEIPTS)
        actives = {tp.partition for tp in self.app.assignor.assigned_actives() if tp.topic == receipts}
        gained = actives - self._owned
        self._owned = actives
        worker = self.settings.worker
        for c in self.settings.connections.values():
            if self._lofty_place(c) in gained:
                limit = c.lofty.requests_per_minute
                self.reading.gain(
                    c.lofty_budget, BudgetPolicy(limit, WINDOW_SECONDS, worker.in_flight_per_lofty_budget)
                )
                self._members.load(c.name)
            if self._ghl_place(c) in gained:
                limit = c.ghl.requests_per_window
                self.writing.gain(
                    c.ghl_budget, BudgetPolicy(limit, c.ghl.window_seconds, worker.in_flight_per_location)
                )
                self._directories.load(c.name)
        for partition in gained:
            self._recorded.own(partition)
            for _key, pending in self.fetches.items(partition):
                self._offer_read(pending)
            for _key, desired in self.outbox.items(partition):
                self._offer_write(desired)

    # -- the two dispatchers ------------------------------------------------------------------------------

    async def _read(self, item: Item, slot: Slot) -> Finish:
        return await (self._members if self._members.is_members(item) else self._reader)(item, slot)

    async def _write(self, item: Item, slot: Slot) -> Finish:
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

    def _ask(self, entity: Entity, update_time_ms: int) -> object:
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
        partition = self._lofty_place(self.settings.connections[entity.connection])
        record = Record(self._names.of(FETCHES), partition, entity.lane.encode(), change.to_bytes())
        return self._appender.enqueue(record)

    def _settled_as(self, snapshot: Snapshot) -> str:
        connection = self.settings.connections[snapshot.connection]
        return settled_as(snapshot.fingerprint, connection.mapping_fingerprint)

    # -- parts --------------------------------------------------------------------------------------------

    def _new_app(self) -> faust.App:
        worker = self.settings.worker
        return faust.App(
            self._names.group,
            **faust_options(self.settings),
            store=f"{worker.store}://",
            datadir=worker.data_dir,
            topic_allow_declare=False,
            topic_disable_leader=True,
            web_enabled=False,
            stream_wait_empty=False,
            broker_commit_interval=1.0,
            consumer_auto_offset_reset="earliest",
        )

    def _table(self, name: str, row: type[Row]) -> Table[Row]:
        return Table(self.app, name, row, self._appender, partitions=self._partitions)

    def _agent(self, name: str, topic: str, process: Process) -> None:
        source = self.app.topic(
            self._names.of(topic), key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
        )
        self.app.agent(source, name=f"lofty_ghl.{name}", concurrency=1)(agent(name, process))

    def _define_agents(self) -> None:
        now_ms, parking, appender = self._given.now_ms, self._parking, self._appender
        connections = self.settings.connections
        self._agent(
            "dedupe",
            CHANGES,
            dedupe(
                seen=self.seen,
                appender=appender,
                parking=parking,
                fetches_topic=self._names.of(FETCHES),
                lofty_partitions={name: self._lofty_place(c) for name, c in connections.items()},
                now_ms=now_ms,
                count=lambda decision: self.metrics.changes.labels(decision).inc(),
            ),
        )
        self._agent(
            "fetch",
            FETCHES,
            fetch(fetches=self.fetches, appender=appender, parking=parking, offer=self._offer_read, now_ms=now_ms),
        )
        self._agent(
            "deliver",
            SNAPSHOTS,
            deliver(
                outbox=self.outbox,
                links=self.links,
                appender=appender,
                parking=parking,
                receipts_topic=self._names.of(RECEIPTS),
                settled_as=self._settled_as,
                offer=self._offer_write,
                now_ms=now_ms,
                count=lambda decision: self.metrics.snapshots.labels(decision).inc(),
            ),
        )
        self._agent(
            "record",
            RECEIPTS,
            record(
                links=self.links,
                outbox=self.outbox,
                appender=appender,
                parking=parking,
                recorded=self._recorded.advance,
                now_ms=now_ms,
            ),
        )

    def _new_reader(self) -> Reader:
        teams = {}
        for c in self.settings.connections.values():
            client = LoftyClient(
                self._transport,
                StaticAuth("token", _secret(c.secrets.lofty_api_key)),
                base_url=c.lofty.base_url,
                on_answer=partial(self._answered, self.reading, c.lofty_budget),
            )
            teams[c.name] = Team(
                c.name, c.lofty_budget, self._lofty_place(c), self._ghl_place(c), client, self._given.visibility_ms
            )
            self._members.add(c.name, c.lofty_budget, client)
        return Reader(
            teams=teams,
            fetches=self.fetches,
            snapshots_topic=self._names.of(SNAPSHOTS),
            appender=self._appender,
            parking=self._parking,
            agent=self._members.agent,
            pause=self.reading.pause,
            now_ms=self._given.now_ms,
            jitter=self._given.jitter,
            metrics=self.metrics,
        )

    def _new_writer(self) -> Writer:
        locations = {}
        for c in self.settings.connections.values():
            client = GhlClient(
                self._transport,
                StaticAuth("Bearer", _secret(c.secrets.ghl_token)),
                base_url=c.ghl.base_url,
                on_answer=partial(self._answered, self.writing, c.ghl_budget),
            )
            locations[c.name] = Location(
                connection=c.name,
                location_id=c.ghl.location_id,
                budget=c.ghl_budget,
                partition=self._ghl_place(c),
                client=client,
                rules=Rules(
                    c.mapping,
                    c.region,
                    c.policies.lead_deleted,
                    c.policies.lead_deleted_tag,
                    self._given.search_lag_ms,
                ),
                window_seconds=c.ghl.window_seconds,
                contact_deleted_in_ghl=c.policies.contact_deleted_in_ghl,
            )
            self._directories.add(c.name, c.ghl.location_id, c.ghl_budget, client, c.mapping.custom_fields)
        return Writer(
            locations=locations,
            outbox=self.outbox,
            links=self.links,
            receipts=Receipts(self._names.of(RECEIPTS), self._appender, self._recorded, self._given.now_ms),
            appender=self._appender,
            parking=self._parking,
            directory=self._directories.get,
            lacks=self._directories.lacks,
            ask=self._ask,
            pause=self.writing.pause,
            settled_as=self._settled_as,
            now_ms=self._given.now_ms,
            jitter=self._given.jitter,
            metrics=self.metrics,
        )

    def _answered(self, loop: DispatchLoop, budget: str, answer: Answered) -> None:
        self.metrics.answered(answer)
        if answer.rate is not None:
            loop.observe(budget, answer.rate)

    def _lofty_place(self, connection: Connection) -> int:
        return partition_of(lofty_budget(connection.lofty_budget), self._partitions)

    def _ghl_place(self, connection: Connection) -> int:
        return partition_of(ghl_budget(connection.ghl_budget), self._partitions)

    def _lofty_budgets(self) -> set[str]:
        return {c.lofty_budget for c in self.settings.connections.values()}

    def _ghl_budgets(self) -> set[str]:
        return {c.ghl_budget for c in self.settings.connections.values()}


def _secret(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""
