"""Reads single records of topics by their places, without reading what lies between."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaTimeoutError

from streams.kafka.clients import start_consumer, stop_consumer
from streams.kafka.topic_reader import consumer_without_group
from streams.settings import Settings

FETCH_BYTES = 256 * 1024
NEAR = 200
"""Records that are read over rather than sought past: a seek costs a round trip and a batch."""
MOST_SECONDS = 20.0


class RecordPosition(NamedTuple):
    """Where a record is, by the topic's name on the cluster."""

    topic: str
    partition: int
    offset: int


async def fetch_records(
    settings: Settings, positions: Iterable[RecordPosition]
) -> dict[RecordPosition, ConsumerRecord[bytes, bytes]]:
    """The records at these places, without those that the topic no longer holds. Raises Kafka's errors."""
    wanted: dict[TopicPartition, list[int]] = {}
    for position in sorted(set(positions)):
        wanted.setdefault(TopicPartition(position.topic, position.partition), []).append(position.offset)
    if not wanted:
        return {}
    consumer = consumer_without_group(
        settings.kafka,
        settings.kafka_secrets,
        retry_backoff_ms=10,  # a fresh client learns of its partitions by a retry
        max_partition_fetch_bytes=FETCH_BYTES,
    )
    await start_consumer(consumer)
    try:
        return await _read(consumer, wanted)
    finally:
        await stop_consumer(consumer)


async def _read(
    consumer: AIOKafkaConsumer, wanted: dict[TopicPartition, list[int]]
) -> dict[RecordPosition, ConsumerRecord[bytes, bytes]]:
    ends = await consumer.end_offsets(list(wanted))
    left = {partition: [one for one in offsets if one < ends[partition]] for partition, offsets in wanted.items()}
    left = {partition: offsets for partition, offsets in left.items() if offsets}
    consumer.assign(list(left))
    for partition, offsets in left.items():
        consumer.seek(partition, offsets[0])
    found: dict[RecordPosition, ConsumerRecord[bytes, bytes]] = {}
    until = time.monotonic() + MOST_SECONDS
    while left:
        if time.monotonic() > until:
            raise KafkaTimeoutError(
                f"{sum(map(len, left.values()))} records were not there within {MOST_SECONDS:.0f} s"
            )
        for partition, messages in (await consumer.getmany(*left, timeout_ms=200)).items():
            offsets = left[partition]
            for message in messages:
                while offsets and offsets[0] < message.offset:
                    offsets.pop(0)  # compacted away
                if offsets and offsets[0] == message.offset:
                    found[RecordPosition(partition.topic, partition.partition, message.offset)] = message
                    offsets.pop(0)
            if not offsets:
                del left[partition]
            elif offsets[0] > messages[-1].offset + NEAR:
                consumer.seek(partition, offsets[0])
        for partition in list(left):
            # The end of a compacted topic may hold none of what is wanted.
            if await consumer.position(partition) >= ends[partition]:
                del left[partition]
    return found
