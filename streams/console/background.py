"""What runs beside the requests of the console: a task from `start` to `stop`, and one that follows a topic."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from streams.kafka.clients import Consumer, client_options, start_consumer, stop_consumer
from streams.messages.topics import TopicNames
from streams.settings import Settings

log = logging.getLogger("lofty_ghl.console")

RETRY_SECONDS = 3.0
READ_BACK = 1_000
"""Records of each partition that are read where the broker cannot find a position by its time, as the embedded one cannot."""


class BackgroundTask:
    """A subclass says in `_run` what runs."""

    _task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it."""
        self._task = asyncio.create_task(self._run(), name=type(self).__name__)

    async def stop(self) -> None:
        """Stop it."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        raise NotImplementedError


class TopicFollower(BackgroundTask):
    """Reads a topic from `_since_ms` to its end, and what is appended later. `has_read` is set once it was at the end."""

    def __init__(self, settings: Settings, topic: str) -> None:
        self._settings = settings
        self._topic = TopicNames(settings.kafka.topic_prefix).of(topic)
        self.has_read = asyncio.Event()

    def _since_ms(self) -> int:
        """The time from which records are read, in epoch milliseconds."""
        raise NotImplementedError

    def _take(self, values: Sequence[bytes | None]) -> None:
        """Some records, the oldest of each partition first."""
        raise NotImplementedError

    def _on_error(self, problem: str) -> None:
        """Kafka failed; the topic is read again from `_since_ms` in a few seconds."""

    async def _run(self) -> None:
        while True:
            try:
                await self._follow()
            except (KafkaError, OSError) as error:
                problem = str(error) or type(error).__name__
                log.warning(
                    "cannot follow the topic %s, trying again in %.0f s: %s", self._topic, RETRY_SECONDS, problem
                )
                self._on_error(problem)
                await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self) -> None:
        consumer = Consumer(
            **client_options(self._settings),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=100,
        )
        await start_consumer(consumer)
        try:
            partitions = [TopicPartition(self._topic, number) for number in range(self._settings.kafka.partitions)]
            consumer.assign(partitions)
            firsts, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
            by_time = await consumer.offsets_for_times(dict.fromkeys(partitions, self._since_ms()))
            for partition in partitions:
                found = by_time.get(partition)
                start = max(firsts[partition], ends[partition] - READ_BACK) if found is None else found.offset
                consumer.seek(partition, start)
            while True:
                if not self.has_read.is_set():
                    are_read = [await consumer.position(partition) >= ends[partition] for partition in partitions]
                    if all(are_read):
                        self.has_read.set()
                batches = await consumer.getmany(timeout_ms=500)
                self._take([record.value for records in batches.values() for record in records])
                await asyncio.sleep(0)
        finally:
            await stop_consumer(consumer)
