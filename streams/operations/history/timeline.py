"""One contact's timeline, from the words on the topics and the rows of the tables. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from streams.core.rows import FetchRow, LinkRow, OutboxRow
from streams.core.to_lofty.rows import LoftyCommandRow
from streams.messages import Change, Entity, GhlEvent, Message, Parked, Receipt, Snapshot
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
    """One line: when, about what, at which stage, in words. `at_ms` orders; `place` is `topic/partition@offset`.

    Of a request: `step` is what was asked for, `outcome` what became of it, `sent` its fields, and the rest what was answered.
    `decision` says why something led to nothing.
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


@dataclass(frozen=True, slots=True)
class Pending:
    """What an entity waits for now."""

    entity: str
    waits: str


def event_of(word: Message, place: str, at_ms: int) -> Event | None:
    """The line of one record; None for a word that tells nothing of a contact. `at_ms` is when Kafka got it."""
    match word:
        case Change():
            announced = f"{word.kind} {word.operation}, told by {word.origin}"
            return Event(word.accepted_ms, word.entity.key, "change", announced, place)
        case Snapshot():
            found = "is gone" if word.is_gone else f"was read, fingerprint {word.fingerprint[:8]}"
            return Event(
                word.read_ms or at_ms, word.entity.key, "read", f"{word.kind} {found} (by {word.origin})", place
            )
        case Receipt():
            return Event(
                word.at_ms,
                word.entity.key,
                "write",
                _written(word),
                place,
                step=word.step,
                outcome=_outcome(word),
                status=word.status,
                answer=word.message or "",
                trace_id=word.trace_id or "",
                flags=word.flags,
            )
        case GhlEvent():
            return Event(
                word.accepted_ms, word.contact or word.id, "event", f"GHL told {word.type} of {word.id}", place
            )
        case LoftyCommand():
            wanted = "shall not be in Lofty" if word.state is None else f"shall be in Lofty as a {word.target}"
            return Event(word.accepted_ms, word.key, "respond", f"{wanted} ({word.because})", place)
        case LoftyReceipt():
            key = f"{word.connection}:{word.lead}:{word.about}"
            return Event(
                word.at_ms,
                key,
                "write back",
                _written_back(word),
                place,
                step=word.step,
                outcome=word.outcome,
                status=word.status,
                answer=word.message or "",
            )
        case Parked():
            about = f": {word.message}" if word.message else ""
            return Event(
                word.at_ms,
                word.entity or "",
                "parked",
                f"at {word.stage} ({word.reason}){about}",
                place,
                outcome=word.reason,
                status=word.status,
                answer=word.message,
                trace_id=word.trace_id or "",
            )
        case _:
            return None


def timeline(events: Iterable[Event]) -> list[Event]:
    """In order of time; what happened in one millisecond in the order of the stages."""
    order = {"change": 0, "event": 0, "read": 1, "respond": 1, "write": 2, "write back": 2, "parked": 3}
    return sorted(events, key=lambda one: (one.at_ms, order.get(one.stage, 9)))


def pending_read(row: FetchRow, now_ms: int, hold: str = "") -> Pending:
    """Why an entity has not been read yet. `hold` is what all reads of its connection wait for (`holds.py`)."""
    if row.parked:
        return Pending(row.entity.key, f"a person: reading it is parked ({row.parked})")
    if row.not_before_ms > now_ms:
        seconds = (row.not_before_ms - now_ms) / 1000
        waits = f"its next read in {seconds:.0f} s, after {row.attempts} attempts: {row.last_error}"
        return Pending(row.entity.key, _and(waits, hold))
    return Pending(row.entity.key, hold or "a slot of Lofty's budget to be read")


def pending_write(row: OutboxRow, contact: LinkRow | None, now_ms: int, hold: str = "") -> Pending:
    """Why an entity has not been written yet. `contact` is the link of the contact that it belongs to; `hold` is what all
    writes of its connection wait for."""
    entity = row.snapshot.entity
    if row.parked:
        return Pending(entity.key, f"a person: writing it is parked ({row.parked})")
    if entity.kind != "contact" and (contact is None or contact.ghl_id is None):
        return Pending(entity.key, "its contact, which is not in GHL yet")
    if row.not_before_ms > now_ms:
        seconds = (row.not_before_ms - now_ms) / 1000
        waits = f"its next try in {seconds:.0f} s, after {row.attempts} attempts: {row.last_error}"
        return Pending(entity.key, _and(waits, hold))
    return Pending(entity.key, hold or "a slot of GHL's budget to be written")


def pending_errand(row: LoftyCommandRow, now_ms: int, hold: str = "") -> Pending | None:
    """Why something that GHL's events want is not in Lofty yet; None when it is. `hold` as of a read."""
    if row.is_settled:
        return None
    if row.parked:
        return Pending(row.write.key, f"a person: writing it to Lofty is parked ({row.parked})")
    if row.not_before_ms > now_ms:
        seconds = (row.not_before_ms - now_ms) / 1000
        waits = f"its next try in {seconds:.0f} s, after {row.attempts} attempts: {row.last_error}"
        return Pending(row.write.key, _and(waits, hold))
    return Pending(row.write.key, hold or "a slot of Lofty's budget to be written")


def _and(waits: str, hold: str) -> str:
    return f"{waits}; and for {hold}" if hold else waits


def standing(key: str, link: LinkRow) -> str:
    """What a link says in words."""
    kind = Entity.from_key(key).kind
    if link.intent is not None:
        return f"{kind}: its create is in doubt; GHL is searched before it is tried again"
    if link.ghl_id is None:
        return f"{kind}: not in GHL" + (", and rightly so" if link.settled else "")
    if link.is_deleted:
        return f"{kind}: was {link.ghl_id} in GHL, deleted"
    return f"{kind}: {link.ghl_id} in GHL" + ("" if link.settled else ", a newer state is on its way")


def _outcome(receipt: Receipt) -> str:
    """A refusal that does not end the doubt about a create is a refusal all the same; without an answer we gave up ourselves."""
    return "refused" if receipt.outcome == "parked" and receipt.status else receipt.outcome


def _written(receipt: Receipt) -> str:
    words = f"{STEPS[_outcome(receipt)]} {receipt.step}" if receipt.outcome != "unchanged" else STEPS["unchanged"]
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
