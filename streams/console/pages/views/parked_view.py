"""The pages of parked records: by cause, one cause, one record."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import urlencode

from streams.console.pages.render import href
from streams.console.pages.views.links import about, contact_of, group_href, record_href
from streams.console.pages.views.page_view import Hyperlink, Question, StatusText
from streams.console.pages.views.parked_causes import Cause, cause_of
from streams.console.pages.wording import counted, grouped
from streams.console.services.parked import ParkedGroup, ParkedGroups, ParkedPage, ParkedRecord, ParkedRow
from streams.console.services.retry_outcomes import RetryOutcome
from streams.operations.parked.open_records import RecordFilter

PAGE_SIZE = 50
CAUSES = 20
"""So many causes are on a page."""


@dataclass(frozen=True, slots=True)
class CauseCard:
    """What is parked for one cause. `key` names it in links; `connection` is empty where it is unknown."""

    group: ParkedGroup
    cause: Cause
    connection: str
    key: str
    href: str


@dataclass(frozen=True, slots=True)
class RetryCard:
    """What came of records that were sent again."""

    title: str
    state: StatusText
    words: str
    outcome: RetryOutcome


@dataclass(frozen=True, slots=True)
class CausesView:
    """The first page. `retry` is the retry that was just made; `words` say which causes are shown where there are more."""

    cards: tuple[CauseCard, ...]
    retry: RetryCard | None = None
    words: str = ""
    before: Hyperlink | None = None
    after: Hyperlink | None = None


@dataclass(frozen=True, slots=True)
class ParkedRecordRow:
    """One record in a list. `who` is the lead's name, where it is known."""

    row: ParkedRow
    who: str
    entity: str
    href: str


@dataclass(frozen=True, slots=True)
class CauseView:
    """The records of one cause. `before` and `after` are the neighbouring pages."""

    card: CauseCard
    rows: tuple[ParkedRecordRow, ...]
    before: Hyperlink | None = None
    after: Hyperlink | None = None


@dataclass(frozen=True, slots=True)
class ParkedRecordView:
    """One record, whole. `original` is its text as it is best read; `original_form` says what it is."""

    record: ParkedRecord
    cause: Cause
    who: str
    connection: str
    entity: str
    original: str
    original_form: str
    contact_href: str
    group_href: str


def causes_view(
    found: ParkedGroups, retry: RetryOutcome | None = None, *, connection: str = "", offset: int = 0
) -> CausesView:
    """The first page, or the next causes. An offset behind the last shows the last ones."""
    first = min(offset, max(0, len(found.groups) - 1) // CAUSES * CAUSES)
    shown = found.groups[first : first + CAUSES]
    words = f"{grouped(first + 1)} to {grouped(first + len(shown))} of {counted(len(found.groups), 'cause')}"

    def page_href(offset: int) -> str:
        return href("/parked", connection=connection, offset=offset or "")

    return CausesView(
        tuple(cause_card(group) for group in shown),
        retry_card(retry) if retry else None,
        words if len(shown) < len(found.groups) else "",
        Hyperlink("Back", page_href(first - CAUSES)) if first else None,
        Hyperlink("More", page_href(first + CAUSES)) if first + CAUSES < len(found.groups) else None,
    )


def retry_card(found: RetryOutcome) -> RetryCard:
    """What came of a retry so far: the worst first, and no success before all is done."""
    title = f"{counted(found.total, 'record')} {'was' if found.total == 1 else 'were'} sent again"
    if found.again:
        again = "It needs" if found.total == 1 else f"{grouped(found.again)} of {grouped(found.total)} need"
        state = StatusText("bad", f"{again} attention again")
    elif found.waiting:
        waits = "It is" if found.total == 1 else f"{grouped(found.waiting)} of {grouped(found.total)} are"
        state = StatusText("busy", f"{waits} under way")
    elif found.unknown:
        state = StatusText("idle", "See below what still needs attention")
    else:
        state = StatusText("ok", "It is done" if found.total == 1 else f"All {grouped(found.total)} are done")
    counts = ((found.settled, "done"), (found.waiting, "under way"), (found.again, "need attention again"))
    parts = [f"{grouped(count)} {words}" for count, words in counts if count]
    if found.unknown:
        parts.append(f"{grouped(found.unknown)} cannot be followed")
    return RetryCard(title, state, f"{', '.join(parts)}.", found)


def cause_card(group: ParkedGroup) -> CauseCard:
    """One cause."""
    return CauseCard(
        group=group,
        cause=cause_of(group.stage, group.reason),
        connection=_known(group.connection),
        key=urlencode({"connection": group.connection, "stage": group.stage, "reason": group.reason}),
        href=group_href(group.connection, group.stage, group.reason),
    )


def cause_view(
    wanted: RecordFilter, found: ParkedPage, group: ParkedGroup | None, names: dict[str, str], offset: int
) -> CauseView:
    """The records of one cause. `names` are those of leads, by lane; `group` is None when none of it is open any longer."""
    shown = group or ParkedGroup(wanted.connection, wanted.stage, wanted.reason, 0, 0, 0, "")

    def page_href(offset: int) -> str:
        return group_href(wanted.connection, wanted.stage, wanted.reason) + (f"&offset={offset}" if offset else "")

    return CauseView(
        cause_card(shown),
        tuple(
            ParkedRecordRow(
                row=row,
                who=names.get(lane(row.entity)) or who(row.entity, row.id),
                entity=about(row.entity) if row.entity.count(":") == 3 else "",
                href=record_href(row.id),
            )
            for row in found.rows
        ),
        Hyperlink("Newer", page_href(max(0, offset - PAGE_SIZE))) if offset else None,
        Hyperlink("Older", page_href(offset + PAGE_SIZE)) if offset + PAGE_SIZE < found.total else None,
    )


def record_view(record: ParkedRecord, name: str) -> ParkedRecordView:
    """One record. `name` is that of its lead, where it is known."""
    text, form = pretty(record.original)
    return ParkedRecordView(
        record=record,
        cause=cause_of(record.stage, record.reason),
        who=name or who(record.entity, record.id),
        connection=_known(record.connection),
        entity=about(record.entity) if record.entity.count(":") == 3 else record.entity,
        original=text,
        original_form=form + (", only its beginning is shown" if record.is_cut else ""),
        contact_href=contact_of(record.entity),
        group_href=group_href(record.connection, record.stage, record.reason),
    )


def question(action: str, wanted: RecordFilter, count: int, back: str) -> Question:
    """Asked before many are retried, or any is discarded."""
    many = counted(count, "record")
    fields = tuple((name, getattr(wanted, name)) for name in RecordFilter.__slots__ if getattr(wanted, name))
    if action == "retry":
        words = (
            "Each is read from Lofty again and written without repeats. What is refused again needs attention again."
        )
        return Question(f"Retry {many}?", words, href("/parked/retry"), f"Retry {many}", back, fields)
    words = "They are not retried, and nothing of them is written. A lead is still synced when it changes in Lofty."
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


def _known(connection: str) -> str:
    return "" if connection == "?" else connection
