"""Parked work as its pages show it."""

from __future__ import annotations

import json
from urllib.parse import urlencode

from streams.console.pages.render import href
from streams.console.pages.views.links import about, contact_of, group_href, record_href
from streams.console.pages.views.page_view import Link, Question
from streams.console.pages.views.parked import Group, GroupPage, Groups, Record, Row
from streams.console.pages.views.parked_causes import cause_of
from streams.console.pages.wording import counted
from streams.console.services.parked import ParkedFilter, ParkedGroup, ParkedGroups, ParkedPage, ParkedRecord

PAGE = 50


def groups(found: ParkedGroups) -> Groups:
    """The first page."""
    return Groups(tuple(group(one) for one in found.groups), found.total)


def group(one: ParkedGroup) -> Group:
    """One cause."""
    cause = cause_of(one.stage, one.reason)
    return Group(
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
    wanted: ParkedFilter, found: ParkedPage, of: ParkedGroup | None, names: dict[str, str], offset: int
) -> GroupPage:
    """The records of one cause. `names` are those of leads, by lane; `of` is None when nothing of it is open any more."""
    shown = of or ParkedGroup(wanted.connection, wanted.stage, wanted.reason, 0, 0, 0, "")

    def at(place: int) -> str:
        return group_href(wanted.connection, wanted.stage, wanted.reason) + (f"&offset={place}" if place else "")

    rows = tuple(
        Row(
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
    return GroupPage(
        group(shown),
        rows,
        Link("Newer", at(max(0, offset - PAGE))) if offset else None,
        Link("Older", at(offset + PAGE)) if offset + PAGE < found.total else None,
    )


def record(one: ParkedRecord, name: str) -> Record:
    """One record. `name` is that of its lead, where it is known."""
    cause = cause_of(one.stage, one.reason)
    text, form = pretty(one.original)
    return Record(
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


def question(action: str, wanted: ParkedFilter, count: int, back: str) -> Question:
    """Before many are retried, or any is discarded."""
    many = counted(count, "record")
    fields = tuple((name, getattr(wanted, name)) for name in ParkedFilter.__slots__ if getattr(wanted, name))
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
