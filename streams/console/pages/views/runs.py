"""Backfill and replay: what it would take, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass

from streams.console.pages.views.page_view import State


@dataclass(frozen=True, slots=True)
class Progress:
    """`part` of 1, None while it is not known."""

    part: float | None
    words: str
    left: str = ""


@dataclass(frozen=True, slots=True)
class BackfillRow:
    """One connection."""

    connection: str
    state: State
    estimate: str
    can_start: bool
    progress: Progress | None
    last: str = ""
    last_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Backfills:
    """The page."""

    rows: tuple[BackfillRow, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that a replay would write, with how many contacts it concerns."""

    field: str
    count: int


@dataclass(frozen=True, slots=True)
class Example:
    """One entity that a replay would write."""

    who: str
    entity: str
    step: str
    fields: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a replay would do, without having asked any vendor."""

    state: State
    read: int
    counts: tuple[tuple[str, int], ...]
    differences: tuple[Difference, ...]
    examples: tuple[Example, ...]
    took: str
    would_write: int
    duration: str = ""
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class ReplayRun:
    """A replay that runs or has run."""

    id: str
    state: State
    what: str
    by: str
    began_ms: int
    progress: Progress
    can_stop: bool
    can_go_on: bool = False
    counts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ReplayForm:
    """What the person asked for."""

    topic: str = "lofty.snapshots"
    connection: str = ""
    contact: str = ""
    since: str = ""
    until: str = ""
    reason: str = ""
    rate: str = ""
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Replay:
    """The page."""

    form: ReplayForm
    topics: tuple[tuple[str, str], ...]
    connections: tuple[str, ...]
    reasons: tuple[str, ...]
    dry_run: DryRun | None
    runs: tuple[ReplayRun, ...]
