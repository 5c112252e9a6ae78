"""Reads topics beside the pipeline: up to their present end, and onwards. It joins no consumer group and commits nothing.

What is read ends by position, not by records: compaction and control records take offsets at which no record ever comes.
While Kafka is away a reader waits for it; only the questions for offsets and topics raise aiokafka's errors.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any, Self, TypeAlias

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from streams.kafka.clients import Consumer, start_consumer, stop_consumer
from streams.kafka.connection_options import client_options, options_of
from streams.settings import Kafka, Settings
from streams.settings.model import KafkaSecrets

POLL_MS = 200
FETCH_WAIT_MS = 50
"""How long a broker may hold back a fetch that finds nothing."""

KafkaRecord: TypeAlias = ConsumerRecord


def consumer_without_group(kafka: Kafka, secrets: KafkaSecrets, **options: Any) -> AIOKafkaConsumer:
    """A consumer that joins no group and commits nothing; its user assigns and seeks. For who has not all settings."""
    return _consumer(options_of(kafka, secrets), options)


def _consumer(connection: Mapping[str, Any], options: Mapping[str, Any]) -> AIOKafkaConsumer:
    # `earliest` holds where retention deletes the offset that a reader is at.
    defaults = {"enable_auto_commit": False, "auto_offset_reset": "earliest", "fetch_max_wait_ms": FETCH_WAIT_MS}
    return Consumer(**{**connection, **defaults, **options})


class TopicReader:
    """`async with TopicReader(settings, topic) as reader: async for record in reader.read_to_end(): ...`

    It starts at the first record of each partition, or

    - with `since_ms` at the first record that is not older, and no later than `at_least` offsets before the end;
    - with `newest` so many offsets before the end; beside `since_ms`, where Kafka finds no record by time (a quiet partition,
      or the embedded broker, which cannot look by time).

    `missing` is raised when the topic does not exist. Further `options` are aiokafka's.
    """

    def __init__(
        self,
        settings: Settings,
        topic: str,
        partitions: Iterable[int] | None = None,
        *,
        newest: int | None = None,
        since_ms: int | None = None,
        at_least: int = 0,
        missing: Exception | None = None,
        **options: Any,
    ) -> None:
        numbers = range(settings.kafka.partitions) if partitions is None else partitions
        self.partitions = [TopicPartition(topic, number) for number in numbers]
        self.starts: dict[TopicPartition, int] = {}
        """The offset at which this reader begins in each partition."""
        self.ends: dict[TopicPartition, int] = {}
        """Where each partition ended when this reader was entered."""
        self._topic = topic
        self._newest = newest
        self._since_ms = since_ms
        self._at_least = at_least
        self._missing = missing
        self._settings = settings
        self._options = options

    async def __aenter__(self) -> Self:
        # Not earlier: a reader that is never entered has nothing to close.
        self._consumer = _consumer(client_options(self._settings), self._options)
        await start_consumer(self._consumer)
        try:
            if self._missing is not None and self._topic not in await self.topics():
                raise self._missing
            await self._seek()
        except BaseException:
            await stop_consumer(self._consumer)
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await stop_consumer(self._consumer)

    async def topics(self) -> set[str]:
        """The topics that exist."""
        found: set[str] = await self._consumer.topics()
        return found

    async def end_offsets(self) -> dict[TopicPartition, int]:
        """Where each partition ends now."""
        ends: dict[TopicPartition, int] = await self._consumer.end_offsets(self.partitions)
        return ends

    async def has_reached(self, ends: Mapping[TopicPartition, int]) -> bool:
        """Whether everything before these offsets was read."""
        return not await self._behind(ends)

    async def read_to_end(self, ends: dict[TopicPartition, int] | None = None) -> AsyncIterator[KafkaRecord]:
        """Each record up to the end that the partitions have now, or up to `ends`; some records behind it may follow.

        A caller who has enough of a partition takes it out of `ends`. The next call continues where this one stopped.
        """
        if ends is None:
            ends = await self.end_offsets()
        while behind := await self._behind(ends):
            for records in (await self._consumer.getmany(*behind, timeout_ms=POLL_MS)).values():
                for record in records:
                    yield record

    async def poll(self, timeout_ms: int = POLL_MS) -> list[KafkaRecord]:
        """What has come since, in order within a partition; empty after `timeout_ms`. Raises aiokafka's errors."""
        found = await self._consumer.getmany(timeout_ms=timeout_ms)
        await asyncio.sleep(0)  # `getmany` does not pause while it has records at hand
        return [record for records in found.values() for record in records]

    async def _behind(self, ends: Mapping[TopicPartition, int]) -> list[TopicPartition]:
        return [partition for partition in ends if await self._consumer.position(partition) < ends[partition]]

    async def _seek(self) -> None:
        self.ends = await self.end_offsets()
        firsts: dict[TopicPartition, int] = await self._consumer.beginning_offsets(self.partitions)
        self.starts = dict(firsts)
        if self._newest is not None:
            self.starts = {one: max(first, self.ends[one] - self._newest) for one, first in firsts.items()}
        if self._since_ms is not None:
            by_time = await self._consumer.offsets_for_times(dict.fromkeys(self.partitions, self._since_ms))
            for partition, found in by_time.items():
                if found is not None:
                    latest = max(firsts[partition], self.ends[partition] - self._at_least)
                    self.starts[partition] = min(found.offset, latest)
        # Not `seek_to_beginning`: it races with the reset that an assignment without offsets brings.
        self._consumer.assign(self.partitions)
        for partition, offset in self.starts.items():
            self._consumer.seek(partition, offset)


class UnreadSince:
    """Since when what a process follows cannot be read: what it knows of it may be older than that.

    `fails` is called at each failure, `reads` once it is read again. `since_ms` is 0 while it can be read.
    """

    def __init__(self, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        self._now_ms = now_ms
        self.since_ms = 0

    def fails(self) -> None:
        """It cannot be read now; the first of several failures counts."""
        self.since_ms = self.since_ms or self._now_ms()

    def reads(self) -> None:
        """It was read."""
        self.since_ms = 0


async def each_record(
    settings: Settings,
    topic: str,
    partitions: Iterable[int] | None = None,
    *,
    newest: int | None = None,
    missing: Exception | None = None,
) -> AsyncIterator[KafkaRecord]:
    """Each record that a topic holds now, from all partitions or from some, in order within a partition.

    `newest` leaves out what lies more offsets than that before the end of its partition. `missing` is raised when the topic does
    not exist.
    """
    async with TopicReader(settings, topic, partitions, newest=newest, missing=missing) as reader:
        async for record in reader.read_to_end(reader.ends):
            yield record


async def read_topic(settings: Settings, topic: str) -> list[KafkaRecord]:
    """The same as a list, for topics that fit into memory."""
    return [record async for record in each_record(settings, topic)]


async def newest_values(
    settings: Settings,
    topic: str,
    partitions: Iterable[int] | None = None,
    *,
    wanted: Callable[[bytes], bool] = lambda key: True,
    missing: Exception | None = None,
) -> dict[bytes, bytes]:
    """The newest value of each key that is wanted; a record without a value takes its key away."""
    found: dict[bytes, bytes] = {}
    async for record in each_record(settings, topic, partitions, missing=missing):
        if record.key is None or not wanted(record.key):
            continue
        if record.value is None:
            found.pop(record.key, None)
        else:
            found[record.key] = record.value
    return found


async def first_and_end_offsets(settings: Settings, topics: Iterable[str]) -> dict[TopicPartition, tuple[int, int]]:
    """The first and the next offset of each partition of topics that exist. Raises aiokafka's error."""
    partitions = [TopicPartition(topic, number) for topic in topics for number in range(settings.kafka.partitions)]
    if not partitions:
        return {}
    consumer = _consumer(client_options(settings), {})
    await start_consumer(consumer)
    try:
        firsts, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        return {partition: (firsts[partition], ends[partition]) for partition in partitions}
    finally:
        await stop_consumer(consumer)
