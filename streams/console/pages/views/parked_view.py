"""The pages of parked records: by cause, one cause, one record."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import urlencode

from streams.console.pages.render import href
from streams.console.pages.views.links import about, contact_of, group_href, record_href
from streams.console.pages.views.page_view import Hyperlink, Question
from streams.console.pages.views.parked_causes import cause_of
from streams.console.pages.wording import counted
from streams.console.services.parked import ParkedGroup, ParkedGroups, ParkedPage, ParkedRecord
from streams.operations.parked.open_records import RecordFilter


@dataclass(frozen=True, slots=True)
class CauseCard:
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
class CausesView:
    """The first page."""

    groups: tuple[CauseCard, ...]
    total: int


@dataclass(frozen=True, slots=True)
class ParkedRecordRow:
    """One record in a list."""

    id: str
    who: str
    entity: str
    words: str
    status: int | None
    at_ms: int
    href: str


@dataclass(frozen=True, slots=True)
class CauseView:
    """The records of one cause. `before` and `after` are the neighbouring pages."""

    group: CauseCard
    rows: tuple[ParkedRecordRow, ...]
    before: Hyperlink | None = None
    after: Hyperlink | None = None


@dataclass(frozen=True, slots=True)
class ParkedRecordView:
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


PAGE = 50


def groups(found: ParkedGroups) -> CausesView:
    """The first page."""
    return CausesView(tuple(group(one) for one in found.groups), found.total)


def group(one: ParkedGroup) -> CauseCard:
    """One cause."""
    cause = cause_of(one.stage, one.reason)
    return CauseCard(
        key=urlencode({"connection": one.connection, "stage": one.stage, "reason": one.reason}),
        title=cause.title,
        help=cause.help,
        connection="" if one.connection == "?" else one.connection,
        stage=one.stage,
        reason=one.reason,
        count=one.count,
        oldest_ms=one.oldest_ms,
        newest_ms=one.newest_ms,
        words=one.words,
        href=group_href(one.connection, one.stage, one.reason),
    )


def cause_page(
    wanted: RecordFilter, found: ParkedPage, of: ParkedGroup | None, names: dict[str, str], offset: int
) -> CauseView:
    """The records of one cause. `names` are those of leads, by lane; `of` is None when nothing of it is open any more."""
    shown = of or ParkedGroup(wanted.connection, wanted.stage, wanted.reason, 0, 0, 0, "")

    def at(place: int) -> str:
        return group_href(wanted.connection, wanted.stage, wanted.reason) + (f"&offset={place}" if place else "")

    rows = tuple(
        ParkedRecordRow(
            id=one.id,
            who=names.get(lane(one.entity)) or who(one.entity, one.id),
            entity=about(one.entity) if one.entity.count(":") == 3 else "",
            words=one.words,
            status=one.status,
            at_ms=one.at_ms,
            href=record_href(one.id),
        )
        for one in found.rows
    )
    return CauseView(
        group(shown),
        rows,
        Hyperlink("Newer", at(max(0, offset - PAGE))) if offset else None,
        Hyperlink("Older", at(offset + PAGE)) if offset + PAGE < found.total else None,
    )


def record(one: ParkedRecord, name: str) -> ParkedRecordView:
    """One record. `name` is that of its lead, where it is known."""
    cause = cause_of(one.stage, one.reason)
    text, form = pretty(one.original)
    return ParkedRecordView(
        id=one.id,
        title=cause.title,
        help=cause.help,
        who=name or who(one.entity, one.id),
        connection="" if one.connection == "?" else one.connection,
        stage=one.stage,
        reason=one.reason,
        words=one.words,
        status=one.status,
        trace_id=one.trace_id,
        source=one.source,
        entity=about(one.entity) if one.entity.count(":") == 3 else one.entity,
        at_ms=one.at_ms,
        original=text,
        original_form=form + (", only its beginning is shown" if one.is_cut else ""),
        original_bytes=one.original_bytes,
        is_open=one.is_open,
        outcome="It does not wait any more: it was retried, discarded, or settled by a later change.",
        contact_href=contact_of(one.entity),
        group_href=group_href(one.connection, one.stage, one.reason),
        same_cause=one.same_cause,
    )


def question(action: str, wanted: RecordFilter, count: int, back: str) -> Question:
    """Before many are retried, or any is discarded."""
    many = counted(count, "record")
    fields = tuple((name, getattr(wanted, name)) for name in RecordFilter.__slots__ if getattr(wanted, name))
    if action == "retry":
        words = "Each is read from Lofty anew and written once. What is refused again is parked again."
        return Question(f"Retry {many}?", words, href("/parked/retry"), f"Retry {many}", back, fields)
    words = "They do not wait any more, and nothing of them is written. A lead is still tried again when it changes in Lofty."
    return Question(
        f"Discard {many}?", words, href("/parked/discard"), f"Discard {many}", back, fields, is_dangerous=True
    )


def lane(entity: str) -> str:
    """`connection:lead` of an entity's key, empty for what belongs to no lead."""
    parts = entity.split(":")
    return ":".join(parts[:2]) if len(parts) in (2, 4) else ""


def who(entity: str, record: str) -> str:
    """Whose a record is, where no name is known."""
    parts = entity.split(":")
    return f"Lead {parts[1]}" if len(parts) in (2, 4) else f"Record {record}"


def pretty(text: str) -> tuple[str, str]:
    """A text as it is best read, and what it is."""
    if not text:
        return "", ""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False), "JSON"
    except ValueError:
        return text, "text"
