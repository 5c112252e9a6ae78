"""Reads from Kafka what is parked, and writes the decisions about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from streams.core.rows import FetchRow, OutboxRow
from streams.kafka.batching_producer import BatchingProducer, Record
from streams.kafka.clients import open_batching_producer
from streams.kafka.topic_reader import each_record, newest_values
from streams.kafka.unreadable_records import skip_unreadable
from streams.messages import InvalidMessage, ParkedDecision
from streams.messages.parked import Stage
from streams.messages.partitioning import partition_of
from streams.messages.topics import FETCHES_TABLE, OUTBOX_TABLE, PARKED, RESOLVED, TopicNames
from streams.operations.parked.open_records import (
    ParkedItem,
    RetryRecord,
    partition_of_output,
    retry_outputs,
    still_open,
)
from streams.settings import Settings
from streams.settings.partitions import ConnectionPartitions

AT_ONCE = 200
"""Records that are decided together."""


class ParkedQueue:
    """The parked records, and the decisions about them. Raises Kafka's errors when it cannot be reached."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._names = TopicNames(settings.kafka.topic_prefix)

    async def open(self) -> list[ParkedItem]:
        """All records that wait, the oldest first."""
        items = [
            ParkedItem.of(record.partition, record.offset, record.key, record.value)
            async for record in each_record(self._settings, self._names.of(PARKED))
        ]
        decisions: dict[str, ParkedDecision] = {}
        async for record in each_record(self._settings, self._names.of(RESOLVED)):
            try:
                if record.value:
                    decisions[(record.key or b"").decode()] = ParkedDecision.from_bytes(record.value)
            except (InvalidMessage, UnicodeDecodeError) as error:  # it decides nothing: the record stays open
                skip_unreadable(record.topic, record.partition, record.offset, error)
        wanted = frozenset(item.parked.entity.encode() for item in items if item.waits_by_row and item.parked.entity)
        parked_rows = (
            await self._parked_rows("fetch", FETCHES_TABLE, FetchRow, wanted)
            | await self._parked_rows("deliver", OUTBOX_TABLE, OutboxRow, wanted)
            if wanted
            else frozenset[tuple[Stage, str]]()
        )
        return still_open(items, decisions, parked_rows)

    def ready(
        self, items: Iterable[ParkedItem], now_ms: int
    ) -> tuple[list[tuple[ParkedItem, list[RetryRecord]]], dict[str, str]]:
        """What must be produced to retry each record; and by id why others cannot be retried."""
        connections, connection_partitions = self._settings.connections.values(), ConnectionPartitions(self._settings)
        teams = {connection.name: connection.lofty.team_id for connection in connections}
        partitions = {connection.ghl.location_id: connection_partitions.ghl(connection) for connection in connections}
        ready: list[tuple[ParkedItem, list[RetryRecord]]] = []
        failed: dict[str, str] = {}
        for item in items:
            outputs = retry_outputs(item, teams, self._names, now_ms, partitions)
            if isinstance(outputs, str):
                failed[item.id] = outputs
            else:
                ready.append((item, outputs))
        return ready, failed

    async def decide(
        self,
        items: Sequence[tuple[ParkedItem, Sequence[RetryRecord]]],
        decision: ParkedDecision,
        report: Callable[[int], None] = lambda done: None,
    ) -> None:
        """Produce the outputs of each record, then the decision about it; `decision` comes without its record.

        They are decided in small groups, so an interruption leaves few records with outputs but no decision. Those are still
        open: deciding again repeats their outputs, which changes nothing. The same holds for two people who decide at once.
        `report` takes how many are done.
        """
        async with open_batching_producer(self._settings) as batching_producer:
            for first in range(0, len(items), AT_ONCE):
                group = items[first : first + AT_ONCE]
                await self._decide(batching_producer, group, decision)
                report(first + len(group))

    async def _decide(
        self,
        batching_producer: BatchingProducer,
        items: Sequence[tuple[ParkedItem, Sequence[RetryRecord]]],
        decision: ParkedDecision,
    ) -> None:
        count, topic = self._settings.kafka.partitions, self._names.of(RESOLVED)
        await batching_producer.produce(
            Record(output.topic, partition_of_output(output, count), output.key, output.value)
            for _, outputs in items
            for output in outputs
        )
        decided = [decision.model_copy(update={"record": item.id}) for item, _ in items]
        await batching_producer.produce(
            Record(topic, partition_of(one.record, count), one.record.encode(), one.to_bytes()) for one in decided
        )

    async def _parked_rows(
        self, stage: Stage, table: str, row: type[FetchRow | OutboxRow], wanted: frozenset[bytes]
    ) -> frozenset[tuple[Stage, str]]:
        """The entities among `wanted` whose row in a table waits for a person."""
        rows = await newest_values(self._settings, self._names.changelog(table), wanted=wanted.__contains__)
        return frozenset((stage, key.decode()) for key, raw in rows.items() if _is_parked(row, raw))


def _is_parked(row: type[FetchRow | OutboxRow], raw: bytes) -> bool:
    """Whether a row waits for a person. An unreadable one does: no worker continues with it."""
    try:
        return bool(row.from_bytes(raw).parked)
    except InvalidMessage:
        return True
