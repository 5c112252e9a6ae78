"""Finds a contact's records and rows by the index: only these records are read from Kafka."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from streams.messages.topics import TopicNames
from streams.operations.history.holds import NO_HOLDS, ConnectionHolds
from streams.operations.history.index.reader import IndexReader
from streams.operations.history.index.sources import sources
from streams.operations.history.record_fetch import RecordPosition, fetch_records
from streams.operations.history.story import MESSAGES, ContactRecord, Explanation, Rows, explain_contact
from streams.settings import Connection, Settings


class IndexedFinder:
    """Raises `NoIndex` where there is none, and aiokafka's errors."""

    def __init__(
        self, settings: Settings, reader: IndexReader, now_ms: int, holds: Mapping[str, ConnectionHolds] | None = None
    ) -> None:
        self._settings = settings
        self._reader = reader
        self._now_ms = now_ms
        self._holds = holds or {}
        self._sources = {source.code: source for source in sources(TopicNames(settings.kafka.topic_prefix))}

    async def leads_of(self, wanted: str, connections: Iterable[Connection]) -> set[str]:
        """The lanes that match a lead's id, a GHL contact's id or an e-mail address."""
        names = {connection.name for connection in connections}
        return {lane for lane in await self._reader.lanes_of(wanted) if lane.partition(":")[0] in names}

    async def explain(self, lane: str) -> Explanation:
        """Everything about one contact."""
        connection = self._settings.connections[lane.partition(":")[0]]
        positions, is_cut = await self._reader.record_positions(lane)
        rows = await self._reader.rows(lane)
        hit = await self._reader.hit(lane)
        if hit is not None and hit.ghl_id:
            events, more = await self._reader.record_positions(f"{connection.ghl.location_id}:{hit.ghl_id}")
            positions, is_cut = (*positions, *events), is_cut or more
        wanted = {
            RecordPosition(self._sources[one.topic].topic, one.partition, one.offset): self._sources[one.topic].short
            for one in (*positions, *rows.values())
        }
        records: list[ContactRecord] = []
        tables: dict[str, dict[bytes, bytes]] = {name: {} for name in Rows.TABLES}
        for position, record in (await fetch_records(self._settings, wanted)).items():
            short, key = wanted[position], record.key or b""
            if not record.value:
                continue
            if short in tables:
                tables[short][key] = record.value
            elif short in MESSAGES:
                place = f"{position.topic}/{position.partition}@{position.offset}"
                records.append(ContactRecord.of(short, place, record.timestamp, key, record.value))
        holds = self._holds.get(connection.name, NO_HOLDS)
        found = explain_contact(lane, connection, records, Rows.of(tables), self._now_ms, holds)
        found.source, found.is_cut = "index", is_cut
        return found
