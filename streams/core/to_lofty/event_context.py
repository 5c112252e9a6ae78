"""What is known when an event is judged, and what a judgement says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from streams.core.rows import LinkRow
from streams.core.to_lofty.rows import ExternalEditRow
from streams.messages import Entity
from streams.messages.ghl_event import GhlEvent
from streams.messages.lofty_command import LoftyCommand

Because = Literal["answered", "echo", "no rule", "overtaken"]


@dataclass(frozen=True, slots=True)
class EventContext:
    """What is known when an event is judged.

    `link` is the contact's. `own` is the note or task of ours that the event is about, with its link; None for anybody else's.
    `contact` is what GHL holds now; None: not read yet. `found` is the note or task itself, empty when it is gone, as it was
    at `read_ms`; None: not read yet.
    """

    event: GhlEvent
    connection: str
    lead: str
    link: LinkRow
    own: Entity | None = None
    own_link: LinkRow | None = None
    heard: ExternalEditRow | None = None
    contact: Mapping[str, Any] | None = None
    found: Mapping[str, Any] | None = None
    read_ms: int = 0


@dataclass(frozen=True, slots=True)
class NeedsRead:
    """This must be read before the event can be judged: the contact, or the note or task that the event is about."""

    at: Literal["contact", "note", "task"] = "contact"


@dataclass(frozen=True, slots=True)
class EventResponse:
    """What follows from an event.

    `writes` go to Lofty. `fields` are the hashes of values that others have edited in GHL, and `base` those of what we had
    written there. `restore` names the fields in which Lofty's value is written to GHL again.
    `completed` says that the task of ours is done now, in GHL. `heard` are the tags of others.
    """

    because: Because
    writes: tuple[LoftyCommand, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    base: Mapping[str, str] = field(default_factory=dict)
    restore: tuple[str, ...] = ()
    completed: bool = False
    heard: ExternalEditRow | None = None
