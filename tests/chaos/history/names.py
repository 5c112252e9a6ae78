"""Which Lofty entity a request to GHL was about: by its markers, or by what earlier requests made known.

A contact has its lead's id in a custom field; a note or task its marker on the last line of its body, an appointment in a
calendar on that of its description.
GHL's ids are known from creates, and from what GHL holds at the end.
Nothing here believes a receipt: receipts are what is judged.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from connectors.sandbox.shared.ledger import Entry
from streams.core.to_ghl.child_kind import ChildKind
from streams.core.to_ghl.directory import fold
from streams.mapping import LEAD_ID_FIELD, find_marker
from streams.messages import Entity
from streams.messages.entity import Kind
from tests.chaos.history.history import History

CONTACT_CREATES = frozenset({"create-contact"})
CONTACT_WRITES = CONTACT_CREATES | {"update-contact"}
CHILD_CREATES = frozenset({"create-note", "create-task", "create-appointment"})
CREATES = CONTACT_CREATES | CHILD_CREATES
WRITES = CREATES | {
    "update-contact", "delete-contact", "add-tags", "remove-tags",
    "update-note", "delete-note", "update-task", "update-task-completed", "delete-task",
    "edit-appointment", "delete-event",
}  # fmt: skip

_KINDS: Mapping[ChildKind, tuple[Kind, ...]] = {
    "note": ("note",),
    "task": ("task", "appointment"),
    "appointment": ("appointment",),
}
_TEXTS: Mapping[ChildKind, str] = {"note": "body", "task": "body", "appointment": "description"}
"""The field of each form of GHL that holds its marker."""


class Names:
    """The names of everything that GHL was asked about. A contact is that of the lead whose id was written on it last."""

    def __init__(self, history: History) -> None:
        self._connections = {budget: one.name for budget, one in history.connection_at.items()}
        self._fields = {
            name: {one["id"] for one in found["customFields"] if fold(one["name"]) == fold(LEAD_ID_FIELD)}
            for name, found in history.contacts.items()
        }
        self._leads: dict[tuple[str, str], list[tuple[float, str]]] = defaultdict(list)
        self._children: dict[tuple[str, str], tuple[Kind, str]] = {}
        self._owners: dict[tuple[str, str], str] = {}
        for entry in sorted(history.ghl, key=lambda one: one.applied_at or 0.0):
            self._learn(entry)
        for connection, found in history.contacts.items():
            for contact in found["contacts"]:
                self._learn_standing(connection, contact)

    def entity_of(self, entry: Entry) -> Entity | None:
        """What a write is about; None when nothing shows it. The lead of a child whose contact is not known is `?`."""
        connection = self._connections.get(entry.budget)
        if connection is None:
            return None
        form = form_of(entry.operation)
        lead = self.lead_of(entry)
        if form is None:
            return None if lead is None else Entity.contact(connection, lead)
        child = self._marked(entry, form) or self._children.get((entry.budget, entry.entity or ""))
        return Entity(connection, lead or "?", *child) if child else None

    def lead_of(self, entry: Entry) -> str | None:
        """The lead whose contact a request was about, reads and searches included."""
        when = entry.at if entry.applied_at is None else entry.applied_at
        return self.lead_at(entry.budget, self.contact_of(entry), when) or self.lead_in_body(entry)

    def lead_at(self, budget: str, contact: str | None, when: float) -> str | None:
        """The lead whose contact it was at a moment; None where no request and no standing contact shows it."""
        known = self._leads.get((budget, contact)) if contact else None
        return known[max(0, bisect_right(known, when, key=lambda one: one[0]) - 1)][1] if known else None

    def contact_of(self, entry: Entry) -> str | None:
        """The id of the GHL contact that a request was about. The path of an appointment in a calendar does not tell it."""
        if entry.operation in CONTACT_CREATES:
            return entry.parent or entry.entity
        return entry.parent or self._owners.get((entry.budget, entry.entity or ""))

    def lead_of_contact(self, connection: str, contact: Mapping[str, Any]) -> str | None:
        """The lead whose id a contact in GHL has."""
        borne = (contact["customFields"].get(one) for one in self._fields.get(connection, ()))
        return next((str(one) for one in borne if one), None)

    def _learn(self, entry: Entry) -> None:
        if not entry.applied or entry.entity is None:
            return
        if entry.operation in CONTACT_WRITES and (lead := self.lead_in_body(entry)):
            self._leads[entry.budget, entry.entity].append((entry.applied_at or entry.at, lead))
        form = form_of(entry.operation)
        if form and (marked := self._marked(entry, form)):
            self._children.setdefault((entry.budget, entry.entity), marked)
        if form == "appointment" and entry.parent:
            self._owners[entry.budget, entry.entity] = entry.parent

    def _learn_standing(self, connection: str, contact: Mapping[str, Any]) -> None:
        budget = next((one for one, name in self._connections.items() if name == connection), "")
        lead = self.lead_of_contact(connection, contact)
        if lead and (budget, contact["id"]) not in self._leads:
            self._leads[budget, contact["id"]].append((0.0, lead))
        for form, child in standing_on(contact):
            if marked := mark_of(child, form):
                self._children.setdefault((budget, child["id"]), marked)
            if form == "appointment":
                self._owners[budget, child["id"]] = contact["id"]

    def lead_in_body(self, entry: Entry) -> str | None:
        """The Lofty id in a contact's custom fields, or in the filter of a search for it."""
        if not isinstance(entry.body, dict):
            return None
        ids = self._fields.get(self._connections.get(entry.budget, ""), set())
        if entry.operation == "search-contacts-advanced":
            wanted = {f"customFields.{one}" for one in ids}
            filters = entry.body.get("filters") or ()
            return next((str(one["value"]) for one in filters if one.get("field") in wanted and "value" in one), None)
        fields: Iterable[Mapping[str, Any]] = entry.body.get("customFields") or ()
        return next((str(one["field_value"]) for one in fields if one.get("id") in ids), None)

    @staticmethod
    def _marked(entry: Entry, form: ChildKind) -> tuple[Kind, str] | None:
        return mark_of(entry.body, form) if isinstance(entry.body, dict) else None


def standing_on(contact: Mapping[str, Any]) -> Iterator[tuple[ChildKind, Mapping[str, Any]]]:
    """All that hangs on a standing contact, each with its form."""
    for form in _KINDS:
        yield from ((form, one) for one in contact[f"{form}s"])


def mark_of(child: Mapping[str, Any], form: ChildKind) -> tuple[Kind, str] | None:
    """The Lofty kind and id in the marker of a GHL note, task or appointment."""
    text = child.get(_TEXTS[form])
    for one in _KINDS[form]:
        if isinstance(text, str) and (found := find_marker(text, one)):
            return one, found
    return None


def form_of(operation: str) -> ChildKind | None:
    """The form of GHL on which an operation works: `note`, `task`, or `appointment` in a calendar; None for all others."""
    if operation == "delete-event":
        return "appointment"
    return next((form for form in _KINDS if operation.removesuffix("-completed").endswith(f"-{form}")), None)
