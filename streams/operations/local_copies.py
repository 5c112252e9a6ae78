"""The copies of tables that this machine's workers keep: they are read, or set aside, while no worker runs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from aiokafka import TopicPartition

from streams.kafka.changelog_losses import find_loss
from streams.kafka.clients import cluster_client
from streams.kafka.tables import RocksStore
from streams.kafka.topic_ids import topic_ids
from streams.kafka.topic_reader import first_and_end_offsets
from streams.messages.topics import TABLES, TopicNames
from streams.settings import Settings
from streams.settings.data_parts import PARTS

Rows = dict[bytes, bytes]


def folders(settings: Settings, names: TopicNames) -> list[Path]:
    """The folders of this machine that hold stores of this deployment."""
    root = settings.worker.data_dir
    if settings.worker.store == "memory":
        return []
    base = Path(root.split("{", 1)[0]).parent if "{" in root else Path(root)
    slots = f"{root[len(str(base)) :].strip('/').replace('{slot}', 'slot-*')}/" if "{" in root else ""
    patterns = (f"{slots}{names.group}", f"{slots}{PARTS}/{names.group}")
    return sorted(one for pattern in patterns for one in base.glob(pattern) if one.is_dir())


def _partitions(folder: Path) -> Iterable[int]:
    for one in sorted(folder.glob("partition-*")):
        if one.is_dir() and one.name.removeprefix("partition-").isdigit():
            yield int(one.name.removeprefix("partition-"))


def copies(settings: Settings, names: TopicNames, table: str) -> Iterable[tuple[int, Rows]]:
    """The copies of a table on this machine; of each partition the one that was read furthest comes first."""
    found: list[tuple[int, int, Path]] = []
    for folder in folders(settings, names):
        store = RocksStore(folder)
        try:
            for partition in _partitions(folder):
                position = store.position(partition, table.encode())
                if position is not None:
                    found.append((-position, partition, folder))
        finally:
            store.close()
    for _, partition, folder in sorted(found):
        store = RocksStore(folder)
        try:
            yield partition, dict(store.scan(partition, table.encode()))
        finally:
            store.close()


async def set_aside(settings: Settings, names: TopicNames) -> list[str]:
    """Rename each local copy that does not belong to the present changelogs; returns where it is kept."""
    topics = {names.changelog(table): table.encode() for table in TABLES}
    aside: list[str] = []
    async with cluster_client(settings) as client:
        ids = await topic_ids(client, topics)
    offsets = await first_and_end_offsets(settings, topics)
    for folder in folders(settings, names):
        store = RocksStore(folder)
        try:
            strange = [
                partition
                for partition in _partitions(folder)
                if partition < settings.kafka.partitions
                and any(
                    find_loss(
                        position=store.position(partition, key),
                        origin=store.origin(partition, key),
                        topic_id=ids.get(topic, ""),
                        begin=0,
                        end=offsets[TopicPartition(topic, partition)][1],
                        exists=True,
                        keeps_all=True,
                    )
                    for topic, key in topics.items()
                )
            ]
        finally:
            store.close()
        for partition in strange:
            path = folder / f"partition-{partition:04}"
            kept = folder / f"accepted-{path.name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
            path.rename(kept)
            aside.append(str(kept))
    return aside
