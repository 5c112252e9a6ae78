"""Follows the topics and writes the index, until it is asked to stop.

It joins no group and commits nothing to Kafka: the index itself holds its offsets, written in the same transaction as the records.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streams.kafka.clients import start_consumer, stop_consumer
from streams.messages.topics import TopicNames
from streams.operations.history.index.sources import IndexSource, sources
from streams.operations.history.index.writer import IndexedRecord, IndexWriter

log = logging.getLogger("lofty_ghl.history")

MOST_RECORDS = 4_000
WAIT_MS = 200
NOTE_SECONDS = 1.0
PRUNE_SECONDS = 300.0
CHECKPOINT_RECORDS = 200_000


class InconsistentLog(Exception):
    """The index is ahead of the topics, so it was built from other topics (deleted and created again, or of another cluster)."""


@dataclass(slots=True)
class Follower:
    """One run. `new_consumer` makes a consumer without a group."""

    writer: IndexWriter
    names: TopicNames
    partitions: int
    new_consumer: Callable[[], AIOKafkaConsumer]

    async def run(self, stop: asyncio.Event) -> None:
        """Read until stopped. Raises Kafka's errors, and `InconsistentLog`."""
        consumer = self.new_consumer()
        await start_consumer(consumer)
        try:
            by_topic = {one.topic: one for one in sources(self.names)}
            numbers = range(self.partitions)
            topic_partitions = [TopicPartition(one.topic, n) for one in by_topic.values() for n in numbers]
            await self._assign(consumer, topic_partitions, by_topic)
            noted = pruned = 0.0
            since_checkpoint = 0
            while not stop.is_set():
                found = await consumer.getmany(timeout_ms=WAIT_MS, max_records=MOST_RECORDS)
                if found:
                    since_checkpoint += self._take(found, by_topic)
                now = time.monotonic()
                if now - noted >= NOTE_SECONDS:
                    noted = now
                    await self._note(consumer, topic_partitions)
                if now - pruned >= PRUNE_SECONDS:
                    pruned = now
                    await self._prune(consumer, topic_partitions, by_topic)
                if since_checkpoint >= CHECKPOINT_RECORDS or (since_checkpoint and not found):
                    since_checkpoint = 0
                    self.writer.checkpoint()
                await asyncio.sleep(0)
        finally:
            await stop_consumer(consumer)

    async def _assign(
        self, consumer: AIOKafkaConsumer, topic_partitions: list[TopicPartition], by_topic: dict[str, IndexSource]
    ) -> None:
        known = self.writer.positions()
        ends = await consumer.end_offsets(topic_partitions)
        firsts = await consumer.beginning_offsets(topic_partitions)
        consumer.assign(topic_partitions)
        for topic_partition in topic_partitions:
            after = known.get((by_topic[topic_partition.topic].code, topic_partition.partition), 0)
            if after > ends[topic_partition]:
                raise InconsistentLog(
                    f"{topic_partition.topic}/{topic_partition.partition} ends at {ends[topic_partition]}, and was read up to {after}"
                )
            consumer.seek(topic_partition, max(after, firsts[topic_partition]))

    def _take(self, found: dict[TopicPartition, list[object]], by_topic: dict[str, IndexSource]) -> int:
        records: list[IndexedRecord] = []
        after: dict[tuple[int, int], int] = {}
        for topic_partition, messages in found.items():
            source = by_topic[topic_partition.topic]
            records += [
                IndexedRecord(source, topic_partition.partition, one.offset, one.timestamp, one.key, one.value)  # type: ignore[attr-defined]  # ConsumerRecord
                for one in messages
            ]
            after[source.code, topic_partition.partition] = messages[-1].offset + 1  # type: ignore[attr-defined]  # as above
        self.writer.apply(records, after)
        return len(records)

    async def _note(self, consumer: AIOKafkaConsumer, topic_partitions: list[TopicPartition]) -> None:
        """Write into the index how far behind it is, for those who read it."""
        looked_ms = time.time_ns() // 1_000_000
        ends = await consumer.end_offsets(topic_partitions)
        behind = sum([max(0, ends[one] - await consumer.position(one)) for one in topic_partitions])
        self.writer.note("behind", str(behind))
        self.writer.note("contacts", str(self.writer.people))
        self.writer.note("looked_ms", str(looked_ms))
        if behind == 0:
            self.writer.note("was_complete", "yes")

    async def _prune(
        self, consumer: AIOKafkaConsumer, topic_partitions: list[TopicPartition], by_topic: dict[str, IndexSource]
    ) -> None:
        firsts = await consumer.beginning_offsets(topic_partitions)
        gone = sum(self.writer.prune(by_topic[one.topic], one.partition, firsts[one]) for one in topic_partitions)
        lanes = self.writer.prune_lanes()
        if gone or lanes:
            log.info("the index forgot %d records and %d contacts: the topics no longer hold them", gone, lanes)


async def follow_for_ever(follower: Callable[[], Follower], stop: asyncio.Event, retry_seconds: float = 2.0) -> None:
    """Run a follower; when Kafka fails, wait and start another."""
    while not stop.is_set():
        try:
            await follower().run(stop)
        except KafkaError as error:
            log.warning("the index cannot read Kafka and tries again: %s", error or type(error).__name__)
            try:
                await asyncio.wait_for(stop.wait(), retry_seconds)
            except TimeoutError:
                continue
