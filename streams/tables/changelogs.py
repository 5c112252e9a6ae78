"""Reads changelogs into the local store: all that is new before a partition is worked on, and what others write meanwhile.

Faust can do both, and does it in the same consumer that feeds the agents, which it pauses, seeks and resumes while records
are on their way. Under kills and rebalances it loses some of them then, and still notes that all were read
(`streams/README.md`, decision 27). Here a consumer of its own reads a changelog from where the store is to its end, in
order, and a row is in the store whenever the position says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from mode.utils.logging import get_logger

from streams.kafka import start_consumer, stop_consumer
from streams.tables.store import Store

log = get_logger("lofty_ghl.tables")

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


class Changelogs:
    """The changelogs of all tables. `tables` maps a changelog topic to its table's key in the store."""

    def __init__(
        self,
        tables: Mapping[str, bytes],
        store: Store,
        new_consumer: Callable[[], AIOKafkaConsumer],
        clock: Callable[[], float],
    ) -> None:
        self._tables = tables
        self._store = store
        self._new_consumer = new_consumer
        self._clock = clock
        self._standby: set[int] = set()
        self._changed = asyncio.Event()
        self._reading = asyncio.Lock()
        """Whoever reads a partition into the store holds it, so that nobody else does."""

    async def recover(self, partitions: Iterable[int]) -> Recovered:
        """Bring these partitions up to the end of their changelogs, as it is now. They are no standbys any more."""
        began, wanted = self._clock(), set(partitions)
        self._standby -= wanted
        self._changed.set()
        places = [TopicPartition(topic, number) for topic in self._tables for number in sorted(wanted)]
        if not places:
            return Recovered(0, 0, 0.0)
        records = 0
        async with self._reading:
            consumer = self._new_consumer()
            await start_consumer(consumer)
            try:
                ends = await consumer.end_offsets(places)
                await self._place(consumer, places, ends)
                behind = set(places)
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
        places = [TopicPartition(topic, number) for topic in self._tables for number in sorted(self._standby)]
        if not places:
            consumer.unsubscribe()
            return
        async with self._reading:
            await self._place(consumer, places, await consumer.end_offsets(places))

    async def _place(
        self, consumer: AIOKafkaConsumer, places: list[TopicPartition], ends: Mapping[TopicPartition, int]
    ) -> None:
        """Assign places to a consumer, each where the store is; a store that is ahead of its changelog is not of it."""
        starts = {place: self._next(place) for place in places}
        strange = {place.partition for place, at in starts.items() if at > ends[place]}
        for partition in strange:
            log.warning("the local store of partition %d is ahead of its changelogs: it is read anew", partition)
            self._store.clear(partition)
        # A damaged store shows at any of its positions, and is empty then: ask until all of them agree.
        while (again := {place: self._next(place) for place in places}) != starts:
            starts = again
        consumer.assign(places)
        for place, at in starts.items():
            consumer.seek(place, at)

    def _next(self, place: TopicPartition) -> int:
        position = self._store.position(place.partition, self._tables[place.topic])
        return 0 if position is None else position + 1

    def _apply(self, found: Mapping[TopicPartition, list[object]]) -> int:
        for place, messages in found.items():
            rows = [(message.key, message.value) for message in messages]  # type: ignore[attr-defined]  # ConsumerRecord
            last: int = messages[-1].offset  # type: ignore[attr-defined]  # as above
            self._store.write(place.partition, self._tables[place.topic], rows, last)
        return sum(map(len, found.values()))
