"""A running worker, from settings and collaborators: it starts, owns partitions as Kafka gives and takes them, and stops.

It is a Faust app (consuming, tables, recovery; `pipeline.py` says which agents) with two dispatchers beside it
(`dispatchers.py`: reading Lofty, writing GHL). Partitions come and go with Faust's rebalances, and the budgets with them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Coroutine
from dataclasses import astuple
from typing import Any, Self

from faust.types import TP

from streams.kafka.batching_producer import BatchingProducer
from streams.kafka.clients import start_producer, until_topics_are_led
from streams.kafka.group_lag import GroupLag
from streams.kafka.lost_links import receipt_without_link
from streams.kafka.parking import Parking
from streams.kafka.tables import ChangelogLost, Loss
from streams.messages.size_limits import SizeLimits
from streams.messages.topics import RECEIPTS, TopicNames
from streams.settings import Settings
from streams.settings.partitions import ConnectionPartitions
from streams.telemetry.process import counting_appends, failing_seconds, watch_appends, watch_loop
from streams.worker.agents.batches import Process, agent
from streams.worker.agents.deleted_unread import DeletedUnread, Reach
from streams.worker.agents.in_progress import InProgress
from streams.worker.dependencies import Dependencies
from streams.worker.faust_app import new_faust_app
from streams.worker.output import Output
from streams.worker.partitions.applied_offsets import AppliedOffsets
from streams.worker.partitions.lease import Lease
from streams.worker.partitions.ownership import Hooks, Ownership
from streams.worker.partitions.watchdog import LoopWatch, watch_consumer
from streams.worker.parts import WorkerParts
from streams.worker.reporting import WATCHED_TOPICS, Reporter, StatusSources
from streams.worker.tables import Tables
from streams.worker.wiring.dispatchers import Dispatchers
from streams.worker.wiring.topology import NOT_RESUMED, Pipeline

STOP_SECONDS = 45.0
"""How long an orderly stop may take; what is cut off then is done again at the next start."""

LEAVE_SECONDS = 10.0
"""How long Faust may then take to leave the group; all is written by that time."""

log = logging.getLogger("lofty_ghl.worker")

_STAGES = {"write_back": "write back"}
"""What stages are called on the topic `parked`, where agents are called otherwise."""

OUTAGE_SECONDS = 3600.0
"""How long what a worker appends waits for Kafka. It could do nothing else meanwhile, and neither could its successor: only what
is in its hands waits, and that is bounded. `watch_appends` ends it sooner where Kafka takes what others append."""

RELOAD_SECONDS = 3600.0
"""How often custom fields, users and members are read again."""


class Worker:
    """A worker: `async with Worker(settings, given) as worker: await worker.wait()`."""

    def __init__(self, settings: Settings, deps: Dependencies) -> None:
        self.settings = settings
        self.metrics = deps.metrics
        self._deps = deps
        self._names = TopicNames(settings.kafka.topic_prefix)
        self._places = ConnectionPartitions(settings)
        self._in_progress = InProgress()
        self.lease = Lease(settings.kafka.session_timeout_seconds, deps.monotonic, self._lease_over)
        self._wire = deps.transport(deps.instance, lambda: self.lease.is_held)
        self._background: list[asyncio.Task[None]] = []
        self._lag = GroupLag(settings, self._names.group)
        self.reporter = Reporter(settings, self._names, self._places, deps)

    # -- starting and stopping ----------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await until_topics_are_led(self.settings, self._names.specs())
        self._producer = self._deps.producer(self.settings)
        await start_producer(self._producer)
        self._producer.client.send = self.lease.guarding(self._producer.client.send)
        self._producer.replaced = self.metrics.producer_replaced
        self._batching_producer = BatchingProducer(
            self._producer, counting_appends(self.metrics, self._names), delivery_seconds=OUTAGE_SECONDS
        )
        self._new_parts()
        self.reporter.look_at(
            StatusSources(
                self.tables,
                self.lease,
                self.ownership,
                self.reading,
                self.writing,
                self.dispatchers.tokens,
                self._batching_producer,
                lambda: failing_seconds(self._producer),
            )
        )
        # Faust calls a receiver with what its signal's own type says; the type of `connect` only knows `*args: Any`.
        # Weak, for the signals are those of all apps and would keep this worker for ever.
        self.app.on_partitions_revoked.connect(self._on_revoked, weak=True)  # type: ignore[arg-type]  # see above
        self.app.on_rebalance_complete.connect(self._on_rebalanced, weak=True)  # type: ignore[arg-type]  # see above
        self._background = [
            asyncio.create_task(self.reading.run(), name="read"),
            asyncio.create_task(self.writing.run(), name="write"),
            asyncio.create_task(self._reload_directories(), name="reload directories"),
            asyncio.create_task(self.tables.changelogs.run(), name="standby copies"),
            asyncio.create_task(self._watch_consumer(), name="watch consumer"),
            asyncio.create_task(self.reporter.run(), name="tell how it is"),
            asyncio.create_task(watch_loop(self.metrics), name="watch loop"),
            asyncio.create_task(watch_appends(self.settings, self._producer, self._deps.end), name="watch appends"),
        ]
        self._loop_watch = LoopWatch(stalled=self._deps.end)
        self.app.finalize()
        await self.app.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Start no more requests, let those in flight end and be recorded, commit, and let go."""
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self.ownership.release(set(self.ownership.assigned))
                await self.reporter.end()
                await self._batching_producer.drain()
        except TimeoutError:
            self._deps.end(f"What was under way did not end within {STOP_SECONDS:.0f} s (is Kafka away?).")
        self._loop_watch.stop()
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        self.lease.give_up()
        try:
            async with asyncio.timeout(LEAVE_SECONDS):
                await self.app.stop()
        except TimeoutError:
            self._deps.end(
                f"Faust did not stop within {LEAVE_SECONDS:.0f} s. Everything was written and let go before."
            )
        await self._batching_producer.drain()
        await self._producer.stop()
        await self._lag.aclose()
        self.tables.store.close()
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
        """Partitions are assigned, the tables recovered, every fence is read back, Kafka takes what is appended, and what waits
        gets on.
        """
        return self.ownership.is_ready and self._producer.trouble is None and self.reporter.gets_on

    @property
    def mapping_version(self) -> int:
        """The version of the mappings by which it writes; a newer one that maps the same counts as that."""
        return self._deps.newer_mappings(self.settings)[0]

    @property
    def mapping_trouble(self) -> str:
        """Why a newer version of the mappings is not in force here; empty when there is none."""
        return self._deps.newer_mappings(self.settings)[1]

    # -- what an operator asks ----------------------------------------------------------------------------

    def budgets(self) -> list[dict[str, Any]]:
        """The state of every budget that this worker owns, for people: what waits, and what a pause waits for."""
        now = self._deps.monotonic()
        return [
            {"dispatcher": loop.name, **view.as_dict()}
            for loop in self.dispatchers.loops
            for view in loop.core.view(now)
        ]

    def reload_directories(self) -> None:
        """Look again at what the vendors call custom fields, users and members."""
        for partition in self.ownership.fenced:
            self.dispatchers.load_names(partition)

    async def _reload_directories(self) -> None:
        """Names in the vendors change seldom: look again each hour."""
        while True:
            await asyncio.sleep(RELOAD_SECONDS)
            self.reload_directories()
            for partition in self.ownership.fenced:
                self.dispatchers.lofty_sync.purge(partition)

    async def _watch_consumer(self) -> None:
        lags, reporter = self.reporter.watching_lags(self._lags), self.reporter
        await watch_consumer(lags, stalled=self._deps.end, looked=reporter.looked)

    async def _reach(self, places: Collection[tuple[str, int]]) -> dict[tuple[str, int], Reach]:
        return {place: Reach(*found) for place, found in (await self._lag.reach(places)).items()}

    async def _look_for_deleted(self, partitions: set[int]) -> None:
        """Tell what Kafka deleted unread while nobody had these partitions, where no later record shows it."""
        await self._deleted.look_at_rest([(topic, one) for topic in self._deleted.stages for one in partitions])

    async def _lags(self) -> dict[tuple[str, int], tuple[int, int]]:
        topics = [self._names.of(topic) for topic in WATCHED_TOPICS]
        return await self._lag.committed_and_end(
            (topic, partition) for topic in topics for partition in self.ownership.assigned
        )

    # -- partitions come and go ---------------------------------------------------------------------------

    async def _on_rebalanced(self, _app: object, **_: object) -> None:
        """Kafka gave us partitions: bring their tables up to date, then own them. Faust lets nothing flow until then."""
        generation, releases = self.app.consumer_generation_id, self.ownership.releases
        receipts = self._names.of(RECEIPTS)
        actives = {tp.partition for tp in self.app.assignor.assigned_actives() if tp.topic == receipts}
        self.reporter.recovering()
        try:
            acquired = actives - self.ownership.assigned
            recovered = await self.tables.changelogs.recover(acquired)
            self.tables.acquire(acquired)
            await self._demand_links(acquired)
        except ChangelogLost as error:
            self._deps.end(f"{error}.")
            raise
        except Exception as error:  # whatever it is: without its tables a worker must not work
            self._deps.end(f"The tables of partitions {sorted(actives)} cannot be recovered ({error!r}).")
            raise
        self.reporter.recovered(recovered.records, recovered.seconds)
        if (self.app.consumer_generation_id, self.ownership.releases) != (generation, releases):
            return  # a newer rebalance has begun meanwhile; it comes here again
        log.info("%d partitions recovered: %d records in %.1f s", *astuple(recovered))
        await self.ownership.assign(actives)
        self._start(self._look_for_deleted(acquired), "look for what was deleted unread")
        if self.settings.worker.standby:
            self.tables.changelogs.follow(set(range(self.settings.kafka.partitions)) - actives)

    async def _demand_links(self, partitions: set[int]) -> None:
        """Raise `ChangelogLost` where receipts were worked off of which no link is left.

        Not asked of a broker that cuts changelogs off: its receipts outlive its links.
        """
        if not self._deps.broker_keeps_all:
            return
        receipts, links = self._names.of(RECEIPTS), self.tables.links
        ordered = sorted(partitions)
        resumed = await asyncio.gather(*(self._lag.resumes_at((receipts, one)) for one in ordered))
        commits = dict(zip(ordered, resumed, strict=True))
        found = await receipt_without_link(
            self.settings, receipts, commits, lambda partition, key: links.get(partition, key) is not None
        )
        if found is not None:
            partition, receipt = found
            says = f"holds no link of {receipt.entity.key}, though {receipts} holds a receipt of it that was worked off"
            raise ChangelogLost([Loss(links.name, links.changelog, partition, says)])

    def _start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Do it beside everything else. What goes wrong in it stops nobody."""

        async def watched() -> None:
            try:
                await work
            except Exception as error:  # whatever it is: it is only looked at
                log.warning("cannot %s: %r", name, error)

        self._background = [task for task in self._background if not task.done()]
        self._background.append(asyncio.create_task(watched(), name=name))

    async def _on_revoked(self, _app: object, revoked: set[TP], **_: object) -> None:
        await self.ownership.release({tp.partition for tp in revoked})

    async def _losing(self, partitions: set[int]) -> None:
        await self.dispatchers.release(partitions)
        await self._in_progress.until_idle()

    def _released(self, partitions: set[int]) -> None:
        self.tables.release(partitions)
        self.reporter.let_go(partitions)

    def _newest_epoch(self, partition: int) -> int:
        return max((row.epoch for _, row in self.tables.budgets.items(partition)), default=0)

    # -- parts --------------------------------------------------------------------------------------------

    def _new_parts(self) -> None:
        deps = self._deps
        self.app = new_faust_app(self.settings, self._names, self.lease)
        self.tables = Tables.of(
            self.settings,
            self._names,
            self._batching_producer,
            deps.monotonic,
            deps.end,
            keeps_all=deps.broker_keeps_all,
        )
        for table in self.tables.every_table:
            table.failed = self._row_failed
        limits = SizeLimits.of(self.settings.gateway.max_body_bytes)
        parking = Parking(self._names, self.settings.kafka.partitions, self.metrics.put_aside, limits)
        applied_offsets = AppliedOffsets()
        hooks = Hooks(
            self._newest_epoch,
            lambda partition: self.dispatchers.acquire(partition),
            self._losing,
            self._released,
            self._fence_failed,
        )
        receipts_topic = self._names.of(RECEIPTS)
        self.ownership = Ownership(
            deps.instance, receipts_topic, self._batching_producer, applied_offsets, deps.now_ms, hooks
        )
        parts = WorkerParts(
            settings=self.settings,
            deps=deps,
            names=self._names,
            places=self._places,
            tables=self.tables,
            output=Output(self._batching_producer, parking, deps.now_ms),
            lease=self.lease,
            ownership=self.ownership,
            applied_offsets=applied_offsets,
            reporter=self.reporter,
        )
        self.dispatchers = Dispatchers(parts, self._wire)
        self.reading, self.writing = self.dispatchers.loops
        pipeline = Pipeline(parts, self.dispatchers)
        agents = tuple(pipeline.agents())
        self._deleted = DeletedUnread(
            self._reach,
            {self._names.of(topic): _STAGES.get(name, name) for name, topic, _ in agents},  # type: ignore[misc]  # each is a stage
            self._batching_producer,
            parking,
            deps.now_ms,
            lambda topic, records: self.metrics.passed_over(topic.removeprefix(self._names.prefix), records),
        )
        for name, topic, process in agents:
            self._agent(name, topic, process)

    def _agent(self, name: str, topic: str, process: Process) -> None:
        source = self.app.topic(
            self._names.of(topic), key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
        )
        resumes_at = None if topic in NOT_RESUMED else self._lag.resumes_at
        watched = self.reporter.stage(name, process)
        body = agent(name, watched, self._in_progress, self._deps.end, resumes_at, self._deleted.look)
        self.app.agent(source, name=f"lofty_ghl.{name}", concurrency=1)(body)

    def _lease_over(self) -> None:
        self._deps.end("Kafka gave this worker's partitions to others: it was frozen, or cut off, for too long.")

    def _row_failed(self, table: str, error: BaseException) -> None:
        self._deps.end(f"Kafka did not take a row of the table {table} ({error}).")

    def _fence_failed(self, error: BaseException) -> None:
        self._deps.end(f"A fence could not be written ({error!r}).")
