"""Reads what is parked from Kafka, and writes what was decided about it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from streams.appender import Appender, Record
from streams.core.rows import FetchRow, OutboxRow
from streams.kafka import each_record, new_producer, start_producer
from streams.parked.judge import Output, Place, placed, still_open
from streams.placement import partition_of
from streams.settings import Settings
from streams.topics import FETCHES_TABLE, OUTBOX_TABLE, PARKED, RESOLVED, TopicNames
from streams.words import NotAWord, Parked, Resolution
from streams.words.parked import Stage


class Desk:
    """What is parked, and what is done about it. Raises Kafka's errors when it cannot be reached."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._names = TopicNames(settings.kafka.topic_prefix)

    async def open(self) -> list[Place]:
        """All that waits, the oldest first."""
        places: list[Place] = []
        async for place, key, value in self._read(self._names.of(PARKED)):
            try:
                places.append(Place(place, Parked.from_bytes(value)))
            except NotAWord as error:
                places.append(Place(place, _strange(key, place, str(error))))
        resolutions = {
            key.decode(): Resolution.from_bytes(value)
            async for _, key, value in self._read(self._names.of(RESOLVED))
            if value
        }
        wanted = frozenset(one.parked.entity.encode() for one in places if one.waits_by_row and one.parked.entity)
        parked_rows: set[tuple[Stage, str]] = set()
        if wanted:
            fetches = await self._newest(FETCHES_TABLE, wanted)
            outbox = await self._newest(OUTBOX_TABLE, wanted)
            parked_rows |= {("fetch", key.decode()) for key, raw in fetches.items() if FetchRow.from_bytes(raw).parked}
            parked_rows |= {
                ("deliver", key.decode()) for key, raw in outbox.items() if OutboxRow.from_bytes(raw).parked
            }
        return still_open(places, resolutions, frozenset(parked_rows))

    async def decide(self, places: Sequence[tuple[Place, Sequence[Output]]], resolution: Resolution) -> None:
        """Append the outputs of each record, then that it was decided about; `resolution` is without its record.

        After a crash in between the record is still open: deciding again repeats outputs, which changes nothing.
        """
        partitions = self._settings.kafka.partitions
        producer = new_producer(self._settings)
        await start_producer(producer)
        try:
            appender = Appender(producer)
            outputs = [one for _, some in places for one in some]
            await appender.append([Record(one.topic, placed(one, partitions), one.key, one.value) for one in outputs])
            topic = self._names.of(RESOLVED)
            decided = [resolution.model_copy(update={"record": place.id}) for place, _ in places]
            await appender.append(
                [
                    Record(topic, partition_of(one.record, partitions), one.record.encode(), one.to_bytes())
                    for one in decided
                ]
            )
        finally:
            await producer.stop()

    async def _newest(self, table: str, wanted: frozenset[bytes]) -> dict[bytes, bytes]:
        """The rows of some keys as they stand in a table's changelog."""
        found: dict[bytes, bytes] = {}
        async for _, key, value in self._read(self._names.changelog(table)):
            if key in wanted:
                if value:
                    found[key] = value
                else:
                    found.pop(key, None)
        return found

    async def _read(self, topic: str) -> AsyncIterator[tuple[str, bytes, bytes | None]]:
        """Every record of a topic until now: `partition@offset`, key and value."""
        async for record in each_record(self._settings, topic):
            yield f"{record.partition}@{record.offset}", record.key or b"", record.value


def _strange(key: bytes, place: str, why: str) -> Parked:
    """A record on the parked topic that is none."""
    source = f"parked/{place}"
    return Parked(
        stage="record", reason="unreadable", message=why, at_ms=0, source=source, entity=key.decode(errors="replace")
    )
