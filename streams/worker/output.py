"""Where a worker writes besides its tables: topics, by one producer, and the dead-letter topic `parked`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from streams.kafka.batching_producer import BatchingProducer, Record
from streams.kafka.parking import Parking
from streams.messages import Parked


@dataclass(frozen=True, slots=True)
class Output:
    """The producer, what parks records, and the clock whose time they carry."""

    batching_producer: BatchingProducer
    parking: Parking
    now_ms: Callable[[], int]

    async def produce(self, records: Iterable[Record]) -> list[int]:
        """Write records; returns their offsets once Kafka has them for good."""
        return await self.batching_producer.produce(records)

    async def park(self, parked: Parked) -> None:
        """Put a record on the topic `parked`."""
        await self.batching_producer.produce([self.parking.record(parked)])
