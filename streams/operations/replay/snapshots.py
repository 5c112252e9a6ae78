"""The newest snapshots that a selection means, each with its link and what waits for it: read from Kafka onto a store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import groupby

from streams.core.rows import LinkRow
from streams.core.to_ghl.delivery import settled_as
from streams.kafka.record_store import RecordStore, StoredRecord, always
from streams.kafka.topic_reader import KafkaRecord
from streams.kafka.unreadable_records import skip_unreadable
from streams.messages import Entity, InvalidMessage, Selection, Snapshot
from streams.messages.topics import LINKS_TABLE, OUTBOX_TABLE, SNAPSHOTS, TopicNames
from streams.settings import Connection, Settings
from streams.settings.partitions import ConnectionPartitions

ReportReading = Callable[[str, int], None]
"""Called with the topic that is being read, and how many of its records were read."""


@dataclass(frozen=True, slots=True)
class RawEntityState:
    """An entity's newest snapshot and rows, as bytes: cheap to send to another process."""

    snapshot: bytes
    link: bytes | None
    row: bytes | None
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class RawLead:
    """All entities of one lead, and the link of its contact."""

    connection: str
    states: tuple[RawEntityState, ...]
    owner: bytes | None


class Snapshots:
    """The snapshots of some connections. `gather` first."""

    def __init__(self, settings: Settings, selection: Selection, store: RecordStore) -> None:
        self._settings = settings
        self._selection = selection
        self._store = store
        self._names = TopicNames(settings.kafka.topic_prefix)
        self._connection_partitions = ConnectionPartitions(settings)
        self.connections: dict[str, Connection] = {
            name: one for name, one in settings.connections.items() if selection.connection in ("", name)
        }
        contact = f"{selection.contact}:" if selection.contact else ""
        self._prefixes = tuple(f"{name}:{contact}".encode() for name in self.connections)

    async def gather(self, report: ReportReading) -> None:
        """Read the snapshots, the links and the outbox."""
        partitions = sorted({self._connection_partitions.ghl(one) for one in self.connections.values()})
        sections = {
            SNAPSHOTS: (self._names.of(SNAPSHOTS), _is_newer),
            LINKS_TABLE: (self._names.changelog(LINKS_TABLE), always),
            OUTBOX_TABLE: (self._names.changelog(OUTBOX_TABLE), always),
        }
        for section, (topic, replaces) in sections.items():
            report_number = partial(report, topic)
            await self._store.fill(section, self._settings, topic, partitions, self._key_of, replaces, report_number)

    def chosen(self, after: str = "") -> Iterator[tuple[str, StoredRecord]]:
        """The selected snapshots, sorted by key, behind `after`."""
        for key, stored in self._store.items(SNAPSHOTS, after.encode()):
            if self._selection.takes_place(stored.partition, stored.offset, stored.at_ms):
                yield key.decode(), stored

    def is_settled(self, key: str, snapshot: Snapshot) -> bool:
        """Whether GHL already holds a snapshot under the mapping of these settings, as far as we know, and nothing is pending."""
        link, row = self._store.get(LINKS_TABLE, key.encode()), self._store.get(OUTBOX_TABLE, key.encode())
        if link is None or row is not None:
            return False
        wanted = settled_as(snapshot.fingerprint, self.connections[snapshot.connection].mapping_fingerprint)
        try:
            return LinkRow.from_bytes(link.value).settled == wanted
        except InvalidMessage:
            return False

    def leads(self) -> Iterator[RawLead]:
        """Lead by lead, those of which something is selected."""
        for lane, entities in groupby(self._store.items(SNAPSHOTS), key=lambda item: item[0].rsplit(b":", 2)[0]):
            states = tuple(self._entity_state(key, stored) for key, stored in entities)
            if any(state.is_chosen for state in states):
                connection, lead = lane.decode().split(":")
                owner = self._store.get(LINKS_TABLE, Entity.contact(connection, lead).key.encode())
                yield RawLead(connection, states, None if owner is None else owner.value)

    def _entity_state(self, key: bytes, stored: StoredRecord) -> RawEntityState:
        link, row = self._store.get(LINKS_TABLE, key), self._store.get(OUTBOX_TABLE, key)
        is_chosen = self._selection.takes_place(stored.partition, stored.offset, stored.at_ms)
        return RawEntityState(stored.value, link and link.value, row and row.value, is_chosen)

    def _key_of(self, record: KafkaRecord) -> bytes | None:
        key: bytes | None = record.key
        if key is None or not key.startswith(self._prefixes) or key.count(b":") != 3:
            return None
        try:
            key.decode()
        except UnicodeDecodeError as error:
            skip_unreadable(record.topic, record.partition, record.offset, error)
            return None
        return key


def _is_newer(new: bytes, old: bytes) -> bool:
    """The rule of `deliver`: by version, and of equal versions the later record. It parks what is no snapshot."""
    try:
        version_ms = Snapshot.from_bytes(new).version_ms
    except InvalidMessage:
        return False
    try:
        return version_ms >= Snapshot.from_bytes(old).version_ms
    except InvalidMessage:  # the first record of a key is stored unread
        return True
