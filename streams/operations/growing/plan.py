"""What a move to more partitions copies, how long that takes, and how long the workers pause. Reads only.

Kafka's offsets say how many records there are; a sample of them says how large they are, and how fast this machine reads them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from streams.core.copy_targets import SOURCES, CopyTargets
from streams.kafka.clients import reach
from streams.kafka.disk_room import BrokerDisk, broker_disks
from streams.kafka.growth import group_members
from streams.kafka.topic_reader import each_record, first_and_end_offsets
from streams.messages.growth import grown_prefix
from streams.messages.topics import LINKS_TABLE, SNAPSHOTS, TopicNames
from streams.operations.status.reader import read_overview
from streams.settings import Settings

SAMPLE = 500
"""Records of each partition of the two largest topics that are read."""
COPIES_PER_READ = 0.25
"""A record is copied at about so much of the speed at which it is read. An estimate, as the next three are."""
MOST_COPIES_PER_SECOND = 15_000.0
ROWS_PER_SECOND = 25_000.0
"""The rows of tables that a worker process reads at its first start on new topics."""
REST_SECONDS = 16.0
"""The rest of the copy, the commits and the two changes of state, while workers and gateways are away."""


@dataclass(frozen=True, slots=True)
class TopicPart:
    """One topic of the copy."""

    topic: str
    records: int


KEPT_FREE = 0.1
"""Of what a broker has free so much is left to everything else that is written meanwhile."""


@dataclass(frozen=True, slots=True)
class DiskNeed:
    """What the copy takes of one broker's disks, if it is spread evenly. Bytes."""

    broker: int
    needed_bytes: int
    usable_bytes: int

    @property
    def fits(self) -> bool:
        """Whether there is room for it."""
        return self.needed_bytes <= self.usable_bytes * (1 - KEPT_FREE)


def disk_needs(disks: Sequence[BrokerDisk]) -> tuple[DiskNeed, ...]:
    """The copy is as large as what it copies, replicas included, and spread over all brokers."""
    if not disks:
        return ()
    share = sum(one.held_bytes for one in disks) // len(disks)
    return tuple(DiskNeed(one.broker, share, one.usable_bytes) for one in disks)


def no_room(needs: Iterable[DiskNeed]) -> str:
    """Why the copy does not fit; empty where it does, or where nobody knows."""
    full = [one for one in needs if not one.fits]
    if not full:
        return ""
    first = full[0]
    return (
        f"the copy takes about {in_bytes(first.needed_bytes)} on the disks of each broker, and broker {first.broker} has "
        f"{in_bytes(first.usable_bytes)} free, of which a tenth is left to what is written meanwhile: make room there first"
    )


def in_bytes(number: int) -> str:
    """A size for people."""
    size, units = float(number), ["B", "kB", "MB", "GB", "TB"]
    while size >= 1000 and len(units) > 1:
        size, units = size / 1000, units[1:]
    return f"{size:.0f} {units[0]}" if size >= 10 or units[0] == "B" else f"{size:.1f} {units[0]}"


async def ask_disks(settings: Settings) -> tuple[DiskNeed, ...]:
    """What the copy of this deployment takes of each broker's disks; empty where Kafka does not say."""
    names = TopicNames(settings.kafka.topic_prefix)
    topics = [one.topic(names) for one in SOURCES]
    return disk_needs(await broker_disks(settings, topics, settings.kafka.partitions))


@dataclass(frozen=True, slots=True)
class GrowthPlan:
    """What the move does. Sizes and times are estimates."""

    from_partitions: int
    to_partitions: int
    to_prefix: str
    topics: tuple[TopicPart, ...]
    records: int
    rows: int
    megabytes: float
    copy_seconds: float
    pause_seconds: float
    workers: tuple[str, ...]
    gateways: tuple[str, ...]
    members: int | None
    left: tuple[str, ...]
    """Topics of an earlier copy, which are deleted first."""
    disks: tuple[DiskNeed, ...] = ()
    """What the copy takes of Kafka's disks; empty where Kafka does not say."""


async def plan_growth(settings: Settings, to: int) -> GrowthPlan:
    """Plan it. Raises `ValueError` for a number that is not a greater multiple, and aiokafka's errors."""
    kafka = settings.kafka
    CopyTargets(kafka.partitions, to)
    names = TopicNames(kafka.topic_prefix)
    named = {one.topic(names): one for one in SOURCES}
    offsets = await first_and_end_offsets(settings, named)
    counts = dict.fromkeys(named, 0)
    for partition, (first, end) in offsets.items():
        counts[partition.topic] += end - first
    records, bytes_each, per_second = await _sample(settings, names, counts)
    overview = await read_overview(settings)
    rows = sum(number for topic, number in counts.items() if named[topic].is_table)
    processes = max(1, len(overview.alive))
    new = TopicNames(grown_prefix(kafka.topic_prefix, to))
    found = await reach(settings)
    return GrowthPlan(
        from_partitions=kafka.partitions,
        to_partitions=to,
        to_prefix=new.prefix,
        topics=tuple(TopicPart(topic, number) for topic, number in _largest_first(counts)),
        records=records,
        rows=rows,
        megabytes=records * bytes_each / 2**20,
        copy_seconds=records / per_second,
        pause_seconds=REST_SECONDS + rows / ROWS_PER_SECOND / processes,
        workers=tuple(one.status.instance for one in overview.alive),
        gateways=tuple(one.status.gateway for one in overview.gateways or () if one.is_alive),
        members=await group_members(settings, names.group),
        left=tuple(sorted(name for name in new.specs() if name in found)),
        disks=await ask_disks(settings),
    )


async def _sample(settings: Settings, names: TopicNames, counts: Mapping[str, int]) -> tuple[int, float, float]:
    """The number of records, the bytes of one, and how many are copied in a second."""
    began, read, size = time.monotonic(), 0, 0
    for topic in (names.changelog(LINKS_TABLE), names.of(SNAPSHOTS)):
        async for record in each_record(settings, topic, newest=SAMPLE):
            read += 1
            size += len(record.key or b"") + len(record.value or b"") + 100
    seconds = max(time.monotonic() - began, 0.001)
    per_second = min(MOST_COPIES_PER_SECOND, COPIES_PER_READ * read / seconds) if read >= SAMPLE else 5_000.0
    return sum(counts.values()), size / read if read else 0.0, max(per_second, 500.0)


def _largest_first(counts: Mapping[str, int]) -> Iterable[tuple[str, int]]:
    return sorted(((topic, number) for topic, number in counts.items() if number), key=lambda one: -one[1])
