"""One planned step as one call of the GHL client, and its answer as what the receipt must say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from connectors.ghl.client import GhlClient
from connectors.ghl.wire import GhlAppointment, GhlContact, GhlTask
from streams.core.fingerprint import field_hash
from streams.core.to_ghl.opportunity import PIPELINE, chosen
from streams.core.to_ghl.plan import ASSIGNED, CUSTOM, IDENTIFIERS, Call
from streams.worker.dispatch.observation import reported_contact

AROUND = timedelta(days=31)
"""How far from its time an appointment is looked for: somebody may have moved it meanwhile."""


_EMPTY: tuple[Any, ...] = (None, "", [])


@dataclass(frozen=True, slots=True)
class Performed:
    """GHL's answer. `ghl_id` is the id of what was written or found; None after a search that found nothing.

    `dropped` are the fields that GHL's own answer shows to be without the value that was sent. `shown` are
    the hashes of the custom fields' values in it. `shows_none`: it shows none of several custom fields, so perhaps it never shows any.
    `contact` is what was read of a contact, as `reported_contact` gives it.
    `is_new` says that a contact was certainly not there before.
    """

    ghl_id: str | None
    dropped: frozenset[str] = frozenset()
    contact: Mapping[str, Any] | None = None
    is_new: bool = False
    shown: Mapping[str, str] = field(default_factory=dict)
    shows_none: bool = False


async def perform(client: GhlClient, location_id: str, call: Call) -> Performed:
    """Do one step with one request. Raises `ConnectorError` when it did not succeed."""
    if call.step == "read contact":
        contact = await client.get_contact(call.contact_id or "")
        return Performed(contact.id, contact=reported_contact(contact))
    if call.step in ("create contact", "update contact"):
        return await _write_contact(client, location_id, call)
    if call.step in ("create task", "update task"):
        return await _write_task(client, call)
    return Performed(await _STEPS[call.step.partition(" ")[2]](client, location_id, call))


async def _write_contact(client: GhlClient, location_id: str, call: Call) -> Performed:
    body = dict(call.body)
    answered: GhlContact | None
    is_new = call.step == "create contact"
    if is_new:
        answered = await client.create_contact({"locationId": location_id, **_with_names(body)})
    else:
        answered = await client.update_contact(call.contact_id or "", body)
    if answered is None:
        return Performed(call.contact_id)
    dropped, shows_none = _dropped(body, answered)
    shown = {CUSTOM + one.id: field_hash(one.value) for one in answered.custom_fields}
    contact_id = call.contact_id or answered.id
    return Performed(contact_id, dropped, is_new=is_new, shown=shown, shows_none=shows_none)


def _dropped(body: Mapping[str, Any], answered: GhlContact) -> tuple[frozenset[str], bool]:
    """The custom fields and the user that were sent and that an answer is without, and what was to be cleared and is still there.

    It judges only by what the answer shows. One that shows none of several custom fields may be about none of them.
    """
    if "custom_fields" not in answered.model_fields_set:
        return frozenset(), False
    shown = {one.id: one.value not in _EMPTY for one in answered.custom_fields}
    custom = body.get("customFields", ())
    filled = {one["id"] for one in custom if one["field_value"] not in _EMPTY}
    shows_none = len(filled) > 1 and filled.isdisjoint(shown)
    dropped = set() if shows_none else {CUSTOM + field_id for field_id in filled - shown.keys()}
    dropped |= {CUSTOM + one["id"] for one in custom if one["field_value"] in _EMPTY and shown.get(one["id"])}
    if body.get("postalCode") == "" and answered.postal_code:
        dropped.add("postalCode")
    if (user := body.get(ASSIGNED)) and answered.assigned_to != user:
        dropped.add(ASSIGNED)
    return frozenset(dropped), shows_none


async def _perform_contact(client: GhlClient, location_id: str, call: Call) -> str | None:
    contact_id, body = call.contact_id or "", dict(call.body)
    match call.step:
        case "find contact" | "find duplicate":
            return await _find_contact(client, location_id, body, call.marker)
        case "write opt-outs":
            await client.update_contact(contact_id, body)
        case "add tags":
            await client.add_tags(contact_id, body["tags"])
        case "remove tags":
            await client.remove_tags(contact_id, body["tags"])
        case _:
            await client.delete_contact(contact_id)
    return contact_id


def _with_names(body: dict[str, Any]) -> dict[str, Any]:
    """The body of a create by name: GHL wants a first or last name there, and makes them of `name` in other writes only."""
    if any(body.get(name) for name in ("firstName", "lastName", *IDENTIFIERS)):
        return body
    first, _, last = str(body.get("name") or "").partition(" ")
    return {**{name: value for name, value in body.items() if name != "name"}, "firstName": first, "lastName": last}


async def _perform_note(client: GhlClient, _location_id: str, call: Call) -> str | None:
    contact_id, ghl_id, body = call.contact_id or "", call.ghl_id or "", dict(call.body)
    match call.step:
        case "create note":
            return (await client.create_note(contact_id, body)).id
        case "find note":
            notes = await client.list_notes(contact_id)
            return next((note.id for note in notes if call.marker in (note.body or "")), None)
        case "update note":
            await client.update_note(contact_id, ghl_id, body)
        case _:
            await client.delete_note(contact_id, ghl_id)
    return ghl_id or contact_id


async def _write_task(client: GhlClient, call: Call) -> Performed:
    body = dict(call.body)
    if call.step == "create task":
        answered: GhlTask | None = await client.create_task(call.contact_id or "", body)
    else:
        answered = await client.update_task(call.contact_id or "", call.ghl_id or "", body)
    if answered is None:
        return Performed(call.ghl_id)
    # An answer without the title is about the task only in part.
    is_dropped = bool(body.get(ASSIGNED)) and answered.assigned_to != body[ASSIGNED] and answered.title is not None
    return Performed(call.ghl_id or answered.id, frozenset({ASSIGNED} if is_dropped else ()))


async def _perform_task(client: GhlClient, _location_id: str, call: Call) -> str | None:
    contact_id, ghl_id, body = call.contact_id or "", call.ghl_id or "", dict(call.body)
    match call.step:
        case "find task":
            tasks = await client.list_tasks(contact_id)
            return next((task.id for task in tasks if call.marker in (task.body or "")), None)
        case "complete task":
            await client.complete_task(contact_id, ghl_id, completed=bool(body["completed"]))
        case _:
            await client.delete_task(contact_id, ghl_id)
    return ghl_id or contact_id


async def _perform_appointment(client: GhlClient, location_id: str, call: Call) -> str | None:
    contact_id, ghl_id, body = call.contact_id or "", call.ghl_id or "", dict(call.body)
    match call.step:
        case "create appointment":
            fields = {"locationId": location_id, "contactId": contact_id, **body}
            return (await client.create_appointment(fields)).id
        case "find appointment":
            return await _find_appointment(client, location_id, call)
        case "update appointment":
            await client.update_appointment(ghl_id, body)
        case _:
            await client.delete_appointment(ghl_id)
    return ghl_id or contact_id


async def _perform_opportunity(client: GhlClient, location_id: str, call: Call) -> str | None:
    contact_id, ghl_id, body = call.contact_id or "", call.ghl_id or "", dict(call.body)
    match call.step:
        case "create opportunity":
            return (await client.create_opportunity({"locationId": location_id, "contactId": contact_id, **body})).id
        case "find opportunity":
            pipeline_id = body[PIPELINE]
            page = await client.search_opportunities(location_id, contact_id=contact_id, pipeline_id=pipeline_id)
            return chosen(page.opportunities, contact_id, pipeline_id)
        case _:
            await client.update_opportunity(ghl_id, body)
    return ghl_id


_STEPS: Mapping[str, Callable[[GhlClient, str, Call], Awaitable[str | None]]] = {
    "contact": _perform_contact,
    "duplicate": _perform_contact,
    "tags": _perform_contact,
    "opt-outs": _perform_contact,
    "note": _perform_note,
    "task": _perform_task,
    "appointment": _perform_appointment,
    "opportunity": _perform_opportunity,
}
"""By the last word of a step's name: what it is about."""


async def _find_appointment(client: GhlClient, location_id: str, call: Call) -> str | None:
    """Search its calendar in the weeks around the time for which it was made.

    An appointment with the marker is ours. If GHL shows no text, an appointment of the same contact at the same time is ours.
    """
    begins = datetime.fromisoformat(call.body["startTime"])
    span = {"from_ms": _ms(begins - AROUND), "until_ms": _ms(begins + AROUND)}
    events = await client.list_events(location_id, call.body["calendarId"], **span)
    own = [one for one in events if one.contact_id == call.contact_id]
    marked = (one for one in own if call.marker in f"{one.description}\n{one.notes}")
    mute = (one for one in own if not one.description and not one.notes and _begins(one) == begins)
    return next((one.id for one in (*marked, *mute)), None)


def _begins(one: GhlAppointment) -> datetime | None:
    try:
        at = datetime.fromisoformat(one.start_time or "")
    except ValueError:
        return None
    return at if at.tzinfo else None


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


async def _find_contact(client: GhlClient, location_id: str, by: Mapping[str, Any], lofty_id: str) -> str | None:
    field_id = by.get("customField")
    if field_id is None:
        twin = await client.search_duplicate(location_id, email=by.get("email"), number=by.get("phone"))
        return twin.id if twin is not None else None
    found = await client.search_contacts(
        {
            "locationId": location_id,
            "pageLimit": 1,
            "filters": [{"field": f"customFields.{field_id}", "operator": "eq", "value": lofty_id}],
        }
    )
    return next((contact.id for contact in found.contacts), None)
