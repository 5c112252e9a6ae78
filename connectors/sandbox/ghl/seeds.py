"""Fills a location at the start, and shows its content afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.sandbox.ghl.bodies import demand
from connectors.sandbox.ghl.calendars import new_appointment, new_calendar
from connectors.sandbox.ghl.children import create_note, create_task
from connectors.sandbox.ghl.contacts import put_new
from connectors.sandbox.ghl.dictionaries import new_custom_field, new_user
from connectors.sandbox.ghl.opportunities import create_opportunity, new_lost_reason, new_pipeline
from connectors.sandbox.ghl.requests import GhlRequest
from connectors.sandbox.ghl.sandbox import GhlSandbox
from connectors.sandbox.ghl.state import ContactState
from connectors.sandbox.ghl.views import by_id

_BESIDE = frozenset(("id", "notes", "tasks", "appointments", "opportunities", "additionalEmails"))


def seed(sandbox: GhlSandbox, given: Mapping[str, Any]) -> dict[str, list[str]]:
    """Add users, custom fields (`name`, `dataType`), calendars, pipelines, tags and contacts to `location`; answers with their ids.

    A calendar has an `id`, a `name` and, if wanted, `users`: the ids of its team; without them everybody is in it.
    A pipeline has an `id`, a `name` and `stages`: names, or objects of `id` and `name`. `lostReasons` are names.

    A contact is a body of `create-contact` with, if wanted, an `id`, and lists of `notes`, `tasks`, `appointments`,
    `opportunities` and `additionalEmails`, which no write of the API takes.
    Raises `Refusal` for what the API would refuse, duplicates aside, and `ValueError` for an unknown location.
    """
    location = sandbox.location(given.get("location"))
    now = sandbox.now()
    made: dict[str, list[str]] = {"users": [], "customFields": [], "contacts": []}
    for one in given.get("users", []):
        user = new_user(location, one)
        location.users[user["id"]] = user
        made["users"].append(user["id"])
    for one in given.get("customFields", []):
        field = new_custom_field(location, one)
        location.custom_fields[field["id"]] = field
        made["customFields"].append(field["id"])
    for one in given.get("calendars", []):
        calendar = new_calendar(location, one)
        location.calendars[calendar.id] = calendar
    for one in given.get("pipelines", []):
        pipeline = new_pipeline(location, one)
        location.pipelines[pipeline["id"]] = pipeline
    for name in given.get("lostReasons", []):
        reason = new_lost_reason(location, name, now)
        location.lost_reasons[reason["id"]] = reason
    location.learn_tags([tag.lower() for tag in given.get("tags", [])])
    for one in given.get("contacts", []):
        body = {name: value for name, value in one.items() if name not in _BESIDE}
        body = demand("create-contact", {"locationId": location.settings.id, **body})
        contact = put_new(GhlRequest(location, {}, {}, body, now), one.get("id"))
        made["contacts"].append(contact.id)
        contact.additional_emails = [email.lower() for email in one.get("additionalEmails", [])]
        ids = {"contactId": contact.id}
        for note in one.get("notes", []):
            create_note(GhlRequest(location, ids, {}, demand("create-note", note), now))
        for task in one.get("tasks", []):
            create_task(GhlRequest(location, ids, {}, demand("create-task", task), now))
        for appointment in one.get("appointments", []):
            event = new_appointment(GhlRequest(location, ids, {}, {}, now), appointment)
            contact.appointments[event["id"]] = event
        for opportunity in one.get("opportunities", []):
            body = demand(
                "create-opportunity", {"locationId": location.settings.id, "contactId": contact.id, **opportunity}
            )
            create_opportunity(GhlRequest(location, {}, {}, body, now))
    return made


def shown(contact: ContactState) -> dict[str, Any]:
    """A contact with all that hangs on it; `customFields` as a mapping from field id to value."""
    return by_id(contact) | {
        "customFields": dict(contact.custom),
        "followers": contact.followers,
        "campaigns": contact.campaigns,
        "workflows": contact.workflows,
        "notes": list(contact.notes.values()),
        "tasks": list(contact.tasks.values()),
        "appointments": list(contact.appointments.values()),
        "opportunities": list(contact.opportunities.values()),
    }
