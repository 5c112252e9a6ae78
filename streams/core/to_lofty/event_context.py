"""What is known when an event is judged, and what a judgement says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from streams.core.rows import LinkRow
from streams.core.to_ghl.directory import Directory
from streams.core.to_lofty.rows import ExternalEditRow
from streams.mapping import StageTable
from streams.messages import Entity
from streams.messages.ghl_event import GhlEvent
from streams.messages.lofty_command import LoftyCommand

Because = Literal["answered", "echo", "left out", "no rule", "overtaken"]


@dataclass(frozen=True, slots=True)
class EventContext:
    """What is known when an event is judged.

    `link` is the contact's. `own` is the note or task of ours that the event is about, with its link; None for anybody else's.
    `contact` is what GHL holds now; None: not read yet. `found` is the note or task itself, empty when it is gone, as it was
    at `read_ms`; None: not read yet.
    Of an event of an opportunity, `own` is the lead's, whichever the event is about. `stages` are the connection's pairs, `directory`
    the location's names, `knows_stages` that they were just read, and `listed` the ids of the contact's opportunities in its pipeline.
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
    stages: StageTable | None = None
    directory: Directory = field(default_factory=Directory)
    knows_stages: bool = False
    listed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NeedsRead:
    """This must be read before the event can be judged: the contact, or the note, task or opportunity that the event is about.

    `opportunities` are those of the contact in that one's pipeline, `stages` the location's.
    """

    at: Literal["contact", "note", "task", "opportunity", "opportunities", "stages"] = "contact"


@dataclass(frozen=True, slots=True)
class EventResponse:
    """What follows from an event.

    `writes` go to Lofty. `fields` are the hashes of values that others have edited in GHL, and `base` those of what we had
    written there. `restore` names the fields in which Lofty's value is written to GHL again.
    Of an event of an opportunity, these three are about the lead's.
    `takes` is an opportunity that is the lead's from now on. `reads`: the lead is read for its opportunity once more.
    `flags` say what is not carried, in words.
    `completed` says that the task of ours is done now, in GHL. `heard` are the tags of others.
    """

    because: Because
    writes: tuple[LoftyCommand, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    base: Mapping[str, str] = field(default_factory=dict)
    restore: tuple[str, ...] = ()
    completed: bool = False
    takes: str = ""
    reads: bool = False
    flags: tuple[str, ...] = ()
    heard: ExternalEditRow | None = None
