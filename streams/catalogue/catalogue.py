"""All rows, and which of them somebody asks for."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from streams.catalogue.row import STATES, CatalogueRow, RowKind, Section, State, Vendor
from streams.catalogue.rows import enrolment, flows, messages, people, pipelines, records, team

SECTIONS: tuple[Section, ...] = (
    *flows.SECTIONS,
    *people.SECTIONS,
    *records.SECTIONS,
    *pipelines.SECTIONS,
    *messages.SECTIONS,
    *enrolment.SECTIONS,
    *team.SECTIONS,
)
"""The catalogue, in the order in which it is read."""

ROWS: tuple[CatalogueRow, ...] = tuple(row for section in SECTIONS for row in section.rows)
"""All rows."""

LEFT_OUT: Mapping[str, str] = MappingProxyType(
    {
        "calendars/groups": "groups of calendars, a person's matter",
        "calendars/resources": "rooms and equipment, which Lofty does not have",
        "calendars/schedules": "when users work, a person's matter",
        "calendars/{calendarId}/notifications": "what a calendar sends to clients, a person's matter",
        "conversations/messages/review-reply": "replies to reviews, which concern no lead",
        "conversations/providers": "signs of typing in a live chat",
    }
)
"""Operations of GHL's documents without a row: the beginnings of their paths, and why."""


def sections(
    *, state: State | None = None, vendor: Vendor | None = None, kind: RowKind | None = None, words: str = ""
) -> tuple[Section, ...]:
    """The sections with the rows that are asked for; without those that have none. `words` must all be in a row."""
    wanted = words.lower().split()

    def is_wanted(section: Section, row: CatalogueRow) -> bool:
        return (
            state in (None, row.state)
            and vendor in (None, row.vendor)
            and kind in (None, row.kind)
            and all(word in text_of(section, row) for word in wanted)
        )

    found = (
        Section(section.title, tuple(row for row in section.rows if is_wanted(section, row))) for section in SECTIONS
    )
    return tuple(section for section in found if section.rows)


def text_of(section: Section, row: CatalogueRow) -> str:
    """Everything in a row that can be searched for, in small letters."""
    parts = (section.title, row.title, row.vendor, row.kind, row.state, row.note, row.setting, row.test)
    return " ".join((*parts, *row.events, *row.operations, *row.requests, *row.scopes)).lower()


def counts(found: tuple[Section, ...] = SECTIONS) -> dict[State, int]:
    """How many rows there are of each state."""
    states = [row.state for section in found for row in section.rows]
    return {state: states.count(state) for state in STATES}
