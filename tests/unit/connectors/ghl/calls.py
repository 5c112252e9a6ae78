"""Every operation of the catalogue, called once: what must leave, what GHL answers, what must be read out of it.

The unit tests send them to a function, the contract tests hold them against GHL's documents and against the sandbox.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.ghl.client import GhlClient

LOCATION, CONTACT, TASK, NOTE, USER, FIELD, EVENT = "loc1", "con1", "tas1", "not1", "use1", "fie1", "eve1"
WHOLE_CONTACT: Mapping[str, Any] = {
    "firstName": "Ann",
    "lastName": "Vale",
    "name": "Ann Vale",
    "email": "ann@example.com",
    "phone": "+12025550123",
    "address1": "1 Main Street",
    "city": "Austin",
    "state": "TX",
    "postalCode": "73301",
    "country": "US",
    "website": "https://example.com",
    "timezone": "America/Chicago",
    "source": "lofty",
    "assignedTo": USER,
    "dateOfBirth": "1990-09-25",
    "customFields": [{"id": FIELD, "field_value": "L-1"}],
}
FILTERS = [{"field": "email", "operator": "eq", "value": "ann@example.com"}]
DUE = "2026-10-25T11:00:00Z"


@dataclass(frozen=True, slots=True)
class Case:
    """One call. `sent` is method and target, `body` the JSON that leaves (None: no body), `read` what comes out."""

    operation: str
    call: Callable[[GhlClient], Awaitable[Any]]
    sent: str
    body: Mapping[str, Any] | None
    answer: Mapping[str, Any]
    take: Callable[[Any], Any] = lambda result: result
    read: Any = None


def _id(result: Any) -> Any:
    return result.id


def _ids(result: Any) -> Any:
    return [one.id for one in result]


_CONTACT = {"contact": {"id": CONTACT}}
_CONTACTS = {"contacts": [{"id": CONTACT}], "count": 1}
_DONE = {"succeded": True}
_NEW = {"locationId": LOCATION, **WHOLE_CONTACT, "companyName": "Vale Ltd", "gender": "female"}
_TASK_BODY = {"title": "Call", "body": "[lofty:1]", "dueDate": DUE, "completed": False, "assignedTo": USER}
_NOTE_BODY = {"body": "Hello [lofty:1]", "userId": USER, "title": "First", "color": "#FFAA00", "pinned": False}

CONTACT_CASES = (
    Case("get-contact", lambda c: c.get_contact(CONTACT), "GET /contacts/con1", None, _CONTACT, _id, CONTACT),
    Case("create-contact", lambda c: c.create_contact({**_NEW, "tags": ["a"]}), "POST /contacts/",
         {**_NEW, "tags": ["a"]}, _CONTACT, _id, CONTACT),
    Case("upsert-contact", lambda c: c.upsert_contact(_NEW), "POST /contacts/upsert", _NEW,
         {"new": True, **_CONTACT, "traceId": "t"},
         lambda r: (r.contact.id, r.is_new, r.trace_id), (CONTACT, True, "t")),
    Case("update-contact", lambda c: c.update_contact(CONTACT, WHOLE_CONTACT), "PUT /contacts/con1", WHOLE_CONTACT,
         {**_DONE, **_CONTACT}, _id, CONTACT),
    Case("delete-contact", lambda c: c.delete_contact(CONTACT), "DELETE /contacts/con1", None, _DONE),
    Case("search-contacts-advanced",
         lambda c: c.search_contacts({"locationId": LOCATION, "pageLimit": 20, "page": 2, "filters": FILTERS}),
         "POST /contacts/search", {"locationId": LOCATION, "pageLimit": 20, "page": 2, "filters": FILTERS},
         {"contacts": [{"id": CONTACT, "firstNameLowerCase": "ann", "searchAfter": [7, CONTACT]}], "total": 41},
         lambda r: (r.contacts[0].first_name, r.total, r.search_after), ("ann", 41, (7, CONTACT))),
    Case("search-contacts-advanced",
         lambda c: c.search_contacts({"locationId": LOCATION, "pageLimit": 20, "searchAfter": [7, CONTACT]}),
         "POST /contacts/search", {"locationId": LOCATION, "pageLimit": 20, "searchAfter": [7, CONTACT]},
         {"contacts": [], "total": 41}, lambda r: (r.contacts, r.search_after), ((), None)),
    Case("get-duplicate-contact",
         lambda c: c.search_duplicate(LOCATION, number="+12025550123", email="a+b@example.com"),
         "GET /contacts/search/duplicate?locationId=loc1&number=%2B12025550123&email=a%2Bb%40example.com", None,
         _CONTACT, _id, CONTACT),
    Case("get-duplicate-contact", lambda c: c.search_duplicate(LOCATION, email="ann@example.com"),
         "GET /contacts/search/duplicate?locationId=loc1&email=ann%40example.com", None, {"contact": None}),
    Case("get-contacts",
         lambda c: c.list_contacts(LOCATION, limit=20, start_after=1600, start_after_id=CONTACT, query="ann"),
         "GET /contacts/?locationId=loc1&limit=20&startAfter=1600&startAfterId=con1&query=ann", None, _CONTACTS,
         lambda r: (r.contacts[0].id, r.total), (CONTACT, 1)),
    Case("get-contacts-by-businessId",
         lambda c: c.list_contacts_of_business("bus1", LOCATION, limit=25, skip=5, query="ann"),
         "GET /contacts/business/bus1?locationId=loc1&limit=25&skip=5&query=ann", None, _CONTACTS,
         lambda r: (r.contacts[0].id, r.total), (CONTACT, 1)),
    Case("get-appointments-for-contact", lambda c: c.list_appointments(CONTACT), "GET /contacts/con1/appointments",
         None, {"events": [{"id": EVENT, "startTime": "2021-07-16 11:00:00"}]}, lambda r: (r[0].id, r[0].start_time),
         (EVENT, "2021-07-16 11:00:00")),
)  # fmt: skip

TASK_CASES = (
    Case("get-all-tasks", lambda c: c.list_tasks(CONTACT), "GET /contacts/con1/tasks", None,
         {"tasks": [{"id": TASK, "title": "Call", "dueDate": DUE, "completed": True}]},
         lambda r: (r[0].id, r[0].title, r[0].due_date, r[0].completed), (TASK, "Call", DUE, True)),
    Case("get-task", lambda c: c.get_task(CONTACT, TASK), "GET /contacts/con1/tasks/tas1", None,
         {"task": {"id": TASK}}, _id, TASK),
    Case("create-task", lambda c: c.create_task(CONTACT, _TASK_BODY), "POST /contacts/con1/tasks", _TASK_BODY,
         {"task": {"id": TASK}}, _id, TASK),
    Case("update-task", lambda c: c.update_task(CONTACT, TASK, _TASK_BODY), "PUT /contacts/con1/tasks/tas1",
         _TASK_BODY, {"task": {"id": TASK}}, _id, TASK),
    Case("update-task-completed", lambda c: c.complete_task(CONTACT, TASK, completed=True),
         "PUT /contacts/con1/tasks/tas1/completed", {"completed": True}, {"task": {"id": TASK}}, _id, TASK),
    Case("delete-task", lambda c: c.delete_task(CONTACT, TASK), "DELETE /contacts/con1/tasks/tas1", None, _DONE),
    Case("task-search", lambda c: c.search_tasks(LOCATION, {"contactId": [CONTACT], "completed": False, "limit": 25}),
         "POST /locations/loc1/tasks/search", {"contactId": [CONTACT], "completed": False, "limit": 25},
         {"tasks": [[{"_id": TASK, "title": "Call"}]]}, _ids, [TASK]),
)  # fmt: skip

NOTE_CASES = (
    Case("get-all-notes", lambda c: c.list_notes(CONTACT), "GET /contacts/con1/notes", None,
         {"notes": [{"id": NOTE, "body": "Hello"}]}, lambda r: (r[0].id, r[0].body), (NOTE, "Hello")),
    Case("get-note", lambda c: c.get_note(CONTACT, NOTE), "GET /contacts/con1/notes/not1", None,
         {"note": {"id": NOTE}}, _id, NOTE),
    Case("create-note", lambda c: c.create_note(CONTACT, _NOTE_BODY), "POST /contacts/con1/notes", _NOTE_BODY,
         {"note": {"id": NOTE}}, _id, NOTE),
    Case("update-note", lambda c: c.update_note(CONTACT, NOTE, _NOTE_BODY), "PUT /contacts/con1/notes/not1", _NOTE_BODY,
         {"note": {"id": NOTE}}, _id, NOTE),
    Case("delete-note", lambda c: c.delete_note(CONTACT, NOTE), "DELETE /contacts/con1/notes/not1", None, _DONE),
)  # fmt: skip

_TAGS = {"tags": ["hot", "lofty"]}
_BULK = {"contacts": [CONTACT, "con2"], "tags": ["hot"], "locationId": LOCATION}
_FOLLOWERS = {"followers": [USER]}
_START = "2021-06-23T03:30:00+01:00"

RELATION_CASES = (
    Case("add-tags", lambda c: c.add_tags(CONTACT, ("hot", "lofty")), "POST /contacts/con1/tags", _TAGS, _TAGS,
         read=("hot", "lofty")),
    Case("remove-tags", lambda c: c.remove_tags(CONTACT, ("hot", "lofty")), "DELETE /contacts/con1/tags", _TAGS,
         {"tags": []}, read=()),
    Case("create-association", lambda c: c.tag_many("add", LOCATION, (CONTACT, "con2"), ("hot",)),
         "POST /contacts/bulk/tags/update/add", _BULK,
         {"responses": [{"contactId": CONTACT, "type": "success", "message": "Tags updated"},
                        {"contactId": "con2", "type": "error", "message": "no"}]},
         lambda r: (r.done, r.refused), ((CONTACT,), {"con2": "no"})),
    Case("add-remove-contact-from-business", lambda c: c.set_business(LOCATION, (CONTACT,), None),
         "POST /contacts/bulk/business", {"locationId": LOCATION, "ids": [CONTACT], "businessId": None},
         {"success": True, "ids": [CONTACT]}, read=(CONTACT,)),
    Case("add-followers-contact", lambda c: c.add_followers(CONTACT, (USER,)), "POST /contacts/con1/followers",
         _FOLLOWERS, {"followers": ["use0", USER], "followersAdded": [USER]}, lambda r: (r.followers, r.changed),
         (("use0", USER), (USER,))),
    Case("remove-followers-contact", lambda c: c.remove_followers(CONTACT, (USER,)), "DELETE /contacts/con1/followers",
         _FOLLOWERS, {"followers": [], "followersRemoved": [USER]}, lambda r: (r.followers, r.changed), ((), (USER,))),
    Case("add-contact-to-campaign", lambda c: c.add_to_campaign(CONTACT, "cam1"), "POST /contacts/con1/campaigns/cam1",
         {}, _DONE),
    Case("remove-contact-from-campaign", lambda c: c.remove_from_campaign(CONTACT, "cam1"),
         "DELETE /contacts/con1/campaigns/cam1", None, _DONE),
    Case("remove-contact-from-every-campaign", lambda c: c.remove_from_every_campaign(CONTACT),
         "DELETE /contacts/con1/campaigns/removeAll", None, _DONE),
    Case("add-contact-to-workflow", lambda c: c.add_to_workflow(CONTACT, "wor1", start_time=_START),
         "POST /contacts/con1/workflow/wor1", {"eventStartTime": _START}, _DONE),
    Case("delete-contact-from-workflow", lambda c: c.remove_from_workflow(CONTACT, "wor1", start_time=_START),
         "DELETE /contacts/con1/workflow/wor1", {"eventStartTime": _START}, _DONE),
)  # fmt: skip

_APPOINTMENT = {
    "calendarId": "cal1",
    "title": "Viewing",
    "startTime": DUE,
    "endTime": "2026-10-25T12:00:00Z",
    "description": "[lofty-appointment:7]",
    "address": "1 Main Street",
    "appointmentStatus": "confirmed",
    "assignedUserId": USER,
    "toNotify": False,
    "ignoreDateRange": True,
    "ignoreFreeSlotValidation": True,
}
_NEW_APPOINTMENT = {**_APPOINTMENT, "locationId": LOCATION, "contactId": CONTACT}
_VALUE = {"name": "Hours", "value": "9 to 5"}
_NEW_FIELD = {"name": "Lofty id", "dataType": "TEXT", "model": "contact"}

LOCATION_CASES = (
    Case("get-location", lambda c: c.takes_duplicates(LOCATION), "GET /locations/loc1", None,
         {"location": {"id": LOCATION, "settings": {"allowDuplicateContact": False}}}, lambda r: r, False),
    Case("get-custom-fields", lambda c: c.list_custom_fields(LOCATION, model="contact"),
         "GET /locations/loc1/customFields?model=contact", None,
         {"customFields": [{"id": FIELD, "name": "Pin", "fieldKey": "contact.pin", "dataType": "TEXT"}]},
         lambda r: (r[0].id, r[0].name, r[0].field_key, r[0].data_type), (FIELD, "Pin", "contact.pin", "TEXT")),
    Case("create-custom-field", lambda c: c.create_custom_field(LOCATION, _NEW_FIELD),
         "POST /locations/loc1/customFields", _NEW_FIELD, {"customField": {"id": FIELD}}, _id, FIELD),
    Case("get-location-tags", lambda c: c.list_location_tags(LOCATION), "GET /locations/loc1/tags", None,
         {"tags": [{"id": "tag1", "name": "hot"}]}, lambda r: (r[0].id, r[0].name), ("tag1", "hot")),
    Case("get-custom-values", lambda c: c.list_custom_values(LOCATION), "GET /locations/loc1/customValues", None,
         {"customValues": [{"id": "v1", "name": "Hours", "value": "9 to 5"}]},
         lambda r: (r[0].id, r[0].name, r[0].value), ("v1", "Hours", "9 to 5")),
    Case("create-custom-value", lambda c: c.create_custom_value(LOCATION, "Hours", "9 to 5"),
         "POST /locations/loc1/customValues", _VALUE, {"customValue": {"id": "v1"}}, _id, "v1"),
    Case("update-custom-value", lambda c: c.update_custom_value(LOCATION, "v1", "Hours", "9 to 5"),
         "PUT /locations/loc1/customValues/v1", _VALUE, {"customValue": {"id": "v1"}}, lambda r: r, None),
    Case("delete-custom-value", lambda c: c.delete_custom_value(LOCATION, "v1"),
         "DELETE /locations/loc1/customValues/v1", None, {"succeded": True}, lambda r: r, None),
    Case("get-user-by-location", lambda c: c.list_users(LOCATION), "GET /users/?locationId=loc1", None,
         {"users": [{"id": USER, "name": "Pat Reed", "email": "pat@example.com"}]},
         lambda r: (r[0].id, r[0].name, r[0].email), (USER, "Pat Reed", "pat@example.com")),
    Case("get-calendar", lambda c: c.get_calendar("cal1"), "GET /calendars/cal1", None,
         {"calendar": {"id": "cal1", "name": "Viewings", "teamMembers": [{"userId": USER}, {}, 7]}},
         lambda r: (r.id, r.users), ("cal1", frozenset({USER}))),
    Case("get-calendar-events", lambda c: c.list_events(LOCATION, "cal1", from_ms=1, until_ms=2),
         "GET /calendars/events?locationId=loc1&calendarId=cal1&startTime=1&endTime=2", None,
         {"events": [{"id": EVENT, "contactId": CONTACT, "description": "[lofty-appointment:7]"}]},
         lambda r: (r[0].contact_id, r[0].description), (CONTACT, "[lofty-appointment:7]")),
    Case("create-appointment", lambda c: c.create_appointment(_NEW_APPOINTMENT),
         "POST /calendars/events/appointments", _NEW_APPOINTMENT, {"id": EVENT, "title": "Viewing"}, _id, EVENT),
    Case("edit-appointment", lambda c: c.update_appointment(EVENT, _APPOINTMENT),
         "PUT /calendars/events/appointments/eve1", _APPOINTMENT, {"id": EVENT}),
    Case("delete-event", lambda c: c.delete_appointment(EVENT), "DELETE /calendars/events/eve1", {},
         {"succeeded": True}),
    Case("get-appointment", lambda c: c.get_appointment(EVENT), "GET /calendars/events/appointments/eve1", None,
         {"event": {"id": EVENT, "startTime": "2023-09-25T16:00:00+05:30", "appoinmentStatus": "confirmed"}},
         lambda r: (r.start_time, r.appointment_status), ("2023-09-25T16:00:00+05:30", "confirmed")),
)  # fmt: skip

_NEW_OPPORTUNITY = {
    "locationId": LOCATION,
    "contactId": CONTACT,
    "pipelineId": "pip1",
    "pipelineStageId": "sta1",
    "name": "Ann Vale",
    "status": "open",
    "monetaryValue": 450000,
    "assignedTo": USER,
    "customFields": [{"id": FIELD, "field_value": "L-1"}],
}
_OPPORTUNITY = {name: value for name, value in _NEW_OPPORTUNITY.items() if name not in ("locationId", "contactId")}
_FOUND = {"opportunity": {"id": "opp1", "pipelineStageId": "sta1", "status": "open", "monetaryValue": 450000}}
_UPSERT = {
    "id": "opp1",
    "locationId": LOCATION,
    "pipelineId": "pip1",
    "name": "Ann Vale",
    "followers": [],
    "isRemoveAllFollowers": False,
    "followersActionType": "add",
}
_TEXT_SEARCH = {
    "locationId": LOCATION,
    "query": "ann",
    "limit": 100,
    "page": 1,
    "searchAfter": [],
    "additionalDetails": {"notes": False, "tasks": False, "calendarEvents": False, "unReadConversations": False},
}


def _opportunities(result: Any) -> Any:
    return [one.id for one in result.opportunities], result.total


OPPORTUNITY_CASES = (
    Case("get-pipelines", lambda c: c.list_pipelines(LOCATION), "GET /opportunities/pipelines?locationId=loc1", None,
         {"pipelines": [{"id": "pip1", "name": "Buyers", "stages": [{"id": "sta1", "name": "New"}, 7]}]},
         lambda r: (r[0].name, [(one.id, one.name) for one in r[0].stages]), ("Buyers", [("sta1", "New")])),
    Case("get-lost-reason", lambda c: c.list_lost_reasons(LOCATION),
         "GET /opportunities/lost-reason?locationId=loc1&skip=0&limit=100", None,
         {"lostReasons": [{"id": "r1", "name": "Price"}], "total": 1}, lambda r: r[0].name, "Price"),
    Case("search-opportunity",
         lambda c: c.search_opportunities(LOCATION, contact_id=CONTACT, pipeline_id="pip1", status="open"),
         "GET /opportunities/search?location_id=loc1&contact_id=con1&pipeline_id=pip1&status=open&page=1&limit=100", None,
         {"opportunities": [{"id": "opp1"}], "meta": {"total": 3}}, _opportunities, (["opp1"], 3)),
    Case("search-opportunities-advanced", lambda c: c.search_opportunities_by_text(LOCATION, "ann"),
         "POST /opportunities/search", _TEXT_SEARCH, {"opportunities": [{"id": "opp1"}], "total": 1}, _opportunities,
         (["opp1"], 1)),
    Case("get-opportunity", lambda c: c.get_opportunity("opp1"), "GET /opportunities/opp1", None, _FOUND,
         lambda r: (r.id, r.pipeline_stage_id, r.status, r.monetary_value), ("opp1", "sta1", "open", 450000)),
    Case("create-opportunity", lambda c: c.create_opportunity(_NEW_OPPORTUNITY), "POST /opportunities/",
         _NEW_OPPORTUNITY, _FOUND, _id, "opp1"),
    Case("update-opportunity", lambda c: c.update_opportunity("opp1", _OPPORTUNITY), "PUT /opportunities/opp1",
         _OPPORTUNITY, _FOUND, _id, "opp1"),
    Case("update-opportunity-status", lambda c: c.set_opportunity_status("opp1", "lost", lost_reason_id="r1"),
         "PUT /opportunities/opp1/status", {"status": "lost", "lostReasonId": "r1"}, _DONE),
    Case("Upsert-opportunity", lambda c: c.upsert_opportunity(_UPSERT), "POST /opportunities/upsert", _UPSERT,
         {**_FOUND, "new": False}, _id, "opp1"),
    Case("delete-opportunity", lambda c: c.delete_opportunity("opp1"), "DELETE /opportunities/opp1", None, _DONE),
    Case("add-followers-opportunity", lambda c: c.add_opportunity_followers("opp1", (USER,)),
         "POST /opportunities/opp1/followers", _FOLLOWERS, {"followers": ["use0", USER], "followersAdded": [USER]},
         lambda r: (r.followers, r.changed), (("use0", USER), (USER,))),
    Case("remove-followers-opportunity", lambda c: c.remove_opportunity_followers("opp1", (USER,)),
         "DELETE /opportunities/opp1/followers", _FOLLOWERS, {"followers": [], "followersRemoved": [USER]},
         lambda r: (r.followers, r.changed), ((), (USER,))),
)  # fmt: skip

CASES = (*CONTACT_CASES, *TASK_CASES, *NOTE_CASES, *RELATION_CASES, *LOCATION_CASES, *OPPORTUNITY_CASES)
"""All of them."""
