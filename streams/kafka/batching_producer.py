"""Appends records to Kafka and tells when they are safe there.

`await append(...)` returns once every record was acknowledged by all in-sync replicas (`acks=all`).
While an append to a partition is under way, later ones gather, and leave together in the next batch (group commit):
at light load a record leaves at once, under load one round trip carries hundreds.
Records of one partition keep the order in which they were appended.

**Every append ends**: with the offsets, or as `NotWritten` once its time is over. `in_doubt` then says whether Kafka may have
the record all the same; it never comes behind one that was appended later and acknowledged.
**A record that is too large fails alone**, before it is sent: `RecordTooLarge` tells its size and the limit. One that knows a
smaller form of itself is written in that (`Record.instead`).

Faust's own `send` costs a quarter of a millisecond a record, and its buffer may be skipped by a commit; this is why agents,
tables and the dispatcher write through here.
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
    """One record to append. The partition always is explicit: placement is ours, not the producer's."""

    topic: str
    partition: int
    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    instead: Callable[[], Record] | None = field(default=None, compare=False, repr=False)
    """Makes a smaller one for the same partition, which is written in its place when it is too large. None: it fails."""

    @property
    def size(self) -> int:
        """What a batch with this record alone weighs, in bytes; a little more rather than less."""
        size = RECORD_OVERHEAD_BYTES + len(self.key) + (len(self.value) if self.value is not None else 0)
        for name, value in self.headers:
            size += HEADER_OVERHEAD_BYTES + 3 * len(name) + len(value)
        return size


class NotWritten(KafkaError):  # type: ignore[misc]  # aiokafka ships no types
    """Kafka did not acknowledge a record. `in_doubt`: it may have it all the same. The producer is well for the next one.

    An error of Kafka: whoever expects those (commands, the console, the dispatchers) takes this for one.
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
    """A record that Kafka does not take for its size; sizes are in bytes. `limit` 0: Kafka refused it and names none."""

    def __init__(self, topic: str, size: int, limit: int) -> None:
        self.size = size
        self.limit = limit
        bound = f"more than {limit}" if limit else "more than the topic's max.message.bytes"
        super().__init__(topic, f"the record has {size} bytes, {bound}", in_doubt=False)


class RecordsRefused(NotWritten):
    """Kafka refused a batch for one of its records (`is_size`: for its size); the others may be well."""

    def __init__(self, topic: str, why: str, *, is_size: bool) -> None:
        self.is_size = is_size
        super().__init__(topic, why, in_doubt=False)


class Batch(Protocol):
    """What `aiokafka` calls a batch builder."""

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

    def record_count(self) -> int:
        """How many records it holds."""
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
    """The broker has a batch that was sent twice, and does not remember where. Nobody could wait for it to be read back."""


Observe = Callable[[str, int, float, bool], None]
"""Is told of each batch: its topic, its number of records, the seconds until it was acknowledged, and whether it failed."""


class BatchingProducer:
    """Group commit over one idempotent producer. Errors of the producer reach every append that they concern.

    `most_bytes` bounds what waits for Kafka together; what comes beyond fails at once. None: those who append bound it.
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
        """What a single record may weigh (`Record.size`)."""
        return self._producer.max_record_bytes

    async def produce(self, records: Iterable[Record], *, within: float | None = None) -> list[int]:
        """Append records and wait until all are acknowledged. Returns the offset of each.

        Raises `NotWritten` when one could not be written, or was not within so many seconds; others of the same call may
        have been. What was not sent by then is not sent any more.
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
        """Append one record; the future is its offset, once it is acknowledged. Somebody must await it."""
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
        place = (record.topic, record.partition)
        self._pending.setdefault(place, []).append(_PendingRecord(record, acknowledged, size, loop.time() + seconds))
        if place not in self._flushing:
            self._flushing[place] = loop.create_task(self._flush(place), name=f"append {record.topic}")
        return acknowledged

    async def drain(self) -> None:
        """Wait until nothing is under way."""
        while self._flushing:
            await asyncio.wait(list(self._flushing.values()))

    async def _flush(self, place: tuple[str, int]) -> None:
        try:
            while pending := self._pending.pop(place, None):
                await self._send(place, pending)
                self._bytes -= sum(one.size for one in pending)
        finally:
            del self._flushing[place]

    async def _send(self, place: tuple[str, int], pending: list[_PendingRecord]) -> None:
        topic, partition = place
        loop = asyncio.get_running_loop()
        position, most = 0, MOST_RECORDS
        while position < len(pending):
            first, began = position, time.perf_counter()
            now, until = loop.time(), pending[first].until
            try:
                if until <= now:
                    position += 1
                    raise NotWritten(topic, "its time was over before it could be sent", in_doubt=False)
                batch = self._producer.create_batch()
                while position < len(pending) and position - first < most and pending[position].until > now:
                    record = pending[position].record
                    taken = batch.append(
                        key=record.key, value=record.value, timestamp=None, headers=list(record.headers)
                    )
                    if taken is None:
                        break
                    until = max(until, pending[position].until)
                    position += 1
                if position == first:
                    position += 1
                    raise RecordTooLarge(topic, pending[first].size, self._producer.max_record_bytes)
                within = until - loop.time()
                metadata = await (await self._producer.send_batch(batch, topic, partition=partition, within=within))
                if metadata.offset < 0:
                    raise UnknownOffset(topic, "it was repeated, and Kafka does not remember its offset", in_doubt=True)
            except Exception as error:  # every waiter gets it, whatever it is
                count = position - first
                if isinstance(error, RecordsRefused) and count > 1:
                    # One of them is at fault: in halves, until it stands alone.
                    most, position = count // 2, first
                    continue
                if isinstance(error, RecordsRefused) and error.is_size:
                    if (smaller := pending[first].record.instead) is not None:
                        pending[first].record, position = smaller(), first
                        continue
                    error = RecordTooLarge(topic, pending[first].size, 0)
                # Whatever fails before a record was taken concerns the first. What follows may be well.
                position, most = max(position, first + 1), MOST_RECORDS
                if self._observe is not None:
                    self._observe(topic, position - first, time.perf_counter() - began, True)
                for one in pending[first:position]:
                    if not one.acknowledged.done():
                        one.acknowledged.set_exception(error)
            else:
                most = MOST_RECORDS
                if self._observe is not None:
                    self._observe(topic, position - first, time.perf_counter() - began, False)
                for number, one in enumerate(pending[first:position]):
                    if not one.acknowledged.done():
                        one.acknowledged.set_result(metadata.offset + number)


def _read_error(future: asyncio.Future[int]) -> None:
    if not future.cancelled():
        future.exception()
