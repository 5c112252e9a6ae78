"""The two dispatchers of a worker, `read` and `write`, with all that they perform, and what is offered to them.

Here is decided what an item is: a read, a member list, a sweep or an errand for Lofty; a write, a directory, an inspection or
an event for GHL. Each part gets from here what it needs, and knows nothing of the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from connectors.http.transport import Transport
from streams.core.progress.repeats import Failure
from streams.core.rows import FetchRow, OutboxRow
from streams.core.scheduling.dispatcher import BudgetPolicy, Item
from streams.core.to_ghl.admission import priority_of
from streams.core.to_ghl.delivery import settled_as
from streams.kafka.batching_producer import BatchingProducer, Record
from streams.kafka.parking import Parking
from streams.messages import Change, Entity, Observation, Snapshot
from streams.messages.partitioning import ghl_budget, lofty_budget
from streams.messages.topics import CHANGES, FETCHES, OBSERVATIONS, RECEIPTS, SNAPSHOTS, TopicNames
from streams.oauth.grants import Grants
from streams.settings import Settings
from streams.settings.partitions import Places
from streams.worker.dependencies import Dependencies
from streams.worker.dispatch.budget_usage import BudgetUsage
from streams.worker.dispatch.directories import Directories
from streams.worker.dispatch.ghl_writer import GhlWriter, Location
from streams.worker.dispatch.inspector import Inspector
from streams.worker.dispatch.lofty_reader import WINDOW_SECONDS, LoftyReader, LoftyTeam
from streams.worker.dispatch.loop import DispatchLoop, GiveUp, Note, Perform, RequestSlot, WorkResult
from streams.worker.dispatch.members import Members
from streams.worker.dispatch.oauth_tokens import OAuthTokens
from streams.worker.dispatch.receipts import Receipts
from streams.worker.dispatch.repair import Repair
from streams.worker.dispatch.sweeper import Sweeper, schedule_of
from streams.worker.partitions.applied_offsets import AppliedOffsets
from streams.worker.partitions.lease import Lease, LeasedTransport
from streams.worker.partitions.ownership import Ownership
from streams.worker.reporting import Reporter
from streams.worker.tables import Tables
from streams.worker.wiring.lofty_sync import LoftySyncParts, new_lofty_sync
from streams.worker.wiring.vendor_clients import locations_of, teams_of


class Dispatchers:
    """Reading Lofty and writing GHL, for the partitions that `ownership` says are ours.

    `tokens` is None where no connection has access by OAuth.
    """

    def __init__(
        self,
        settings: Settings,
        deps: Dependencies,
        names: TopicNames,
        places: Places,
        *,
        tables: Tables,
        batching_producer: BatchingProducer,
        parking: Parking,
        wire: Transport,
        lease: Lease,
        reporter: Reporter,
        recorded: AppliedOffsets,
        ownership: Ownership,
    ) -> None:
        self._settings, self._deps, self._names, self._places = settings, deps, names, places
        self._tables, self._batching_producer, self._parking = tables, batching_producer, parking
        self._lease, self._reporter, self._ownership = lease, reporter, ownership
        self._reads_spent = BudgetUsage(tables.budgets, partial(self._place_of, lofty_budget))
        self._writes_spent = BudgetUsage(tables.budgets, partial(self._place_of, ghl_budget))
        self.reading = self._new_loop("read", self._read, self._reads_spent.note, self._give_up_read)
        self.writing = self._new_loop("write", self._write, self._writes_spent.note, self._give_up_write)
        self.loops = (self.reading, self.writing)

        transport, grants = LeasedTransport(wire, lease), Grants.of(settings)
        self.tokens = (
            OAuthTokens(grants, tables.tokens, transport, self._resume, deps.now_ms, deps.metrics) if grants else None
        )
        hears_reads, hears_writes = partial(self._answered, self.reading), partial(self._answered, self.writing)
        teams = teams_of(settings, places, transport, hears_reads, deps.visibility_ms, grants, self.tokens)
        locations = locations_of(settings, places, transport, hears_writes, deps.search_lag_ms, grants, self.tokens)
        receipts = Receipts(names.of(RECEIPTS), batching_producer, recorded, deps.now_ms, self._epoch_of)

        self._members = Members(self.reading, teams)
        self.sweeper = self._new_sweeper(teams)
        self._reader = self._new_reader(teams)
        self.directories = Directories(self.writing, locations)
        self.back = self._new_way_back(teams, locations, receipts)
        self._writer = self._new_writer(locations, receipts)
        self.inspector = self._new_inspector(locations, receipts)

    # -- what each dispatcher performs --------------------------------------------------------------------

    async def _read(self, item: Item, slot: RequestSlot) -> WorkResult:
        if self.sweeper.is_sweep(item):
            return await self.sweeper(item, slot)
        if self.back.lofty_commands.is_lofty_command(item):
            return await self.back.lofty_commands(item, slot)
        return await (self._members if self._members.is_members(item) else self._reader)(item, slot)

    async def _write(self, item: Item, slot: RequestSlot) -> WorkResult:
        if self.inspector.is_inspection(item):
            return await self.inspector(item, slot)
        if self.back.event_processor.is_event(item):
            return await self.back.event_processor(item, slot)
        return await (self.directories if self.directories.is_directory(item) else self._writer)(item, slot)

    # -- what fails again and again -----------------------------------------------------------------------

    async def _give_up_read(self, item: Item, failure: Failure) -> WorkResult | None:
        if self.sweeper.is_sweep(item) or self._members.is_members(item):
            return None  # a sweep takes its pages apart by itself
        part = self.back.lofty_commands if self.back.lofty_commands.is_lofty_command(item) else self._reader
        return await part.give_up(item, failure)

    async def _give_up_write(self, item: Item, failure: Failure) -> WorkResult | None:
        if self.inspector.is_inspection(item) or self.directories.is_directory(item):
            return None
        part = self.back.event_processor if self.back.event_processor.is_event(item) else self._writer
        return await part.give_up(item, failure)

    # -- what is offered to them --------------------------------------------------------------------------

    def offer_read(self, row: FetchRow) -> None:
        """An entity's state is wanted from Lofty."""
        c = self._settings.connections.get(row.connection)
        if c is None or row.parked:
            return
        entity = row.entity
        rank = 0 if row.kind == "contact" else 1
        item = Item(entity.key, entity.lane, c.lofty_budget, c.name, priority_of(row.origin), rank)
        self.reading.offer_item(item, wait_seconds=(row.not_before_ms - self._deps.now_ms()) / 1000)

    def offer_write(self, row: OutboxRow) -> None:
        """An entity's state is wanted in GHL."""
        c = self._settings.connections.get(row.snapshot.connection)
        if c is None or row.parked:
            return
        entity = row.snapshot.entity
        rank = 0 if entity.kind == "contact" else 1
        item = Item(entity.key, entity.lane, c.ghl_budget, c.name, priority_of(row.snapshot.origin), rank)
        self.writing.offer_item(item, wait_seconds=(row.not_before_ms - self._deps.now_ms()) / 1000)

    def under_way(self, key: str) -> Snapshot | None:
        """The state of an entity that is being written to GHL right now."""
        return self._writer.under_way.get(key)

    def ask(self, entity: Entity, update_time_ms: int) -> asyncio.Future[int]:
        """Request a read of an entity that a write depends on. Of a connection that is configured no more nothing is read."""
        connection = self._settings.connections.get(entity.connection)
        if connection is None:
            nothing: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            nothing.set_result(0)
            return nothing
        change = Change(
            connection=entity.connection,
            lead=entity.lead,
            kind=entity.kind,
            id=entity.id,
            operation="updated",
            update_time_ms=update_time_ms,
            accepted_ms=self._deps.now_ms(),
            origin="dependency",
        )
        partition = self._places.lofty(connection)
        record = Record(self._names.of(FETCHES), partition, entity.lane.encode(), change.to_bytes())
        return self._batching_producer.enqueue(record)

    def settled_as(self, snapshot: Snapshot) -> str:
        """What a link reads when it satisfies a snapshot; empty for a connection that is not configured any more."""
        connection = self._settings.connections.get(snapshot.connection)
        return settled_as(snapshot.fingerprint, connection.mapping_fingerprint) if connection else ""

    # -- partitions come and go ---------------------------------------------------------------------------

    def acquire(self, partition: int) -> None:
        """The partition is ours: so are its budgets, and what waits there is offered."""
        worker = self._settings.worker
        for c in self._places.reading_at(partition):
            policy = BudgetPolicy(
                c.lofty.requests_per_minute, WINDOW_SECONDS, worker.in_flight_per_lofty_budget, is_noted=True
            )
            self.reading.acquire(c.lofty_budget, policy, self._reads_spent.of_another(c.lofty_budget))
            self.sweeper.acquire(c.name)
        for c in self._places.writing_at(partition):
            policy = BudgetPolicy(
                c.ghl.requests_per_window,
                c.ghl.window_seconds,
                worker.in_flight_per_location,
                is_noted=True,
                daily_limit=c.ghl.requests_per_day,
                live_reserve=c.ghl.live_reserve,
            )
            self.writing.acquire(c.ghl_budget, policy, self._writes_spent.of_another(c.ghl_budget))
        self.load_names(partition)
        self._reporter.took_over(partition)
        for key, pending in self._tables.fetches.items(partition):
            self._reporter.rows.fetch(partition, key, pending)
            self.offer_read(pending)
        for key, desired in self._tables.outbox.items(partition):
            self._reporter.rows.desired(partition, key, desired)
            self.offer_write(desired)
        self.back.acquired(partition)

    async def release(self, partitions: set[int]) -> None:
        """Return once nothing is under way for these partitions and their budgets have left their last note."""
        async with asyncio.TaskGroup() as both:
            for partition in partitions:
                for c in self._places.reading_at(partition):
                    self.sweeper.release(c.name)
                both.create_task(self.reading.release({c.lofty_budget for c in self._places.reading_at(partition)}))
                both.create_task(self.writing.release({c.ghl_budget for c in self._places.writing_at(partition)}))
        if self.tokens is not None:
            await self.tokens.release(partitions)

    def load_names(self, partition: int, budget: str = "") -> None:
        """Read (again) what the vendors call members, custom fields, users and calendars: of one budget, or of all."""
        for c in self._places.reading_at(partition):
            if budget in ("", c.lofty_budget):
                self._members.load(c.name)
        for c in self._places.writing_at(partition):
            if budget in ("", c.ghl_budget):
                self.directories.load(c.name)

    def _resume(self, budget: str) -> None:
        """A budget has been given access: what could not be read without it is read first."""
        for partition in self._ownership.fenced:
            self.load_names(partition, budget)
        for loop in self.loops:
            loop.resume(budget)

    # -- what the parts ask -------------------------------------------------------------------------------

    def _epoch_of(self, connection: str) -> int:
        return self._ownership.epoch(self._places.ghl_of(connection))

    def _place_of(self, key_of: Callable[[str], str], budget: str) -> tuple[str, int, int]:
        """Under which key a budget's spending is noted, in which partition, in which epoch."""
        key = key_of(budget)
        partition = self._places.of(key)
        return key, partition, self._ownership.epoch(partition)

    def _answered(self, loop: DispatchLoop, budget: str, answer: Any) -> None:
        self._reporter.answered(answer)
        if answer.rate is not None:
            loop.observe(budget, answer.rate)

    async def _observed(self, observation: Observation, partition: int) -> None:
        topic = self._names.of(OBSERVATIONS)
        await self._batching_producer.produce(
            [Record(topic, partition, observation.lane.encode(), observation.to_bytes())]
        )

    # -- the parts ----------------------------------------------------------------------------------------

    def _new_loop(self, name: str, perform: Perform, note: Note, give_up: GiveUp) -> DispatchLoop:
        return DispatchLoop(
            name,
            perform,
            self._deps.monotonic,
            note=note,
            now_ms=self._deps.now_ms,
            may_start=lambda: self._lease.is_held,
            observer=self._reporter,
            give_up=give_up,
            repeats=self._deps.repeats(),
        )

    def _new_sweeper(self, teams: dict[str, LoftyTeam]) -> Sweeper:
        return Sweeper(
            loop=self.reading,
            teams=teams,
            schedules={name: schedule_of(c.sweep) for name, c in self._settings.connections.items()},
            sweeps=self._tables.sweeps,
            swept=self._tables.swept,
            batching_producer=self._batching_producer,
            changes_topic=self._names.of(CHANGES),
            partitions=self._settings.kafka.partitions,
            parking=self._parking,
            repeats=self._deps.repeats(),
            pause=self.reading.pause,
            now_ms=self._deps.now_ms,
            jitter=self._deps.jitter,
            count=lambda connection, result: self._deps.metrics.sweeps.labels(connection, result).inc(),
        )

    def _new_reader(self, teams: dict[str, LoftyTeam]) -> LoftyReader:
        return LoftyReader(
            teams=teams,
            fetches=self._tables.fetches,
            snapshots_topic=self._names.of(SNAPSHOTS),
            batching_producer=self._batching_producer,
            parking=self._parking,
            agent=self._members.agent,
            pause=self.reading.pause,
            refusals=self.reading.refusals,
            now_ms=self._deps.now_ms,
            jitter=self._deps.jitter,
            metrics=self._deps.metrics,
        )

    def _new_way_back(
        self, teams: dict[str, LoftyTeam], locations: dict[str, Location], receipts: Receipts
    ) -> LoftySyncParts:
        return new_lofty_sync(
            settings=self._settings,
            names=self._names,
            places=self._places,
            tables=self._tables,
            reading=self.reading,
            writing=self.writing,
            teams=teams,
            locations=locations,
            receipts=receipts,
            batching_producer=self._batching_producer,
            parking=self._parking,
            ask=self.ask,
            now_ms=self._deps.now_ms,
            jitter=self._deps.jitter,
            metrics=self._deps.metrics,
            opened=self._reporter.rows.lofty_command,
        )

    def _new_writer(self, locations: dict[str, Location], receipts: Receipts) -> GhlWriter:
        return GhlWriter(
            locations=locations,
            outbox=self._tables.outbox,
            links=self._tables.links,
            receipts=receipts,
            batching_producer=self._batching_producer,
            parking=self._parking,
            directory=self.directories.get,
            lacks=self.directories.lacks,
            ask=self.ask,
            held=self._reporter.held,
            lofty_was_edited=self.back.event_processor.lofty_was_edited,
            pause=self.writing.pause,
            refusals=self.writing.refusals,
            settled_as=self.settled_as,
            now_ms=self._deps.now_ms,
            jitter=self._deps.jitter,
            metrics=self._deps.metrics,
        )

    def _new_inspector(self, locations: dict[str, Location], receipts: Receipts) -> Inspector:
        links, outbox = self._tables.links, self._tables.outbox
        return Inspector(
            loop=self.writing,
            locations=locations,
            links=links,
            outbox=outbox,
            directory=self.directories.get,
            repair=Repair(links, outbox, receipts, self.offer_write, self._epoch_of),
            answer=self._observed,
            now_ms=self._deps.now_ms,
            jitter=self._deps.jitter,
        )
