"""The overview: is it running, what waits, what is parked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streams.console.pages.charts import Point
from streams.console.pages.views.page_view import Link, State


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the way of a change. `per_minute` None: not known. `oldest_seconds` None: nothing waits."""

    name: str
    title: str
    per_minute: float | None
    waiting: int
    oldest_seconds: float | None
    state: State
    note: str = ""


@dataclass(frozen=True, slots=True)
class Oldest:
    """The oldest change that was accepted and is not in GHL yet."""

    who: str
    href: str
    since_ms: int
    waits_for: str


@dataclass(frozen=True, slots=True)
class Budget:
    """What a vendor lets a token do, and what was used of it. `per_day` 0: no daily quota."""

    name: str
    vendor: str
    used: int
    limit: int
    window: str
    used_today: int = 0
    per_day: int = 0
    reserve: float | None = None
    state: State | None = None
    waiting: int = 0
    forecast: str = ""


@dataclass(frozen=True, slots=True)
class Plot:
    """A series over the last hours."""

    title: str
    unit: str
    points: Sequence[Point]
    words: str = ""


@dataclass(frozen=True, slots=True)
class Cause:
    """Parked work of one cause, in short."""

    words: str
    connection: str
    count: int
    href: str
    oldest_ms: int


@dataclass(frozen=True, slots=True)
class WorkerSeen:
    """A worker that answers, or does not any more."""

    name: str
    state: State
    partitions: int
    seen_ms: int
    since_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Number:
    """One figure with its name, and a place where it comes from."""

    name: str
    value: str
    words: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class Overview:
    """The whole page. `verdict` is the one sentence."""

    verdict: State
    because: tuple[str, ...]
    next_steps: tuple[Link, ...]
    numbers: tuple[Number, ...]
    stages: tuple[Stage, ...]
    back_stages: tuple[Stage, ...]
    oldest: Oldest | None
    budgets: tuple[Budget, ...]
    plots: tuple[Plot, ...]
    causes: tuple[Cause, ...]
    workers: tuple[WorkerSeen, ...]
    measured_ms: int
