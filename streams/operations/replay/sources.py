"""What a replay reads from each topic: records in the order of their keys, each with what is to be produced for it."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol

from streams.kafka.batching_producer import Record
from streams.kafka.record_store import RecordStore
from streams.kafka.topic_reader import KafkaRecord
from streams.messages import (
    Change,
    GhlEvent,
    InvalidMessage,
    ParkedDecision,
    Redelivery,
    Replay,
    Selection,
    Snapshot,
    topics,
)
from streams.messages.partitioning import partition_of
from streams.messages.topics import CHANGES, PARKED, REPLAYS, RESOLVED, TopicNames
from streams.operations.parked.open_records import ParkedItem, RecordFilter, RetryRecord, partition_of_output
from streams.operations.parked.queue import ParkedQueue
from streams.operations.replay.semantics import changed_for_retry, event_for_retry
from streams.operations.replay.snapshots import ReportReading, Snapshots
from streams.settings import Settings
from streams.settings.partitions import ConnectionPartitions

Handling = Literal["sent", "skipped", "failed"]


@dataclass(frozen=True, slots=True)
class ReplayStep:
    """One record of a replay: its key, and what is produced. `then` is produced once Kafka has acknowledged `records`.

    `skipped`: nothing needs to be done. `failed`: it cannot be replayed, for the reason `why`.
    """

    key: str
    handling: Handling
    records: tuple[Record, ...] = ()
    then: tuple[Record, ...] = ()
    why: str = ""


class ReplaySource(Protocol):
    """A topic, as a replay reads it."""

    async def gather(self, report: ReportReading) -> int:
        """Read what the selection covers; returns how many records, or entities, that is."""
        ...

    def steps(self, after: str) -> Iterator[ReplayStep]:
        """One step for each of them, behind the key `after`."""
        ...


def source_of(settings: Settings, replay: Replay, store: RecordStore, now_ms: int) -> ReplaySource:
    """The source for a replay's topic."""
    match replay.selection.topic:
        case topics.SNAPSHOTS:
            return SnapshotSource(settings, replay, store)
        case topics.GHL_CHANGES:
            return EventSource(settings, replay.selection, store)
        case topics.PARKED:
            return ParkedSource(settings, replay.selection, now_ms)
        case _:
            return ChangeSource(settings, replay.selection, store, now_ms)


class SnapshotSource:
    """`lofty.snapshots`: the newest of each entity. One that its link satisfies already is skipped."""

    def __init__(self, settings: Settings, replay: Replay, store: RecordStore) -> None:
        self._run = replay.run
        self._snapshots = Snapshots(settings, replay.selection, store)
        self._topic = TopicNames(settings.kafka.topic_prefix).of(REPLAYS)

    async def gather(self, report: ReportReading) -> int:
        await self._snapshots.gather(report)
        return sum(1 for _ in self._snapshots.chosen())

    def steps(self, after: str) -> Iterator[ReplayStep]:
        for key, stored in self._snapshots.chosen(after):
            try:
                snapshot = Snapshot.from_bytes(stored.value)
            except InvalidMessage as error:
                yield ReplayStep(key, "failed", why=str(error))
                continue
            if snapshot.entity.key != key:
                yield ReplayStep(key, "failed", why=f"it is a snapshot of {snapshot.entity.key}")
                continue
            if self._snapshots.is_settled(key, snapshot):
                yield ReplayStep(key, "skipped")
                continue
            value = Redelivery(run=self._run, snapshot=snapshot).to_bytes()
            yield ReplayStep(key, "sent", (Record(self._topic, stored.partition, key.encode(), value),))


class _StoredSource:
    """A source that keeps the chosen records of its topic in a record store."""

    def __init__(self, settings: Settings, selection: Selection, store: RecordStore) -> None:
        self._settings = settings
        self._selection = selection
        self._store = store
        self._topic = TopicNames(settings.kafka.topic_prefix).of(selection.topic)

    async def gather(self, report: ReportReading) -> int:
        await self._store.fill(
            self._selection.topic,
            self._settings,
            self._topic,
            None,
            self._key_of,
            report=lambda number: report(self._topic, number),
        )
        return sum(1 for _ in self._store.items(self._selection.topic))

    def _values(self, after: str) -> Iterator[tuple[str, bytes]]:
        for key, stored in self._store.items(self._selection.topic, after.encode()):
            yield key.decode(), stored.value

    def _key_of(self, record: KafkaRecord) -> bytes | None:
        is_selected = self._selection.takes_place(record.partition, record.offset, record.timestamp)
        return self._key_of_selected(record) if is_selected else None

    def _key_of_selected(self, record: KafkaRecord) -> bytes | None:
        raise NotImplementedError


class ChangeSource(_StoredSource):
    """`lofty.changes` and `lofty.fetches`: each entity that a record names, once."""

    def __init__(self, settings: Settings, selection: Selection, store: RecordStore, now_ms: int) -> None:
        super().__init__(settings, selection, store)
        self._now_ms = now_ms
        self._changes = TopicNames(settings.kafka.topic_prefix).of(CHANGES)

    def changes(self, after: str = "") -> Iterator[Change]:
        """The selected changes."""
        return (Change.from_bytes(value) for _, value in self._values(after))

    def steps(self, after: str) -> Iterator[ReplayStep]:
        for change in self.changes(after):
            partition = partition_of(change.entity.lane, self._settings.kafka.partitions)
            value = changed_for_retry(change, self._now_ms).to_bytes()
            record = Record(self._changes, partition, change.entity.lane.encode(), value)
            yield ReplayStep(change.entity.key, "sent", (record,))

    def _key_of_selected(self, record: KafkaRecord) -> bytes | None:
        try:
            change = Change.from_bytes(record.value)
        except InvalidMessage:
            return None  # it is parked; a replay of `parked` retries it
        is_selected = self._selection.takes_contact(change.connection, change.lead)
        return change.entity.key.encode() if is_selected and change.connection in self._settings.connections else None


class EventSource(_StoredSource):
    """`ghl.changes`: every event, in the order of the topic."""

    def __init__(self, settings: Settings, selection: Selection, store: RecordStore) -> None:
        super().__init__(settings, selection, store)
        self._connections = {connection.ghl.location_id: connection for connection in settings.connections.values()}
        connection_partitions = ConnectionPartitions(settings)
        self._partitions = {
            location: connection_partitions.ghl(connection) for location, connection in self._connections.items()
        }

    def events(self, after: str = "") -> Iterator[tuple[str, GhlEvent]]:
        """The selected events."""
        return ((key, GhlEvent.from_bytes(value)) for key, value in self._values(after))

    def steps(self, after: str) -> Iterator[ReplayStep]:
        for key, event in self.events(after):
            value = event_for_retry(event).to_bytes()
            record = Record(self._topic, self._partitions[event.location], event.lane.encode(), value)
            yield ReplayStep(key, "sent", (record,))

    def _key_of_selected(self, record: KafkaRecord) -> bytes | None:
        try:
            event = GhlEvent.from_bytes(record.value)
        except InvalidMessage:
            return None
        connection = self._connections.get(event.location)
        if connection is None or event.again or event.type in ("INSTALL", "UNINSTALL"):
            return None  # a replay's own events are not replayed, and INSTALL or UNINSTALL would change access
        is_selected = self._selection.takes_contact(connection.name, event.contact or event.id)
        return f"{record.partition:06}@{record.offset:020}".encode() if is_selected else None


@dataclass(slots=True)
class ParkedSource:
    """`parked`: the records that are open by the decisions known now, so records that a replay has sent are not met again."""

    settings: Settings
    selection: Selection
    now_ms: int
    ready: list[tuple[ParkedItem, list[RetryRecord]]] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    async def gather(self, report: ReportReading) -> int:
        queue, selection = ParkedQueue(self.settings), self.selection
        wanted = RecordFilter(selection.connection, selection.stage, selection.reason, selection.contact)
        chosen = [item for item in await queue.open() if wanted.takes(item) and self._is_selected(item)]
        report(PARKED, len(chosen))
        self.ready, self.failed = queue.ready(chosen, self.now_ms)
        return len(chosen)

    def steps(self, after: str) -> Iterator[ReplayStep]:
        del after  # a record that was sent is not open any longer
        topic, partitions = TopicNames(self.settings.kafka.topic_prefix).of(RESOLVED), self.settings.kafka.partitions
        for item, outputs in self.ready:
            records = tuple(
                Record(output.topic, partition_of_output(output, partitions), output.key, output.value)
                for output in outputs
            )
            decision = ParkedDecision(record=item.id, decision="retried", at_ms=self.now_ms, by=getpass.getuser())
            then = Record(topic, partition_of(item.id, partitions), item.id.encode(), decision.to_bytes())
            yield ReplayStep(item.id, "sent", records, (then,))
        for item_id, why in self.failed.items():
            yield ReplayStep(item_id, "failed", why=why)

    def _is_selected(self, item: ParkedItem) -> bool:
        partition, _, offset = item.id.partition("@")
        return self.selection.takes_place(int(partition), int(offset), item.parked.at_ms)
