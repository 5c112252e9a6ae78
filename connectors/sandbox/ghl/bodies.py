"""The strict bodies: what each endpoint takes, and GHL's words (those of class-validator) for what it does not.

Written apart from the client's allow-lists on purpose: a mistake in one is found by the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.sandbox.ghl.refusals import invalid

Check = Callable[[Any], str | None]
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_DATE = re.compile(r"\d{4}([/._-])\d{1,2}\1\d{1,2}(T.*)?|\d{1,2}([/._-])\d{1,2}\3\d{4}")


def _string(value: Any) -> str | None:
    return None if isinstance(value, str) else "must be a string"


def _nullable(value: Any) -> str | None:
    return None if value is None or isinstance(value, str) else "must be a string"


def _filled(value: Any) -> str | None:
    if not isinstance(value, str):
        return "must be a string"
    return None if value.strip() else "should not be empty"


def _boolean(value: Any) -> str | None:
    return None if isinstance(value, bool) else "must be a boolean value"


def _number(value: Any) -> str | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return None if is_number else "must be a number conforming to the specified constraints"


def _strings(value: Any) -> str | None:
    if not isinstance(value, list):
        return "must be an array"
    return None if all(isinstance(one, str) for one in value) else "each value must be a string"


def _array(value: Any) -> str | None:
    return None if isinstance(value, list) else "must be an array"


def _email(value: Any) -> str | None:
    if value is None or value == "":
        return None
    return None if isinstance(value, str) and _EMAIL.fullmatch(value) else "must be an email"


def _moment(value: Any) -> str | None:
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return "must be a valid ISO 8601 date string"
    return None


def _date(value: Any) -> str | None:
    if value is None or value == "":
        return None
    return None if isinstance(value, str) and _DATE.fullmatch(value) else "must be a valid date"


def _custom_fields(value: Any) -> str | None:
    if not isinstance(value, list):
        return "must be an array"
    known = {"id", "key", "field_key", "field_value"}
    for one in value:
        if not isinstance(one, dict):
            return "each value must be an object"
        if unknown := one.keys() - known:
            return f"each value should not have {sorted(unknown)}"
    return None


def _one_of(*values: str) -> Check:
    return lambda value: None if value in values else f"must be one of the following values: {', '.join(values)}"


def _nested(fields: Mapping[str, Check], required: tuple[str, ...] = ()) -> Check:
    """An object within the body, as strict as the body. Its problem begins with a dot and names the inner field."""

    def check(value: Any) -> str | None:
        if not isinstance(value, dict):
            return "must be an object"
        for name, one in value.items():
            if name not in fields:
                return f".property {name} should not exist"
            if (problem := fields[name](one)) is not None:
                return f".{name}{problem}" if problem.startswith(".") else f".{name} {problem}"
        return next((f".{name} should not be empty" for name in required if name not in value), None)

    return check


@dataclass(frozen=True, slots=True)
class Body:
    """What one endpoint takes."""

    fields: Mapping[str, Check]
    required: tuple[str, ...] = ()


_CHANNEL = _nested(
    {"status": _one_of("active", "inactive", "permanent"), "message": _string, "code": _string}, ("status",)
)
_INBOUND = _nested({"status": _one_of("active", "inactive"), "message": _string}, ("status",))
_TEXTS = ("firstName", "lastName", "name", "phone", "address1", "city", "state", "website", "timezone")
_ANY_CONTACT: dict[str, Check] = {
    **dict.fromkeys(_TEXTS, _nullable),
    "postalCode": _string,
    "country": _string,
    "source": _nullable,
    "email": _email,
    "assignedTo": _nullable,
    "dnd": _boolean,
    "dndSettings": _nested(dict.fromkeys(("Call", "Email", "SMS", "WhatsApp", "GMB", "FB"), _CHANNEL)),
    "inboundDndSettings": _nested({"all": _INBOUND}),
    "tags": _strings,
    "customFields": _custom_fields,
    "dateOfBirth": _date,
}
_NEW_CONTACT: dict[str, Check] = {
    **_ANY_CONTACT,
    # By GHL's document these two may be null in a PUT, and not in a create or upsert.
    "source": _string,
    "assignedTo": _string,
    "locationId": _filled,
    "companyName": _nullable,
    "gender": _string,
}
_TASK: dict[str, Check] = {
    "title": _filled,
    "body": _string,
    "dueDate": _moment,
    "completed": _boolean,
    "assignedTo": _string,
}
_NOTE: dict[str, Check] = {"body": _filled, "userId": _string, "title": _string, "color": _string, "pinned": _boolean}
_STATUS = _one_of("new", "confirmed", "cancelled", "showed", "noshow", "invalid")
_APPOINTMENT: dict[str, Check] = {
    **dict.fromkeys(("title", "assignedUserId", "description", "address", "meetingLocationId", "rrule"), _string),
    **dict.fromkeys(("ignoreDateRange", "toNotify", "ignoreFreeSlotValidation", "overrideLocationConfig"), _boolean),
    "meetingLocationType": _one_of("custom", "zoom", "gmeet", "phone", "address", "ms_teams", "google"),
    "calendarId": _filled,
    "startTime": _moment,
    "endTime": _moment,
    "appointmentStatus": _STATUS,
}
_OPPORTUNITY: dict[str, Check] = {
    **dict.fromkeys(("pipelineId", "name", "pipelineStageId", "assignedTo"), _string),
    "status": _one_of("open", "won", "lost", "abandoned", "all"),
    "monetaryValue": _number,
}
_CUSTOM_OPPORTUNITY: dict[str, Check] = {**_OPPORTUNITY, "customFields": _custom_fields}
_DETAILS = ("notes", "tasks", "calendarEvents", "unReadConversations")
_TAGS = Body({"tags": _strings}, ("tags",))
_FOLLOWERS = Body({"followers": _strings}, ("followers",))
_WORKFLOW = Body({"eventStartTime": _string})

BODIES: Mapping[str, Body] = {
    "create-contact": Body(_NEW_CONTACT, ("locationId",)),
    "upsert-contact": Body({**_NEW_CONTACT, "createNewIfDuplicateAllowed": _boolean}, ("locationId",)),
    "update-contact": Body(_ANY_CONTACT),
    "search-contacts-advanced": Body(
        {
            "locationId": _filled,
            "pageLimit": _number,
            "page": _number,
            "searchAfter": _array,
            "filters": _array,
            "sort": _array,
            "query": _string,
        },
        ("locationId", "pageLimit"),
    ),
    "create-task": Body(_TASK, ("title", "dueDate", "completed")),
    "update-task": Body(_TASK),
    "update-task-completed": Body({"completed": _boolean}, ("completed",)),
    "create-note": Body(_NOTE, ("body",)),
    "update-note": Body(_NOTE),
    "add-tags": _TAGS,
    "remove-tags": _TAGS,
    "add-followers-contact": _FOLLOWERS,
    "remove-followers-contact": _FOLLOWERS,
    "add-contact-to-campaign": Body({}),
    "add-contact-to-workflow": _WORKFLOW,
    "delete-contact-from-workflow": _WORKFLOW,
    "create-association": Body(
        {"contacts": _strings, "tags": _strings, "locationId": _filled, "removeAllTags": _boolean},
        ("contacts", "tags", "locationId"),
    ),
    "add-remove-contact-from-business": Body(
        {"locationId": _filled, "ids": _strings, "businessId": _nullable}, ("locationId", "ids", "businessId")
    ),
    "task-search": Body(
        {
            "contactId": _strings,
            "completed": _boolean,
            "assignedTo": _strings,
            "query": _string,
            "limit": _number,
            "skip": _number,
            "businessId": _string,
        }
    ),
    "create-appointment": Body(
        {**_APPOINTMENT, "locationId": _filled, "contactId": _filled},
        ("calendarId", "locationId", "contactId", "startTime"),
    ),
    "edit-appointment": Body(_APPOINTMENT),
    "delete-event": Body({}),
    "create-custom-field": Body(
        {
            "name": _filled,
            "dataType": _filled,
            "placeholder": _string,
            "acceptedFormat": _strings,
            "isMultipleFile": _boolean,
            "maxNumberOfFiles": _number,
            "textBoxListOptions": _array,
            "position": _number,
            "model": _one_of("contact", "opportunity"),
        },
        ("name", "dataType"),
    ),
    "create-opportunity": Body(
        {**_CUSTOM_OPPORTUNITY, "locationId": _filled, "contactId": _filled},
        ("pipelineId", "locationId", "name", "status", "contactId"),
    ),
    "update-opportunity": Body(_CUSTOM_OPPORTUNITY),
    "update-opportunity-status": Body({"status": _OPPORTUNITY["status"], "lostReasonId": _string}, ("status",)),
    "Upsert-opportunity": Body(
        {
            **_OPPORTUNITY,
            **dict.fromkeys(("id", "lostReasonId"), _string),
            "locationId": _filled,
            "followers": _strings,
            "isRemoveAllFollowers": _boolean,
            "followersActionType": _one_of("add", "remove"),
        },
        ("pipelineId", "locationId", "followers", "isRemoveAllFollowers", "followersActionType"),
    ),
    "search-opportunities-advanced": Body(
        {
            "locationId": _filled,
            "query": _string,
            "limit": _number,
            "page": _number,
            "searchAfter": _strings,
            "additionalDetails": _nested(dict.fromkeys(_DETAILS, _boolean), _DETAILS),
        },
        ("locationId", "query", "limit", "page", "searchAfter", "additionalDetails"),
    ),
    "add-followers-opportunity": _FOLLOWERS,
    "remove-followers-opportunity": _FOLLOWERS,
    "create-custom-value": Body({"name": _filled, "value": _string}, ("name", "value")),
    "update-custom-value": Body({"name": _filled, "value": _string}, ("name", "value")),
}


_IN_QUERY: Mapping[str, str] = {
    **dict.fromkeys(
        (
            *("get-duplicate-contact", "get-contacts", "get-contacts-by-businessId", "get-user-by-location"),
            *("get-calendar-events", "get-pipelines", "get-lost-reason"),
        ),
        "locationId",
    ),
    "search-opportunity": "location_id",
}
"""The operations that want the location's id in their query, and by which name."""


def demand_query(operation: str, query: Mapping[str, str]) -> None:
    """Raises the 422 of a query without the location's id, where it is required."""
    name = _IN_QUERY.get(operation)
    if name is not None and not query.get(name):
        raise invalid([f"{name} should not be empty"])


def demand(operation: str, body: Any) -> dict[str, Any]:
    """The body when it is what the endpoint takes. Raises the 422 that lists all that is wrong."""
    shape = BODIES.get(operation)
    if shape is None:
        return {}
    given = {} if body is None else body
    if not isinstance(given, dict):
        raise invalid(["body must be an object"])
    problems = []
    for name, value in given.items():
        check = shape.fields.get(name)
        if check is None:
            problems.append(f"property {name} should not exist")
        elif (problem := check(value)) is not None:
            problems.append(f"{name}{problem}" if problem.startswith(".") else f"{name} {problem}")
    problems += [f"{name} should not be empty" for name in shape.required if name not in given]
    if problems:
        raise invalid(problems)
    return given
