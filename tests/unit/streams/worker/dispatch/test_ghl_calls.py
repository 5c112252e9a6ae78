"""Each planned step is one request, and its answer is the id that GHL now holds."""

from __future__ import annotations

from typing import Any, Literal, get_args

import pytest

from connectors.auth.request_auth import StaticAuth
from connectors.errors import MalformedAnswer, VendorError
from connectors.ghl.client import GhlClient
from streams.core.to_ghl.plan import Call, StepName
from streams.worker.dispatch.ghl_calls import perform
from tests.unit.streams.worker.dispatch.stage import Vendor, answer

LOCATION = "loc-1"
CONTACT = {"contact": {"id": "c-9"}}
NOTE, TASK = {"note": {"id": "n-9"}}, {"task": {"id": "t-9"}}
TASK_BODY = {"title": "Call", "dueDate": "2026-10-25T11:00:00Z", "completed": False}
NOTES = {"notes": [{"id": "n-1", "body": "theirs"}, {"id": "n-2", "body": "ours [m]"}, {"id": "n-3"}]}
TASKS = {"tasks": [{"id": "t-1", "body": "theirs"}, {"id": "t-2", "body": "ours [m]"}]}

EVENT_BODY = {"calendarId": "cal", "startTime": "2026-10-25T10:00:00Z"}
FIND = Call("find appointment", "c-1", body=EVENT_BODY, marker="[m]")
EVENTS = [
    {"id": "a-0", "contactId": "c-2", "description": "[m]"},
    {"id": "a-1", "contactId": "c-1", "description": "theirs", "startTime": "2026-10-25T10:00:00Z"},
    {"id": "a-2", "contactId": "c-1", "startTime": "2026-10-25T15:30:00+05:30"},
    {"id": "a-3", "contactId": "c-1", "description": "moved\n\n[m]", "startTime": "2026-10-26T10:00:00Z"},
]

DEAL = {"pipelineId": "p-1", "pipelineStageId": "s-1", "name": "Ann Vale", "status": "open"}
DEALS = [
    {"id": "o-1", "contactId": "c-2", "pipelineId": "p-1"},
    {"id": "o-2", "contactId": "c-1", "pipelineId": "p-2"},
    {"id": "o-3", "contactId": "c-1", "pipelineId": "p-1", "status": "lost"},
]

STEPS: list[tuple[Call, dict[str, Any], str, Any, str | None]] = [
    (
        Call("create contact", body={"email": "a@example.com"}),
        CONTACT,
        "POST /contacts/",
        {"locationId": LOCATION, "email": "a@example.com"},
        "c-9",
    ),
    (
        Call("create contact", body={"name": "Ann Mae Vale", "city": "X"}),
        CONTACT,
        "POST /contacts/",
        {"locationId": LOCATION, "firstName": "Ann", "lastName": "Mae Vale", "city": "X"},
        "c-9",
    ),
    (
        Call("create contact", body={"lastName": "Vale"}),
        CONTACT,
        "POST /contacts/",
        {"locationId": LOCATION, "lastName": "Vale"},
        "c-9",
    ),
    (Call("read contact", "c-9"), CONTACT, "GET /contacts/c-9", None, "c-9"),
    (
        Call("find duplicate", body={"email": "a@example.com", "phone": "+15305550104"}),
        {"contact": {"id": "c-9"}},
        "GET /contacts/search/duplicate",
        None,
        "c-9",
    ),
    (Call("update contact", "c-1", body={"city": "X"}), CONTACT, "PUT /contacts/c-1", {"city": "X"}, "c-1"),
    (Call("add tags", "c-1", body={"tags": ["a"]}), {"tags": ["a"]}, "POST /contacts/c-1/tags", {"tags": ["a"]}, "c-1"),
    (
        Call("remove tags", "c-1", body={"tags": ["a"]}),
        {"tags": []},
        "DELETE /contacts/c-1/tags",
        {"tags": ["a"]},
        "c-1",
    ),
    (Call("delete contact", "c-1", is_delete=True), {"succeded": True}, "DELETE /contacts/c-1", None, "c-1"),
    (Call("create note", "c-1", body={"body": "x"}), NOTE, "POST /contacts/c-1/notes", {"body": "x"}, "n-9"),
    (Call("update note", "c-1", "n-1", {"body": "x"}), NOTE, "PUT /contacts/c-1/notes/n-1", {"body": "x"}, "n-1"),
    (Call("delete note", "c-1", "n-1"), {"success": True}, "DELETE /contacts/c-1/notes/n-1", None, "n-1"),
    (Call("find note", "c-1", marker="[m]"), NOTES, "GET /contacts/c-1/notes", None, "n-2"),
    (Call("find note", "c-1", marker="[other]"), NOTES, "GET /contacts/c-1/notes", None, None),
    (Call("create task", "c-1", body=TASK_BODY), TASK, "POST /contacts/c-1/tasks", TASK_BODY, "t-9"),
    (Call("update task", "c-1", "t-1", {"title": "x"}), TASK, "PUT /contacts/c-1/tasks/t-1", {"title": "x"}, "t-1"),
    (
        Call("complete task", "c-1", "t-1", {"completed": True}),
        TASK,
        "PUT /contacts/c-1/tasks/t-1/completed",
        {"completed": True},
        "t-1",
    ),
    (Call("delete task", "c-1", "t-1"), {"succeded": True}, "DELETE /contacts/c-1/tasks/t-1", None, "t-1"),
    (Call("find task", "c-1", marker="[m]"), TASKS, "GET /contacts/c-1/tasks", None, "t-2"),
    (Call("find task", "c-1", marker="[other]"), TASKS, "GET /contacts/c-1/tasks", None, None),
    (
        Call("create appointment", "c-1", body=EVENT_BODY),
        {"id": "a-9"},
        "POST /calendars/events/appointments",
        {"locationId": LOCATION, "contactId": "c-1", **EVENT_BODY},
        "a-9",
    ),
    (
        Call("update appointment", "c-1", "a-1", {"title": "x", "appointmentStatus": "confirmed"}),
        {"id": "a-1"},
        "PUT /calendars/events/appointments/a-1",
        {"title": "x", "appointmentStatus": "confirmed"},
        "a-1",
    ),
    (Call("delete appointment", "c-1", "a-1"), {"succeeded": True}, "DELETE /calendars/events/a-1", {}, "a-1"),
    (FIND, {"events": EVENTS}, "GET /calendars/events", None, "a-3"),
    (FIND, {"events": EVENTS[:3]}, "GET /calendars/events", None, "a-2"),
    (FIND, {"events": EVENTS[:2]}, "GET /calendars/events", None, None),
    (
        Call("create opportunity", "c-1", body=DEAL),
        {"opportunity": {"id": "o-9"}},
        "POST /opportunities/",
        {"locationId": LOCATION, "contactId": "c-1", **DEAL},
        "o-9",
    ),
    (
        Call("update opportunity", "c-1", "o-1", {"status": "won"}),
        {"opportunity": {"id": "o-1"}},
        "PUT /opportunities/o-1",
        {"status": "won"},
        "o-1",
    ),
    (
        Call("find opportunity", "c-1", body={"pipelineId": "p-1"}),
        {"opportunities": DEALS, "meta": {"total": 3}},
        "GET /opportunities/search",
        None,
        "o-3",
    ),
    (
        Call("find opportunity", "c-1", body={"pipelineId": "p-1"}),
        {"opportunities": DEALS[:2], "meta": {"total": 2}},
        "GET /opportunities/search",
        None,
        None,
    ),
    (
        Call("write opt-outs", contact_id="c-5", body={"dndSettings": {"SMS": {"status": "active"}}}),
        {"succeded": True},
        "PUT /contacts/c-5",
        {"dndSettings": {"SMS": {"status": "active"}}},
        "c-5",
    ),
    (
        Call("find contact", marker="77", body={"customField": "f-1"}),
        {"contacts": [{"id": "c-5"}], "total": 1},
        "POST /contacts/search",
        {
            "locationId": LOCATION,
            "pageLimit": 1,
            "filters": [{"field": "customFields.f-1", "operator": "eq", "value": "77"}],
        },
        "c-5",
    ),
    (
        Call("find contact", body={"email": "a@example.com"}),
        {"contact": {"id": "c-5"}},
        "GET /contacts/search/duplicate",
        None,
        "c-5",
    ),
    (
        Call("find contact", body={"phone": "+12025550123"}),
        {"contact": None},
        "GET /contacts/search/duplicate",
        None,
        None,
    ),
]


def client(vendor: Vendor) -> GhlClient:
    """GHL by a script."""
    return GhlClient(vendor, StaticAuth("Bearer", "t"), base_url="https://x.test")


@pytest.mark.parametrize(("call", "says", "line", "body", "stands"), STEPS, ids=lambda one: getattr(one, "step", None))
async def test_a_step_is_one_request(
    call: Call, says: dict[str, Any], line: str, body: object, stands: str | None
) -> None:
    """With the ids of the plan, and no field beyond its body."""
    vendor = Vendor([answer(200, says)])
    performed = await perform(client(vendor), LOCATION, call)
    assert (performed.ghl_id, performed.is_new) == (stands, call.step == "create contact")
    assert vendor.lines == [line]
    assert vendor.body() == body


def test_every_step_of_a_plan_is_tried_here() -> None:
    """A step that is planned and not performed would be a receipt without a request."""
    assert {call.step for call, *_ in STEPS} == set(get_args(StepName))


async def test_a_create_whose_answer_bears_no_id_is_an_error() -> None:
    """It is in doubt: the request may have made something whose id nobody knows."""
    body = {"body": "x"}
    with pytest.raises(MalformedAnswer):
        await perform(client(Vendor([answer(201, {"ok": True})])), LOCATION, Call("create note", "c-1", body=body))


async def test_a_refusal_is_raised_with_the_vendors_words() -> None:
    """The outcome table decides what it leads to."""
    refusal = answer(400, {"statusCode": 400, "message": "Contact not found for id:c-1", "traceId": "tr"})
    with pytest.raises(VendorError, match="Contact not found") as caught:
        await perform(client(Vendor([refusal])), LOCATION, Call("update contact", "c-1", body={"city": "X"}))
    assert (caught.value.status, caught.value.trace_id) == (400, "tr")


SENT = {"assignedTo": "u1", "customFields": [{"id": "f1", "field_value": "a"}, {"id": "f2", "field_value": ""}]}


@pytest.mark.parametrize(
    ("shown", "dropped"),
    [
        ({"assignedTo": "u1", "customFields": [{"id": "f1", "value": "a"}]}, set()),
        ({"assignedTo": "u1", "customFields": []}, {"custom:f1"}),
        ({"customFields": [{"id": "f1", "value": "a"}]}, {"assignedTo"}),
        ({"assignedTo": "u2", "customFields": [{"id": "f9", "value": "a"}]}, {"assignedTo", "custom:f1"}),
        ({}, set()),
        (
            {"assignedTo": "u1", "customFields": [{"id": "f1", "value": "a"}, {"id": "f2", "value": "old"}]},
            {"custom:f2"},
        ),
    ],
)
@pytest.mark.parametrize("step", ["create contact", "update contact"])
async def test_an_answer_shows_which_values_ghl_dropped(
    step: Literal["create contact", "update contact"], shown: dict[str, Any], dropped: set[str]
) -> None:
    """Those that were sent with a value and are not in it. An answer without custom fields says nothing."""
    call = Call(step, "c-1" if step == "update contact" else None, body={"email": "a@example.com", **SENT})
    performed = await perform(client(Vendor([answer(200, {"contact": {"id": "c-1", **shown}})])), LOCATION, call)
    assert performed.dropped == frozenset(dropped)


async def test_an_answer_that_shows_none_of_several_custom_fields_may_never_show_any() -> None:
    """Then nothing is held back for it; only the location is read again."""
    sent = {"customFields": [{"id": name, "field_value": "a"} for name in ("f1", "f2")]}
    vendor = Vendor([answer(200, {"contact": {"id": "c-1", "customFields": []}})])
    performed = await perform(client(vendor), LOCATION, Call("update contact", "c-1", body=sent))
    assert (performed.dropped, performed.shows_none) == (frozenset(), True)
