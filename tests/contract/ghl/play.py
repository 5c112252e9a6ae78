"""One long conversation of the client with the sandbox over a real socket: every operation, and the refusals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from connectors.auth.request_auth import StaticAuth
from connectors.errors import VendorError
from connectors.ghl.client import GhlClient
from connectors.http.transport import AiohttpTransport, Request, Response
from connectors.sandbox.ghl import GhlSandbox, GhlSandboxSettings, LocationSettings, serve
from connectors.sandbox.ghl.seeds import seed
from connectors.sandbox.shared.faults import SandboxFault

TOKEN, OTHER_TOKEN, NARROW_TOKEN = "pit-one", "pit-two", "pit-narrow"
LOCATIONS = (
    LocationSettings("loc1", (TOKEN,)),
    LocationSettings("loc2", (OTHER_TOKEN,), allow_duplicates=True),
    LocationSettings("loc3", (NARROW_TOKEN,), scopes=("contacts.readonly",)),
)
EVERYTHING: dict[str, Any] = {
    "firstName": "Ann",
    "lastName": "Vale",
    "phone": "+12025550123",
    "address1": "1 Main Street",
    "city": "Austin",
    "state": "TX",
    "postalCode": "73301",
    "country": "US",
    "website": "https://example.com",
    "timezone": "America/Chicago",
    "source": "lofty",
    "companyName": "Vale Ltd",
    "dnd": False,
    "dndSettings": {"SMS": {"status": "active", "message": "asked", "code": "1"}},
}


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request that was sent, and its answer."""

    request: Request
    response: Response


class Recorder:
    """A transport that keeps what goes through it."""

    def __init__(self, transport: AiohttpTransport) -> None:
        self.exchanges: list[Exchange] = []
        self._transport = transport

    async def __call__(self, request: Request) -> Response:
        response = await self._transport(request)
        self.exchanges.append(Exchange(request, response))
        return response


async def play() -> tuple[Exchange, ...]:
    """Play it, and return all that was said."""
    sandbox = GhlSandbox(
        GhlSandboxSettings(locations=LOCATIONS, search_lag_seconds=0, daily_limit=1000, window_limit=500)
    )
    async with await serve(sandbox) as served, AiohttpTransport() as transport:
        recorder = Recorder(transport)
        client = GhlClient(recorder, StaticAuth("Bearer", TOKEN), base_url=served.url)
        contact_id = await _contacts(client)
        await _children(client, sandbox, contact_id)
        await _relations(client, contact_id)
        await _opportunities(client, sandbox, contact_id)
        await _location(client, sandbox)
        await _refusals(client, contact_id)
        await _rights(recorder, served.url, contact_id)
        await _faults(client, sandbox)
        await client.delete_contact(contact_id)
    return tuple(recorder.exchanges)


async def _contacts(client: GhlClient) -> str:
    text = await client.create_custom_field("loc1", {"name": "Lofty id", "dataType": "TEXT", "model": "contact"})
    number = await client.create_custom_field("loc1", {"name": "Score", "dataType": "NUMERICAL"})
    several = await client.create_custom_field("loc1", {"name": "Areas", "dataType": "MULTIPLE_OPTIONS"})
    custom = [
        {"id": text.id, "field_value": "L-1"},
        {"id": number.id, "field_value": 7.5},
        {"id": several.id, "field_value": ["north", "south"]},
    ]
    fields = {"locationId": "loc1", "email": "Ann@example.com", "dateOfBirth": "09/25/1990", **EVERYTHING}
    made = await client.create_contact({**fields, "gender": "female", "tags": ["Hot"], "customFields": custom})
    await client.get_contact(made.id)
    await client.upsert_contact({"locationId": "loc1", "email": "ann@example.com", "city": "Dallas"})
    await client.upsert_contact({"locationId": "loc1", "email": "bo@example.com", "firstName": "Bo"})
    await client.update_contact(made.id, {"city": None, "firstName": "Anna", "customFields": custom[:1]})
    await client.search_duplicate("loc1", number="+12025550123", email="ann+x@example.com")
    await client.search_duplicate("loc1", email="nobody@example.com")
    await client.list_contacts("loc1", limit=1)
    await client.list_contacts("loc1", limit=100, start_after=1, start_after_id="a", query="ann")
    filters = [{"field": f"customFields.{text.id}", "operator": "eq", "value": "L-1"}]
    await client.search_contacts({"locationId": "loc1", "pageLimit": 1, "page": 1, "filters": filters})
    found = await client.search_contacts({"locationId": "loc1", "pageLimit": 1})
    await client.search_contacts({"locationId": "loc1", "pageLimit": 1, "searchAfter": list(found.search_after or ())})
    return made.id


async def _children(client: GhlClient, sandbox: GhlSandbox, contact_id: str) -> None:
    note = await client.create_note(contact_id, {"body": "Hello [lofty:1]", "title": "First", "pinned": True})
    await client.get_note(contact_id, note.id)
    await client.update_note(contact_id, note.id, {"body": "Hello again", "userId": "u1", "color": "#FFAA00"})
    await client.list_notes(contact_id)
    await client.delete_note(contact_id, note.id)
    task = await client.create_task(
        contact_id, {"title": "Call", "body": "x", "dueDate": "2026-10-25T11:00:00+02:00", "completed": False}
    )
    await client.get_task(contact_id, task.id)
    await client.update_task(contact_id, task.id, {"title": "Call again", "assignedTo": "u1"})
    await client.complete_task(contact_id, task.id, completed=True)
    await client.list_tasks(contact_id)
    await client.search_tasks("loc1", {"contactId": [contact_id], "completed": True, "limit": 10, "skip": 0})
    await client.delete_task(contact_id, task.id)
    appointment = {"startTime": "2026-10-25T16:00:00+05:30", "title": "Viewing", "appointmentStatus": "confirmed"}
    made = seed(sandbox, {"location": "loc1", "contacts": [{"email": "cy@example.com", "appointments": [appointment]}]})
    (event,) = await client.list_appointments(made["contacts"][0])
    await client.get_appointment(event.id)
    await _calendars(client, sandbox, contact_id)


async def _calendars(client: GhlClient, sandbox: GhlSandbox, contact_id: str) -> None:
    seed(sandbox, {"location": "loc1", "calendars": [{"id": "viewings", "name": "Viewings", "users": ["u1"]}]})
    await client.get_calendar("viewings")
    fields = {
        "calendarId": "viewings",
        "title": "Viewing",
        "startTime": "2026-11-25T10:00:00Z",
        "endTime": "2026-11-25T11:00:00Z",
        "description": "By the garden\n\n[lofty-appointment:1]",
        "address": "1 Main Street",
        "assignedUserId": "u1",
        "appointmentStatus": "confirmed",
        "toNotify": False,
        "ignoreDateRange": True,
        "ignoreFreeSlotValidation": True,
    }
    made = await client.create_appointment({**fields, "locationId": "loc1", "contactId": contact_id})
    await client.list_events("loc1", "viewings", from_ms=1_795_600_000_000, until_ms=1_795_700_000_000)
    await client.update_appointment(made.id, {"title": "Second viewing", "appointmentStatus": "showed"})
    await client.delete_appointment(made.id)
    await _refused(client.get_calendar("nowhere"))
    await _refused(client.delete_appointment(made.id))
    stranger = {**fields, "locationId": "loc1", "contactId": contact_id, "assignedUserId": "stranger"}
    await _refused(client.create_appointment(stranger))
    await _refused(client.create_appointment({**fields, "locationId": "loc1", "contactId": "nobody"}))


async def _relations(client: GhlClient, contact_id: str) -> None:
    await client.add_tags(contact_id, ["Hot", "New"])
    await client.remove_tags(contact_id, ["hot"])
    await client.tag_many("add", "loc1", [contact_id, "nobody"], ["many"])
    await client.tag_many("remove", "loc1", [contact_id], ["many"])
    await client.add_followers(contact_id, ["u1", "u2"])
    await client.remove_followers(contact_id, ["u1"])
    await client.set_business("loc1", [contact_id], "biz1")
    await client.list_contacts_of_business("biz1", "loc1", limit=10, skip=0, query="ann")
    await client.set_business("loc1", [contact_id], None)
    await client.add_to_campaign(contact_id, "camp1")
    await client.remove_from_campaign(contact_id, "camp1")
    await client.remove_from_every_campaign(contact_id)
    await client.add_to_workflow(contact_id, "flow1", start_time="2026-06-23T03:30:00+01:00")
    await client.remove_from_workflow(contact_id, "flow1")


async def _opportunities(client: GhlClient, sandbox: GhlSandbox, contact_id: str) -> None:
    stages = [{"id": "new", "name": "New"}, {"id": "hot", "name": "Hot"}]
    pipelines = [{"id": "buyers", "name": "Buyers", "stages": stages}]
    users = [{"id": "u1", "name": "Jo"}]
    seed(sandbox, {"location": "loc1", "pipelines": pipelines, "lostReasons": ["Price"], "users": users})
    await client.list_pipelines("loc1")
    (reason,) = await client.list_lost_reasons("loc1")
    field = await client.create_custom_field("loc1", {"name": "Deal", "dataType": "TEXT", "model": "opportunity"})
    deal = {
        "pipelineId": "buyers",
        "pipelineStageId": "new",
        "name": "Ann Vale",
        "status": "open",
        "monetaryValue": 450_000,
        "assignedTo": "u1",
        "customFields": [{"id": field.id, "field_value": "L-1"}],
    }
    made = await client.create_opportunity({**deal, "locationId": "loc1", "contactId": contact_id})
    await client.get_opportunity(made.id)
    await client.update_opportunity(made.id, {**deal, "pipelineStageId": "hot"})
    await client.set_opportunity_status(made.id, "lost", lost_reason_id=reason.id)
    await client.upsert_opportunity(
        {
            "id": made.id,
            "locationId": "loc1",
            "pipelineId": "buyers",
            "status": "open",
            "followers": ["u1"],
            "isRemoveAllFollowers": False,
            "followersActionType": "add",
        }
    )
    await client.add_opportunity_followers(made.id, ["u2"])
    await client.remove_opportunity_followers(made.id, ["u2"])
    other = seed(sandbox, {"location": "loc1", "contacts": [{"email": "di@example.com"}]})["contacts"][0]
    await client.create_opportunity({**deal, "locationId": "loc1", "contactId": other})
    await client.search_opportunities("loc1", contact_id=contact_id, pipeline_id="buyers", status="all")
    await client.search_opportunities("loc1", limit=1)
    await client.search_opportunities("loc1", page=2, limit=1)
    await client.search_opportunities_by_text("loc1", "", limit=1)
    await _refused(client.create_opportunity({**deal, "locationId": "loc1", "contactId": contact_id}))
    await _refused(client.create_opportunity({**deal, "locationId": "loc1", "contactId": "nobody"}))
    await _refused(client.update_opportunity(made.id, {"pipelineStageId": "nowhere"}))
    await client.delete_opportunity(made.id)
    await _refused(client.get_opportunity(made.id))


async def _location(client: GhlClient, sandbox: GhlSandbox) -> None:
    seed(sandbox, {"location": "loc1", "users": [{"name": "Jo Doe", "email": "jo@example.com"}]})
    await client.list_users("loc1")
    await client.takes_duplicates("loc1")
    await client.list_custom_fields("loc1", model="contact")
    await client.list_custom_fields("loc1")
    await client.list_location_tags("loc1")
    made = await client.create_custom_value("loc1", "Office hours", "9 to 5")
    await client.update_custom_value("loc1", made.id, "Office hours", "")
    await _refused(client.create_custom_value("loc1", "office hours", ""))
    await client.list_custom_values("loc1")
    await client.delete_custom_value("loc1", made.id)
    await _refused(client.update_custom_value("loc1", made.id, "Office hours", ""))


async def _refused(call: Any) -> None:
    """Await what GHL must refuse."""
    try:
        await call
    except VendorError:
        return
    raise AssertionError("the sandbox did not refuse")


async def _refusals(client: GhlClient, contact_id: str) -> None:
    await _refused(client.get_contact("nobody"))
    await _refused(client.get_note(contact_id, "nothing"))
    await _refused(client.get_task(contact_id, "nothing"))
    await _refused(client.get_appointment("nothing"))
    await _refused(client.create_contact({"locationId": "loc1", "email": "ANN@example.com"}))
    await _refused(client.update_contact(contact_id, {"email": "bo@example.com"}))
    await _refused(client.update_contact(contact_id, {"phone": "+1202555012345678901234"}))
    await _refused(client.create_note(contact_id, {"body": ""}))
    await _refused(client.create_task(contact_id, {"title": "x", "dueDate": "soon", "completed": False}))


async def _rights(recorder: Recorder, url: str, contact_id: str) -> None:
    def as_(token: str) -> GhlClient:
        return GhlClient(recorder, StaticAuth("Bearer", token), base_url=url)

    await _refused(as_("garbage").get_contact(contact_id))
    await _refused(as_("pit-unknown").get_contact(contact_id))
    await _refused(as_(OTHER_TOKEN).get_contact(contact_id))
    await _refused(as_(NARROW_TOKEN).create_contact({"locationId": "loc3"}))


async def _faults(client: GhlClient, sandbox: GhlSandbox) -> None:
    for status in (429, 500, 503):
        sandbox.faults.add(SandboxFault("status", times=1, status=status))
        await _refused(client.list_location_tags("loc1"))


def without(request: Request, header: str) -> Request:
    """A request that lacks one header."""
    return replace(request, headers={name: value for name, value in request.headers.items() if name != header})
