"""A process publishes its own status on the topic `status`; `operations/status` reads what all have published."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable

from streams.kafka.batching_producer import BatchingProducer, Record
from streams.messages import GatewayStatus, StatusPart, WorkerStatus
from streams.messages.partitioning import partition_of
from streams.messages.topics import STATUS, TopicNames
from streams.settings import Settings


def configuration_of(settings: Settings) -> str:
    """Equal for processes that carry the same connections between the same places, over topics with as many partitions."""
    parts = [
        f"{one.name} {one.lofty.team_id} {one.ghl.location_id} {one.lofty_budget} {one.ghl_budget}"
        for one in sorted(settings.connections.values(), key=lambda one: one.name)
    ]
    return hashlib.sha256("\n".join([str(settings.kafka.partitions), *parts]).encode()).hexdigest()[:16]


async def publish_status(
    batching_producer: BatchingProducer,
    names: TopicNames,
    partitions: int,
    status: WorkerStatus | GatewayStatus,
    parts: Iterable[StatusPart] = (),
) -> None:
    """Write a status and parts of it; returns when Kafka has them. Raises the producer's error."""
    instance = status.instance if isinstance(status, WorkerStatus) else status.gateway
    partition, topic = partition_of(instance, partitions), names.of(STATUS)
    records = []
    for part in parts:
        records.append(Record(topic, partition, f"{instance}/{part.number}".encode(), part.to_bytes()))
        await asyncio.sleep(0)  # some 60 kB are written; others get their turn
    await batching_producer.produce([*records, Record(topic, partition, instance.encode(), status.to_bytes())])
