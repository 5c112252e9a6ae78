"""Reads changelogs into the local store: all that is new before a partition is worked on, and what others write meanwhile.

Faust can do both, and does it in the same consumer that feeds the agents, which it pauses, seeks and resumes while records
are on their way. Under kills and rebalances it loses some of them then, and still notes that all were read
(`streams/README.md`, decision 27). Here a consumer of its own reads a changelog from where the store is to its end, in
order, and a row is in the store whenever the position says so.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from streams.kafka.changelog_losses import ChangelogLost, Loss, find_loss
from streams.kafka.clients import start_consumer, stop_consumer
from streams.kafka.tables.store import Store
from streams.kafka.topic_ids import topic_ids

log = logging.getLogger("lofty_ghl.tables")

MOST_RECORDS = 5_000
"""Records that are applied at a time."""
WAIT_MS = 200
STANDBY_RETRY_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a recovery read."""

    partitions: int
    records: int
    seconds: float


@dataclass(frozen=True, slots=True)
class _ChangelogState:
    """Changelogs as Kafka has them: the id of each topic, where each partition ends, and what is gone."""

    ids: Mapping[str, str]
    ends: Mapping[TopicPartition, int]
    losses: tuple[Loss, ...]


class Changelogs:
    """The changelogs of all tables. `tables` maps a changelog topic to its table's key in the store.

    A changelog that has lost rows is never read: neither what is left of it, nor over the copy that is here
    (`kafka/changelog_losses.py`). `keeps_all` is whether Kafka keeps the beginning of a changelog: the embedded broker does not.
    """

    def __init__(
        self,
        tables: Mapping[str, bytes],
        store: Store,
        new_consumer: Callable[[], AIOKafkaConsumer],
        clock: Callable[[], float],
        *,
        keeps_all: bool = True,
    ) -> None:
        self._tables = tables
        self._store = store
        self._new_consumer = new_consumer
        self._clock = clock
        self._keeps_all = keeps_all
        self._standby: set[int] = set()
        self._changed = asyncio.Event()
        self._reading = asyncio.Lock()
        """Whoever reads a partition into the store holds it, so that nobody else does."""

    async def recover(self, partitions: Iterable[int]) -> Recovered:
        """Bring these partitions up to the end of their changelogs, as it is now. They are no longer standbys.

        Raises `ChangelogLost` when one of them has lost rows; nothing of any partition has changed then.
        """
        began, wanted = self._clock(), set(partitions)
        self._standby -= wanted
        self._changed.set()
        topic_partitions = [TopicPartition(topic, number) for topic in self._tables for number in sorted(wanted)]
        if not topic_partitions:
            return Recovered(0, 0, 0.0)
        records = 0
        async with self._reading:
            consumer = self._new_consumer()
            await start_consumer(consumer)
            try:
                found = await self._inspect(consumer, topic_partitions)
                if found.losses:
                    raise ChangelogLost(found.losses)
                ends = found.ends
                self._assign(consumer, topic_partitions, found)
                behind = set(topic_partitions)
                while behind := {p for p in behind if await consumer.position(p) < ends[p]}:
                    records += self._apply(
                        await consumer.getmany(*behind, timeout_ms=WAIT_MS, max_records=MOST_RECORDS)
                    )
            finally:
                await stop_consumer(consumer)
        return Recovered(len(wanted), records, self._clock() - began)

    def follow(self, partitions: Iterable[int]) -> None:
        """Keep copies of these partitions, which others own, from now on."""
        self._standby = set(partitions)
        self._changed.set()

    @property
    def standby(self) -> frozenset[int]:
        """The partitions of others of which copies are kept."""
        return frozenset(self._standby)

    async def run(self) -> None:
        """Read what others write, until cancelled."""
        consumer: AIOKafkaConsumer | None = None
        try:
            while True:
                try:
                    if self._changed.is_set() or consumer is None:
                        self._changed.clear()
                        consumer = consumer or await self._started()
                        await self._assign_standbys(consumer)
                    if not consumer.assignment():
                        await self._changed.wait()
                        continue
                    async with self._reading:
                        if not self._changed.is_set():
                            found = await consumer.getmany(timeout_ms=WAIT_MS, max_records=MOST_RECORDS)
                            self._apply(found)
                    await asyncio.sleep(0)
                except OffsetOutOfRangeError as error:
                    log.warning("a changelog was cut off where a standby copy reads it: %s", error)
                    self._changed.set()
                    await asyncio.sleep(STANDBY_RETRY_SECONDS)
                except KafkaError as error:
                    log.warning("standby copies wait for Kafka: %s", error)
                    await asyncio.sleep(STANDBY_RETRY_SECONDS)
        finally:
            if consumer is not None:
                await stop_consumer(consumer)

    async def _started(self) -> AIOKafkaConsumer:
        consumer = self._new_consumer()
        await start_consumer(consumer)
        return consumer

    async def _assign_standbys(self, consumer: AIOKafkaConsumer) -> None:
        topic_partitions = [TopicPartition(topic, number) for topic in self._tables for number in sorted(self._standby)]
        if not topic_partitions:
            consumer.unsubscribe()
            return
        async with self._reading:
            found = await self._inspect(consumer, topic_partitions)
            lost = {(one.changelog, one.partition) for one in found.losses}
            for one in found.losses:
                log.warning("no copy is kept of %s/%d, which %s", one.changelog, one.partition, one.says)
            self._assign(
                consumer,
                [
                    topic_partition
                    for topic_partition in topic_partitions
                    if (topic_partition.topic, topic_partition.partition) not in lost
                ],
                found,
            )

    async def _inspect(self, consumer: AIOKafkaConsumer, topic_partitions: list[TopicPartition]) -> _ChangelogState:
        """How the changelogs are in Kafka, beside what the store holds of them."""
        ids = await topic_ids(consumer._client, self._tables)
        there = [topic_partition for topic_partition in topic_partitions if not ids or topic_partition.topic in ids]
        ends = await consumer.end_offsets(there) if there else {}
        begins = await consumer.beginning_offsets(there) if there else {}
        losses = []
        for topic_partition in topic_partitions:
            says = find_loss(
                position=self._store.position(topic_partition.partition, self._tables[topic_partition.topic]),
                origin=self._store.origin(topic_partition.partition, self._tables[topic_partition.topic]),
                topic_id=ids.get(topic_partition.topic, ""),
                begin=begins.get(topic_partition, 0),
                end=ends.get(topic_partition, 0),
                exists=topic_partition in ends,
                keeps_all=self._keeps_all,
            )
            if says is not None:
                losses.append(
                    Loss(
                        self._tables[topic_partition.topic].decode(),
                        topic_partition.topic,
                        topic_partition.partition,
                        says,
                    )
                )
        return _ChangelogState(ids, ends, tuple(losses))

    def _assign(
        self, consumer: AIOKafkaConsumer, topic_partitions: list[TopicPartition], found: _ChangelogState
    ) -> None:
        """Assign places to a consumer, each where the store is."""
        starts = {topic_partition: self._next(topic_partition) for topic_partition in topic_partitions}
        # A damaged store shows at any of its positions, and is empty then: ask until all of them agree.
        while (
            again := {topic_partition: self._next(topic_partition) for topic_partition in topic_partitions}
        ) != starts:
            starts = again
        for topic_partition in topic_partitions:
            key, topic_id = self._tables[topic_partition.topic], found.ids.get(topic_partition.topic, "")
            if topic_id and self._store.origin(topic_partition.partition, key) != topic_id:
                self._store.set_origin(topic_partition.partition, key, topic_id)
        consumer.assign(topic_partitions)
        for topic_partition, at in starts.items():
            consumer.seek(topic_partition, at)

    def _next(self, topic_partition: TopicPartition) -> int:
        position = self._store.position(topic_partition.partition, self._tables[topic_partition.topic])
        return 0 if position is None else position + 1

    def _apply(self, found: Mapping[TopicPartition, list[object]]) -> int:
        for topic_partition, messages in found.items():
            rows = [(message.key, message.value) for message in messages]  # type: ignore[attr-defined]  # ConsumerRecord
            last: int = messages[-1].offset  # type: ignore[attr-defined]  # as above
            self._store.write(topic_partition.partition, self._tables[topic_partition.topic], rows, last)
        return sum(map(len, found.values()))
