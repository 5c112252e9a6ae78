"""A running worker, from settings and dependencies: it starts, owns partitions as Kafka gives and takes them, and stops.

It is a Faust app that consumes (`wiring/topology.py` says which agents) with two dispatchers beside it
(`wiring/dispatchers.py`: reading Lofty, writing GHL). Partitions come and go with Faust's rebalances, and the budgets with them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Self

from faust.types import TP

from streams.kafka.clients import read_cluster_id, until_topics_are_led
from streams.messages.topics import RECEIPTS, TopicNames
from streams.settings import Settings
from streams.worker.consuming import Consuming
from streams.worker.dependencies import Dependencies
from streams.worker.faust_app import new_faust_app
from streams.worker.partitions.lease import Lease
from streams.worker.partitions.ownership import Hooks
from streams.worker.partitions.recovery import TableRecovery
from streams.worker.partitions.watchdog import LoopWatch
from streams.worker.parts import new_parts
from streams.worker.producing import WorkerProducer
from streams.worker.reporting import Reporter, StatusPublisher, StatusSources
from streams.worker.take_over import TakeOver
from streams.worker.wiring.dispatchers import Dispatchers

STOP_SECONDS = 45.0
"""How long an orderly stop may take; what is cut off then is done again at the next start."""

LEAVE_SECONDS = 10.0
"""How long Faust may then take to leave the group; all is written by that time."""

log = logging.getLogger("lofty_ghl.worker")

RELOAD_SECONDS = 3600.0
"""How often custom fields, users and members are read again, give or take a tenth."""


class Worker:
    """A worker: `async with Worker(settings, deps) as worker: await worker.wait()`."""

    def __init__(self, settings: Settings, deps: Dependencies) -> None:
        self.metrics = deps.metrics
        self._deps = deps
        self._names = TopicNames(settings.kafka.topic_prefix)
        self.lease = Lease(settings.kafka.session_timeout_seconds, deps.monotonic, self._lease_over)
        self._wire = deps.transport(deps.instance, lambda: self.lease.is_held)
        self._background: list[asyncio.Task[None]] = []
        self.reporter = Reporter(settings, self._names, deps)

    @property
    def settings(self) -> Settings:
        """The newest settings of which everything is in force here."""
        return self.reporter.in_force

    # -- starting and stopping ----------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await until_topics_are_led(self.settings, self._names.specs())
        self._producer = WorkerProducer(self.settings, self._names, self._deps, self.lease)
        await self._producer.start()
        self._cluster_id = await read_cluster_id(self.settings) if self._deps.marks_locations else ""
        self._new_parts()
        self.reporter.rows.watch(self.tables)
        self.status = StatusPublisher(
            self.reporter,
            StatusSources(
                self.tables,
                self.lease,
                self.ownership,
                self.reading,
                self.writing,
                self.dispatchers.tokens,
                self._producer.batching,
                self._producer.failing_seconds,
                self.dispatchers.ghl.deployments,
                self.dispatchers.offers.settling,
            ),
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
            asyncio.create_task(self.consuming.watch(), name="watch consumer"),
            asyncio.create_task(self.status.run(), name="report status"),
            asyncio.create_task(self.status.watch_loop(), name="watch loop"),
            asyncio.create_task(self._producer.watch(), name="watch appends"),
        ]
        self._loop_watch = LoopWatch(stalled=self._deps.end)
        self.app.finalize()
        await self.app.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Start no more requests, let those in flight end and be recorded, commit, and let go."""
        self.consuming.edits.stop()
        await self._take_over.aclose()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self.ownership.release(set(self.ownership.assigned))
                await self.status.end()
                await self._producer.batching.drain()
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
        await self._producer.stop()
        await self.consuming.lag.aclose()
        self.tables.store.close()
        close = getattr(self._wire, "aclose", None)
        if close is not None:
            await close()

    async def wait(self) -> None:
        """Return when the worker has ended; raises the error that ended it."""
        await self.app.wait_until_stopped()
        if self.app.crash_reason is not None:
            raise self.app.crash_reason

    # -- newer settings -----------------------------------------------------------------------------------

    def take_over(self, settings: Settings) -> None:
        """Go on with these settings: a connection that is new, changed or gone is replaced while all others go on."""
        self._take_over.begin(settings)

    async def take_over_failed(self) -> None:
        """Return when a connection could not be replaced: then another worker must do it."""
        await self._take_over.failed()

    @property
    def is_ready(self) -> bool:
        """Partitions are assigned, the tables recovered, every fence is read back, Kafka takes what is appended, and what waits
        gets on.
        """
        return self.ownership.is_ready and self._producer.is_well and self.reporter.gets_on

    @property
    def mapping_version(self) -> int:
        """The version of the mappings by which it writes."""
        return self.reporter.in_force.mapping_version

    @property
    def mapping_trouble(self) -> str:
        """Why a newer version of the mappings is not in force here; empty when there is none."""
        return self.reporter.mapping_trouble

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
        """Names in the vendors change seldom: look again each hour, not with all workers at once."""
        while True:
            await asyncio.sleep(RELOAD_SECONDS * (0.9 + 0.2 * self._deps.jitter()))
            self.reload_directories()
            for partition in self.ownership.fenced:
                self.dispatchers.lofty_sync.purge(partition)

    # -- partitions come and go ---------------------------------------------------------------------------

    async def _on_rebalanced(self, _app: object, **_: object) -> None:
        """Kafka gave us partitions: bring their tables up to date, then own them. Faust lets nothing flow until then."""
        generation, releases = self.app.consumer_generation_id, self.ownership.releases
        receipts = self._names.of(RECEIPTS)
        actives = {tp.partition for tp in self.app.assignor.assigned_actives() if tp.topic == receipts}
        acquired = actives - self.ownership.assigned
        await self._recovery.recover(actives)
        if (self.app.consumer_generation_id, self.ownership.releases) != (generation, releases):
            return  # a newer rebalance has begun meanwhile; it comes here again
        await self.ownership.assign(actives)
        self._start(self.consuming.report_deleted(acquired), "look for what was deleted unread")
        if self.settings.worker.standby:
            self.tables.changelogs.follow(set(range(self.settings.kafka.partitions)) - actives)

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

    async def _releasing(self, partitions: set[int]) -> None:
        await self.dispatchers.release(partitions)
        await self.consuming.in_progress.until_idle()

    def _released(self, partitions: set[int]) -> None:
        self.tables.release(partitions)
        self.reporter.let_go(partitions)

    def _newest_epoch(self, partition: int) -> int:
        return max((row.epoch for _, row in self.tables.budgets.items(partition)), default=0)

    # -- parts --------------------------------------------------------------------------------------------

    def _new_parts(self) -> None:
        self.app = new_faust_app(self.settings, self._names, self.lease)
        hooks = Hooks(
            self._newest_epoch,
            lambda partition: self.dispatchers.acquire(partition),
            self._releasing,
            self._released,
            self._fence_failed,
        )
        parts = self._parts = new_parts(self._deps, self._producer, self.lease, self.reporter, hooks, self._cluster_id)
        self.tables, self.ownership = parts.tables, parts.ownership
        self.dispatchers = Dispatchers(parts, self._wire)
        self.reading, self.writing = self.dispatchers.loops
        reporter, replace = self.reporter, self.dispatchers.connections.replace
        self._take_over = TakeOver(self.settings, reporter.connections, replace, reporter.taken_over)
        self.consuming = self._new_consuming()
        self.consuming.add_agents(self.dispatchers, self._take_over)
        self._recovery = TableRecovery(parts, self.consuming.lag)

    def _new_consuming(self) -> Consuming:
        return Consuming(self._parts, self.app)

    def _lease_over(self) -> None:
        self._deps.end("Kafka gave this worker's partitions to others: it was frozen, or cut off, for too long.")

    def _fence_failed(self, error: BaseException) -> None:
        self._deps.end(f"A fence could not be written ({error!r}).")
