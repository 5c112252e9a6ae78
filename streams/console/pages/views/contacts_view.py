"""The contacts pages: search results, and the timeline of one contact."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from streams.console.pages.render import href, part
from streams.console.pages.views.links import about, contact_href, kind, record_href
from streams.console.pages.views.page_view import Hyperlink, Level, StatusText
from streams.console.services import contacts as told
from streams.operations.history.timeline import Event, Pending


@dataclass(frozen=True, slots=True)
class ContactRow:
    """One contact of a search."""

    name: str
    email: str
    phone: str
    connection: str
    lead: str
    ghl_id: str
    state: StatusText
    href: str
    changed_ms: int | None


@dataclass(frozen=True, slots=True)
class SearchView:
    """The search. `wanted` is what was typed; `known` is how many contacts were looked through."""

    wanted: str
    connection: str
    connections: tuple[str, ...]
    found: tuple[ContactRow, ...]
    has_more: bool
    known: int
    took_ms: float
    is_complete: bool = True


@dataclass(frozen=True, slots=True)
class TimelineStep:
    """One line of a timeline. `entity` is what it is about in words; `place` is `topic/partition@offset`.

    `request` and `answer` are as they were sent and came, without secrets; `fields` what was written.
    """

    at_ms: int
    stage: str
    title: str
    level: Level
    entity: str = ""
    words: str = ""
    fields: tuple[str, ...] = ()
    status: int | None = None
    request: str = ""
    answer: str = ""
    trace_id: str = ""
    place: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class WaitingEntity:
    """What an entity waits for."""

    entity: str
    waits_for: str
    level: Level
    href: str = ""


@dataclass(frozen=True, slots=True)
class EntityInGhl:
    """How one entity stands in GHL."""

    entity: str
    words: str
    ghl_id: str = ""


@dataclass(frozen=True, slots=True)
class TimelineView:
    """The page of one contact. `answer` is the one sentence: is it in GHL, and if not, why."""

    name: str
    email: str
    phone: str
    connection: str
    lead: str
    ghl_id: str
    answer: StatusText
    because: str
    next_steps: tuple[Hyperlink, ...]
    waiting: tuple[WaitingEntity, ...]
    standing: tuple[EntityInGhl, ...]
    steps: tuple[TimelineStep, ...]
    kinds: tuple[tuple[str, int], ...] = ()
    kind: str = ""
    is_cut: bool = False
    parked_ids: tuple[str, ...] = ()


MOST_STEPS = 300
KINDS = ("contact", "note", "task", "appointment")

_TITLES = {
    "change": "Lofty told of a change",
    "read": "Read from Lofty",
    "event": "GHL told of an event",
    "respond": "Answered in Lofty",
    "parked": "Parked",
    "unreadable": "A record that cannot be read",
}
_WRITES: dict[str, tuple[str, Level]] = {
    "applied": ("Written to {}", "ok"),
    "intended": ("About to write to {}", "busy"),
    "unchanged": ("Nothing to write to {}", "ok"),
    "failed": ("A try at {} failed, and is repeated", "warn"),
    "doubtful": ("{} did not answer", "warn"),
    "refused": ("{} refused", "bad"),
    "parked": ("Given up at {}", "bad"),
}


def search(wanted: str, connection: str, connections: tuple[str, ...], found: told.Search) -> SearchView:
    """What was found."""
    hits = tuple(hit(one) for one in found.found)
    return SearchView(
        wanted, connection, connections, hits, found.has_more, found.known, found.took_ms, found.is_complete
    )


def hit(one: told.Contact) -> ContactRow:
    """One contact."""
    return ContactRow(
        name=one.name,
        email=one.emails[0] if one.emails else "",
        phone=one.phones[0] if one.phones else "",
        connection=one.connection,
        lead=one.lead,
        ghl_id=one.ghl_id,
        state=state_of(one),
        href=contact_href(one.connection, one.lead),
        changed_ms=one.read_ms or None,
    )


def state_of(one: told.Contact) -> StatusText:
    """How a contact stands, in two or three words."""
    if one.parked:
        return StatusText("bad", "Parked, waits for a person")
    if one.pending:
        return StatusText("busy", "On its way")
    if one.is_gone:
        return StatusText("idle", "Deleted in Lofty")
    return StatusText("ok", "In GHL") if one.ghl_id else StatusText("idle", "Not in GHL")


def timeline(found: told.Timeline, only: str, mapping: str) -> TimelineView:
    """One contact's story; `only` one kind of entity, where it is not empty. `mapping` is the connection's."""
    steps = [step(one) for one in reversed(found.events)]
    counts = Counter(kind(one.entity) or "contact" for one in found.events)
    chosen = [
        one
        for one, event in zip(steps, reversed(found.events), strict=True)
        if only in ("", kind(event.entity) or "contact")
    ]
    newest = _newest_parked(found)
    ways = []
    if found.answer.level == "bad" and newest:
        ways.append(Hyperlink("Open the parked record", record_href(newest)))
    preview = href(f"/mapping/{part(mapping)}", leads=found.lead, connection=found.connection)
    if not found.is_gone:
        ways.append(Hyperlink("What would be written?", preview))
    return TimelineView(
        name=found.name or f"Lead {found.lead}",
        email=found.emails[0] if found.emails else "",
        phone=found.phones[0] if found.phones else "",
        connection=found.connection,
        lead=found.lead,
        ghl_id=found.ghl_id,
        answer=StatusText(found.answer.level, found.answer.words),
        because=_because(found),
        next_steps=tuple(ways),
        waiting=tuple(waiting(one, newest) for one in found.pending),
        standing=tuple(standing(one, found.ghl_id) for one in found.standing),
        steps=tuple(chosen[:MOST_STEPS]),
        kinds=tuple((one, counts[one]) for one in KINDS if counts[one]),
        kind=only,
        is_cut=found.is_cut or len(chosen) > MOST_STEPS,
        parked_ids=found.parked_ids,
    )


def step(one: Event) -> TimelineStep:
    """One line of the story."""
    title, words = _TITLES.get(one.stage, one.stage), one.decision
    level: Level = "idle"
    if one.stage in ("write", "write back"):
        where = "GHL" if one.stage == "write" else "Lofty"
        form, level = _WRITES.get(one.outcome, ("{}: " + one.outcome, "idle"))
        title = form.format(where)
        words = one.answer or _sentence(words or (one.step if one.outcome != "unchanged" else ""))
    elif one.stage in ("parked", "unreadable"):
        level, words = "bad", one.what
    else:
        words = _sentence(words or one.what)
    return TimelineStep(
        at_ms=one.at_ms,
        stage=one.stage,
        title=title,
        level=level,
        entity=about(one.entity) if one.entity.count(":") == 3 else "",
        words=words,
        fields=tuple(sent.field.removeprefix("custom:") for sent in one.sent) + one.flags,
        status=one.status,
        request=request(one),
        answer=one.answer,
        trace_id=one.trace_id,
        place=one.place,
        href=record_href(one.place.rpartition("/")[2]) if one.stage == "parked" else "",
    )


def request(one: Event) -> str:
    """What was sent, as JSON; what is not known any more is told as such."""
    if not one.sent:
        return ""
    fields: dict[str, Any] = {
        sent.field: sent.value if sent.is_known else "(not kept: the lead has changed since)" for sent in one.sent
    }
    return json.dumps(fields, indent=2, ensure_ascii=False, default=str)


def waiting(one: Pending, parked: str) -> WaitingEntity:
    """What an entity waits for."""
    is_bad = one.waits.startswith("a person")
    level: Level = "bad" if is_bad else "busy"
    return WaitingEntity(about(one.entity), one.waits, level, record_href(parked) if is_bad and parked else "")


def standing(one: told.Stands, ghl_id: str) -> EntityInGhl:
    """How an entity stands; its own kind is told beside it and left out of the words."""
    words = re.sub(rf"^{re.escape(kind(one.entity))}: ", "", one.words)
    found = re.match(r"(?P<id>\S+) in GHL(?P<rest>.*)", words)
    if found and kind(one.entity) and found["id"] not in ("not",):
        return EntityInGhl(about(one.entity), f"is in GHL{found['rest']}", found["id"])
    return EntityInGhl(about(one.entity), words)


def _because(found: told.Timeline) -> str:
    because = found.answer.because
    refusals = [
        one for one in found.events if one.stage in ("parked", "write") and one.answer and one.outcome != "applied"
    ]
    if found.answer.level == "bad" and refusals and refusals[-1].answer not in because:
        return f"{_sentence(because)}. In the vendor's words: “{refusals[-1].answer}”"
    return _sentence(because)


def _newest_parked(found: told.Timeline) -> str:
    return found.parked_ids[-1] if found.parked_ids else ""


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}"
