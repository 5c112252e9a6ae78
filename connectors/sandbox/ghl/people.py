"""What a person does in GHL: any write of the API, and appointments; without a token, limits or a line in the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.sandbox.ghl.bodies import demand
from connectors.sandbox.ghl.calendars import new_appointment
from connectors.sandbox.ghl.refusals import event_not_found
from connectors.sandbox.ghl.requests import GhlRequest, touch
from connectors.sandbox.ghl.rules import RULES
from connectors.sandbox.ghl.sandbox import GhlSandbox
from connectors.sandbox.ghl.state import LocationState, iso
from connectors.sandbox.ghl.views import by_id

STOP = "text-stop"
"""The contact answers a text with STOP: its SMS channel closes for good, and no webhook says so."""

APPOINTMENTS = ("book-appointment", "change-appointment", "remove-appointment")
DICTIONARIES = ("remove-custom-field", "change-custom-field", "remove-user")


def act(sandbox: GhlSandbox, given: Mapping[str, Any]) -> dict[str, Any]:
    """Do one thing: `{"do": operation, "location": …, "ids": {…}, "body": {…}}`; returns what the API would answer.

    `do` is the name of a write in GHL's documents, or one of `APPOINTMENTS` (`ids` then has `contactId`, and `eventId` for
    one that exists; `body` has the appointment's fields, times in ISO 8601 with offset), `STOP`, or one of `DICTIONARIES`
    (`ids` has `fieldId` or `userId`; `body` has what changes of a custom field, such as its `picklistOptions`).
    Raises `Refusal` for what GHL would refuse, `ValueError` for an unknown operation or location.
    """
    location, ids, body = sandbox.location(given.get("location")), dict(given.get("ids") or {}), given.get("body") or {}
    name = str(given.get("do"))
    if name == STOP:
        request = GhlRequest(location, ids, {}, {}, sandbox.now())
        contact = request.contact()
        closed = {"status": "permanent", "message": "STOP", "code": "sms"}
        contact.fields["dndSettings"] = {**(contact.fields.get("dndSettings") or {}), "SMS": closed}
        touch(request, contact)
        sandbox.overlook_changes(contact)
        return {"contact": by_id(contact)}
    if name in APPOINTMENTS:
        answer = _appointment(GhlRequest(location, ids, {}, dict(body), sandbox.now()), name)
        changed = ids["contactId"]
    elif name in DICTIONARIES:
        return _dictionary(location, name, ids, body)
    elif name in RULES:
        if name in ("create-contact", "upsert-contact", "create-opportunity"):
            body = {"locationId": location.settings.id, **body}
        done = RULES[name](GhlRequest(location, ids, {}, demand(name, body), sandbox.now()))
        answer, changed = done.content, str(ids.get("contactId") or done.parent or done.entity or "")
    else:
        known = ", ".join((*APPOINTMENTS, STOP, *DICTIONARIES))
        raise ValueError(f"no operation {name!r}: a write of GHL's API, or one of {known}")
    sandbox.report_changes(location, changed)
    return dict(answer)


def _dictionary(location: LocationState, name: str, ids: Mapping[str, str], body: Mapping[str, Any]) -> dict[str, Any]:
    """Nothing of this is reported by webhook. With a custom field all contacts lose its values."""
    if name == "remove-user":
        return {"user": location.users.pop(ids["userId"])}
    field_id = ids["fieldId"]
    if name == "change-custom-field":
        location.custom_fields[field_id] |= body
        return {"customField": location.custom_fields[field_id]}
    for contact in location.contacts.values():
        contact.custom.pop(field_id, None)
    return {"customField": location.custom_fields.pop(field_id)}


def _appointment(request: GhlRequest, name: str) -> dict[str, Any]:
    booked = request.contact().appointments
    if name == "book-appointment":
        made = new_appointment(request, request.body)
        booked[made["id"]] = made
        return {"event": made}
    event_id = request.ids["eventId"]
    if event_id not in booked:
        raise event_not_found()
    if name == "remove-appointment":
        return {"event": booked.pop(event_id)}
    status = request.body.get("appointmentStatus", booked[event_id]["appointmentStatus"])
    booked[event_id] |= {**request.body, "status": status, "dateUpdated": iso(request.now)}
    return {"event": booked[event_id]}
