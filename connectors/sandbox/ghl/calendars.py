"""The rules of calendars and of the appointments in them.

A place has a calendar `calendar`, in whose team everybody is; more can be seeded.
What a contact's list of appointments shows is less than what is shown by id: no description, and times without offset.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.sandbox.ghl.refusals import GhlRefusal, contact_not_found, event_not_found, invalid
from connectors.sandbox.ghl.requests import GhlRequest, Rule
from connectors.sandbox.ghl.state import CalendarState, ContactState, LocationState, iso
from connectors.sandbox.shared.sandbox import RuleResult

Row = dict[str, Any]

SLOT_SECONDS = 1800.0
_OPTIONS = ("ignoreDateRange", "toNotify", "ignoreFreeSlotValidation")
_SHOWN = ("id", "calendarId", "locationId", "contactId", "title", "startTime", "endTime", "address")
_OVER = ("cancelled", "invalid", "noshow")


def new_calendar(location: LocationState, given: Mapping[str, Any]) -> CalendarState:
    """A calendar for a seed."""
    users = given.get("users")
    return CalendarState(
        given.get("id") or location.new_id(), given.get("name", "Calendar"), None if users is None else tuple(users)
    )


def get_calendar(request: GhlRequest) -> RuleResult:
    """One calendar, with its team."""
    calendar = _calendar(request, request.ids["calendarId"])
    team = [{"userId": one, "priority": 0.5, "isPrimary": False} for one in _team(request, calendar)]
    shown = {"id": calendar.id, "name": calendar.name, "locationId": request.location.settings.id, "teamMembers": team}
    return RuleResult({"calendar": {**shown, "isActive": True}}, entity=calendar.id)


def list_appointments(request: GhlRequest) -> RuleResult:
    """Times without an offset and no description, as GHL gives them here."""
    events = []
    for one in request.contact().appointments.values():
        shown = {name: value for name, value in one.items() if name != "description"}
        for name in ("startTime", "endTime", "dateAdded", "dateUpdated"):
            shown[name] = one[name][:19].replace("T", " ")
        events.append(shown)
    return RuleResult({"events": events})


def get_appointment(request: GhlRequest) -> RuleResult:
    """One appointment by its id, times with offset."""
    contact, event = _find(request)
    return RuleResult({"event": _by_id(event)}, entity=event["id"], parent=contact.id)


def list_events(request: GhlRequest) -> RuleResult:
    """The appointments of a calendar that start within a span of time."""
    query = request.query
    if not any(query.get(name) for name in ("calendarId", "userId", "groupId")):
        raise invalid(["Either of userId, groupId or calendarId is required"])
    problems = [f"{name} must be a number string" for name in ("startTime", "endTime") if not _is_number(query, name)]
    if problems:
        raise invalid(problems)
    calendar, user = query.get("calendarId"), query.get("userId")
    found = [
        _by_id(event)
        for _, event in _events(request.location)
        if calendar in (None, event["calendarId"])
        and user in (None, event["assignedUserId"])
        and int(query["startTime"]) <= _seconds(event["startTime"]) * 1000 <= int(query["endTime"])
    ]
    return RuleResult({"events": found})


def create_appointment(request: GhlRequest) -> RuleResult:
    """A new appointment, each time it is asked for."""
    contact = request.location.contacts.get(request.body["contactId"])
    if contact is None:
        raise contact_not_found(request.body["contactId"])
    wanted = {name: value for name, value in request.body.items() if name not in _OPTIONS}
    begins = _seconds(wanted["startTime"])
    wanted.setdefault("endTime", iso(begins + SLOT_SECONDS))
    of_contact = GhlRequest(request.location, {"contactId": contact.id}, request.query, request.body, request.now)
    event = {"description": "", **new_appointment(of_contact, wanted)}
    _check(request, event)
    contact.appointments[event["id"]] = event
    return RuleResult(_answered(event), 200, event["id"], True, contact.id)


def edit_appointment(request: GhlRequest) -> RuleResult:
    """Changes the given fields, and confirms the appointment when no status is among them."""
    contact, event = _find(request)
    changes = {name: value for name, value in request.body.items() if name not in _OPTIONS}
    status = changes.get("appointmentStatus", "confirmed")
    after = {**event, **changes, "appointmentStatus": status, "status": status, "dateUpdated": iso(request.now)}
    _check(request, after)
    contact.appointments[event["id"]] = after
    return RuleResult(_answered(after), entity=event["id"], changed=True, parent=contact.id)


def delete_event(request: GhlRequest) -> RuleResult:
    """Gone."""
    contact, event = _find(request)
    del contact.appointments[event["id"]]
    return RuleResult({"succeeded": True}, 201, event["id"], True, contact.id)


def new_appointment(request: GhlRequest, given: Mapping[str, Any]) -> Row:
    """An appointment of the contact in the path: times are ISO 8601 with offset."""
    status = given.get("appointmentStatus", "confirmed")
    return {
        "id": request.location.new_id(),
        "title": "Appointment",
        "calendarId": "calendar",
        "groupId": "",
        "locationId": request.location.settings.id,
        "contactId": request.ids["contactId"],
        "assignedUserId": "",
        "users": [],
        "address": "",
        "notes": "",
        "startTime": iso(request.now),
        "endTime": iso(request.now + SLOT_SECONDS),
        "dateAdded": iso(request.now),
        "dateUpdated": iso(request.now),
        "assignedResources": [],
        **given,
        "appointmentStatus": status,
        "status": status,
    }


def _events(location: LocationState) -> Iterator[tuple[ContactState, Row]]:
    return ((contact, event) for contact in location.contacts.values() for event in contact.appointments.values())


def _find(request: GhlRequest) -> tuple[ContactState, Row]:
    event_id = request.ids["eventId"]
    for contact in request.location.contacts.values():
        if event_id in contact.appointments:
            return contact, contact.appointments[event_id]
    raise event_not_found()


def _calendar(request: GhlRequest, calendar_id: str) -> CalendarState:
    if calendar_id not in request.location.calendars:
        raise GhlRefusal(400, f"The calendar {calendar_id} is not found")  # its words are a guess
    return request.location.calendars[calendar_id]


def _team(request: GhlRequest, calendar: CalendarState) -> tuple[str, ...]:
    return tuple(request.location.users) if calendar.users is None else calendar.users


def _check(request: GhlRequest, event: Row) -> None:
    """What GHL refuses, though each field is well formed. Its words are a guess, but for the team's."""
    calendar = _calendar(request, event["calendarId"])
    if event["assignedUserId"] and event["assignedUserId"] not in _team(request, calendar):
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
        for _, other in _events(request.location)
    )
    if is_taken and request.body.get("ignoreFreeSlotValidation") is not True:
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
