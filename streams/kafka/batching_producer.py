"""Produces records to Kafka in batches, and reports when Kafka has acknowledged them.

`await produce(...)` returns once all in-sync replicas have acknowledged every record (`acks=all`).
While a batch of a partition is in flight, later records gather, and leave together in the next batch (group commit): at light
load a record leaves at once, under load one round trip carries hundreds.
Records of one partition keep their order.

**Every call ends**: with the offsets, or with `NotWritten` once its time is over. `in_doubt` then says whether Kafka may still
have the record; it never comes behind one that was produced later and acknowledged.
**A record that is too large fails alone**, before it is sent: `RecordTooLarge` has its size and the limit. A record that has a
smaller form is written in that (`Record.instead`).

Agents, tables and dispatchers write through this class, because Faust's own `send` costs a quarter of a millisecond a record,
and a commit may skip its buffer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from aiokafka.errors import KafkaError
from aiokafka.structs import RecordMetadata

MOST_RECORDS = 2000
"""Records in one batch at most; the batch's size in bytes is bounded by the producer."""

DELIVERY_SECONDS = 120.0
"""After this a record counts as not written, as with Java's producer: a restart of Kafka and its election end sooner."""

RECORD_OVERHEAD_BYTES = 128
"""More than a batch's header (61) and the lengths, times and counts of one record take."""

HEADER_OVERHEAD_BYTES = 10


@dataclass(frozen=True, slots=True)
class Record:
    """One record to produce. Its partition is explicit: the producer does not choose it."""

    topic: str
    partition: int
    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    instead: Callable[[], Record] | None = field(default=None, compare=False, repr=False)
    """Makes a smaller record for the same partition, written instead of one that is too large. None: that one fails."""
    timestamp_ms: int | None = None
    """When it was written first, for a record that is copied. None: now."""

    @property
    def size(self) -> int:
        """The size of a batch with this record alone, in bytes; rounded up."""
        size = RECORD_OVERHEAD_BYTES + len(self.key) + (len(self.value) if self.value is not None else 0)
        for name, value in self.headers:
            size += HEADER_OVERHEAD_BYTES + 3 * len(name) + len(value)
        return size


class NotWritten(KafkaError):  # type: ignore[misc]  # aiokafka ships no types
    """Kafka did not acknowledge a record. `in_doubt`: it may have it all the same. The producer can continue with the next.

    A `KafkaError`, so that whoever handles those (commands, the console, the dispatchers) handles this one.
    """

    def __init__(self, topic: str, why: str, *, in_doubt: bool) -> None:
        self.topic = topic
        self.why = why
        self.in_doubt = in_doubt
        may_have = ", and may have it all the same" if in_doubt else ""
        super().__init__(f"Kafka did not acknowledge a record for {topic}{may_have}: {why}")

    def __str__(self) -> str:
        return str(self.args[0])


class RecordTooLarge(NotWritten):
    """A record that is too large for Kafka; sizes are in bytes. `limit` 0: Kafka refused it and names no limit."""

    def __init__(self, topic: str, size: int, limit: int) -> None:
        self.size = size
        self.limit = limit
        bound = f"more than {limit}" if limit else "more than the topic's max.message.bytes"
        super().__init__(topic, f"the record has {size} bytes, {bound}", in_doubt=False)


class RecordsRefused(NotWritten):
    """Kafka refused a batch for one of its records (`is_size`: for its size); the others may be valid."""

    def __init__(self, topic: str, why: str, *, is_size: bool) -> None:
        self.is_size = is_size
        super().__init__(topic, why, in_doubt=False)


class Batch(Protocol):
    """A batch that is being filled."""

    def append(
        self,
        *,
        key: bytes | None,
        value: bytes | None,
        timestamp: int | None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> object:
        """Add a record; None when the batch is full."""
        ...


class Producer(Protocol):
    """The part of a producer that is used (`streams/kafka/producer.py`). `max_record_bytes` bounds a single record."""

    max_record_bytes: int

    def create_batch(self) -> Batch:
        """A new batch builder."""
        ...

    async def send_batch(
        self, batch: Batch, topic: str, *, partition: int, within: float
    ) -> asyncio.Future[RecordMetadata]:
        """Queue a batch; the future is done when it is acknowledged, and fails with `NotWritten` after `within` seconds."""
        ...


@dataclass(slots=True, eq=False)
class _PendingRecord:
    record: Record
    acknowledged: asyncio.Future[int]
    size: int
    until: float


class UnknownOffset(NotWritten):
    """The broker has a batch that was sent twice, and does not remember its offset."""


Observe = Callable[[str, int, float, bool], None]
"""Called for each batch with its topic, its number of records, the seconds until its acknowledgement, and whether it failed."""


class BatchingProducer:
    """Group commit over one idempotent producer. An error of the producer fails every record that it concerns.

    `most_bytes` limits what waits for Kafka together; a record beyond it fails at once. None: the callers limit it.
    """

    def __init__(
        self,
        producer: Producer,
        observe: Observe | None = None,
        *,
        delivery_seconds: float = DELIVERY_SECONDS,
        most_bytes: int | None = None,
    ) -> None:
        self._producer = producer
        self._observe = observe
        self._delivery_seconds = delivery_seconds
        self._most_bytes = most_bytes
        self._bytes = 0
        self._pending: dict[tuple[str, int], list[_PendingRecord]] = {}
        self._flushing: dict[tuple[str, int], asyncio.Task[None]] = {}

    @property
    def max_record_bytes(self) -> int:
        """The largest size of a single record (`Record.size`)."""
        return self._producer.max_record_bytes

    async def produce(self, records: Iterable[Record], *, within: float | None = None) -> list[int]:
        """Produce records and wait until all are acknowledged. Returns the offset of each.

        Raises `NotWritten` when one could not be written, or not within so many seconds; others of the same call may be
        written. A record that was not sent by then is never sent.
        """
        taken = list(records)
        waiting = [self.enqueue(record, within=within) for record in taken]
        if within is not None and waiting:
            _, late = await asyncio.wait(waiting, timeout=within)
            if late:
                for acknowledged in waiting:
                    acknowledged.add_done_callback(_read_error)
                topic = next(r.topic for r, one in zip(taken, waiting, strict=True) if one in late)
                raise NotWritten(topic, f"no answer within {within:.0f} s", in_doubt=True)
        if len(waiting) > 1:
            # Wait for all before raising, so that no future is left with an error that nobody reads.
            await asyncio.wait(waiting)
            for acknowledged in waiting:
                acknowledged.exception()
        return [await acknowledged for acknowledged in waiting]

    def enqueue(self, record: Record, *, within: float | None = None) -> asyncio.Future[int]:
        """Produce one record; the future is its offset once it is acknowledged. The caller must await it."""
        loop = asyncio.get_running_loop()
        acknowledged: asyncio.Future[int] = loop.create_future()
        while record.size > self._producer.max_record_bytes and record.instead is not None:
            record = record.instead()
        size = record.size
        if size > self._producer.max_record_bytes:
            acknowledged.set_exception(RecordTooLarge(record.topic, size, self._producer.max_record_bytes))
            return acknowledged
        if self._most_bytes is not None and self._bytes + size > self._most_bytes:
            why = f"{self._bytes} bytes wait for Kafka already"
            acknowledged.set_exception(NotWritten(record.topic, why, in_doubt=False))
            return acknowledged
        self._bytes += size
        seconds = self._delivery_seconds if within is None else min(within, self._delivery_seconds)
        partition = (record.topic, record.partition)
        self._pending.setdefault(partition, []).append(
            _PendingRecord(record, acknowledged, size, loop.time() + seconds)
        )
        if partition not in self._flushing:
            self._flushing[partition] = loop.create_task(self._flush(partition), name=f"append {record.topic}")
        return acknowledged

    async def drain(self) -> None:
        """Wait until nothing is in flight."""
        while self._flushing:
            await asyncio.wait(list(self._flushing.values()))

    async def _flush(self, partition: tuple[str, int]) -> None:
        try:
            while pending := self._pending.pop(partition, None):
                await self._send(partition, pending)
                self._bytes -= sum(one.size for one in pending)
        finally:
            del self._flushing[partition]

    async def _send(self, partition: tuple[str, int], pending: list[_PendingRecord]) -> None:
        first, most = 0, MOST_RECORDS
        while first < len(pending):
            began, group = time.perf_counter(), pending[first : first + 1]
            try:
                batch, group = self._filled(partition[0], pending[first : first + most])
                offset = await self._write(partition, batch, group)
            except Exception as error:  # every waiter gets it, whatever it is
                refusal: Exception = error
                if isinstance(error, RecordsRefused) and len(group) > 1:
                    most = len(group) // 2  # one record is at fault: halve the batch until it is alone
                    continue
                if isinstance(error, RecordsRefused) and error.is_size:
                    if (smaller := group[0].record.instead) is not None:
                        group[0].record = smaller()
                        continue
                    refusal = RecordTooLarge(partition[0], group[0].size, 0)
                self._finish(partition[0], group, began, refusal)
            else:
                self._finish(partition[0], group, began, offset)
            first, most = first + len(group), MOST_RECORDS

    def _filled(self, topic: str, pending: list[_PendingRecord]) -> tuple[Batch, list[_PendingRecord]]:
        """A batch with as many of these records as fit and are still in time, and those records.

        Raises `NotWritten` for the first record alone: its time is over, or it fits in no batch.
        """
        now = asyncio.get_running_loop().time()
        if pending[0].until <= now:
            raise NotWritten(topic, "its time was over before it could be sent", in_doubt=False)
        batch, count = self._producer.create_batch(), 0
        for one in pending:
            record = one.record
            if one.until <= now or (
                batch.append(
                    key=record.key, value=record.value, timestamp=record.timestamp_ms, headers=list(record.headers)
                )
                is None
            ):
                break
            count += 1
        if count == 0:
            raise RecordTooLarge(topic, pending[0].size, self._producer.max_record_bytes)
        return batch, pending[:count]

    async def _write(self, partition: tuple[str, int], batch: Batch, group: list[_PendingRecord]) -> int:
        """Write a batch; returns the offset of its first record. Raises `NotWritten`."""
        topic, number = partition
        within = max(one.until for one in group) - asyncio.get_running_loop().time()
        metadata = await (await self._producer.send_batch(batch, topic, partition=number, within=within))
        if metadata.offset < 0:
            raise UnknownOffset(topic, "it was repeated, and Kafka does not remember its offset", in_doubt=True)
        return int(metadata.offset)

    def _finish(self, topic: str, group: list[_PendingRecord], began: float, result: int | Exception) -> None:
        """Give each record of a batch its offset, or the error."""
        has_failed = isinstance(result, Exception)
        if self._observe is not None:
            self._observe(topic, len(group), time.perf_counter() - began, has_failed)
        for number, one in enumerate(group):
            if one.acknowledged.done():
                continue
            if isinstance(result, Exception):
                one.acknowledged.set_exception(result)
            else:
                one.acknowledged.set_result(result + number)


def _read_error(future: asyncio.Future[int]) -> None:
    if not future.cancelled():
        future.exception()
