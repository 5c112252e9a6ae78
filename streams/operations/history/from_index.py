"""Gathers the same by the index: only the records that tell of the contact are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from streams.core.rows import FetchRow, LinkRow, OutboxRow
from streams.core.to_lofty.rows import LoftyCommandRow
from streams.messages import InvalidMessage, Message
from streams.messages.topics import ERRANDS_TABLE, FETCHES_TABLE, LINKS_TABLE, OUTBOX_TABLE, TopicNames
from streams.operations.history.from_topics import MESSAGES, contact_record
from streams.operations.history.holds import NO_HOLDS, ConnectionHolds
from streams.operations.history.index.reader import IndexReader
from streams.operations.history.index.sources import sources
from streams.operations.history.record_fetch import RecordPosition, fetch_records
from streams.operations.history.story import Explanation, Rows, explained
from streams.settings import Connection, Settings

ROWS: dict[str, type[Message]] = {
    LINKS_TABLE: LinkRow,
    FETCHES_TABLE: FetchRow,
    OUTBOX_TABLE: OutboxRow,
    ERRANDS_TABLE: LoftyCommandRow,
}


class IndexedFinder:
    """Raises `NoIndex` where there is none, and Kafka's errors."""

    def __init__(
        self, settings: Settings, reader: IndexReader, now_ms: int, holds: Mapping[str, ConnectionHolds] | None = None
    ) -> None:
        self._settings = settings
        self._reader = reader
        self._now_ms = now_ms
        self._holds = holds or {}
        self._sources = {one.code: one for one in sources(TopicNames(settings.kafka.topic_prefix))}

    async def leads_of(self, wanted: str, connections: Iterable[Connection]) -> set[str]:
        """The lanes that a lead's id, a GHL contact's id or an e-mail address names."""
        names = {one.name for one in connections}
        return {lane for lane in await self._reader.lanes_of(wanted) if lane.partition(":")[0] in names}

    async def explain(self, lane: str) -> Explanation:
        """Everything of one contact."""
        connection = self._settings.connections[lane.partition(":")[0]]
        places, is_cut = await self._reader.places(lane)
        rows = await self._reader.rows(lane)
        hit = await self._reader.hit(lane)
        if hit is not None and hit.ghl_id:
            heard, more = await self._reader.places(f"{connection.ghl.location_id}:{hit.ghl_id}")
            places, is_cut = (*places, *heard), is_cut or more
        wanted = {
            RecordPosition(self._sources[one.topic].topic, one.partition, one.offset): one
            for one in (*places, *rows.values())
        }
        records = await fetch_records(self._settings, wanted)
        told = []
        tables: dict[str, dict[str, Any]] = {name: {} for name in ROWS}
        for spot, record in records.items():
            source = self._sources[wanted[spot].topic]
            if not record.value:
                continue
            if source.short in ROWS:
                key = (record.key or b"").decode(errors="replace")
                with suppress(InvalidMessage):  # a row that nobody can read tells nothing
                    tables[source.short][key] = ROWS[source.short].from_bytes(record.value)
            elif source.short in MESSAGES:
                place = f"{spot.topic}/{spot.partition}@{spot.offset}"
                told.append(contact_record(source.short, place, record.timestamp, record.key or b"", record.value))
        found = explained(
            lane,
            connection,
            told,
            Rows(tables[LINKS_TABLE], tables[FETCHES_TABLE], tables[OUTBOX_TABLE], tables[ERRANDS_TABLE]),
            self._now_ms,
            "index",
            self._holds.get(connection.name, NO_HOLDS),
        )
        found.is_cut = is_cut
        return found
