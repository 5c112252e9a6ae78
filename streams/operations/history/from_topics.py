"""Finds a contact's records and rows by reading through the one partition of each topic that holds them.

For a host without an index. It reads whole partitions: seconds for thousands of leads, minutes for a million.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress

from streams.kafka.topic_reader import each_record, newest_values
from streams.messages import Entity
from streams.messages.partitioning import partition_of
from streams.messages.topics import (
    CHANGES,
    ERRANDS_TABLE,
    FETCHES,
    FETCHES_TABLE,
    GHL_CHANGES,
    LINKS_TABLE,
    LOFTY_RECEIPTS,
    LOFTY_WRITES,
    OUTBOX_TABLE,
    PARKED,
    RECEIPTS,
    SNAPSHOTS,
    TopicNames,
)
from streams.operations.history.holds import NO_HOLDS, ConnectionHolds
from streams.operations.history.story import ContactRecord, Explanation, Rows, explain_contact
from streams.settings import Connection, Settings
from streams.settings.partitions import ConnectionPartitions


class TopicFinder:
    """Reads topics without a consumer group, so the pipeline is not disturbed. `holds` are those of each connection now."""

    def __init__(self, settings: Settings, now_ms: int, holds: Mapping[str, ConnectionHolds] | None = None) -> None:
        self._settings = settings
        self._names = TopicNames(settings.kafka.topic_prefix)
        self._connection_partitions = ConnectionPartitions(settings)
        self._now_ms = now_ms
        self._holds = holds or {}

    async def leads_of(self, wanted: str, connections: Iterable[Connection]) -> set[str]:
        """The lanes (`connection:lead`) that match an e-mail address, a GHL contact's id, or a lead's own id."""
        chosen = {connection.name: connection for connection in connections}
        if wanted.isdigit():
            return {f"{name}:{wanted}" for name in chosen}
        needle = wanted.lower().encode()
        found: set[str] = set()
        partitions = sorted({self._connection_partitions.ghl(connection) for connection in chosen.values()})
        topic = self._names.of(SNAPSHOTS) if "@" in wanted else self._names.changelog(LINKS_TABLE)
        async for record in each_record(self._settings, topic, partitions):
            if record.value and needle in record.value.lower() and record.key:
                with suppress(ValueError):  # a key that is no entity's
                    entity = Entity.from_key(record.key.decode())
                    if entity.kind == "contact" and entity.connection in chosen:
                        found.add(entity.lane)
        return found

    async def explain(self, lane: str) -> Explanation:
        """Everything about one contact, including its notes, tasks and appointments."""
        connection = self._settings.connections[lane.partition(":")[0]]
        lofty, ghl = self._connection_partitions.lofty(connection), self._connection_partitions.ghl(connection)
        by_key = partition_of(lane, self._settings.kafka.partitions)
        sources = (
            *((CHANGES, [by_key]), (FETCHES, [lofty]), (SNAPSHOTS, [ghl]), (RECEIPTS, [ghl])),
            *((LOFTY_WRITES, [lofty]), (LOFTY_RECEIPTS, [lofty]), (PARKED, None)),
        )
        records = [one for topic, partitions in sources for one in await self._records(lane, topic, partitions)]
        tables = {LINKS_TABLE: ghl, FETCHES_TABLE: lofty, OUTBOX_TABLE: ghl, ERRANDS_TABLE: lofty}
        rows = Rows.of({table: await self._rows(lane, table, partition) for table, partition in tables.items()})
        contact = rows.links.get(Entity.contact(connection.name, lane.partition(":")[2]).key)
        if contact is not None and contact.ghl_id is not None:
            records += await self._records(f"{connection.ghl.location_id}:{contact.ghl_id}", GHL_CHANGES, [ghl])
        return explain_contact(
            lane, connection, records, rows, self._now_ms, self._holds.get(connection.name, NO_HOLDS)
        )

    async def _records(self, lane: str, topic: str, partitions: list[int] | None) -> list[ContactRecord]:
        lane_key, found, name = lane.encode(), [], self._names.of(topic)
        async for record in each_record(self._settings, name, partitions):
            key = record.key or b""
            if record.value is not None and (key == lane_key or key.startswith(lane_key + b":")):
                place = f"{name}/{record.partition}@{record.offset}"
                found.append(ContactRecord.of(topic, place, record.timestamp, key, record.value))
        return found

    async def _rows(self, lane: str, table: str, partition: int) -> dict[bytes, bytes]:
        prefix, changelog = f"{lane}:".encode(), self._names.changelog(table)
        return await newest_values(self._settings, changelog, [partition], wanted=lambda key: key.startswith(prefix))
