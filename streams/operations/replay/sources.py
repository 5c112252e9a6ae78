"""What each topic gives to a replay: records in the order of their keys, each with what is to be appended for it."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol

from aiokafka import ConsumerRecord

from streams.kafka.batching_producer import Record
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
from streams.messages.topics import CHANGES, GHL_CHANGES, PARKED, REPLAYS, RESOLVED, TopicNames
from streams.operations.parked.open_records import Filter, Output, placed
from streams.operations.parked.open_records import Place as ParkedPlace
from streams.operations.parked.queue import Desk
from streams.operations.replay.record_store import Shelf
from streams.operations.replay.semantics import change_again, change_place, event_again
from streams.operations.replay.snapshots import Snapshots, Tell
from streams.settings import Settings
from streams.settings.partitions import Places

Handling = Literal["handed", "passed", "left"]


@dataclass(frozen=True, slots=True)
class Step:
    """One record of a replay: its key, and what is appended. `then` is appended once `records` are with Kafka.

    `passed`: nothing needs to be done. `left`: it cannot go on, and `why` says so.
    """

    key: str
    handling: Handling
    records: tuple[Record, ...] = ()
    then: tuple[Record, ...] = ()
    why: str = ""


class Source(Protocol):
    """A topic, as a replay sees it."""

    async def gather(self, tell: Tell) -> int:
        """Read what the selection means; returns how many records, or entities, that is."""
        ...

    def steps(self, after: str) -> Iterator[Step]:
        """Each of them, behind the key `after`."""
        ...


def source_of(settings: Settings, replay: Replay, shelf: Shelf, now_ms: int) -> Source:
    """The source that a replay's topic needs."""
    match replay.selection.topic:
        case topics.SNAPSHOTS:
            return SnapshotSource(settings, replay, shelf)
        case topics.GHL_CHANGES:
            return EventSource(settings, replay.selection, shelf)
        case topics.PARKED:
            return ParkedSource(settings, replay.selection, now_ms)
        case _:
            return ChangeSource(settings, replay.selection, shelf, now_ms)


class SnapshotSource:
    """`lofty.snapshots`: the newest of each entity. What its link satisfies already is passed."""

    def __init__(self, settings: Settings, replay: Replay, shelf: Shelf) -> None:
        self._run = replay.run
        self._snapshots = Snapshots(settings, replay.selection, shelf)
        self._topic = TopicNames(settings.kafka.topic_prefix).of(REPLAYS)

    async def gather(self, tell: Tell) -> int:
        await self._snapshots.gather(tell)
        return sum(1 for _ in self._snapshots.chosen())

    def steps(self, after: str) -> Iterator[Step]:
        for key, kept in self._snapshots.chosen(after):
            try:
                snapshot = Snapshot.from_bytes(kept.value)
            except InvalidMessage as error:
                yield Step(key, "left", why=str(error))
                continue
            if snapshot.entity.key != key:
                yield Step(key, "left", why=f"it is a snapshot of {snapshot.entity.key}")
                continue
            if self._snapshots.is_settled(key, snapshot):
                yield Step(key, "passed")
                continue
            value = Redelivery(run=self._run, snapshot=snapshot).to_bytes()
            yield Step(key, "handed", (Record(self._topic, kept.partition, key.encode(), value),))


class ChangeSource:
    """`lofty.changes` and `lofty.fetches`: each entity that is named, once."""

    def __init__(self, settings: Settings, selection: Selection, shelf: Shelf, now_ms: int) -> None:
        self._settings = settings
        self._selection = selection
        self._shelf = shelf
        self._now_ms = now_ms
        self._names = TopicNames(settings.kafka.topic_prefix)

    async def gather(self, tell: Tell) -> int:
        topic = self._names.of(self._selection.topic)
        await self._shelf.fill(
            CHANGES, self._settings, topic, None, self._key_of, tell=lambda number: tell(topic, number)
        )
        return sum(1 for _ in self._shelf.items(CHANGES))

    def changes(self, after: str = "") -> Iterator[Change]:
        """The changes that are meant."""
        return (Change.from_bytes(kept.value) for _, kept in self._shelf.items(CHANGES, after.encode()))

    def steps(self, after: str) -> Iterator[Step]:
        for change in self.changes(after):
            place = change_place(change, self._settings.kafka.partitions)
            again = change_again(change, self._now_ms)
            record = Record(self._names.of(CHANGES), place, change.entity.lane.encode(), again.to_bytes())
            yield Step(change.entity.key, "handed", (record,))

    def _key_of(self, record: ConsumerRecord[bytes, bytes]) -> bytes | None:
        if not self._selection.takes_place(record.partition, record.offset, record.timestamp):
            return None
        try:
            change = Change.from_bytes(record.value)
        except InvalidMessage:
            return None  # it is parked; `replay parked` sends it on its way
        is_meant = self._selection.takes_contact(change.connection, change.lead)
        return change.entity.key.encode() if is_meant and change.connection in self._settings.connections else None


class EventSource:
    """`ghl.changes`: every event, in the order in which it stands there."""

    def __init__(self, settings: Settings, selection: Selection, shelf: Shelf) -> None:
        self._settings = settings
        self._selection = selection
        self._shelf = shelf
        self._topic = TopicNames(settings.kafka.topic_prefix).of(GHL_CHANGES)
        self._connections = {one.ghl.location_id: one for one in settings.connections.values()}
        where = Places(settings)
        self._places = {location: where.ghl(one) for location, one in self._connections.items()}

    async def gather(self, tell: Tell) -> int:
        await self._shelf.fill(
            GHL_CHANGES,
            self._settings,
            self._topic,
            None,
            self._key_of,
            tell=lambda number: tell(self._topic, number),
        )
        return sum(1 for _ in self._shelf.items(GHL_CHANGES))

    def events(self, after: str = "") -> Iterator[tuple[str, GhlEvent]]:
        """The events that are meant."""
        for key, kept in self._shelf.items(GHL_CHANGES, after.encode()):
            yield key.decode(), GhlEvent.from_bytes(kept.value)

    def steps(self, after: str) -> Iterator[Step]:
        for key, event in self.events(after):
            value = event_again(event).to_bytes()
            record = Record(self._topic, self._places[event.location], event.lane.encode(), value)
            yield Step(key, "handed", (record,))

    def _key_of(self, record: ConsumerRecord[bytes, bytes]) -> bytes | None:
        if not self._selection.takes_place(record.partition, record.offset, record.timestamp):
            return None
        try:
            event = GhlEvent.from_bytes(record.value)
        except InvalidMessage:
            return None
        connection = self._connections.get(event.location)
        if connection is None or event.again or event.type in ("INSTALL", "UNINSTALL"):
            return None  # what a replay put there is not replayed once more, and access is not an event of the past
        is_meant = self._selection.takes_contact(connection.name, event.contact or event.id)
        return f"{record.partition:06}@{record.offset:020}".encode() if is_meant else None


@dataclass(slots=True)
class ParkedSource:
    """`parked`: what waits, by the decisions that are known now; so what a replay has sent on is not met again."""

    settings: Settings
    selection: Selection
    now_ms: int
    ready: list[tuple[ParkedPlace, list[Output]]] = field(default_factory=list)
    cannot: dict[str, str] = field(default_factory=dict)

    async def gather(self, tell: Tell) -> int:
        desk, wanted = Desk(self.settings), self.selection
        meant = Filter(wanted.connection, wanted.stage, wanted.reason, wanted.contact)
        chosen = [one for one in await desk.open() if meant.takes(one) and self._is_there(one)]
        tell(PARKED, len(chosen))
        self.ready, self.cannot = desk.ready(chosen, self.now_ms)
        return len(chosen)

    def steps(self, after: str) -> Iterator[Step]:
        del after  # what was sent on is not open any more
        topic, partitions = TopicNames(self.settings.kafka.topic_prefix).of(RESOLVED), self.settings.kafka.partitions
        for place, outputs in self.ready:
            records = tuple(Record(one.topic, placed(one, partitions), one.key, one.value) for one in outputs)
            decided = ParkedDecision(record=place.id, decision="retried", at_ms=self.now_ms, by=getpass.getuser())
            then = Record(topic, partition_of(place.id, partitions), place.id.encode(), decided.to_bytes())
            yield Step(place.id, "handed", records, (then,))
        for place_id, why in self.cannot.items():
            yield Step(place_id, "left", why=why)

    def _is_there(self, place: ParkedPlace) -> bool:
        partition, _, offset = place.id.partition("@")
        return self.selection.takes_place(int(partition), int(offset), place.parked.at_ms)
