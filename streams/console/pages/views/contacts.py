"""Contacts: the search, and the timeline of one."""

from __future__ import annotations

from dataclasses import dataclass

from streams.console.pages.views.page_view import Level, Link, State


@dataclass(frozen=True, slots=True)
class Found:
    """One contact of a search."""

    name: str
    email: str
    phone: str
    connection: str
    lead: str
    ghl_id: str
    state: State
    href: str
    changed_ms: int | None


@dataclass(frozen=True, slots=True)
class Search:
    """The search. `wanted` is what was typed; `known` is how many contacts were looked through."""

    wanted: str
    connection: str
    connections: tuple[str, ...]
    found: tuple[Found, ...]
    has_more: bool
    known: int
    took_ms: float
    is_complete: bool = True


@dataclass(frozen=True, slots=True)
class Step:
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
class Waiting:
    """What an entity waits for."""

    entity: str
    waits_for: str
    level: Level
    href: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """How one entity stands in GHL."""

    entity: str
    words: str
    ghl_id: str = ""


@dataclass(frozen=True, slots=True)
class Timeline:
    """The page of one contact. `answer` is the one sentence: is it in GHL, and if not, why."""

    name: str
    email: str
    phone: str
    connection: str
    lead: str
    ghl_id: str
    answer: State
    because: str
    next_steps: tuple[Link, ...]
    waiting: tuple[Waiting, ...]
    standing: tuple[Standing, ...]
    steps: tuple[Step, ...]
    kinds: tuple[tuple[str, int], ...] = ()
    kind: str = ""
    is_cut: bool = False
    parked_ids: tuple[str, ...] = ()
