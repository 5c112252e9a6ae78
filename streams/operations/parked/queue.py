"""Reads what is parked from Kafka, and writes what was decided about it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence

from streams.core.rows import FetchRow, OutboxRow
from streams.kafka.batching_producer import BatchingProducer, Record
from streams.kafka.clients import open_batching_producer
from streams.kafka.topic_reader import each_record, newest_values
from streams.kafka.unreadable_records import skip_unreadable
from streams.messages import InvalidMessage, Parked, ParkedDecision
from streams.messages.parked import Stage
from streams.messages.partitioning import partition_of
from streams.messages.topics import FETCHES_TABLE, OUTBOX_TABLE, PARKED, RESOLVED, TopicNames
from streams.operations.parked.open_records import Output, ParkedItem, partition_of_output, retry_outputs, still_open
from streams.settings import Settings
from streams.settings.partitions import ConnectionPartitions

AT_ONCE = 200
"""Records that are decided about in one go."""


class ParkedQueue:
    """What is parked, and what is done about it. Raises Kafka's errors when it cannot be reached."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._names = TopicNames(settings.kafka.topic_prefix)

    async def open(self) -> list[ParkedItem]:
        """All that waits, the oldest first."""
        places: list[ParkedItem] = []
        async for place, key, value in self._read(self._names.of(PARKED)):
            try:
                places.append(ParkedItem(place, Parked.from_bytes(value)))
            except InvalidMessage as error:
                places.append(ParkedItem(place, _strange(key, place, str(error))))
        resolutions: dict[str, ParkedDecision] = {}
        async for place, key, value in self._read(self._names.of(RESOLVED)):
            try:
                if value:
                    resolutions[key.decode()] = ParkedDecision.from_bytes(value)
            except (
                InvalidMessage,
                UnicodeDecodeError,
            ) as error:  # it decides nothing: what it may have meant stays open
                partition, _, offset = place.partition("@")
                skip_unreadable(self._names.of(RESOLVED), int(partition), int(offset), error)
        wanted = frozenset(one.parked.entity.encode() for one in places if one.waits_by_row and one.parked.entity)
        parked_rows: set[tuple[Stage, str]] = set()
        if wanted:
            fetches = await self._rows(FETCHES_TABLE, wanted)
            outbox = await self._rows(OUTBOX_TABLE, wanted)
            parked_rows |= {("fetch", key.decode()) for key, raw in fetches.items() if _is_parked(FetchRow, raw)}
            parked_rows |= {("deliver", key.decode()) for key, raw in outbox.items() if _is_parked(OutboxRow, raw)}
        return still_open(places, resolutions, frozenset(parked_rows))

    def ready(
        self, places: Iterable[ParkedItem], now_ms: int
    ) -> tuple[list[tuple[ParkedItem, list[Output]]], dict[str, str]]:
        """What must be appended so that each record is tried again; and by id why others cannot be."""
        connections = self._settings.connections.values()
        teams = {one.name: one.lofty.team_id for one in connections}
        where = ConnectionPartitions(self._settings)
        partitions = {one.ghl.location_id: where.ghl(one) for one in connections}
        ready: list[tuple[ParkedItem, list[Output]]] = []
        left: dict[str, str] = {}
        for place in places:
            outputs = retry_outputs(place, teams, self._names, now_ms, partitions)
            if isinstance(outputs, str):
                left[place.id] = outputs
            else:
                ready.append((place, outputs))
        return ready, left

    async def decide(
        self,
        places: Sequence[tuple[ParkedItem, Sequence[Output]]],
        resolution: ParkedDecision,
        tell: Callable[[int], None] = lambda done: None,
    ) -> None:
        """Append the outputs of each record, then that it was decided about; `resolution` is without its record.

        Some at a time, so that an end in the middle leaves few of them in between. Those are still open: deciding again
        repeats their outputs, which changes nothing. So it does when two people decide at once.
        `tell` is told how many are done.
        """
        async with open_batching_producer(self._settings) as batching_producer:
            for first in range(0, len(places), AT_ONCE):
                some = places[first : first + AT_ONCE]
                await self._decide(batching_producer, some, resolution)
                tell(first + len(some))

    async def _decide(
        self,
        batching_producer: BatchingProducer,
        places: Sequence[tuple[ParkedItem, Sequence[Output]]],
        resolution: ParkedDecision,
    ) -> None:
        partitions = self._settings.kafka.partitions
        outputs = [one for _, some in places for one in some]
        await batching_producer.produce(
            [Record(one.topic, partition_of_output(one, partitions), one.key, one.value) for one in outputs]
        )
        topic = self._names.of(RESOLVED)
        decided = [resolution.model_copy(update={"record": place.id}) for place, _ in places]
        await batching_producer.produce(
            [
                Record(topic, partition_of(one.record, partitions), one.record.encode(), one.to_bytes())
                for one in decided
            ]
        )

    async def _rows(self, table: str, wanted: frozenset[bytes]) -> dict[bytes, bytes]:
        """The rows of some keys, as a table's changelog holds them."""
        return await newest_values(self._settings, self._names.changelog(table), wanted=wanted.__contains__)

    async def _read(self, topic: str) -> AsyncIterator[tuple[str, bytes, bytes | None]]:
        """Every record of a topic until now: `partition@offset`, key and value."""
        async for record in each_record(self._settings, topic):
            yield f"{record.partition}@{record.offset}", record.key or b"", record.value


def _is_parked(row: type[FetchRow | OutboxRow], raw: bytes) -> bool:
    """Whether a row waits for a person. One that cannot be read does: nobody goes on with it."""
    try:
        return bool(row.from_bytes(raw).parked)
    except InvalidMessage:
        return True


def _strange(key: bytes, place: str, why: str) -> Parked:
    """A record on the parked topic that is none."""
    source = f"parked/{place}"
    return Parked(
        stage="record", reason="unreadable", message=why, at_ms=0, source=source, entity=key.decode(errors="replace")
    )
