"""The explanation of a contact, from its records and rows: what happened and why not, its state, what it waits for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Self, TypeVar

from streams.core.rows import FetchRow, LinkRow, OutboxRow
from streams.core.to_lofty.rows import LoftyCommandRow
from streams.messages import Change, Entity, GhlEvent, InvalidMessage, Message, Parked, Receipt, Snapshot, topics
from streams.messages.lofty_command import LoftyCommand, LoftyReceipt
from streams.operations.history.decisions import decisions_of
from streams.operations.history.holds import NO_HOLDS, ConnectionHolds
from streams.operations.history.sent_requests import Sender
from streams.operations.history.timeline import (
    Event,
    Pending,
    event_of,
    pending_command,
    pending_read,
    pending_write,
    standing,
    timeline,
)
from streams.settings.model import Connection

MESSAGES: dict[str, type[Message]] = {
    topics.CHANGES: Change,
    topics.FETCHES: Change,
    topics.SNAPSHOTS: Snapshot,
    topics.RECEIPTS: Receipt,
    topics.GHL_CHANGES: GhlEvent,
    topics.LOFTY_WRITES: LoftyCommand,
    topics.LOFTY_RECEIPTS: LoftyReceipt,
    topics.PARKED: Parked,
}
"""The message of each topic that has records of a contact."""

Row = TypeVar("Row", bound=Message)


@dataclass(frozen=True, slots=True)
class ContactRecord:
    """One record of a contact; `topic` is its short name. `message` None: it cannot be read, for the reason `problem`."""

    topic: str
    place: str
    at_ms: int
    key: str
    message: Message | None
    problem: str = ""

    @classmethod
    def of(cls, topic: str, place: str, at_ms: int, key: bytes, value: bytes) -> Self:
        """A record as Kafka has it."""
        text = key.decode(errors="replace")
        try:
            return cls(topic, place, at_ms, text, MESSAGES[topic].from_bytes(value))
        except InvalidMessage as error:
            return cls(topic, place, at_ms, text, None, str(error))


@dataclass(frozen=True, slots=True)
class Rows:
    """A contact's rows in the tables, by the key of each entity."""

    links: Mapping[str, LinkRow] = field(default_factory=dict)
    fetches: Mapping[str, FetchRow] = field(default_factory=dict)
    outbox: Mapping[str, OutboxRow] = field(default_factory=dict)
    commands: Mapping[str, LoftyCommandRow] = field(default_factory=dict)

    TABLES = (topics.LINKS_TABLE, topics.FETCHES_TABLE, topics.OUTBOX_TABLE, topics.ERRANDS_TABLE)

    @classmethod
    def of(cls, tables: Mapping[str, Mapping[bytes, bytes]]) -> Self:
        """The rows as the changelogs have them, by table; a row that cannot be read is left out."""
        links, fetches, outbox, commands = (tables.get(name, {}) for name in cls.TABLES)
        return cls(
            _parsed(LinkRow, links),
            _parsed(FetchRow, fetches),
            _parsed(OutboxRow, outbox),
            _parsed(LoftyCommandRow, commands),
        )


def _parsed(row: type[Row], raw: Mapping[bytes, bytes]) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for key, value in raw.items():
        with suppress(InvalidMessage):
            found[key.decode(errors="replace")] = row.from_bytes(value)
    return found


@dataclass(slots=True)
class Explanation:
    """All that is known of a contact: its timeline, the state of its entities, and what they wait for.

    `is_gone`: Lofty no longer has the lead, by its newest snapshot. `source` is where the records were found: in the index, in
    the topics, or by a gateway. `is_cut`: there are older ones.
    """

    lane: str
    events: list[Event] = field(default_factory=list)
    standing: dict[str, str] = field(default_factory=dict)
    pending: list[Pending] = field(default_factory=list)
    ghl_id: str = ""
    is_gone: bool = False
    source: str = "topics"
    is_cut: bool = False

    @property
    def is_known(self) -> bool:
        """Whether Kafka has anything of it."""
        return bool(self.events or self.standing or self.pending)


def explain_contact(
    lane: str,
    connection: Connection,
    records: Iterable[ContactRecord],
    rows: Rows,
    now_ms: int,
    holds: ConnectionHolds = NO_HOLDS,
) -> Explanation:
    """The story of a contact. `holds` is what its whole connection waits for."""
    found = Explanation(lane)
    in_order = sorted(records, key=lambda one: (one.at_ms, one.place))
    found.events = timeline(_events(connection, in_order, now_ms))
    key = Entity.contact(connection.name, lane.partition(":")[2]).key
    contact = rows.links.get(key)
    read = [one.message for one in in_order if isinstance(one.message, Snapshot) and one.message.entity.key == key]
    found.is_gone = bool(read and read[-1].is_gone)
    found.ghl_id = (contact.ghl_id if contact is not None and not contact.is_deleted else None) or ""
    found.standing = {key: standing(key, link) for key, link in rows.links.items()}
    found.pending = list(_pending(rows, now_ms, holds))
    return found


def _events(connection: Connection, records: list[ContactRecord], now_ms: int) -> Iterable[Event]:
    changes: list[tuple[str, int, Change]] = []
    fetches: list[Change] = []
    snapshots: list[tuple[str, Snapshot]] = []
    for record in records:
        match record.message:
            case Change() as change if record.topic == topics.FETCHES:
                fetches.append(change)
            case Change() as change:
                changes.append((record.place, record.at_ms, change))
            case Snapshot() as snapshot:
                snapshots.append((record.place, snapshot))
    decisions = decisions_of(changes, fetches, snapshots, now_ms)
    sender = Sender(connection, [snapshot for _, snapshot in snapshots])
    for record in records:
        if record.topic == topics.FETCHES:
            continue
        if record.message is None:
            yield Event(record.at_ms, record.key, "unreadable", record.problem, record.place)
        elif (event := event_of(record.message, record.place, record.at_ms)) is not None:
            sent = sender.sent(record.message) if isinstance(record.message, Receipt) else ()
            yield replace(event, sent=sent, decision=decisions.get(record.place, ""))


def _pending(rows: Rows, now_ms: int, holds: ConnectionHolds) -> Iterable[Pending]:
    for read in rows.fetches.values():
        yield pending_read(read, now_ms, holds.lofty)
    for command in rows.commands.values():
        if (waits := pending_command(command, now_ms, holds.commands)) is not None:
            yield waits
    for key, row in rows.outbox.items():
        yield pending_write(row, rows.links.get(Entity.from_key(key).owner.key), now_ms, holds.ghl)
