"""From the records and rows of one contact to its explanation: what happened, why not, how it stands, what it waits for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from streams.core.rows import FetchRow, LinkRow, OutboxRow
from streams.core.to_lofty.rows import LoftyCommandRow
from streams.messages import Change, Entity, Message, Receipt, Snapshot
from streams.operations.history.decisions import decided
from streams.operations.history.holds import NO_HOLDS, ConnectionHolds
from streams.operations.history.sent_requests import Sender
from streams.operations.history.timeline import (
    Event,
    Pending,
    event_of,
    pending_errand,
    pending_read,
    pending_write,
    standing,
    timeline,
)
from streams.settings.model import Connection


@dataclass(frozen=True, slots=True)
class ContactRecord:
    """One record of a contact. `word` None: it cannot be read, and `problem` says why. `is_fetch`: it is on `lofty.fetches`."""

    place: str
    at_ms: int
    key: str
    word: Message | None
    problem: str = ""
    is_fetch: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    """How a contact stands in the tables, by the key of each entity."""

    links: Mapping[str, LinkRow] = field(default_factory=dict)
    fetches: Mapping[str, FetchRow] = field(default_factory=dict)
    outbox: Mapping[str, OutboxRow] = field(default_factory=dict)
    errands: Mapping[str, LoftyCommandRow] = field(default_factory=dict)


@dataclass(slots=True)
class Explanation:
    """All that is known of a contact: its timeline, how things stand, and what is waited for.

    `source` says where the records were looked up: the index or the topics themselves. `is_cut`: there are older ones.
    """

    lane: str
    events: list[Event] = field(default_factory=list)
    standing: dict[str, str] = field(default_factory=dict)
    pending: list[Pending] = field(default_factory=list)
    ghl_id: str = ""
    source: str = "topics"
    is_cut: bool = False

    @property
    def is_known(self) -> bool:
        """Whether Kafka has anything of it."""
        return bool(self.events or self.standing or self.pending)


def explained(
    lane: str,
    connection: Connection,
    told: Iterable[ContactRecord],
    rows: Rows,
    now_ms: int,
    source: str = "topics",
    holds: ConnectionHolds = NO_HOLDS,
) -> Explanation:
    """The story of a contact. `holds` is what its whole connection waits for."""
    known = sorted(told, key=lambda one: (one.at_ms, one.place))
    changes = [one for one in known if isinstance(one.word, Change) and not one.is_fetch]
    fetches = [one.word for one in known if isinstance(one.word, Change) and one.is_fetch]
    snapshots = [one for one in known if isinstance(one.word, Snapshot)]
    decisions = decided(
        [(one.place, one.at_ms, one.word) for one in changes if isinstance(one.word, Change)],
        fetches,
        [(one.place, one.word) for one in snapshots if isinstance(one.word, Snapshot)],
        now_ms,
    )
    sender = Sender(connection, [one.word for one in snapshots if isinstance(one.word, Snapshot)])
    found = Explanation(lane, source=source)
    for one in known:
        if one.is_fetch:
            continue
        if one.word is None:
            found.events.append(Event(one.at_ms, one.key, "unreadable", one.problem, one.place))
            continue
        event = event_of(one.word, one.place, one.at_ms)
        if event is None:
            continue
        if isinstance(one.word, Receipt):
            event = replace(event, sent=sender.sent(one.word))
        found.events.append(replace(event, decision=decisions.get(one.place, "")))
    found.events = timeline(found.events)
    contact = rows.links.get(Entity.contact(connection.name, lane.partition(":")[2]).key)
    found.ghl_id = (contact.ghl_id if contact is not None and not contact.is_deleted else None) or ""
    for key, link in rows.links.items():
        found.standing[key] = standing(key, link)
    found.pending = list(_pending(rows, now_ms, holds))
    return found


def _pending(rows: Rows, now_ms: int, holds: ConnectionHolds) -> Iterable[Pending]:
    for read in rows.fetches.values():
        yield pending_read(read, now_ms, holds.lofty)
    for errand in rows.errands.values():
        if (waits := pending_errand(errand, now_ms, holds.lofty)) is not None:
            yield waits
    for key, row in rows.outbox.items():
        yield pending_write(row, rows.links.get(Entity.from_key(key).owner.key), now_ms, holds.ghl)
