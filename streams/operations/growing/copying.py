"""Copies everything that a deployment keeps into topics with more partitions, while processes go on writing to the old ones.

**Each record of the copy names its source** (`copied_from.py`), and each partition of the copy has the records of one source in its
order. So a copy that was killed goes on behind the last record that it has: nothing is copied twice, nothing is left out. The times
of records are kept.

**Commits are translated**: the new group begins at the first record that the old one had not worked off.

**Parked records are known by their position**, and decisions about them name it: these are written with the new position.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Self

from aiokafka import AIOKafkaConsumer, OffsetAndMetadata, TopicPartition

from streams.core.copy_targets import SOURCES, CopyTargets, Source
from streams.kafka.batching_producer import Record
from streams.kafka.clients import Consumer, open_batching_producer, start_consumer, stop_consumer
from streams.kafka.connection_options import client_options
from streams.kafka.group_lag import GroupLag
from streams.kafka.topic_reader import KafkaRecord, consumer_without_group, each_record
from streams.messages import InvalidMessage, ParkedDecision
from streams.messages.partitioning import partition_of
from streams.messages.topics import PARKED, REPLAY_RUNS, RESOLVED, TOPICS, TopicNames
from streams.operations.growing.copied_from import first_unread, marked, source_position
from streams.settings import Settings

MOST_RECORDS = 10_000
"""Records that are copied at a time."""
MOST_BYTES = 250_000
"""Of one partition at a time: less than a batch of the producer takes, and with fewer records."""
POLL_MS = 200
WINDOW = 1_000
"""So many of the newest records of a partition are looked at first."""
_DECISIONS = Source(RESOLVED)

Ends = dict[TopicPartition, int]


class Copying:
    """`async with Copying(...) as copying:` knows what the copy has already; `run` copies what is new.

    `demand_ours` is awaited before each write: it raises when another command has taken the move over.
    """

    def __init__(
        self,
        source: Settings,
        target: Settings,
        targets: CopyTargets,
        demand_ours: Callable[[], Awaitable[None]],
        report: Callable[[int, int], None] = lambda done, of: None,
    ) -> None:
        self._source = source
        self._target = target
        self.targets = targets
        self._demand_ours = demand_ours
        self._report = report
        self._from, self._to = TopicNames(source.kafka.topic_prefix), TopicNames(target.kafka.topic_prefix)
        self._sources = {one.topic(self._from): one for one in SOURCES}
        self._newest: dict[tuple[str, int, int], int] = {}
        """By topic, its partition and the copy's: the newest offset that the copy has of it."""
        self.copied = 0
        """Records written by this process."""

    async def __aenter__(self) -> Self:
        await self._find_newest()
        self._consumer = consumer_without_group(self._source.kafka, self._source.kafka_secrets)
        await start_consumer(self._consumer)
        partitions = self._partitions(self._from, self.targets.old)
        self._consumer.assign(partitions)
        firsts = await self._consumer.beginning_offsets(partitions)
        for partition in partitions:
            self._consumer.seek(partition, max(firsts[partition], self._next(partition)))
        return self

    async def __aexit__(self, *_: object) -> None:
        await stop_consumer(self._consumer)

    async def run(self) -> int:
        """Copy what the old topics hold now; returns how many records came."""
        partitions = self._partitions(self._from, self.targets.old)
        # A decision is written behind what it decides, and how far a replay is behind what it sent: those are copied at least as far. A
        # command may go on while the last gateways' records are copied, and Kafka's answer for many partitions is not of one moment.
        followers = [one for one in partitions if one.topic in (self._from.of(RESOLVED), self._from.of(REPLAY_RUNS))]
        ends: Ends = await self._consumer.end_offsets(followers)
        others: Ends = await self._consumer.end_offsets([one for one in partitions if one not in ends])
        left = sum([end - await self._consumer.position(one) for one, end in (others | ends).items()])
        done = 0
        async with open_batching_producer(self._target) as producer:
            for some in (others, ends):
                positions: dict[str, str] = {}
                async for records in self._read(some):
                    if some is ends and not positions:
                        positions = await self._parked_positions()
                    copies = [copy for record in records for copy in self._copies(record, positions)]
                    await self._demand_ours()
                    for one in rounds(copies):
                        await producer.produce(one)
                    self.copied += len(copies)
                    done += len(records)
                    self._report(done, left)
        return done

    async def translate_commits(self) -> int:
        """Have the new group begin where the old one stopped; returns how many records it has to work off.

        No member of either group may be there: Kafka refuses it otherwise.
        """
        lag = GroupLag(self._source, self._from.group)
        topics = [spec.name for spec in TOPICS if self._from.of(spec.name) in self._sources]
        try:
            wanted = [(self._from.of(topic), number) for topic in topics for number in range(self.targets.old)]
            reached = await lag.reach(wanted)
        finally:
            await lag.aclose()
        read = {topic for (topic, _), (commit, _, _) in reached.items() if commit is not None}
        followed = [topic for topic in topics if self._from.of(topic) in read]
        starts: Ends = {}
        async with _opened(self._target) as consumer:
            copies = [
                TopicPartition(self._to.of(topic), number) for topic in followed for number in range(self.targets.new)
            ]
            firsts, ends = await consumer.beginning_offsets(copies), await consumer.end_offsets(copies)
            for topic in followed:
                for number in range(self.targets.new):
                    commit, first, end = reached[self._from.of(topic), self.targets.source_of(number)]
                    at, unread = TopicPartition(self._to.of(topic), number), max(commit or 0, first)
                    is_read = unread >= end or firsts[at] == ends[at]
                    starts[at] = ends[at] if is_read else await _start(consumer, at, firsts, ends, unread)
        await self._demand_ours()
        await self._commit(starts)
        return sum(ends[at] - start for at, start in starts.items())

    # -- reading ------------------------------------------------------------------------------------------

    async def _read(self, ends: Mapping[TopicPartition, int]) -> AsyncIterator[list[KafkaRecord]]:
        consumer = self._consumer
        while behind := [one for one, end in ends.items() if await consumer.position(one) < end]:
            found = await consumer.getmany(*behind, timeout_ms=POLL_MS, max_records=MOST_RECORDS)
            if records := [record for some in found.values() for record in some]:
                yield records

    def _copies(self, record: KafkaRecord, positions: Mapping[str, str]) -> Iterable[Record]:
        source = self._sources[record.topic]
        key, value = record.key or b"", record.value
        targets = self.targets.targets(source, record.partition, key, value)
        if source == _DECISIONS:
            # One about a record that is gone is left out: its position may be another record's now.
            key, value = _moved(value, positions) or (b"", None)
            targets = (partition_of(key.decode(), self.targets.new),) if key else ()
        topic, headers = source.topic(self._to), tuple(record.headers or ())
        for target in targets:
            at = (source_key(source), record.partition, target)
            if record.offset <= self._newest.get(at, -1):
                continue
            self._newest[at] = record.offset
            bare = Record(topic, target, key, value, headers, timestamp_ms=record.timestamp)
            yield Record(
                *(topic, target, key, value, marked(headers, record.partition, record.offset)),
                instead=lambda bare=bare: bare,  # type: ignore[misc]  # mypy takes a default for an argument
                timestamp_ms=record.timestamp,
            )

    def _next(self, at: TopicPartition) -> int:
        """Where reading goes on in a partition of the old topics."""
        source = self._sources[at.topic]
        targets = range(self.targets.new) if source == _DECISIONS else self.targets.candidates(at.partition)
        return min(self._newest.get((source_key(source), at.partition, target), -1) for target in targets) + 1

    # -- what the copy has --------------------------------------------------------------------------------

    async def _find_newest(self) -> None:
        partitions = self._partitions(self._to, self.targets.new)
        names = {one.topic(self._to): one for one in SOURCES}
        async with _opened(self._target) as consumer:
            firsts, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
            wanted, window = {one for one in partitions if ends[one] > firsts[one]}, WINDOW
            while wanted:
                found = set()
                async for record in _window(consumer, wanted, firsts, ends, window):
                    if (position := source_position(record)) is None:
                        continue
                    partition, offset = position
                    at = (source_key(names[record.topic]), partition, record.partition)
                    self._newest[at] = max(offset, self._newest.get(at, -1))
                    found.add(TopicPartition(record.topic, record.partition))
                # Decisions of several partitions come into one, so the newest of one may lie far back.
                whole = {one for one in wanted if ends[one] - firsts[one] <= window}
                wanted -= whole | {one for one in found if names[one.topic] != _DECISIONS}
                window *= 100

    async def _parked_positions(self) -> dict[str, str]:
        """The new position of each parked record by its old one, as texts."""
        found: dict[str, str] = {}
        async for record in each_record(self._target, self._to.of(PARKED)):
            if (position := source_position(record)) is not None:
                found["{}@{}".format(*position)] = f"{record.partition}@{record.offset}"
        return found

    async def _commit(self, starts: Ends) -> None:
        options = {"group_id": self._to.group, "enable_auto_commit": False}
        consumer = Consumer(**client_options(self._target), **options)
        await start_consumer(consumer)
        try:
            consumer.assign(list(starts))
            await consumer.commit({at: OffsetAndMetadata(offset, "") for at, offset in starts.items()})
        finally:
            await stop_consumer(consumer)

    # -- names --------------------------------------------------------------------------------------------

    @staticmethod
    def _partitions(names: TopicNames, count: int) -> list[TopicPartition]:
        return [TopicPartition(one.topic(names), number) for one in SOURCES for number in range(count)]


def source_key(source: Source) -> str:
    """A text that names a source: a topic and a table may have one name."""
    return f"table {source.name}" if source.is_table else source.name


def _moved(value: bytes | None, positions: Mapping[str, str]) -> tuple[bytes, bytes] | None:
    """A decision about a parked record, with the position that this has now; None where it decides nothing that is kept."""
    try:
        decision = ParkedDecision.from_bytes(value)
    except InvalidMessage:
        return None
    if (new := positions.get(decision.record)) is None:
        return None
    return new.encode(), decision.model_copy(update={"record": new}).to_bytes()


def rounds(records: Iterable[Record]) -> Iterator[list[Record]]:
    """The records in order, so many at a time that those of a partition fit into one batch.

    A batch is written whole or not at all. If one fails, nothing behind it is written, so a resumed copy misses nothing.
    """
    taken: list[Record] = []
    sizes: dict[tuple[str, int], int] = {}
    for record in records:
        at = (record.topic, record.partition)
        if at in sizes and sizes[at] + record.size > MOST_BYTES:
            yield taken
            taken, sizes = [], {}
        taken.append(record)
        sizes[at] = sizes.get(at, 0) + record.size
    if taken:
        yield taken


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = consumer_without_group(settings.kafka, settings.kafka_secrets)
    await start_consumer(consumer)
    try:
        yield consumer
    finally:
        await stop_consumer(consumer)


async def _start(consumer: AIOKafkaConsumer, at: TopicPartition, firsts: Ends, ends: Ends, commit: int) -> int:
    """Where the new group begins in a partition that has records. `commit` is that of the source."""
    window, size = WINDOW, ends[at] - firsts[at]
    while True:
        copies = [
            (record.offset, position[1] if (position := source_position(record)) else None)
            async for record in _window(consumer, [at], firsts, ends, window)
        ]
        is_known = any(source is not None and source < commit for _, source in copies)
        if is_known or window >= size:
            start = first_unread(copies, commit)
            return ends[at] if start is None else start
        window *= 100


async def _window(
    consumer: AIOKafkaConsumer,
    partitions: Iterable[TopicPartition],
    firsts: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
    window: int,
) -> AsyncIterator[KafkaRecord]:
    """The records within so many offsets before the end of each partition."""
    wanted = list(partitions)
    consumer.assign(wanted)
    for one in wanted:
        consumer.seek(one, max(firsts[one], ends[one] - window))
    while behind := [one for one in wanted if await consumer.position(one) < ends[one]]:
        for records in (await consumer.getmany(*behind, timeout_ms=POLL_MS)).values():
            for record in records:
                yield record
