"""What a worker reads: an agent for each topic, and the watch over how far they are."""

from __future__ import annotations

from collections.abc import Callable, Collection

from streams.kafka.group_lag import GroupLag
from streams.worker.agents.batches import Process, agent
from streams.worker.agents.deleted_unread import DeletedUnread, Reach
from streams.worker.agents.gap_check import TopicPartition
from streams.worker.agents.in_progress import InProgress
from streams.worker.faust_app import App
from streams.worker.newest_edits import NewestEdits
from streams.worker.partitions.watchdog import watch_consumer
from streams.worker.parts import WorkerParts
from streams.worker.reporting import WATCHED_TOPICS
from streams.worker.take_over import TakeOver
from streams.worker.wiring.dispatchers import Dispatchers
from streams.worker.wiring.topology import NOT_RESUMED, Pipeline

_STAGES = {"write_back": "write back"}
"""What stages are called on the topic `parked`, where agents are called otherwise."""

Wrap = Callable[[str, Process], Process]
"""Wraps an agent's process, given the agent's name."""


class Consuming:
    """The agents of a worker, in the application `app`. `lag` asks Kafka where the group is in each partition."""

    def __init__(self, parts: WorkerParts, app: App, wrap: Wrap = lambda _, process: process) -> None:
        self._parts = parts
        self._app = app
        self._wrap = wrap
        self.in_progress = InProgress()
        self.lag = GroupLag(parts.settings, parts.names.group)
        self._deleted = DeletedUnread(self._reach, {}, parts.output, self._count_passed_over)

    def add_agents(self, dispatchers: Dispatchers, take_over: TakeOver) -> None:
        """Make every agent. A connection that one of them does not know is taken over first, where there is one."""
        parts = self._parts
        self.edits = NewestEdits(parts.connections, take_over, parts.deps.read_edits)
        for name, topic, process in Pipeline(parts, dispatchers, self.edits).agents():
            full_name = parts.names.of(topic)
            self._deleted.stages[full_name] = _STAGES.get(name, name)  # type: ignore[assignment]  # each is a stage
            source = self._app.topic(
                full_name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
            )
            resumes_at = None if topic in NOT_RESUMED else self.lag.resumes_at
            watched = parts.reporter.stage(name, self._wrap(name, process))
            body = agent(name, watched, self.in_progress, parts.deps.end, resumes_at, self._deleted.report_gaps)
            self._app.agent(source, name=f"lofty_ghl.{name}", concurrency=1)(body)

    async def watch(self) -> None:
        """End the process when nothing is committed although there is something to read. Runs until cancelled."""
        reporter = self._parts.reporter
        lags = reporter.watching_lags(self._lags)
        await watch_consumer(lags, stalled=self._parts.deps.end, looked=reporter.looked)

    async def report_deleted(self, partitions: set[int]) -> None:
        """Report what Kafka deleted unread while nobody had these partitions, where no later record shows it."""
        topics = self._deleted.stages
        await self._deleted.report_rest([(topic, partition) for topic in topics for partition in partitions])

    async def _reach(self, locations: Collection[TopicPartition]) -> dict[TopicPartition, Reach]:
        return {location: Reach(*found) for location, found in (await self.lag.reach(locations)).items()}

    async def _lags(self) -> dict[TopicPartition, tuple[int, int]]:
        topics = [self._parts.names.of(topic) for topic in WATCHED_TOPICS]
        assigned = self._parts.ownership.assigned
        return await self.lag.committed_and_end((topic, partition) for topic in topics for partition in assigned)

    def _count_passed_over(self, topic: str, records: int) -> None:
        self._parts.deps.metrics.passed_over(topic.removeprefix(self._parts.names.prefix), records)
