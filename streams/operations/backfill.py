"""Orders a backfill and watches it: the order goes to the owner of the Lofty budget, its progress comes from its table.

The command only asks; the worker reads Lofty within its limit, after all other work, and goes on without the command.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from aiokafka import TopicPartition

from streams.core.rows import SweepRow
from streams.kafka.batching_producer import BatchingProducer, Record
from streams.kafka.clients import Consumer, client_options, new_producer, start_consumer, start_producer, stop_consumer
from streams.kafka.unreadable_records import leave_out
from streams.messages import BackfillOrder, InvalidMessage
from streams.messages.topics import SWEEPS, SWEEPS_TABLE, TopicNames
from streams.settings import Connection, Settings
from streams.settings.partitions import Places

REQUESTS_A_LEAD = 4
"""The lead itself and the lists of its notes, tasks and appointments; one for each of those comes on top."""

SILENT_SECONDS = 60.0
"""After so long without any progress it is said that no worker seems to be there."""


class NoProgress(Exception):
    """Nobody works on the order."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """How long a backfill takes at least. `leads` is None until Lofty has told."""

    leads: int | None
    requests_per_minute: int

    @property
    def minutes(self) -> float | None:
        """By the requests that it needs, with nothing else to do."""
        return None if self.leads is None else self.leads * REQUESTS_A_LEAD / self.requests_per_minute

    def __str__(self) -> str:
        if self.minutes is None:
            return "Lofty tells with the first page how many leads there are"
        hours, minutes = divmod(max(1, round(self.minutes)), 60)
        length = f"{hours} h {minutes} min" if hours else f"{minutes} min"
        return f"{self.leads} leads: about {length} at {self.requests_per_minute} requests a minute"


class Backfill:
    """`async with Backfill(settings, connection) as one:` then `await one.order(id, now_ms)` and `await one.follow(show)`."""

    def __init__(self, settings: Settings, connection: Connection) -> None:
        names = TopicNames(settings.kafka.topic_prefix)
        self._settings = settings
        self._connection = connection
        self._topic = names.of(SWEEPS)
        self._place = TopicPartition(names.changelog(SWEEPS_TABLE), Places(settings).lofty(connection))
        self.row = SweepRow()
        """Where the connection's sweep stood when it was last heard of."""

    async def __aenter__(self) -> Self:
        self._consumer = Consumer(**client_options(self._settings), auto_offset_reset="earliest")
        await start_consumer(self._consumer)
        self._consumer.assign([self._place])
        end = (await self._consumer.end_offsets([self._place]))[self._place]
        while await self._consumer.position(self._place) < end:
            await self._hear(0.2)
        return self

    async def __aexit__(self, *_: object) -> None:
        await stop_consumer(self._consumer)

    @property
    def estimate(self) -> Estimate:
        """By what the last full run, or this one, has counted."""
        return Estimate(self.row.total, self._connection.lofty.requests_per_minute)

    @property
    def is_under_way(self) -> bool:
        """An order was taken and has not ended."""
        return self.row.ordered != self.row.served

    async def order(self, order_id: str, now_ms: int) -> None:
        """Ask for a backfill; returns once Kafka has the order."""
        order = BackfillOrder(connection=self._connection.name, id=order_id, at_ms=now_ms)
        producer = new_producer(self._settings)
        await start_producer(producer)
        try:
            key = self._connection.name.encode()
            await BatchingProducer(producer).produce(
                [Record(self._topic, self._place.partition, key, order.to_bytes())]
            )
        finally:
            await producer.stop()

    async def follow(self, order_id: str, show: Callable[[SweepRow], None]) -> SweepRow:
        """Show each step until the order has ended. Raises `NoProgress` when nothing moves for a minute before it begins."""
        silent, was_taken = 0.0, self.row.ordered == order_id
        # Another order may follow before ours has ended: its end is ours, too.
        while not (was_taken and self.row.kind is None and not self.is_under_way):
            if await self._hear(1.0):
                silent = 0.0
                was_taken |= self.row.ordered == order_id
                show(self.row)
            elif (silent := silent + 1.0) >= SILENT_SECONDS and not was_taken:
                raise NoProgress(
                    f"no worker took the order within {SILENT_SECONDS:.0f} s; it stays on {self._topic}, and a worker that "
                    "starts carries it out: lofty-ghl worker"
                )
        return self.row

    async def _hear(self, seconds: float) -> bool:
        heard = False
        for messages in (await self._consumer.getmany(timeout_ms=int(seconds * 1000))).values():
            for message in messages:
                if message.key == self._connection.name.encode() and message.value is not None:
                    try:
                        self.row, heard = SweepRow.from_bytes(message.value), True
                    except InvalidMessage as error:
                        leave_out(message.topic, message.partition, message.offset, error)
        await asyncio.sleep(0)
        return heard
