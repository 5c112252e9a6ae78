"""The topic `runs`: every gateway follows it, and writes how far its own runs are.

While Kafka cannot be reached a gateway knows its own runs alone; what ended meanwhile is written when Kafka is back.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace

from streams.core.run_history import HEARTBEAT_MS, RunHistory
from streams.kafka.batching_producer import BatchingProducer, Record
from streams.kafka.clients import open_batching_producer
from streams.kafka.followed_topic import FollowedTopic
from streams.kafka.topic_reader import KafkaRecord, each_record
from streams.messages import InvalidMessage
from streams.messages.partitioning import partition_of
from streams.messages.run import Run
from streams.messages.topics import RUNS, TopicNames
from streams.settings import Settings

log = logging.getLogger("lofty_ghl.runs")

CHECK_SECONDS = 1.0
WRITE_SECONDS = 5.0
STOP_SECONDS = 3.0
TIDY_SECONDS = 600.0
MOST_DELETED = 500
"""Records that are deleted at a time."""


async def none_removed() -> Collection[str]:
    """Where nobody knows."""
    return ()


class RunLog:
    """Follows and writes from `start` to `stop`. `holder` names this start of the process, `removed` the connections that are gone."""

    def __init__(
        self,
        settings: Settings,
        batching_producer: Callable[[], BatchingProducer],
        holder: str,
        now_ms: Callable[[], int],
        removed: Callable[[], Awaitable[Collection[str]]] = none_removed,
    ) -> None:
        self._removed = removed
        self._partitions = settings.kafka.partitions
        self._topic = TopicNames(settings.kafka.topic_prefix).of(RUNS)
        self._batching_producer = batching_producer
        self._holder = holder
        self._now_ms = now_ms
        self._own: dict[str, Callable[[], Run]] = {}
        self._written_ms: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None
        self.followed = FollowedTopic(settings, RUNS, RunHistory, _take)

    @property
    def history(self) -> RunHistory:
        """What was read until now."""
        return self.followed.known

    def newest_first(self) -> Iterator[Run]:
        """Those of this process as they are now, the others as they were written."""
        now_ms = self._now_ms()
        own = {name: as_record().model_copy(update={"moved_ms": now_ms}) for name, as_record in self._own.items()}
        return RunHistory(self.history.runs | own).newest_first()

    async def start(self) -> None:
        """Begin to follow and to write."""
        self.followed.start()
        self._task = asyncio.create_task(self._run(), name="write runs")

    async def stop(self) -> None:
        """Write what has ended by now, then stop."""
        if self._task is None:
            return
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await self._write()
        await self.followed.stop()

    async def until_read(self, seconds: float) -> bool:
        """Wait until the runs were read once, but no longer than so many seconds; whether they were."""
        return await self.followed.until_read(seconds)

    def keep(self, run: str, as_record: Callable[[], Run]) -> None:
        """Write a run of this process until it has ended; `as_record` gives its record as of now."""
        self._own[run] = as_record

    async def _run(self) -> None:
        tidy_at = 0.0
        while True:
            await self._write()
            if self.followed.has_read.is_set() and time.monotonic() >= tidy_at:
                await self._tidy()
                tidy_at = time.monotonic() + TIDY_SECONDS
            await asyncio.sleep(CHECK_SECONDS)

    async def _write(self) -> None:
        """What is new, has ended, or must be known to be under way."""
        if not self.followed.has_read.is_set():  # a topic that is missing is not made by writing to it
            return
        now_ms = self._now_ms()
        due = []
        for name, as_record in self._own.items():
            run = as_record()
            written_ms = self._written_ms.get(name)
            if run.ended_ms or written_ms is None or now_ms - written_ms >= HEARTBEAT_MS:
                due.append(run.model_copy(update={"holder": self._holder, "moved_ms": now_ms}))
        if not due or not await self._produce(list(map(self._written, due))):
            return
        self._written_ms |= {run.id: now_ms for run in due}
        ended = [run.id for run in due if run.ended_ms]
        for name in ended:
            del self._own[name]
            del self._written_ms[name]

    async def _tidy(self) -> None:
        """Delete what is too old, or too much: also of runs that workers and commands wrote. Each gateway does it, without harm."""
        surplus = self.history.surplus(self._now_ms(), await self._removed())
        if deleted := [self._record(run, None) for run in surplus][:MOST_DELETED]:
            await self._produce(deleted)

    def _written(self, run: Run) -> Record:
        """Its record; without its detail should Kafka find that too large, so that it keeps no other from being written."""
        short = run.model_copy(update={"detail": ""})
        return replace(self._record(run.id, run.to_bytes()), instead=lambda: self._record(run.id, short.to_bytes()))

    def _record(self, run: str, value: bytes | None) -> Record:
        return Record(self._topic, partition_of(run, self._partitions), run.encode(), value)

    async def _produce(self, records: list[Record]) -> bool:
        """Whether Kafka took them."""
        try:
            await self._batching_producer().produce(records, within=WRITE_SECONDS)
        except Exception as error:  # whatever it is: the next round tries again
            log.warning("%d records of runs could not be written, trying again: %r", len(records), error)
            return False
        return True


def _take(known: RunHistory, record: KafkaRecord) -> None:
    key = (record.key or b"").decode(errors="replace")
    try:
        known.take(key, None if record.value is None else Run.from_bytes(record.value))
    except InvalidMessage as error:  # another release wrote it
        log.info("the run at offset %d of partition %d cannot be read: %s", record.offset, record.partition, error)


async def write_runs(settings: Settings, runs: Iterable[Run]) -> None:
    """Write runs that have ended, of a process that keeps no log. Raises the producer's error."""
    topic, partitions = TopicNames(settings.kafka.topic_prefix).of(RUNS), settings.kafka.partitions
    records = [Record(topic, partition_of(run.id, partitions), run.id.encode(), run.to_bytes()) for run in runs]
    async with open_batching_producer(settings) as producer:
        await producer.produce(records, within=WRITE_SECONDS)


async def read_runs(settings: Settings) -> RunHistory:
    """The runs that are on the topic now. Raises aiokafka's error."""
    known = RunHistory()
    async for record in each_record(settings, TopicNames(settings.kafka.topic_prefix).of(RUNS)):
        _take(known, record)
    return known
