"""Reads the conflicts from Kafka: the links that name one, and the newest snapshots of the leads on both sides. No vendor is asked.

The table `conflicts` holds these links and no others. Where a worker has not built it yet, the links are read through.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from streams.core.rows import LinkRow
from streams.kafka.topic_reader import KafkaRecord, each_record
from streams.kafka.unreadable_records import skip_unreadable
from streams.mapping_versions.store import settings_now
from streams.messages import Entity
from streams.messages.topics import CONFLICTS_BUILT, CONFLICTS_TABLE, LINKS_TABLE, TopicNames
from streams.operations.conflicts.open_conflicts import ConflictItem, conflicts_of_leads, leads_named
from streams.operations.conflicts.snapshots import newest_snapshots
from streams.operations.history.index.reader import IndexReader
from streams.settings import Settings
from streams.settings.partitions import ConnectionPartitions

_NAMES_CONFLICTS = b'"conflicts":{"'
"""How a link's JSON begins its conflicts when it has any. Links without are never parsed: there may be a million."""


async def read_conflicts(
    settings: Settings, connections: Collection[str] = (), reader: IndexReader | None = None
) -> list[ConflictItem]:
    """The conflicts of all connections, or of some. `reader` finds snapshots without reading them all.

    Raises Kafka's errors when it cannot be reached.
    """
    settings = await settings_now(settings)
    names, chosen = TopicNames(settings.kafka.topic_prefix), connections or settings.connections
    known = {name: one for name, one in settings.connections.items() if name in chosen}
    partitions = {ConnectionPartitions(settings).ghl(one) for one in known.values()}
    links, built = await _read_links(settings, names.changelog(CONFLICTS_TABLE), partitions, known)
    if unbuilt := partitions - built:
        found, _ = await _read_links(settings, names.changelog(LINKS_TABLE), unbuilt, known)
        links |= found
    snapshots = await newest_snapshots(settings, leads_named(links), partitions, reader)
    return conflicts_of_leads(settings.connections, links, snapshots)


async def _read_links(
    settings: Settings, topic: str, partitions: Iterable[int], known: Collection[str]
) -> tuple[dict[str, LinkRow], set[int]]:
    """The links with conflicts on a changelog, and the partitions of which it says that it has all of them."""
    links: dict[str, LinkRow] = {}
    built: set[int] = set()
    async for record in each_record(settings, topic, partitions):
        if record.key == CONFLICTS_BUILT.encode():
            (built.add if record.value is not None else built.discard)(record.partition)
            continue
        key = (record.key or b"").decode(errors="replace")
        if record.value is None or _NAMES_CONFLICTS not in record.value:
            links.pop(key, None)
        elif (link := _link(record, known)) is not None:
            links[key] = link
    return links, built


def _link(record: KafkaRecord, known: Collection[str]) -> LinkRow | None:
    """The link of a contact that is a known connection's."""
    try:
        entity = Entity.from_key((record.key or b"").decode())
        is_wanted = entity.kind == "contact" and entity.connection in known
        return LinkRow.from_bytes(record.value) if is_wanted else None
    except ValueError as error:  # not a row, or no key of ours: its conflicts cannot be listed
        skip_unreadable(record.topic, record.partition, record.offset, error)
        return None
