"""Small appends, ours against aiokafka's own producer: side by side in one process, in pairs.

Both are under the same `BatchingProducer` (group commit), idempotent, acknowledged by all. A run is so many writers that each append
one record after another, over 16 partitions; the report has the medians of both and of their ratios.

    python -m tests.bench.appends [BOOTSTRAP]
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
import uuid
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams.kafka.batching_producer import BatchingProducer, Record
from streams.kafka.producer import KafkaProducer
from streams.messages.size_limits import DEFAULT
from tests.kafka.node import KafkaNode

PARTITIONS = 16
PAIRS = 10
KINDS = {"1 writer": (1, 100), "16 writers": (16, 40), "500 writers": (500, 6)}
"""How many write at once, and how many records each."""


class Theirs:
    """aiokafka's producer, as an appender wants it."""

    max_record_bytes = DEFAULT.record

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self.create_batch = producer.create_batch
        self._producer = producer

    async def send_batch(self, batch: Any, topic: str, *, partition: int, within: float) -> Any:
        """It has one time for all."""
        del within
        return await self._producer.send_batch(batch, topic, partition=partition)


async def rate(batching_producer: BatchingProducer, topic: str, writers: int, records: int) -> float:
    """Records a second."""

    async def write(number: int) -> None:
        for turn in range(records):
            await batching_producer.produce([Record(topic, (number * 7 + turn) % PARTITIONS, b"key", b"x" * 200)])

    began = time.perf_counter()
    await asyncio.gather(*(write(number) for number in range(writers)))
    return writers * records / (time.perf_counter() - began)


async def compare(bootstrap: str) -> dict[str, dict[str, float]]:
    """Of each kind: the medians of both, and of the ratio of each pair."""
    topic = f"appends-{uuid.uuid4().hex[:8]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, PARTITIONS, 1)])
    await admin.close()
    ours = KafkaProducer({"bootstrap_servers": bootstrap}, DEFAULT.record)
    theirs = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True, acks="all")
    await ours.start()
    await theirs.start()
    appenders = (BatchingProducer(ours), BatchingProducer(Theirs(theirs)))
    found: dict[str, dict[str, float]] = {}
    try:
        for kind, (writers, records) in KINDS.items():
            for batching_producer in appenders:  # warm
                await rate(batching_producer, topic, writers, max(5, records // 5))
            pairs = []
            for number in range(PAIRS):
                first, second = appenders if number % 2 else appenders[::-1]
                rates = [await rate(one, topic, writers, records) for one in (first, second)]
                pairs.append(rates if number % 2 else rates[::-1])
            found[kind] = {
                "ours": round(statistics.median(one for one, _ in pairs)),
                "aiokafka": round(statistics.median(other for _, other in pairs)),
                "ratio": round(statistics.median(one / other for one, other in pairs), 2),
            }
    finally:
        await ours.stop()
        await theirs.stop()
    return found


def main() -> None:
    """On a Kafka that runs, or one of its own."""
    if len(sys.argv) > 1:
        print(json.dumps(asyncio.run(compare(sys.argv[1])), indent=2))
        return
    with KafkaNode() as kafka:
        print(json.dumps(asyncio.run(compare(kafka.bootstrap)), indent=2))


if __name__ == "__main__":
    main()
