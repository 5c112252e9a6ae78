"""Orders a backfill and watches it: the order goes to the owner of the Lofty budget, its progress comes from its table.

The command only asks; the worker reads Lofty within its limit, after all other work, and goes on without the command.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Self

from streams.core.rows import SweepRow
from streams.core.sweep_forecast import requests_for
from streams.core.sweep_schedules import length
from streams.kafka.batching_producer import Record
from streams.kafka.clients import open_batching_producer
from streams.kafka.topic_reader import KafkaRecord, TopicReader
from streams.kafka.unreadable_records import skip_unreadable
from streams.messages import BackfillOrder, InvalidMessage
from streams.messages.topics import SWEEPS, SWEEPS_TABLE, TopicNames
from streams.operations.worker_queries.errors import NoWorker
from streams.settings import Connection, Settings
from streams.settings.partitions import ConnectionPartitions

SILENT_SECONDS = 60.0
"""After so long without any progress it is said that no worker seems to be there."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """How long a backfill takes at least. `leads` is None until Lofty has said how many there are."""

    leads: int | None
    requests_per_minute: int

    @property
    def minutes(self) -> float | None:
        """By the requests that it needs, with nothing else to do."""
        return None if self.leads is None else requests_for(self.leads) / self.requests_per_minute

    def __str__(self) -> str:
        if self.minutes is None:
            return "not known yet: the first page from Lofty says how many leads there are"
        return f"{self.leads} leads: about {length(self.minutes)} at {self.requests_per_minute} requests a minute"


class Backfill:
    """`async with Backfill(settings, connection) as one:` then `await one.order(id, now_ms)` and `await one.follow(show)`."""

    def __init__(self, settings: Settings, connection: Connection) -> None:
        names = TopicNames(settings.kafka.topic_prefix)
        self._settings = settings
        self._connection = connection
        self._topic = names.of(SWEEPS)
        self._partition = ConnectionPartitions(settings).lofty(connection)
        self._reader = TopicReader(settings, names.changelog(SWEEPS_TABLE), [self._partition])
        self.row = SweepRow()
        """How far the connection's sweep was by its worker's last status."""

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._reader)
            async for record in self._reader.read_to_end(self._reader.ends):
                self._take(record)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def estimate(self) -> Estimate:
        """By what the last full run, or this one, has counted."""
        return Estimate(self.row.total, self._connection.lofty.requests_per_minute)

    @property
    def is_under_way(self) -> bool:
        """An order was taken and has not ended."""
        return self.row.ordered != self.row.served

    async def order(self, order_id: str, now_ms: int, by: str = "") -> None:
        """Ask for a backfill in somebody's name; returns once Kafka has the order."""
        order = BackfillOrder(connection=self._connection.name, id=order_id, at_ms=now_ms, by=by)
        record = Record(self._topic, self._partition, self._connection.name.encode(), order.to_bytes())
        async with open_batching_producer(self._settings) as batching_producer:
            await batching_producer.produce([record])

    async def follow(self, order_id: str, show: Callable[[SweepRow], None]) -> SweepRow:
        """Show each step until the order has ended. Raises `NoWorker` when nothing moves for a minute before it begins."""
        silent, was_taken = 0.0, self.row.ordered == order_id
        # Another order may follow before ours has ended: its end is ours, too.
        while not (was_taken and self.row.kind is None and not self.is_under_way):
            has_moved = False
            for record in await self._reader.poll(1000):
                has_moved |= self._take(record)
            if has_moved:
                silent = 0.0
                was_taken |= self.row.ordered == order_id
                show(self.row)
            elif (silent := silent + 1.0) >= SILENT_SECONDS and not was_taken:
                raise NoWorker(
                    f"no worker took the order within {SILENT_SECONDS:.0f} s; it stays on {self._topic}, and a worker that "
                    "starts carries it out: lofty-ghl worker"
                )
        return self.row

    def _take(self, record: KafkaRecord) -> bool:
        """Keep a row of our connection; whether it is one."""
        if record.key != self._connection.name.encode() or record.value is None:
            return False
        try:
            self.row = SweepRow.from_bytes(record.value)
        except InvalidMessage as error:
            skip_unreadable(record.topic, record.partition, record.offset, error)
            return False
        return True
