"""One contact's timeline, from the messages on the topics and the rows of the tables. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from streams.core.rows import FetchRow, LinkRow, OutboxRow
from streams.core.to_lofty.rows import LoftyCommandRow
from streams.mapping.opt_outs import carried
from streams.messages import Change, Entity, GhlEvent, Message, Parked, Receipt, Snapshot
from streams.messages.change import Origin
from streams.messages.lofty_command import LoftyCommand, LoftyReceipt
from streams.operations.history.sent_requests import Sent

STEPS = {
    "intended": "is about to",
    "applied": "did",
    "unchanged": "had nothing to do",
    "failed": "failed at",
    "doubtful": "got no answer to",
    "refused": "was refused at",
    "parked": "gave up at",
}


@dataclass(frozen=True, slots=True)
class Event:
    """One line: when, about what, at which stage, and what happened. `place` is `topic/partition@offset`.

    For a request, `step` is its name, `outcome` its result, `sent` its fields, and the rest is from the answer.
    `decision` says why a record led to nothing.
    """

    at_ms: int
    entity: str
    stage: str
    what: str
    place: str
    step: str = ""
    outcome: str = ""
    sent: tuple[Sent, ...] = ()
    status: int | None = None
    answer: str = ""
    trace_id: str = ""
    flags: tuple[str, ...] = ()
    decision: str = ""


ORIGINS: Mapping[Origin, str] = {
    "webhook": "a webhook",
    "sweep": "the regular check",
    "backfill": "the import of existing leads",
    "replay": "a run that applied mappings again",
    "dependency": "something that needs it",
}
"""Why something is looked at, in the words of the console."""


@dataclass(frozen=True, slots=True)
class Pending:
    """What an entity waits for now."""

    entity: str
    waits: str


def event_of(message: Message, place: str, at_ms: int) -> Event | None:
    """The line of one record; None for a message that is about no contact. `at_ms` is Kafka's timestamp."""
    match message:
        case Change():
            what = f"{message.kind} {message.operation}, reported by {ORIGINS[message.origin]}"
            return Event(message.accepted_ms, message.entity.key, "change", what, place)
        case Snapshot():
            found = "is gone" if message.is_gone else "was read"
            what = f"{message.kind} {found}, because of {ORIGINS[message.origin]}"
            return Event(message.read_ms or at_ms, message.entity.key, "read", what, place)
        case Receipt():
            what, facts = _written(message), _answer(message)
            event = Event(message.at_ms, message.entity.key, "write", what, place, outcome=_outcome(message), **facts)
            return replace(event, step=message.step, trace_id=message.trace_id or "", flags=message.flags)
        case GhlEvent():
            what = f"GHL reported {message.type} of {message.id}"
            return Event(message.accepted_ms, message.contact or message.id, "event", what, place)
        case LoftyCommand():
            wanted = "must not be in Lofty" if message.state is None else f"must be in Lofty as a {message.target}"
            return Event(message.accepted_ms, message.key, "respond", f"{wanted} ({message.because})", place)
        case LoftyReceipt():
            key, what = f"{message.connection}:{message.lead}:{message.about}", _written_back(message)
            event = Event(message.at_ms, key, "write back", what, place, outcome=message.outcome, **_answer(message))
            return replace(event, step=message.step)
        case Parked():
            what = f"at {message.stage} ({message.reason}){f': {message.message}' if message.message else ''}"
            entity, facts = message.entity or "", _answer(message)
            event = Event(message.at_ms, entity, "parked", what, place, outcome=message.reason, **facts)
            return replace(event, trace_id=message.trace_id or "")
        case _:
            return None


def _answer(message: Receipt | LoftyReceipt | Parked) -> dict[str, Any]:
    return {"status": message.status, "answer": message.message or ""}


def timeline(events: Iterable[Event]) -> list[Event]:
    """In order of time; what happened in one millisecond in the order of the stages."""
    order = {"change": 0, "event": 0, "read": 1, "respond": 1, "write": 2, "write back": 2, "parked": 3}
    return sorted(events, key=lambda event: (event.at_ms, order.get(event.stage, 9)))


def pending_read(row: FetchRow, now_ms: int, hold: str = "") -> Pending:
    """Why an entity has not been read yet. `hold` is what all reads of its connection wait for (`holds.py`)."""
    return Pending(row.entity.key, _waits(row, "reading it", "its turn to be read from Lofty", now_ms, hold))


def pending_write(row: OutboxRow, contact: LinkRow | None, now_ms: int, hold: str = "") -> Pending:
    """Why an entity has not been written yet. `contact` is the link of the contact that it belongs to; `hold` is what all
    writes of its connection wait for."""
    entity = row.snapshot.entity
    if not row.parked and entity.kind != "contact" and (contact is None or contact.ghl_id is None):
        return Pending(entity.key, "its contact, which is not in GHL yet")
    return Pending(entity.key, _waits(row, "writing it", "its turn to be written to GHL", now_ms, hold))


def pending_command(row: LoftyCommandRow, now_ms: int, hold: str = "") -> Pending | None:
    """Why a change that GHL's events require is not in Lofty yet; None when it is. `hold` as of a read."""
    if row.is_settled:
        return None
    turn = "its turn to be written to Lofty"
    return Pending(row.write.key, _waits(row, "writing it to Lofty", turn, now_ms, hold))


def _waits(row: FetchRow | OutboxRow | LoftyCommandRow, doing: str, turn: str, now_ms: int, hold: str) -> str:
    if row.parked:
        return f"a person: {doing} failed ({row.parked})"
    if row.not_before_ms > now_ms:
        seconds = (row.not_before_ms - now_ms) / 1000
        waits = f"its next attempt in {seconds:.0f} s, after {row.attempts} attempts: {row.last_error}"
        return f"{waits}; and for {hold}" if hold else waits
    return hold or turn


def standing(key: str, link: LinkRow) -> str:
    """The state of an entity in GHL, by its link."""
    kind = Entity.from_key(key).kind
    if link.intent is not None:
        return f"{kind}: its create is in doubt; GHL is searched before it is tried again"
    if link.ghl_id is None:
        return f"{kind}: not in GHL" + (", and rightly so" if link.settled else "")
    if link.is_deleted:
        return f"{kind}: was {link.ghl_id} in GHL, deleted"
    closed = ", ".join(sorted(carried(link.fields)))
    says = f"{kind}: {link.ghl_id} in GHL" + (f", opted out of {closed}" if closed else "")
    if link.shares:
        says += f", one contact with {link.shares}"
    elif link.conflicts:
        says += f", without {' and '.join(sorted(link.conflicts))}, which another contact has (`lofty-ghl conflicts`)"
    return says + ("" if link.settled else ", a newer state is on its way")


def _outcome(receipt: Receipt) -> str:
    """A parked write with an answer was refused; without an answer we gave up ourselves."""
    return "refused" if receipt.outcome == "parked" and receipt.status else receipt.outcome


def _written(receipt: Receipt) -> str:
    words = f"{STEPS[_outcome(receipt)]} {receipt.step}" if receipt.outcome != "unchanged" else STEPS["unchanged"]
    if receipt.refused:
        words = f"was refused a value at {receipt.step} ({', '.join(sorted(receipt.refused))})"
    if receipt.fields and receipt.outcome == "applied":
        words += f" ({', '.join(sorted(receipt.fields)[:8])}{', …' if len(receipt.fields) > 8 else ''})"
    if receipt.ghl_id:
        words += f" → {receipt.ghl_id}"
    if receipt.status:
        words += f" [{receipt.status}]"
    if receipt.message:
        words += f": {receipt.message}"
    if receipt.trace_id:
        words += f" (traceId {receipt.trace_id})"
    return words


def _written_back(receipt: LoftyReceipt) -> str:
    words = f"{STEPS[receipt.outcome]} {receipt.step}" if receipt.outcome != "unchanged" else STEPS["unchanged"]
    if receipt.lofty_id:
        words += f" → {receipt.lofty_id}"
    if receipt.status:
        words += f" [{receipt.status}]"
    return f"{words}: {receipt.message}" if receipt.message else words
