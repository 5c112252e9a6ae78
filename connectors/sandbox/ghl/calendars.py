"""The rules of calendars and of the appointments in them.

A place has a calendar `calendar`, in whose team everybody is; more can be seeded.
What a contact's list of appointments shows is less than what is shown by id: no description, and times without offset.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.sandbox.ghl.refusals import GhlRefusal, child_not_found, contact_not_found, invalid
from connectors.sandbox.ghl.requests import GhlRequest, GhlResult, Rule
from connectors.sandbox.ghl.state import CalendarState, ContactState, LocationState, iso

Row = dict[str, Any]

SLOT_SECONDS = 1800.0
_OPTIONS = ("ignoreDateRange", "toNotify", "ignoreFreeSlotValidation")
_SHOWN = ("id", "calendarId", "locationId", "contactId", "title", "startTime", "endTime", "address")
_OVER = ("cancelled", "invalid", "noshow")


def new_calendar(place: LocationState, given: Mapping[str, Any]) -> CalendarState:
    """A calendar for a seed."""
    users = given.get("users")
    return CalendarState(
        given.get("id") or place.new_id(), given.get("name", "Calendar"), None if users is None else tuple(users)
    )


def get_calendar(ask: GhlRequest) -> GhlResult:
    """One calendar, with its team."""
    calendar = _calendar(ask, ask.ids["calendarId"])
    team = [{"userId": one, "priority": 0.5, "isPrimary": False} for one in _team(ask, calendar)]
    shown = {"id": calendar.id, "name": calendar.name, "locationId": ask.place.settings.id, "teamMembers": team}
    return GhlResult({"calendar": {**shown, "isActive": True}}, entity=calendar.id)


def list_appointments(ask: GhlRequest) -> GhlResult:
    """Times without an offset and no description, as GHL gives them here."""
    events = []
    for one in ask.contact().appointments.values():
        shown = {name: value for name, value in one.items() if name != "description"}
        for name in ("startTime", "endTime", "dateAdded", "dateUpdated"):
            shown[name] = one[name][:19].replace("T", " ")
        events.append(shown)
    return GhlResult({"events": events})


def get_appointment(ask: GhlRequest) -> GhlResult:
    """One appointment by its id, times with offset."""
    contact, event = _find(ask)
    return GhlResult({"event": _by_id(event)}, entity=event["id"], contact=contact.id)


def list_events(ask: GhlRequest) -> GhlResult:
    """The appointments of a calendar that start within a span of time."""
    query = ask.query
    if not any(query.get(name) for name in ("calendarId", "userId", "groupId")):
        raise invalid(["Either of userId, groupId or calendarId is required"])
    problems = [f"{name} must be a number string" for name in ("startTime", "endTime") if not _is_number(query, name)]
    if problems:
        raise invalid(problems)
    calendar, user = query.get("calendarId"), query.get("userId")
    found = [
        _by_id(event)
        for _, event in _events(ask.place)
        if calendar in (None, event["calendarId"])
        and user in (None, event["assignedUserId"])
        and int(query["startTime"]) <= _seconds(event["startTime"]) * 1000 <= int(query["endTime"])
    ]
    return GhlResult({"events": found})


def create_appointment(ask: GhlRequest) -> GhlResult:
    """A new appointment, each time it is asked for."""
    contact = ask.place.contacts.get(ask.body["contactId"])
    if contact is None:
        raise contact_not_found(ask.body["contactId"])
    wanted = {name: value for name, value in ask.body.items() if name not in _OPTIONS}
    begins = _seconds(wanted["startTime"])
    wanted.setdefault("endTime", iso(begins + SLOT_SECONDS))
    of_contact = GhlRequest(ask.place, {"contactId": contact.id}, ask.query, ask.body, ask.now)
    event = {"description": "", **new_appointment(of_contact, wanted)}
    _check(ask, event)
    contact.appointments[event["id"]] = event
    return GhlResult(_answered(event), 200, event["id"], True, contact.id)


def edit_appointment(ask: GhlRequest) -> GhlResult:
    """Changes the given fields, and confirms the appointment when no status is among them."""
    contact, event = _find(ask)
    changes = {name: value for name, value in ask.body.items() if name not in _OPTIONS}
    status = changes.get("appointmentStatus", "confirmed")
    after = {**event, **changes, "appointmentStatus": status, "status": status, "dateUpdated": iso(ask.now)}
    _check(ask, after)
    contact.appointments[event["id"]] = after
    return GhlResult(_answered(after), entity=event["id"], changed=True, contact=contact.id)


def delete_event(ask: GhlRequest) -> GhlResult:
    """Gone."""
    contact, event = _find(ask)
    del contact.appointments[event["id"]]
    return GhlResult({"succeeded": True}, 201, event["id"], True, contact.id)


def new_appointment(ask: GhlRequest, given: Mapping[str, Any]) -> Row:
    """An appointment of the contact in the path: times are ISO 8601 with offset."""
    status = given.get("appointmentStatus", "confirmed")
    return {
        "id": ask.place.new_id(),
        "title": "Appointment",
        "calendarId": "calendar",
        "groupId": "",
        "locationId": ask.place.settings.id,
        "contactId": ask.ids["contactId"],
        "assignedUserId": "",
        "users": [],
        "address": "",
        "notes": "",
        "startTime": iso(ask.now),
        "endTime": iso(ask.now + SLOT_SECONDS),
        "dateAdded": iso(ask.now),
        "dateUpdated": iso(ask.now),
        "assignedResources": [],
        **given,
        "appointmentStatus": status,
        "status": status,
    }


def _events(place: LocationState) -> Iterator[tuple[ContactState, Row]]:
    return ((contact, event) for contact in place.contacts.values() for event in contact.appointments.values())


def _find(ask: GhlRequest) -> tuple[ContactState, Row]:
    event_id = ask.ids["eventId"]
    for contact in ask.place.contacts.values():
        if event_id in contact.appointments:
            return contact, contact.appointments[event_id]
    raise child_not_found("Appointment", event_id)


def _calendar(ask: GhlRequest, calendar_id: str) -> CalendarState:
    if calendar_id not in ask.place.calendars:
        raise GhlRefusal(400, f"The calendar {calendar_id} is not found")  # its words are a guess
    return ask.place.calendars[calendar_id]


def _team(ask: GhlRequest, calendar: CalendarState) -> tuple[str, ...]:
    return tuple(ask.place.users) if calendar.users is None else calendar.users


def _check(ask: GhlRequest, event: Row) -> None:
    """What GHL refuses, though each field is well formed. Its words are a guess, but for the team's."""
    calendar = _calendar(ask, event["calendarId"])
    if event["assignedUserId"] and event["assignedUserId"] not in _team(ask, calendar):
        raise GhlRefusal(400, "The user id not part of calendar team.")
    begins, ends = _seconds(event["startTime"]), _seconds(event["endTime"])
    if ends <= begins:
        raise GhlRefusal(400, "The end time must be after the start time.")
    is_taken = any(
        other["id"] != event["id"]
        and other["calendarId"] == calendar.id
        and other["appointmentStatus"] not in _OVER
        and _seconds(other["startTime"]) < ends
        and begins < _seconds(other["endTime"])
        for _, other in _events(ask.place)
    )
    if is_taken and ask.body.get("ignoreFreeSlotValidation") is not True:
        raise GhlRefusal(400, "The slot you have selected is no longer available.")


def _by_id(event: Row) -> Row:
    return {name: value for name, value in event.items() if name != "status"}


def _answered(event: Row) -> Row:
    shown = {name: event[name] for name in (*_SHOWN, "appointmentStatus")}
    return {**shown, "assignedUserId": event["assignedUserId"], "isRecurring": False}


def _seconds(text: str) -> float:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _is_number(query: Mapping[str, str], name: str) -> bool:
    return query.get(name, "").isdigit()


RULES: Mapping[str, Rule] = {
    "get-calendar": get_calendar,
    "get-calendar-events": list_events,
    "get-appointments-for-contact": list_appointments,
    "get-appointment": get_appointment,
    "create-appointment": create_appointment,
    "edit-appointment": edit_appointment,
    "delete-event": delete_event,
}
