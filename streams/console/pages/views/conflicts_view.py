"""The page of conflicts: both people side by side."""

from __future__ import annotations

from dataclasses import dataclass

from streams.console.pages.views.links import contact_href
from streams.console.pages.views.page_view import StatusText
from streams.console.services.conflicts import ConflictList
from streams.operations.conflicts.open_conflicts import ConflictItem, ConflictPerson

MOST = 200
"""So many are shown on one page; the command and the API have all."""


@dataclass(frozen=True, slots=True)
class SideView:
    """One of the two people. `href` is the lead's timeline, empty for who is only in GHL."""

    title: str
    name: str
    email: str
    phone: str
    contact: str
    href: str


@dataclass(frozen=True, slots=True)
class ConflictCard:
    """One conflict. `sides` are the lead, and whom it has something in common with."""

    item: ConflictItem
    title: str
    state: StatusText
    sides: tuple[SideView, SideView]
    to_do: str
    says_same: str
    says_apart: str


@dataclass(frozen=True, slots=True)
class ConflictsView:
    """The page. `more` are left out."""

    cards: tuple[ConflictCard, ...]
    undecided: int
    more: int


def conflicts_view(found: ConflictList) -> ConflictsView:
    """The page."""
    cards = tuple(_card(item) for item in found.conflicts[:MOST])
    return ConflictsView(cards, found.undecided, max(0, len(found.conflicts) - MOST))


def _card(item: ConflictItem) -> ConflictCard:
    decided = {"same": "decided: one person", "apart": "decided: two people", "": "undecided"}[item.decided]
    lead = _side("This lead", item.person, item.contact_id or "none of its own")
    other = (
        _side("Has it in GHL", item.other, item.other_contact_id)
        if item.other is not None
        else SideView("Has it in GHL", "Nobody's lead", "", "", item.other_contact_id, "")
    )
    return ConflictCard(
        item=item,
        title=f"One {'telephone' if item.field == 'phone' else 'e-mail' if item.field == 'email' else item.field}",
        state=StatusText("warn" if item.is_open else "idle", decided),
        sides=(lead, other),
        to_do=_WORDS[item.state] if item.is_open else item.to_do,
        says_same="They are one person",
        says_apart="They are two people",
    )


_WORDS = {
    "shared": "Both are one contact in GHL now: it is written for the other lead, and this lead's notes and tasks are on it. "
    "Two people: this lead gets a contact of its own, without this value, and its notes move there.",
    "left out": "This lead's contact goes without it; a field of its own shows it (Lofty phone, Lofty email). "
    "One person: merge both contacts in GHL afterwards, its API cannot. Two people: it stays as it is.",
}


def _side(title: str, person: ConflictPerson, contact: str) -> SideView:
    name = person.name or f"Lead {person.lead}"
    return SideView(
        title=f"{title}, deleted in Lofty" if person.is_gone else title,
        name=name,
        email=person.email,
        phone=person.phone,
        contact=contact,
        href=contact_href(person.connection, person.lead),
    )
