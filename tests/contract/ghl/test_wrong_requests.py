"""What GHL's documents call wrong, its sandbox refuses, but for what is known to be taken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import pytest

from connectors.ghl.operations import OPERATIONS
from connectors.sandbox.ghl import GhlSandbox, GhlSandboxSettings, LocationSettings
from connectors.sandbox.ghl.sandbox import GhlVisit
from connectors.sandbox.ghl.seeds import seed
from tests.contract.openapi import OpenApi
from tests.contract.wrong_requests import Requests, Taken, WrongRequest

HERE = "loc-here"
DUE = "2026-03-01T15:00:00Z"
KNOWN: Mapping[str, Any] = {
    "locationId": HERE,
    "email": "ann@example.com",
    "phone": "+12025550123",
    "number": "+12025550123",
    "dateOfBirth": "1990-09-25",
    "dueDate": DUE,
    "startTime": DUE,
    "endTime": "2026-03-01T16:00:00Z",
    "eventStartTime": DUE,
    "customFields": [],
    "calendarId": "calendar",
    "assignedUserId": "user-1",
    "ignoreFreeSlotValidation": True,
    "dataType": "TEXT",
    "rrule": "RRULE:FREQ=DAILY;INTERVAL=1;COUNT=5",
    "pipelineId": "pipeline",
    "pipelineStageId": "stage",
    "monetaryValue": 450_000,
}
"""Values of a good request of which more is asked than their type."""

TAKEN: tuple[Taken, ...] = (
    Taken("*", "body", "None", "how GHL answers a write without a body is not known; it changes nothing here"),
    Taken("add-remove-contact-from-business", "body.ids[]", "'xxx*", "the length of an id; meant is the number of ids"),
    Taken("Upsert-opportunity", "body.monetaryValue", "5", "typed as an object, with 220 as its example"),
)


class Desk:
    """A sandbox with a contact, a note, a task, an appointment and an opportunity."""

    def __init__(self) -> None:
        location = LocationSettings(HERE, ("pit",))
        self.sandbox = GhlSandbox(GhlSandboxSettings(locations=(location,), window_limit=0))
        contact = {
            "firstName": "Bo",
            "notes": [{"body": "x"}],
            "tasks": [{"title": "x", "dueDate": DUE, "completed": False}],
            "appointments": [{"startTime": DUE, "calendarId": "calendar"}],
        }
        users = [{"id": "user-1", "name": "Ann"}]
        pipelines = [{"id": "pipeline", "stages": [{"id": "stage", "name": "New"}]}]
        other = {"firstName": "Cy", "opportunities": [{"pipelineId": "pipeline", "name": "Cy", "status": "open"}]}
        given = {"location": HERE, "contacts": [contact, other], "users": users, "pipelines": pipelines}
        self.contact_id, other_id = seed(self.sandbox, given)["contacts"]
        self.opportunity_id = next(iter(self.sandbox.location(HERE).contacts[other_id].opportunities))
        held = self.sandbox.location(HERE).contacts[self.contact_id]
        note, task, event = (next(iter(one)) for one in (held.notes, held.tasks, held.appointments))
        self.ids = {"contactId": self.contact_id, "taskId": task, "id": note, "eventId": event, "locationId": HERE}
        self.ids |= {"calendarId": "calendar", "type": "add"}
        self.value_id = "value-1"
        self.sandbox.location(HERE).custom_values["value-1"] = {"id": "value-1", "fieldKey": "", "value": ""}

    def ask(self, name: str, query: str, body: object) -> GhlVisit:
        """One request, as the socket would bring it."""
        operation = OPERATIONS[name]
        path = operation.path.replace("customValues/{id}", f"customValues/{self.value_id}")
        path = path.replace("opportunities/{id}", f"opportunities/{self.opportunity_id}")
        for word in ("contactId", "taskId", "id", "eventId", "locationId", "calendarId", "type"):
            path = path.replace(f"{{{word}}}", self.ids[word])
        path = path.replace("{businessId}", "b1").replace("{campaignId}", "c1").replace("{workflowId}", "w1")
        headers = {"Authorization": "Bearer pit", "Content-Type": "application/json", "Version": operation.version}
        visit = self.sandbox.arrive(operation.method, path, query, headers, b"" if body is None else orjson.dumps(body))
        self.sandbox.apply(visit)
        return visit


def requests_of(documents: OpenApi, name: str) -> Requests:
    """The requests of one operation."""
    known = {**KNOWN, "contactId": "CONTACT"}
    if name == "Upsert-opportunity":
        known["id"] = "OPPORTUNITY"
    if name == "search-opportunity":
        known["location_id"] = HERE
    requests = Requests(documents, documents.by_id(name), name, known, closed=True)
    if name == "get-calendar-events":
        requests.query |= {"startTime": "0", "endTime": "1", "calendarId": "calendar"}
    if name == "search-contacts-advanced":  # the document describes no field of it
        requests.body = {"locationId": HERE, "pageLimit": 1}
    return requests


def ask(name: str, one: WrongRequest) -> GhlVisit:
    """A request of its own sandbox, about the contact that it has."""
    desk = Desk()
    raw = orjson.dumps(one.body).replace(b'"CONTACT"', orjson.dumps(desk.contact_id))
    raw = raw.replace(b'"OPPORTUNITY"', orjson.dumps(desk.opportunity_id))
    return desk.ask(name, one.target_query, None if one.body is None else orjson.loads(raw))


def taken(documents: OpenApi) -> Iterator[WrongRequest]:
    """Every wrong request that is not refused."""
    for name in OPERATIONS:
        for one in requests_of(documents, name).wrong():
            if ask(name, one).status < 400:
                yield one


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_a_good_request_is_taken(documents: OpenApi, name: str) -> None:
    """With every field of the document: otherwise a refusal of the wrong ones would prove nothing."""
    good = requests_of(documents, name)
    visit = ask(name, WrongRequest(name, "", "", good.query, good.body))
    assert visit.status < 400, visit.content


def test_what_the_document_calls_wrong_is_refused(documents: OpenApi) -> None:
    """But for the list above, of which each line is needed."""
    found = list(taken(documents))
    assert [str(one) for one in found if not any(row.covers(one) for row in TAKEN)] == []
    assert [row for row in TAKEN if not any(row.covers(one) for one in found)] == []


def test_the_wrong_requests_are_many(documents: OpenApi) -> None:
    """A generator that makes none proves nothing."""
    assert sum(len(list(requests_of(documents, name).wrong())) for name in OPERATIONS) > 300
