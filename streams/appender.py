"""Appends records to Kafka and tells when they are safe there.

`await append(...)` returns once every record was acknowledged by all in-sync replicas (`acks=all`).
While an append to a partition is under way, later ones gather, and leave together in the next batch (group commit):
at light load a record leaves at once, under load one round trip carries hundreds.
Records of one partition keep the order in which they were appended.

Faust's own `send` costs a quarter of a millisecond a record, and its buffer may be skipped by a commit; this is why agents,
tables and the dispatcher write through here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from aiokafka.structs import RecordMetadata

MOST_RECORDS = 2000
"""Records in one batch at most; the batch's size in bytes is bounded by the producer."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record to append. The partition always is explicit: placement is ours, not the producer's."""

    topic: str
    partition: int
    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


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
    """The part of `aiokafka.AIOKafkaProducer` that is used."""

    def create_batch(self) -> Batch:
        """A new batch builder."""
        ...

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> asyncio.Future[RecordMetadata]:
        """Queue a batch; the future is done when it is acknowledged."""
        ...


@dataclass(slots=True, eq=False)
class _Pending:
    record: Record
    acknowledged: asyncio.Future[int]


class UnknownOffset(RuntimeError):
    """The broker has a batch that was sent twice, and does not remember where. Nobody could wait for it to be read back."""


Observe = Callable[[str, int, float, bool], None]
"""Is told of each batch: its topic, its number of records, the seconds until it was acknowledged, and whether it failed."""


class Appender:
    """Group commit over one idempotent producer. Errors of the producer reach every append that they concern."""

    def __init__(self, producer: Producer, observe: Observe | None = None) -> None:
        self._producer = producer
        self._observe = observe
        self._pending: dict[tuple[str, int], list[_Pending]] = {}
        self._flushing: dict[tuple[str, int], asyncio.Task[None]] = {}

    async def append(self, records: Iterable[Record]) -> list[int]:
        """Append records and wait until all are acknowledged. Returns the offset of each.

        Raises the producer's error when one could not be written; others of the same call may have been.
        """
        waiting = [self.enqueue(record) for record in records]
        if len(waiting) > 1:
            # Wait for all before raising, so that no future is left with an error that nobody reads.
            await asyncio.wait(waiting)
            for acknowledged in waiting:
                acknowledged.exception()
        return [await acknowledged for acknowledged in waiting]

    def enqueue(self, record: Record) -> asyncio.Future[int]:
        """Append one record; the future is its offset, once it is acknowledged. Somebody must await it."""
        loop = asyncio.get_running_loop()
        acknowledged: asyncio.Future[int] = loop.create_future()
        place = (record.topic, record.partition)
        self._pending.setdefault(place, []).append(_Pending(record, acknowledged))
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
        finally:
            del self._flushing[place]

    async def _send(self, place: tuple[str, int], pending: list[_Pending]) -> None:
        topic, partition = place
        position = 0
        while position < len(pending):
            first, began = position, time.perf_counter()
            try:
                batch = self._producer.create_batch()
                while position < len(pending) and position - first < MOST_RECORDS:
                    record = pending[position].record
                    taken = batch.append(
                        key=record.key, value=record.value, timestamp=None, headers=list(record.headers)
                    )
                    if taken is None:
                        break
                    position += 1
                if position == first:
                    raise ValueError(f"a record for {topic} exceeds the producer's batch size")
                metadata = await (await self._producer.send_batch(batch, topic, partition=partition))
                if metadata.offset < 0:
                    raise UnknownOffset(
                        f"{topic}/{partition} has the records of a repeated batch, at an unknown offset"
                    )
            except Exception as error:  # every waiter gets it, whatever it is
                # A record that no empty batch can hold fails alone.
                position = max(position, first + 1)
                if self._observe is not None:
                    self._observe(topic, position - first, time.perf_counter() - began, True)
                for one in pending[first:position]:
                    if not one.acknowledged.done():
                        one.acknowledged.set_exception(error)
            else:
                if self._observe is not None:
                    self._observe(topic, position - first, time.perf_counter() - began, False)
                for number, one in enumerate(pending[first:position]):
                    if not one.acknowledged.done():
                        one.acknowledged.set_result(metadata.offset + number)
