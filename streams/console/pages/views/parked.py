"""Parked work: by cause, by record, one record."""

from __future__ import annotations

from dataclasses import dataclass

from streams.console.pages.views.page_view import Link


@dataclass(frozen=True, slots=True)
class Group:
    """What is parked for one cause. `key` names it in links; `words` are the vendor's own, of the newest."""

    key: str
    title: str
    help: str
    connection: str
    stage: str
    reason: str
    count: int
    oldest_ms: int
    newest_ms: int
    words: str
    href: str


@dataclass(frozen=True, slots=True)
class Groups:
    """The first page."""

    groups: tuple[Group, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Row:
    """One record in a list."""

    id: str
    who: str
    entity: str
    words: str
    status: int | None
    at_ms: int
    href: str


@dataclass(frozen=True, slots=True)
class GroupPage:
    """The records of one cause. `before` and `after` are the neighbouring pages."""

    group: Group
    rows: tuple[Row, ...]
    before: Link | None = None
    after: Link | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One record, whole. `original` is as text, `original_form` says how (JSON, text, bytes)."""

    id: str
    title: str
    help: str
    who: str
    connection: str
    stage: str
    reason: str
    words: str
    status: int | None
    trace_id: str
    source: str
    entity: str
    at_ms: int
    original: str
    original_form: str
    original_bytes: int
    is_open: bool
    outcome: str
    contact_href: str
    group_href: str
    same_cause: int
