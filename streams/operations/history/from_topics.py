"""Gathers what Kafka holds of one contact by reading through the one partition of each topic where its records are placed.

For a host without an index. It reads whole partitions: fine for thousands of leads, minutes for a million.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TypeVar

from streams.core.rows import FetchRow, LinkRow, OutboxRow
from streams.core.to_lofty.rows import LoftyCommandRow
from streams.kafka.topic_reader import each_record, newest_values
from streams.messages import Change, Entity, GhlEvent, InvalidMessage, Message, Parked, Receipt, Snapshot
from streams.messages.lofty_command import LoftyCommand, LoftyReceipt
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
from streams.operations.history.story import ContactRecord, Explanation, Rows, explained
from streams.settings import Connection, Settings
from streams.settings.partitions import ConnectionPartitions

Row = TypeVar("Row", bound=Message)

MESSAGES: dict[str, type[Message]] = {
    CHANGES: Change,
    FETCHES: Change,
    SNAPSHOTS: Snapshot,
    RECEIPTS: Receipt,
    GHL_CHANGES: GhlEvent,
    LOFTY_WRITES: LoftyCommand,
    LOFTY_RECEIPTS: LoftyReceipt,
    PARKED: Parked,
}
"""What stands on each topic that tells of a contact."""


class TopicFinder:
    """Reads topics without joining any group: the pipeline does not notice. `holds` are those of each connection now."""

    def __init__(self, settings: Settings, now_ms: int, holds: Mapping[str, ConnectionHolds] | None = None) -> None:
        self._settings = settings
        self._names = TopicNames(settings.kafka.topic_prefix)
        self._places = ConnectionPartitions(settings)
        self._now_ms = now_ms
        self._holds = holds or {}

    async def leads_of(self, wanted: str, connections: Iterable[Connection]) -> set[str]:
        """The lanes (`connection:lead`) that a text names: an e-mail address, a GHL contact's id, or a lead's own id."""
        needle = wanted.encode()
        found: set[str] = set()
        chosen = {one.name: one for one in connections}
        partitions = sorted({self._places.ghl(one) for one in chosen.values()})
        topic = self._names.of(SNAPSHOTS) if "@" in wanted else self._names.changelog(LINKS_TABLE)
        if not wanted.isdigit():
            async for record in each_record(self._settings, topic, partitions):
                if record.value and needle.lower() in record.value.lower() and record.key:
                    with suppress(ValueError):  # a key that is none names nobody
                        entity = Entity.from_key(record.key.decode())
                        if entity.kind == "contact" and entity.connection in chosen:
                            found.add(entity.lane)
            return found
        return {f"{name}:{wanted}" for name in chosen}

    async def explain(self, lane: str) -> Explanation:
        """Everything of one contact, its notes, tasks and appointments included."""
        connection = self._settings.connections[lane.partition(":")[0]]
        lofty, ghl = self._places.lofty(connection), self._places.ghl(connection)
        by_key = partition_of(lane, self._settings.kafka.partitions)
        sources = (
            *((CHANGES, [by_key]), (FETCHES, [lofty]), (SNAPSHOTS, [ghl]), (RECEIPTS, [ghl])),
            *((LOFTY_WRITES, [lofty]), (LOFTY_RECEIPTS, [lofty]), (PARKED, None)),
        )
        told = [one for topic, partitions in sources for one in await self._told(lane, topic, partitions)]
        rows = Rows(
            links=await self._rows(lane, LINKS_TABLE, ghl, LinkRow),
            fetches=await self._rows(lane, FETCHES_TABLE, lofty, FetchRow),
            outbox=await self._rows(lane, OUTBOX_TABLE, ghl, OutboxRow),
            errands=await self._rows(lane, ERRANDS_TABLE, lofty, LoftyCommandRow),
        )
        contact = rows.links.get(Entity.contact(connection.name, lane.partition(":")[2]).key)
        if contact is not None and contact.ghl_id is not None:
            heard = f"{connection.ghl.location_id}:{contact.ghl_id}"
            told += await self._told(heard, GHL_CHANGES, [ghl])
        holds = self._holds.get(connection.name, NO_HOLDS)
        return explained(lane, connection, told, rows, self._now_ms, holds=holds)

    async def _told(self, lane: str, topic: str, partitions: list[int] | None) -> list[ContactRecord]:
        begin, found = lane.encode(), []
        name = self._names.of(topic)
        async for record in each_record(self._settings, name, partitions):
            key = record.key or b""
            if record.value is None or not (key == begin or key.startswith(begin + b":")):
                continue
            place = f"{name}/{record.partition}@{record.offset}"
            found.append(contact_record(topic, place, record.timestamp, key, record.value))
        return found

    async def _rows(self, lane: str, table: str, partition: int, row: type[Row]) -> dict[str, Row]:
        begin = f"{lane}:".encode()
        topic = self._names.changelog(table)
        newest = await newest_values(self._settings, topic, [partition], wanted=lambda key: key.startswith(begin))
        found: dict[str, Row] = {}
        for key, raw in newest.items():
            with suppress(InvalidMessage):
                found[key.decode(errors="replace")] = row.from_bytes(raw)
        return found


def contact_record(topic: str, place: str, at_ms: int, key: bytes, value: bytes) -> ContactRecord:
    """A record of a topic (by its short name) as the story takes it."""
    text = key.decode(errors="replace")
    try:
        return ContactRecord(place, at_ms, text, MESSAGES[topic].from_bytes(value), is_fetch=topic == FETCHES)
    except InvalidMessage as error:
        return ContactRecord(place, at_ms, text, None, str(error))
