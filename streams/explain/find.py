"""Gathers what Kafka holds of one contact: from the one partition of each topic where its records are placed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from streams.core.back_rows import ErrandRow
from streams.core.rows import FetchRow, LinkRow, OutboxRow
from streams.explain.timeline import (
    Event,
    Pending,
    event_of,
    pending_errand,
    pending_read,
    pending_write,
    standing,
    timeline,
)
from streams.kafka import each_record
from streams.placement import partition_of
from streams.places import Places
from streams.settings import Connection, Settings
from streams.topics import (
    CHANGES,
    ERRANDS_TABLE,
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
from streams.words import Change, Entity, GhlEvent, NotAWord, Parked, Receipt, Snapshot, Word
from streams.words.lofty_write import LoftyReceipt, LoftyWrite

Row = TypeVar("Row", bound=Word)


@dataclass(slots=True)
class Explanation:
    """All that is known of a contact: its timeline, how things stand, and what is waited for."""

    lane: str
    events: list[Event] = field(default_factory=list)
    standing: dict[str, str] = field(default_factory=dict)
    pending: list[Pending] = field(default_factory=list)

    @property
    def is_known(self) -> bool:
        """Whether Kafka has anything of it."""
        return bool(self.events or self.standing or self.pending)


class Finder:
    """Reads topics without joining any group: the pipeline does not notice."""

    def __init__(self, settings: Settings, now_ms: int) -> None:
        self._settings = settings
        self._names = TopicNames(settings.kafka.topic_prefix)
        self._places = Places(settings)
        self._now_ms = now_ms

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
                    entity = Entity.from_key(record.key.decode())
                    if entity.kind == "contact" and entity.connection in chosen:
                        found.add(entity.lane)
            return found
        return {f"{name}:{wanted}" for name in chosen}

    async def explain(self, lane: str) -> Explanation:
        """Everything of one contact, its notes, tasks and appointments included."""
        connection = self._settings.connections[lane.partition(":")[0]]
        lofty, ghl = self._places.lofty(connection), self._places.ghl(connection)
        found = Explanation(lane)
        sources: tuple[tuple[str, int, type[Word]], ...] = (
            (CHANGES, partition_of(lane, self._settings.kafka.partitions), Change),
            (SNAPSHOTS, ghl, Snapshot),
            (RECEIPTS, ghl, Receipt),
            (LOFTY_WRITES, lofty, LoftyWrite),
            (LOFTY_RECEIPTS, lofty, LoftyReceipt),
        )
        for topic, partition, word in sources:
            found.events += await self._events(lane, topic, [partition], word)
        found.events += await self._events(lane, PARKED, None, Parked)
        links = await self._rows(lane, LINKS_TABLE, ghl, LinkRow)
        contact = links.get(Entity.contact(connection.name, lane.partition(":")[2]).key)
        if contact is not None and contact.ghl_id is not None:
            heard = f"{connection.ghl.location_id}:{contact.ghl_id}"
            found.events += await self._events(heard, GHL_CHANGES, [ghl], GhlEvent)
        found.events = timeline(found.events)
        for key, link in links.items():
            found.standing[key] = standing(key, link)
        for read in (await self._rows(lane, FETCHES_TABLE, lofty, FetchRow)).values():
            found.pending.append(pending_read(read, self._now_ms))
        for errand in (await self._rows(lane, ERRANDS_TABLE, lofty, ErrandRow)).values():
            if (waits := pending_errand(errand, self._now_ms)) is not None:
                found.pending.append(waits)
        for key, row in (await self._rows(lane, OUTBOX_TABLE, ghl, OutboxRow)).items():
            found.pending.append(pending_write(row, links.get(Entity.from_key(key).owner.key), self._now_ms))
        return found

    async def _events(self, lane: str, topic: str, partitions: list[int] | None, word: type[Word]) -> list[Event]:
        begin, found = lane.encode(), []
        name = self._names.of(topic)
        async for record in each_record(self._settings, name, partitions):
            key = record.key or b""
            if record.value is None or not (key == begin or key.startswith(begin + b":")):
                continue
            place = f"{name}/{record.partition}@{record.offset}"
            try:
                event = event_of(word.from_bytes(record.value), place, record.timestamp)
            except NotAWord as error:
                event = Event(record.timestamp, key.decode(errors="replace"), "unreadable", str(error), place)
            if event is not None:
                found.append(event)
        return found

    async def _rows(self, lane: str, table: str, partition: int, row: type[Row]) -> dict[str, Row]:
        begin = f"{lane}:".encode()
        newest: dict[str, bytes] = {}
        async for record in each_record(self._settings, self._names.changelog(table), [partition]):
            if record.key is not None and record.key.startswith(begin):
                key = record.key.decode()
                if record.value:
                    newest[key] = record.value
                else:
                    newest.pop(key, None)
        return {key: row.from_bytes(raw) for key, raw in newest.items()}
