"""The page of one contact: its timeline."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from streams.console.pages.render import href, part
from streams.console.pages.views.links import about, contact_href, kind, record_href
from streams.console.pages.views.page_view import Hyperlink, Level
from streams.console.pages.views.parked_causes import cause_of
from streams.console.pages.wording import counted, sentence
from streams.console.services import contacts as contacts
from streams.console.vendor_links import ghl_href, lofty_href
from streams.operations.history.timeline import Event, Pending


@dataclass(frozen=True, slots=True)
class TimelineStep:
    """One line of a timeline. `entity` is what it is about in words; `fields` are those that were written.

    `request` is what was sent, without secrets.
    """

    event: Event
    title: str
    level: Level
    entity: str = ""
    words: str = ""
    fields: tuple[str, ...] = ()
    request: str = ""
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
    """The state of one entity in GHL."""

    entity: str
    words: str
    ghl_id: str = ""


@dataclass(frozen=True, slots=True)
class TimelineView:
    """The page of one contact. `because` explains the answer in one sentence; `kind` is the kind of entity that is shown.

    `steps` are the newest first; `more` leads to older ones.
    """

    story: contacts.Timeline
    name: str
    because: str
    next_steps: tuple[Hyperlink, ...]
    waiting: tuple[WaitingEntity, ...]
    in_ghl: tuple[EntityInGhl, ...]
    steps: tuple[TimelineStep, ...]
    kinds: tuple[tuple[str, int], ...] = ()
    kind: str = ""
    is_cut: bool = False
    more: Hyperlink | None = None
    lofty_href: str = ""
    ghl_href: str = ""


FIRST_STEPS, MOST_STEPS = 40, 300
KINDS = ("contact", "note", "task", "appointment", "opportunity")

_TITLES = {
    "change": "Lofty reported a change",
    "read": "Read from Lofty",
    "event": "GHL reported an event",
    "respond": "Processed for Lofty",
    "parked": "Needs attention",
    "unreadable": "A record that cannot be read",
}
_WRITES: dict[str, tuple[str, Level]] = {
    "applied": ("Written to {}", "ok"),
    "intended": ("About to write to {}", "busy"),
    "unchanged": ("Nothing to write to {}", "ok"),
    "failed": ("A request to {} failed, and is repeated", "warn"),
    "doubtful": ("{} did not answer", "warn"),
    "refused": ("{} refused", "bad"),
    "parked": ("Given up at {}", "bad"),
}


def timeline(found: contacts.Timeline, only: str, *, is_long: bool = False) -> TimelineView:
    """One contact's timeline; `only` one kind of entity, where it is not empty. `is_long`: more than the newest steps."""
    counts = Counter(kind(event.entity) or "contact" for event in found.events)
    chosen = [step(event) for event in reversed(found.events) if only in ("", kind(event.entity) or "contact")]
    newest = found.parked_ids[-1] if found.parked_ids else ""
    links = []
    if found.answer.level == "bad" and newest:
        links.append(Hyperlink("Open the problem", record_href(newest)))
    if not found.is_gone:
        preview = href(f"/mapping/{part(found.mapping)}", leads=found.lead, connection=found.connection)
        links.append(Hyperlink("What would be written?", preview))
    shown = chosen[: MOST_STEPS if is_long else FIRST_STEPS]
    more = None
    if len(chosen) > len(shown) and not is_long:
        here = contact_href(found.connection, found.lead)
        words = f"Show {counted(min(MOST_STEPS, len(chosen)) - len(shown), 'older line')}"
        more = Hyperlink(
            words, f"{here}?{urlencode({'kind': only, 'lines': 'all'} if only else {'lines': 'all'})}#more"
        )
    return TimelineView(
        story=found,
        name=found.name or f"Lead {found.lead}",
        because=_because(found),
        next_steps=tuple(links),
        waiting=tuple(waiting_entity(pending, newest) for pending in found.pending),
        in_ghl=tuple(entity_in_ghl(stands) for stands in found.standing),
        steps=tuple(shown),
        kinds=tuple((name, counts[name]) for name in KINDS if counts[name]),
        kind=only,
        is_cut=found.is_cut or len(chosen) > MOST_STEPS,
        more=more,
        lofty_href=lofty_href(found.lead),
        ghl_href=ghl_href(found.location, found.ghl_id) if found.ghl_id and found.location else "",
    )


def step(event: Event) -> TimelineStep:
    """One line of the timeline."""
    title, words = _TITLES.get(event.stage, event.stage), event.decision
    level: Level = "idle"
    if event.stage in ("write", "write back"):
        form, level = _WRITES.get(event.outcome, ("{}: " + event.outcome, "idle"))
        title = form.format("GHL" if event.stage == "write" else "Lofty")
        words = event.answer or sentence(words or (event.step if event.outcome != "unchanged" else ""))
    elif event.stage in ("parked", "unreadable"):
        level, words = "bad", event.what
    else:
        words = sentence(words or event.what)
    return TimelineStep(
        event=event,
        title=title,
        level=level,
        entity=about(event.entity) if event.entity.count(":") == 3 else "",
        words=words,
        fields=tuple(sent.field.removeprefix("custom:") for sent in event.sent) + event.flags,
        request=request(event),
        href=record_href(event.place.rpartition("/")[2]) if event.stage == "parked" else "",
    )


def request(event: Event) -> str:
    """What was sent, as JSON; values that are not known any longer say so."""
    if not event.sent:
        return ""
    fields: dict[str, Any] = {
        sent.field: sent.value if sent.is_known else "(not kept: the lead has changed since)" for sent in event.sent
    }
    return json.dumps(fields, indent=2, ensure_ascii=False, default=str)


def waiting_entity(pending: Pending, parked: str) -> WaitingEntity:
    """What an entity waits for."""
    is_bad = pending.waits.startswith("a person")
    level: Level = "bad" if is_bad else "busy"
    waits = "your attention" if is_bad else pending.waits
    return WaitingEntity(about(pending.entity), waits, level, record_href(parked) if is_bad and parked else "")


def entity_in_ghl(stands: contacts.Stands) -> EntityInGhl:
    """The state of an entity; its own kind is shown beside it and left out of the words."""
    words = re.sub(rf"^{re.escape(kind(stands.entity))}: ", "", stands.words)
    found = re.match(r"(?P<id>\S+) in GHL(?P<rest>.*)", words)
    if found and kind(stands.entity) and found["id"] not in ("not",):
        return EntityInGhl(about(stands.entity), f"is in GHL{found['rest']}", found["id"])
    return EntityInGhl(about(stands.entity), words)


def _cause(found: contacts.Timeline) -> str:
    """What needs attention, and what to do, in the words of the page Needs attention; empty where nothing does."""
    problem = next((one for one in reversed(found.events) if one.stage == "parked"), None)
    if found.answer.level != "bad" or problem is None:
        return ""
    stage = re.match(r"at (.+?) \(", problem.what)
    cause = cause_of(stage[1] if stage else "", problem.outcome)
    return f"{cause.title}. {cause.help}"


def _because(found: contacts.Timeline) -> str:
    because = _cause(found) or found.answer.because
    refusals = [
        one for one in found.events if one.stage in ("parked", "write") and one.answer and one.outcome != "applied"
    ]
    if found.answer.level == "bad" and refusals and refusals[-1].answer not in because:
        return f"{sentence(because).removesuffix('.')}. In the exact words: “{refusals[-1].answer}”"
    return sentence(because)
