"""Faults in what GHL holds at the end."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

from tests.chaos.history import History
from tests.chaos.history_planting import Pick, pick_from


def lose_a_contact(history: History, pick: Pick[Any]) -> History:
    """A contact is not there."""
    contacts, contact = _some_contact(history, pick)
    _contacts_of(contacts, contact).remove(contact)
    return replace(history, contacts=contacts)


def lose_a_note(history: History, pick: Pick[Any]) -> History:
    """A note is not there."""
    contacts, contact = _some_contact(history, pick, "notes")
    contact["notes"].remove(pick(contact["notes"]))
    return replace(history, contacts=contacts)


def lose_a_task(history: History, pick: Pick[Any]) -> History:
    """A task, or an appointment that stands as one, is not there."""
    contacts, contact = _some_contact(history, pick, "tasks")
    contact["tasks"].remove(pick(contact["tasks"]))
    return replace(history, contacts=contacts)


def lose_an_appointment(history: History, pick: Pick[Any]) -> History:
    """An appointment is not in its calendar."""
    contacts, contact = _some_contact(history, pick, "appointments")
    contact["appointments"].remove(pick(contact["appointments"]))
    return replace(history, contacts=contacts)


def change_a_field(history: History, pick: Pick[Any]) -> History:
    """A contact's field is not as the mapping says."""
    contacts, contact = _some_contact(history, pick)
    contact[pick(["firstName", "lastName", "city"])] = "Nowhere"
    return replace(history, contacts=contacts)


def change_a_note(history: History, pick: Pick[Any]) -> History:
    """A note's text is not as the mapping says; its mark is."""
    contacts, contact = _some_contact(history, pick, "notes")
    note = pick(contact["notes"])
    note["body"] = "Not what was said.\n\n" + note["body"].rsplit("\n", 1)[-1]
    return replace(history, contacts=contacts)


def change_an_appointment(history: History, pick: Pick[Any]) -> History:
    """An appointment has another time or status, or is in another calendar."""
    contacts, contact = _some_contact(history, pick, "appointments")
    changes = ("startTime", "2030-01-01T00:00:00Z"), ("appointmentStatus", "cancelled"), ("calendarId", "another")
    name, value = pick(changes)
    pick(contact["appointments"])[name] = value
    return replace(history, contacts=contacts)


def make_a_task_of_an_appointment(history: History, pick: Pick[Any]) -> History:
    """What belongs into the calendar stands as a task."""
    contacts, contact = _some_contact(history, pick, "appointments")
    event = pick(contact["appointments"])
    contact["appointments"].remove(event)
    contact["tasks"].append(_as_a_task(event))
    return replace(history, contacts=contacts)


def add_a_tag(history: History, pick: Pick[Any]) -> History:
    """The contact has a tag that the lead does not have."""
    contacts, contact = _some_contact(history, pick)
    contact["tags"].append("stray")
    return replace(history, contacts=contacts)


def leave_a_ghost(history: History, pick: Pick[Any]) -> History:
    """GHL holds a note that Lofty does not hold, or no longer holds."""
    contacts, contact = _some_contact(history, pick)
    contact["notes"].append({"id": "ghost", "body": "Long gone.\n\n[lofty-note:1]"})
    return replace(history, contacts=contacts)


def leave_a_ghost_in_the_calendar(history: History, pick: Pick[Any]) -> History:
    """GHL holds an appointment that Lofty does not hold, or no longer holds."""
    contacts, contact = _some_contact(history, pick, "appointments")
    event = pick(contact["appointments"])
    contact["appointments"].append({**event, "id": "ghost", "description": "Long gone.\n\n[lofty-appointment:1]"})
    return replace(history, contacts=contacts)


def double_a_standing_appointment(history: History, pick: Pick[Any]) -> History:
    """Two appointments of a calendar have one marker."""
    contacts, contact = _some_contact(history, pick, "appointments")
    contact["appointments"].append({**pick(contact["appointments"]), "id": "twin"})
    return replace(history, contacts=contacts)


def double_a_standing_appointment_as_a_task(history: History, pick: Pick[Any]) -> History:
    """An appointment is in its calendar, and a task as well."""
    contacts, contact = _some_contact(history, pick, "appointments")
    contact["tasks"].append(_as_a_task(pick(contact["appointments"])))
    return replace(history, contacts=contacts)


def double_a_standing_note(history: History, pick: Pick[Any]) -> History:
    """Two notes have one marker."""
    contacts, contact = _some_contact(history, pick, "notes")
    contact["notes"].append({**pick(contact["notes"]), "id": "twin"})
    return replace(history, contacts=contacts)


def double_a_standing_contact(history: History, pick: Pick[Any]) -> History:
    """Two contacts have one lead's id."""
    contacts, contact = _some_contact(history, pick)
    _contacts_of(contacts, contact).append({**contact, "id": "twin", "notes": [], "tasks": [], "appointments": []})
    return replace(history, contacts=contacts)


def _some_contact(
    history: History, pick: Pick[Any], having: str = ""
) -> tuple[Mapping[str, Mapping[str, Any]], dict[str, Any]]:
    """A copy of everything that stands, and a contact in it of a lead that lives."""
    copy: Mapping[str, Mapping[str, Any]] = deepcopy(dict(history.contacts))
    every = [one for found in copy.values() for one in found["contacts"]]
    return copy, pick_from(
        pick, (one for one in every if "lofty-deleted" not in one["tags"] and (not having or one[having]))
    )


def _as_a_task(event: Mapping[str, Any]) -> dict[str, Any]:
    """An appointment of a calendar, as the task that it would be without one."""
    facts = {"title": event["title"], "body": event["description"], "dueDate": event["startTime"]}
    return {"id": "as a task", "completed": False, **facts}


def _contacts_of(contacts: Mapping[str, Mapping[str, Any]], contact: dict[str, Any]) -> list[dict[str, Any]]:
    return next(found["contacts"] for found in contacts.values() if contact in found["contacts"])
