"""The newest snapshots that a selection means, each with its link and what waits for it: read from Kafka onto a shelf."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import groupby

from aiokafka import ConsumerRecord

from streams.core.rows import LinkRow
from streams.core.to_ghl.delivery import settled_as
from streams.kafka.unreadable_records import leave_out
from streams.messages import Entity, InvalidMessage, Selection, Snapshot
from streams.messages.topics import LINKS_TABLE, OUTBOX_TABLE, SNAPSHOTS, TopicNames
from streams.operations.replay.record_store import Kept, Shelf, always
from streams.settings import Connection, Settings
from streams.settings.partitions import Places

BOARD = "snapshots"
Tell = Callable[[str, int], None]
"""Is told which topic is being read, and how many records of it were."""


@dataclass(frozen=True, slots=True)
class RawStanding:
    """An entity's newest snapshot and rows, as bytes: cheap to hand to another process."""

    snapshot: bytes
    link: bytes | None
    row: bytes | None
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class RawLead:
    """All of one lead, and the link of its contact."""

    connection: str
    standings: tuple[RawStanding, ...]
    owner: bytes | None


class Snapshots:
    """What stands on `lofty.snapshots` for some connections. `gather` first."""

    def __init__(self, settings: Settings, selection: Selection, shelf: Shelf) -> None:
        self._settings = settings
        self._selection = selection
        self._shelf = shelf
        self._names = TopicNames(settings.kafka.topic_prefix)
        self._places = Places(settings)
        self.connections: dict[str, Connection] = {
            name: one for name, one in settings.connections.items() if selection.connection in ("", name)
        }
        contact = f"{selection.contact}:" if selection.contact else ""
        self._prefixes = tuple(f"{name}:{contact}".encode() for name in self.connections)

    async def gather(self, tell: Tell) -> None:
        """Read the snapshots, the links and what is on its way."""
        partitions = sorted({self._places.ghl(one) for one in self.connections.values()})
        boards = {
            BOARD: (self._names.of(SNAPSHOTS), _is_newer),
            LINKS_TABLE: (self._names.changelog(LINKS_TABLE), always),
            OUTBOX_TABLE: (self._names.changelog(OUTBOX_TABLE), always),
        }
        for board, (topic, beats) in boards.items():
            told = partial(tell, topic)
            await self._shelf.fill(board, self._settings, topic, partitions, self._key_of, beats, told)

    def chosen(self, after: str = "") -> Iterator[tuple[str, Kept]]:
        """The chosen snapshots, sorted by their keys, behind `after`."""
        for key, kept in self._shelf.items(BOARD, after.encode()):
            if self._selection.takes_place(kept.partition, kept.offset, kept.at_ms):
                yield key.decode(), kept

    def is_settled(self, key: str, snapshot: Snapshot) -> bool:
        """Whether GHL is known to hold a snapshot already, under the mapping of these settings, and nothing waits."""
        link, row = self._shelf.get(LINKS_TABLE, key.encode()), self._shelf.get(OUTBOX_TABLE, key.encode())
        if link is None or row is not None:
            return False
        wanted = settled_as(snapshot.fingerprint, self.connections[snapshot.connection].mapping_fingerprint)
        try:
            return LinkRow.from_bytes(link.value).settled == wanted
        except InvalidMessage:
            return False

    def leads(self) -> Iterator[RawLead]:
        """Lead by lead, those of which something is chosen."""
        for lane, some in groupby(self._shelf.items(BOARD), key=lambda one: one[0].rsplit(b":", 2)[0]):
            standings = tuple(self._standing(key, kept) for key, kept in some)
            if any(one.is_chosen for one in standings):
                connection, lead = lane.decode().split(":")
                owner = self._shelf.get(LINKS_TABLE, Entity.contact(connection, lead).key.encode())
                yield RawLead(connection, standings, None if owner is None else owner.value)

    def _standing(self, key: bytes, kept: Kept) -> RawStanding:
        link, row = self._shelf.get(LINKS_TABLE, key), self._shelf.get(OUTBOX_TABLE, key)
        is_chosen = self._selection.takes_place(kept.partition, kept.offset, kept.at_ms)
        return RawStanding(kept.value, link and link.value, row and row.value, is_chosen)

    def _key_of(self, record: ConsumerRecord[bytes, bytes]) -> bytes | None:
        key: bytes | None = record.key
        if key is None or not key.startswith(self._prefixes) or key.count(b":") != 3:
            return None
        try:
            key.decode()
        except UnicodeDecodeError as error:
            leave_out(record.topic, record.partition, record.offset, error)
            return None
        return key


def _is_newer(new: bytes, old: bytes) -> bool:
    """As `deliver` takes them: by version, and of equal ones the later. What is no snapshot was parked by it."""
    try:
        version_ms = Snapshot.from_bytes(new).version_ms
    except InvalidMessage:
        return False
    try:
        return version_ms >= Snapshot.from_bytes(old).version_ms
    except InvalidMessage:  # it stood first, so nothing was asked of it
        return True
