"""What waits on the topic `parked` alone: deliveries, records that cannot be read, what Kafka deleted unread. For a quick look.

Entities that a read or a write parked are counted by the workers' tables, and are not in it.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict

from streams.kafka.topic_reader import each_record
from streams.messages import InvalidMessage, Parked
from streams.messages.topics import PARKED, RESOLVED, TopicNames
from streams.operations.parked.open_records import ParkedItem
from streams.operations.status.overview import ParkedOpen
from streams.settings import Settings

MOST = 2_000
"""The newest records of each partition that are looked at: a look stays quick after a flood, and tells that there is one."""


async def count_parked(settings: Settings, most: int = MOST) -> tuple[ParkedOpen, ...]:
    """What is open, by stage and reason. Raises aiokafka's error."""
    names = TopicNames(settings.kafka.topic_prefix)
    places, resolved = await asyncio.gather(
        _places(settings, names.of(PARKED), most), _resolved(settings, names.of(RESOLVED), most)
    )
    seem_open = [place for place in places if not place.waits_by_row and place.id not in resolved]
    if seem_open:  # the newest resolutions may all be of others
        resolved = await _resolved(settings, names.of(RESOLVED), None)
    groups: dict[tuple[str, str], list[Parked]] = defaultdict(list)
    for place in seem_open:
        if place.id not in resolved:
            groups[place.parked.stage, place.parked.reason].append(place.parked)
    return tuple(
        ParkedOpen(stage, reason, len(some), max(some, key=lambda one: one.at_ms).message)
        for (stage, reason), some in sorted(groups.items())
    )


async def _places(settings: Settings, topic: str, most: int) -> list[ParkedItem]:
    found: list[ParkedItem] = []
    async for record in each_record(settings, topic, newest=most):
        try:
            found.append(ParkedItem(f"{record.partition}@{record.offset}", Parked.from_bytes(record.value)))
        except InvalidMessage:
            continue  # `parked list` shows it
    return found


async def _resolved(settings: Settings, topic: str, most: int | None) -> set[str]:
    return {(record.key or b"").decode(errors="replace") async for record in each_record(settings, topic, newest=most)}
