"""What the sandbox reports by webhook: the contact as last reported is compared with its present state.

So every change is reported, by the API or by hand, and our own writes like any other: nothing in GHL's documents says that
it suppresses those.
One change of an opportunity is two or three events. When a contact is deleted, nothing is said of its opportunities.
Shapes: GHL's webhook documents. GHL has no event for a task that was changed, and its `TaskCreate` lacks `contactId` and
`body` in reality (its issue 332): so it does here, unless the settings say otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from connectors.sandbox.ghl.state import ContactState, iso

Payload = dict[str, Any]

_FIELDS = (
    "address1",
    "city",
    "state",
    "companyName",
    "country",
    "source",
    "dateOfBirth",
    "dnd",
    "email",
    "firstName",
    "lastName",
    "phone",
    "postalCode",
    "website",
    "assignedTo",
)


@dataclass(slots=True)
class ReportedContact:
    """A contact as it was last reported."""

    fields: dict[str, Any] = field(default_factory=dict)
    custom: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    notes: dict[str, Payload] = field(default_factory=dict)
    tasks: dict[str, Payload] = field(default_factory=dict)
    appointments: dict[str, Payload] = field(default_factory=dict)
    opportunities: dict[str, Payload] = field(default_factory=dict)
    payload: Payload = field(default_factory=dict)


def reported(contact: ContactState) -> ReportedContact:
    """The present state of a contact, for a later comparison."""
    return ReportedContact(
        deepcopy(contact.fields),
        deepcopy(contact.custom),
        list(contact.tags),
        deepcopy(contact.notes),
        deepcopy(contact.tasks),
        deepcopy(contact.appointments),
        deepcopy(contact.opportunities),
        _contact(contact),
    )


def events(
    before: ReportedContact | None, contact: ContactState | None, location_id: str, *, full_tasks: bool
) -> Iterator[Payload]:
    """The events of a contact that was `before` and is `contact` now; None for one that does not exist."""
    if contact is None:
        if before is not None:
            yield {"type": "ContactDelete", "locationId": location_id, **before.payload}
        return
    payload = _contact(contact)
    if before is None:
        yield {"type": "ContactCreate", "locationId": location_id, **payload}
        before = ReportedContact(fields=contact.fields, custom=contact.custom)
    else:
        dnd = {"dnd", "dndSettings", "inboundDndSettings"}
        changed = {n for n in {*before.fields, *contact.fields} if before.fields.get(n) != contact.fields.get(n)}
        if changed - dnd or before.custom != contact.custom:
            yield {"type": "ContactUpdate", "locationId": location_id, **payload}
        if changed & {"dnd", "dndSettings"}:
            settings = contact.fields.get("dndSettings") or {}
            yield {"type": "ContactDndUpdate", "locationId": location_id, **payload, "dndSettings": settings}
    if sorted(before.tags) != sorted(contact.tags):
        yield {"type": "ContactTagUpdate", "locationId": location_id, **payload}
    yield from _notes(before, contact, location_id)
    yield from _tasks(before, contact, location_id, full_tasks)
    yield from _appointments(before, contact, location_id)
    yield from _opportunities(before, contact, location_id)


def _contact(contact: ContactState) -> Payload:
    fields = {name: contact.fields[name] for name in _FIELDS if contact.fields.get(name) is not None}
    name = " ".join(part for part in (contact.fields.get("firstName"), contact.fields.get("lastName")) if part)
    return {
        "id": contact.id,
        **fields,
        "name": name,
        "dateAdded": iso(contact.added),
        "tags": list(contact.tags),
        "attachments": [],
        "customFields": [{"id": field_id, "value": value} for field_id, value in contact.custom.items()],
    }


def _notes(before: ReportedContact, contact: ContactState, location_id: str) -> Iterator[Payload]:
    def note(type_: str, one: Payload) -> Payload:
        shown = {name: one.get(name) for name in ("id", "body", "dateAdded")}
        return {"type": type_, "locationId": location_id, **shown, "contactId": contact.id}

    for key, one in contact.notes.items():
        if key not in before.notes:
            yield note("NoteCreate", one)
        elif before.notes[key] != one:
            yield note("NoteUpdate", one)
    for key, one in before.notes.items():
        if key not in contact.notes:
            yield note("NoteDelete", one)


def _tasks(before: ReportedContact, contact: ContactState, location_id: str, full: bool) -> Iterator[Payload]:
    def task(type_: str, one: Payload) -> Payload:
        names = ("id", "title", "assignedTo", "dueDate", "dateAdded", *(("body",) if full else ()))
        shown = {name: one[name] for name in names if one.get(name) is not None}
        return {"type": type_, "locationId": location_id, **shown, **({"contactId": contact.id} if full else {})}

    for key, one in contact.tasks.items():
        known = before.tasks.get(key)
        if known is None:
            yield task("TaskCreate", one)
        if one.get("completed") and not (known or {}).get("completed"):
            yield task("TaskComplete", one)
    for key, one in before.tasks.items():
        if key not in contact.tasks:
            yield task("TaskDelete", one)


def _appointments(before: ReportedContact, contact: ContactState, location_id: str) -> Iterator[Payload]:
    def appointment(type_: str, one: Payload) -> Payload:
        shown = {
            name: value
            for name, value in one.items()
            if name not in ("status", "description", "locationId", "assignedResources")
        }
        return {"type": type_, "locationId": location_id, "appointment": {**shown, "source": "booking_widget"}}

    for key, one in contact.appointments.items():
        if key not in before.appointments:
            yield appointment("AppointmentCreate", one)
        elif before.appointments[key] != one:
            yield appointment("AppointmentUpdate", one)
    for key, one in before.appointments.items():
        if key not in contact.appointments:
            yield appointment("AppointmentDelete", one)


_OF_ONE_FIELD = {
    "pipelineStageId": "OpportunityStageUpdate",
    "status": "OpportunityStatusUpdate",
    "monetaryValue": "OpportunityMonetaryValueUpdate",
    "assignedTo": "OpportunityAssignedToUpdate",
}
_OF_OPPORTUNITY = (
    *("id", "assignedTo", "contactId", "monetaryValue", "name", "pipelineId", "pipelineStageId", "source", "status"),
)


def _opportunities(before: ReportedContact, contact: ContactState, location_id: str) -> Iterator[Payload]:
    def opportunity(type_: str, one: Payload) -> Payload:
        shown = {name: one[name] for name in _OF_OPPORTUNITY if one.get(name) is not None}
        return {"type": type_, "locationId": location_id, **shown, "dateAdded": one["createdAt"]}

    for key, one in contact.opportunities.items():
        known = before.opportunities.get(key)
        if known is None:
            yield opportunity("OpportunityCreate", one)
            continue
        changed = {name for name in {*known, *one} - {"updatedAt"} if known.get(name) != one.get(name)}
        if changed:
            yield opportunity("OpportunityUpdate", one)
        for name in sorted(changed & _OF_ONE_FIELD.keys()):
            yield opportunity(_OF_ONE_FIELD[name], one)
    for key, one in before.opportunities.items():
        if key not in contact.opportunities:
            yield opportunity("OpportunityDelete", one)
