"""Reads the newest snapshots of some leads: by the index where it is fresh, otherwise the topic is read through."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable

from streams.kafka.topic_reader import each_record
from streams.messages import Entity, InvalidMessage, Snapshot
from streams.messages.topics import SNAPSHOTS, TopicNames
from streams.operations.history.index.reader import IndexReader, NoIndex, TooBroad
from streams.operations.history.index.sources import sources
from streams.operations.history.record_fetch import RecordPosition, fetch_records
from streams.settings import Settings

MOST_BY_INDEX = 300
"""Each record that is read by its position costs a round trip to Kafka: for more leads it is faster to read all snapshots."""
MOST_BEHIND = 10_000


async def newest_snapshots(
    settings: Settings, keys: Collection[str], partitions: Iterable[int], reader: IndexReader | None
) -> dict[str, Snapshot]:
    """The newest snapshots by the key of the lead's contact. Raises aiokafka's errors."""
    if not keys:
        return {}
    if reader is not None and len(keys) <= MOST_BY_INDEX:
        try:
            fresh = await reader.freshness()
            if fresh.is_complete and fresh.is_alive(time.time_ns() // 1_000_000) and fresh.behind <= MOST_BEHIND:
                return await _by_index(settings, keys, reader)
        except (NoIndex, TooBroad):
            pass  # it is being built: the topic has everything
    return await _by_topic(settings, keys, partitions)


async def _by_index(settings: Settings, keys: Collection[str], reader: IndexReader) -> dict[str, Snapshot]:
    source = next(one for one in sources(TopicNames(settings.kafka.topic_prefix)) if one.short == SNAPSHOTS)
    wanted: list[RecordPosition] = []
    for key in keys:
        entity = Entity.from_key(key)
        positions, _ = await reader.record_positions(entity.lane)
        own = [one for one in positions if one.topic == source.code and one.about == f"{entity.kind}:{entity.id}"]
        if own:
            newest = max(own, key=lambda one: one.offset)
            wanted.append(RecordPosition(source.topic, newest.partition, newest.offset))
    found: dict[str, Snapshot] = {}
    for record in (await fetch_records(settings, wanted)).values():
        _keep(found, (record.key or b"").decode(errors="replace"), record.value)
    return found


async def _by_topic(settings: Settings, keys: Collection[str], partitions: Iterable[int]) -> dict[str, Snapshot]:
    wanted = {key.encode() for key in keys}
    found: dict[str, Snapshot] = {}
    async for record in each_record(settings, TopicNames(settings.kafka.topic_prefix).of(SNAPSHOTS), partitions):
        if record.key in wanted and record.value is not None:
            _keep(found, record.key.decode(), record.value)
    return found


def _keep(snapshots: dict[str, Snapshot], key: str, value: bytes) -> None:
    try:
        snapshot = Snapshot.from_bytes(value)
    except InvalidMessage:
        return  # `deliver` has parked it
    if key not in snapshots or snapshots[key].version_ms <= snapshot.version_ms:
        snapshots[key] = snapshot
