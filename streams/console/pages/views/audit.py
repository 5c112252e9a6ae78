"""The audit: who did what, when and from where."""

from __future__ import annotations

from dataclasses import dataclass

from streams.console.pages.views.page_view import Link, State


@dataclass(frozen=True, slots=True)
class Act:
    """One act. `refused` acts are kept, too."""

    at_ms: int
    who: str
    role: str
    did: str
    what: str
    result: State
    source: str = ""
    details: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Audit:
    """The page."""

    acts: tuple[Act, ...]
    who: str
    people: tuple[str, ...]
    before: Link | None = None
    after: Link | None = None
