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
            places = [TopicPartition(one.topic, n) for one in by_topic.values() for n in range(self.partitions)]
            await self._place(consumer, places, by_topic)
            noted = pruned = 0.0
            since_checkpoint = 0
            while not stop.is_set():
                found = await consumer.getmany(timeout_ms=WAIT_MS, max_records=MOST_RECORDS)
                if found:
                    since_checkpoint += self._take(found, by_topic)
                now = time.monotonic()
                if now - noted >= NOTE_SECONDS:
                    noted = now
                    await self._note(consumer, places)
                if now - pruned >= PRUNE_SECONDS:
                    pruned = now
                    await self._prune(consumer, places, by_topic)
                if since_checkpoint >= CHECKPOINT_RECORDS or (since_checkpoint and not found):
                    since_checkpoint = 0
                    self.writer.checkpoint()
                await asyncio.sleep(0)
        finally:
            await stop_consumer(consumer)

    async def _place(
        self, consumer: AIOKafkaConsumer, places: list[TopicPartition], by_topic: dict[str, IndexSource]
    ) -> None:
        known = self.writer.positions()
        ends = await consumer.end_offsets(places)
        firsts = await consumer.beginning_offsets(places)
        consumer.assign(places)
        for place in places:
            after = known.get((by_topic[place.topic].code, place.partition), 0)
            if after > ends[place]:
                raise InconsistentLog(
                    f"{place.topic}/{place.partition} ends at offset {ends[place]}, but the index has read up to {after}"
                )
            consumer.seek(place, max(after, firsts[place]))

    def _take(self, found: dict[TopicPartition, list[object]], by_topic: dict[str, IndexSource]) -> int:
        told: list[IndexedRecord] = []
        after: dict[tuple[int, int], int] = {}
        for place, messages in found.items():
            source = by_topic[place.topic]
            told += [
                IndexedRecord(source, place.partition, one.offset, one.timestamp, one.key, one.value)  # type: ignore[attr-defined]  # ConsumerRecord
                for one in messages
            ]
            after[source.code, place.partition] = messages[-1].offset + 1  # type: ignore[attr-defined]  # as above
        self.writer.apply(told, after)
        return len(told)

    async def _note(self, consumer: AIOKafkaConsumer, places: list[TopicPartition]) -> None:
        """Write into the index how far behind it is, for those who read it."""
        looked_ms = time.time_ns() // 1_000_000
        ends = await consumer.end_offsets(places)
        behind = sum([max(0, ends[place] - await consumer.position(place)) for place in places])
        self.writer.note("behind", str(behind))
        self.writer.note("contacts", str(self.writer.people))
        self.writer.note("looked_ms", str(looked_ms))
        if behind == 0:
            self.writer.note("was_complete", "yes")

    async def _prune(
        self, consumer: AIOKafkaConsumer, places: list[TopicPartition], by_topic: dict[str, IndexSource]
    ) -> None:
        firsts = await consumer.beginning_offsets(places)
        gone = sum(self.writer.prune(by_topic[place.topic], place.partition, firsts[place]) for place in places)
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
