"""Reads the conflicts from Kafka: the newest links, and the newest snapshots of the leads on both sides. No vendor is asked."""

from __future__ import annotations

from collections.abc import Collection

from streams.core.rows import LinkRow
from streams.kafka.topic_reader import KafkaRecord, each_record
from streams.kafka.unreadable_records import skip_unreadable
from streams.mapping_versions.store import settings_now
from streams.messages import Entity, InvalidMessage, Snapshot
from streams.messages.topics import LINKS_TABLE, SNAPSHOTS, TopicNames
from streams.operations.conflicts.open_conflicts import ConflictItem, conflicts_of_leads, leads_named
from streams.settings import Settings
from streams.settings.partitions import ConnectionPartitions

_NAMES_CONFLICTS = b'"conflicts":{"'
"""How a link's JSON begins its conflicts when it has any. Links without are never parsed: there may be a million."""


async def read_conflicts(settings: Settings, connections: Collection[str] = ()) -> list[ConflictItem]:
    """The conflicts of all connections, or of some. Raises Kafka's errors when it cannot be reached."""
    settings = await settings_now(settings)
    names, chosen = TopicNames(settings.kafka.topic_prefix), connections or settings.connections
    known = {name: one for name, one in settings.connections.items() if name in chosen}
    partitions = {ConnectionPartitions(settings).ghl(one) for one in known.values()}
    links: dict[str, LinkRow] = {}
    async for record in each_record(settings, names.changelog(LINKS_TABLE), partitions):
        key = (record.key or b"").decode(errors="replace")
        if record.value is None or _NAMES_CONFLICTS not in record.value:
            links.pop(key, None)
        elif (link := _link(record, known)) is not None:
            links[key] = link
    snapshots: dict[str, Snapshot] = {}
    wanted = {key.encode() for key in leads_named(links)}
    if wanted:
        async for record in each_record(settings, names.of(SNAPSHOTS), partitions):
            if record.key in wanted and record.value is not None:
                _keep(snapshots, record.key.decode(), record.value)
    return conflicts_of_leads(settings.connections, links, snapshots)


def _link(record: KafkaRecord, known: Collection[str]) -> LinkRow | None:
    """The link of a contact that is a known connection's."""
    try:
        entity = Entity.from_key((record.key or b"").decode())
        is_wanted = entity.kind == "contact" and entity.connection in known
        return LinkRow.from_bytes(record.value) if is_wanted else None
    except ValueError as error:  # not a row, or no key of ours: its conflicts cannot be listed
        skip_unreadable(record.topic, record.partition, record.offset, error)
        return None


def _keep(snapshots: dict[str, Snapshot], key: str, value: bytes) -> None:
    try:
        snapshot = Snapshot.from_bytes(value)
    except InvalidMessage:
        return  # `deliver` has parked it
    if key not in snapshots or snapshots[key].version_ms <= snapshot.version_ms:
        snapshots[key] = snapshot
