"""Counts the open records that only the topic `parked` knows: deliveries, unreadable records, what Kafka deleted unread.

Entities that a read or a write parked are counted by the workers' tables, and are left out here.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import suppress

from streams.kafka.topic_reader import each_record
from streams.messages import InvalidMessage, Parked
from streams.messages.topics import PARKED, RESOLVED, TopicNames
from streams.operations.parked.open_records import ParkedItem
from streams.operations.status.overview import ParkedOpen
from streams.settings import Settings

MOST = 2_000
"""So many records at the end of each partition are read: the count stays quick after a flood, and still shows it."""


async def count_parked(settings: Settings, most: int = MOST) -> tuple[ParkedOpen, ...]:
    """What is open, by stage and reason. Raises aiokafka's error."""
    names = TopicNames(settings.kafka.topic_prefix)
    items, resolved = await asyncio.gather(
        _items(settings, names.of(PARKED), most), _resolved(settings, names.of(RESOLVED), most)
    )
    seem_open = [item for item in items if not item.waits_by_row and item.id not in resolved]
    if seem_open:  # the newest decisions may all be about others
        resolved = await _resolved(settings, names.of(RESOLVED), None)
    groups: dict[tuple[str, str], list[Parked]] = defaultdict(list)
    for item in seem_open:
        if item.id not in resolved:
            groups[item.parked.stage, item.parked.reason].append(item.parked)
    return tuple(
        ParkedOpen(stage, reason, len(group), max(group, key=lambda parked: parked.at_ms).message)
        for (stage, reason), group in sorted(groups.items())
    )


async def _items(settings: Settings, topic: str, most: int) -> list[ParkedItem]:
    found: list[ParkedItem] = []
    async for record in each_record(settings, topic, newest=most):
        with suppress(InvalidMessage):  # `parked list` shows it
            found.append(ParkedItem(f"{record.partition}@{record.offset}", Parked.from_bytes(record.value)))
    return found


async def _resolved(settings: Settings, topic: str, most: int | None) -> set[str]:
    return {(record.key or b"").decode(errors="replace") async for record in each_record(settings, topic, newest=most)}
