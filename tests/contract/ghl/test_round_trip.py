"""Client and sandbox over a real socket: the client sees what GHL is known to do, and distinguishes its errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from connectors.auth.request_auth import StaticAuth
from connectors.errors import NotSent, Unanswered, VendorError
from connectors.ghl.client import GhlClient
from connectors.http.transport import AiohttpTransport
from connectors.outcome import Disposition, classify
from connectors.sandbox.ghl import GhlSandbox, GhlSandboxSettings, LocationSettings, serve
from connectors.sandbox.shared.faults import SandboxFault
from tests.deadlines import within

TOKEN = "pit-one"
PERSON = {"locationId": "loc1", "email": "ann@example.com", "phone": "+12025550123"}


@dataclass(slots=True)
class Stage:
    """A sandbox on a socket, a client of it, and a clock that only moves when a test moves it."""

    sandbox: GhlSandbox
    client: GhlClient
    url: str
    now: float = 1_800_000_000.0

    async def control(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """One request of the control API."""
        async with aiohttp.ClientSession() as session, session.request(method, self.url + path, json=body) as answer:
            return answer.status, await answer.json()


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """Two locations; the second allows duplicates."""
    locations = (LocationSettings("loc1", (TOKEN,)), LocationSettings("loc2", ("pit-two",), allow_duplicates=True))
    settings = GhlSandboxSettings(locations=locations, window_limit=20, window_seconds=10, search_lag_seconds=10)
    sandbox = GhlSandbox(settings, now=lambda: one.now)
    async with await serve(sandbox) as served, AiohttpTransport(total_seconds=within(60)) as transport:
        client = GhlClient(transport, StaticAuth("Bearer", TOKEN), base_url=served.url)
        one = Stage(sandbox, client, served.url)
        yield one


async def refusal(call: Any) -> VendorError:
    """The refusal that a call ends with."""
    with pytest.raises(VendorError) as caught:
        await call
    return caught.value


async def test_a_created_contact_is_read_at_once_and_found_later(stage: Stage) -> None:
    """Reading by id is immediate, the search lags."""
    by_email = {"field": "email", "operator": "eq", "value": "ann@example.com"}
    search = {"locationId": "loc1", "pageLimit": 10, "filters": [by_email]}
    made = await stage.client.create_contact(PERSON)
    read = await stage.client.get_contact(made.id)
    before = await stage.client.search_contacts(search)
    stage.now += 10
    after = await stage.client.search_contacts(search)
    assert read.email == "ann@example.com"
    assert [one.id for one in before.contacts] == []
    assert [one.id for one in after.contacts] == [made.id]


async def test_a_duplicate_is_refused_with_the_id_to_adopt(stage: Stage) -> None:
    """On create and on update: 400, and `meta` says who is there."""
    first = await stage.client.create_contact(PERSON)
    second = await stage.client.create_contact({"locationId": "loc1", "email": "bo@example.com"})
    on_create = await refusal(stage.client.create_contact({"locationId": "loc1", "email": "ANN@example.com"}))
    on_update = await refusal(stage.client.update_contact(second.id, {"phone": "+12025550123"}))
    assert (on_create.status, on_create.meta["contactId"], on_create.meta["matchingField"]) == (400, first.id, "email")
    assert (on_update.status, on_update.meta["contactId"], on_update.meta["matchingField"]) == (400, first.id, "phone")
    assert {classify(one).disposition for one in (on_create, on_update)} == {Disposition.ADOPT}


async def test_an_upsert_is_repeatable(stage: Stage) -> None:
    """The same request twice makes one contact."""
    first = await stage.client.upsert_contact(PERSON)
    again = await stage.client.upsert_contact({**PERSON, "firstName": "Ann"})
    assert (first.is_new, again.is_new) == (True, False)
    assert again.contact.id == first.contact.id
    assert len(stage.sandbox.locations["loc1"].contacts) == 1


async def test_a_deleted_contact_is_gone(stage: Stage) -> None:
    """A 400, and the outcome table knows what it means."""
    made = await stage.client.create_contact(PERSON)
    await stage.client.delete_contact(made.id)
    error = await refusal(stage.client.get_contact(made.id))
    assert (error.status, error.message) == (400, f"Contact not found for id:{made.id}")
    assert classify(error).disposition is Disposition.GONE


@pytest.mark.parametrize("contact_id", ["a/b", "a b", "ä", "a%2Fb", "a+b", "a?b#c", "..a"])
async def test_an_odd_id_arrives_as_it_is(stage: Stage, contact_id: str) -> None:
    """Quoted by the client, unquoted once by the other side, one segment all the way."""
    error = await refusal(stage.client.get_contact(contact_id))
    assert error.message == f"Contact not found for id:{contact_id}"


async def test_a_plus_sign_survives_the_query(stage: Stage) -> None:
    """In an e-mail and in a phone."""
    made = await stage.client.create_contact({**PERSON, "email": "a+b@example.com"})
    by_email = await stage.client.search_duplicate("loc1", email="a+b@example.com")
    by_phone = await stage.client.search_duplicate("loc1", number="+12025550123")
    assert by_email is not None
    assert by_phone is not None
    assert by_email.id == by_phone.id == made.id


async def test_the_request_after_the_window_is_refused_and_the_headers_say_so(stage: Stage) -> None:
    """Twenty in ten seconds; the next window starts at zero."""
    for _ in range(20):
        await stage.client.list_location_tags("loc1")
    error = await refusal(stage.client.list_location_tags("loc1"))
    stage.now += 10
    await stage.client.list_location_tags("loc1")
    assert error.status == 429
    assert error.rate is not None
    assert (error.rate.limit, error.rate.remaining, error.rate.window_seconds) == (20, 0, 10.0)
    assert classify(error).disposition is Disposition.THROTTLED
    assert stage.sandbox.ledger.stats()["throttled"] == 1


@pytest.mark.parametrize(
    ("kind", "was_applied"),
    [("drop_before_apply", False), ("drop_after_apply", True), ("timeout_after_apply", True)],
)
async def test_an_answer_that_never_comes_leaves_the_write_in_doubt(stage: Stage, kind: Any, was_applied: bool) -> None:
    """The client cannot know, and says so; only the ledger does."""
    made = await stage.client.create_contact(PERSON)
    stage.sandbox.faults.add(SandboxFault(kind, operation="create-note", times=1, seconds=0.2))
    with pytest.raises(Unanswered):
        await stage.client.create_note(made.id, {"body": "x"})
    entry = stage.sandbox.ledger.after()[-1]
    assert (entry.applied, entry.status, entry.fault) == (was_applied, None, kind)
    assert len(await stage.client.list_notes(made.id)) == int(was_applied)


async def test_a_dropped_request_is_not_repeated_unseen(stage: Stage) -> None:
    """One call is one request: whoever counts the calls must know what the limits see. Also for PUT, GET and DELETE."""
    made = await stage.client.create_contact(PERSON)
    calls: tuple[Callable[[], Awaitable[object]], ...] = (
        lambda: stage.client.get_contact(made.id),
        lambda: stage.client.update_contact(made.id, {"city": "Austin"}),
        lambda: stage.client.remove_tags(made.id, ["a"]),
    )
    for call in calls:
        await stage.client.get_contact(made.id)
        stage.sandbox.faults.add(SandboxFault("drop_before_apply", times=1))
        with pytest.raises(Unanswered):
            await call()
    assert stage.sandbox.ledger.stats()["requests"] == 1 + 2 * len(calls)


async def test_a_drop_does_not_hit_the_requests_beside_it(stage: Stage) -> None:
    """One connection is closed, the others go on."""
    made = await stage.client.create_contact(PERSON)
    stage.sandbox.faults.add(SandboxFault("drop_after_apply", operation="create-note", times=1))
    calls = [stage.client.create_note(made.id, {"body": str(n)}) for n in range(8)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(one, Unanswered) for one in results) == 1
    assert len(await stage.client.list_notes(made.id)) == 8


async def test_a_sandbox_that_is_down_cannot_have_seen_the_request() -> None:
    """No connection: safe to repeat."""
    served = await serve(GhlSandbox(GhlSandboxSettings()))
    await served.aclose()
    async with AiohttpTransport() as transport:
        client = GhlClient(transport, StaticAuth("Bearer", TOKEN), base_url=served.url)
        with pytest.raises(NotSent):
            await client.get_contact("c1")


@pytest.mark.parametrize(
    ("status", "applies", "disposition"),
    [(429, False, Disposition.THROTTLED), (500, False, Disposition.RETRY), (503, True, Disposition.RETRY)],
)
async def test_an_ordered_status_comes_with_or_without_the_work(
    stage: Stage, status: int, applies: bool, disposition: Disposition
) -> None:
    """A 5xx may have been applied."""
    made = await stage.client.create_contact(PERSON)
    stage.sandbox.faults.add(SandboxFault("status", operation="create-note", times=1, status=status, applies=applies))
    error = await refusal(stage.client.create_note(made.id, {"body": "x"}))
    assert (error.status, classify(error).disposition) == (status, disposition)
    assert len(await stage.client.list_notes(made.id)) == int(applies)


async def test_a_revoked_token_is_refused_until_it_is_mended(stage: Stage) -> None:
    """Only its own location notices."""
    stage.sandbox.faults.add(SandboxFault("revoke", budget="loc1"))
    error = await refusal(stage.client.list_location_tags("loc1"))
    stage.sandbox.faults.clear()
    await stage.client.list_location_tags("loc1")
    assert (error.status, error.message) == (401, "Invalid Private Integration token")
    assert classify(error).disposition is Disposition.PAUSE


async def test_the_control_api_seeds_shows_and_forgets(stage: Stage) -> None:
    """Seeds, full state, statistics, deletion by hand, reset."""
    contact = {
        "email": "cy@example.com",
        "tags": ["Hot"],
        "customFields": [{"id": "fie1", "field_value": "L-1"}],
        "notes": [{"body": "x"}],
        "tasks": [{"title": "t", "dueDate": "2026-10-25T11:00:00Z", "completed": False}],
    }
    fields = [{"id": "fie1", "name": "Lofty id", "dataType": "TEXT"}]
    users = [{"name": "Jo Doe", "email": "jo@example.com"}]
    seeds = {"location": "loc1", "contacts": [contact], "customFields": fields, "users": users}
    status, made = await stage.control("POST", "/_sandbox/seed", seeds)
    _, state = await stage.control("GET", "/_sandbox/contacts?location=loc1")
    (user,) = await stage.client.list_users("loc1")
    _, stats = await stage.control("GET", "/_sandbox/stats")
    await stage.control("DELETE", f"/_sandbox/contacts/{made['contacts'][0]}")
    _, left = await stage.control("GET", "/_sandbox/contacts?location=loc1")
    (shown,) = state["contacts"]
    assert status == 200
    assert (user.id, user.email) == (made["users"][0], "jo@example.com")
    assert (shown["id"], shown["tags"], shown["customFields"]) == (made["contacts"][0], ["hot"], {"fie1": "L-1"})
    assert ([one["body"] for one in shown["notes"]], [one["title"] for one in shown["tasks"]]) == (["<p>x</p>"], ["t"])
    assert stats["operations"] == {"get-user-by-location": {"200": 1}}
    assert left["contacts"] == []


async def test_the_control_api_orders_faults_and_shows_the_ledger(stage: Stage) -> None:
    """In order, after a given point, with bodies and outcomes."""
    await stage.control("POST", "/_sandbox/faults", {"kind": "status", "status": 503, "times": 1})
    await refusal(stage.client.create_contact(PERSON))
    made = await stage.client.create_contact(PERSON)
    _, page = await stage.control("GET", "/_sandbox/ledger?after=1&limit=10")
    _, faults = await stage.control("DELETE", "/_sandbox/faults")
    (entry,) = page["entries"]
    assert (entry["operation"], entry["status"], entry["body"]) == ("create-contact", 201, PERSON)
    assert entry["applied"] is True
    assert (entry["entity"], entry["budget"], page["last"]) == (made.id, "loc1", 2)
    assert faults == {"faults": []}


async def test_a_reset_can_change_settings_and_forgets_all(stage: Stage) -> None:
    """By name; an unknown one is refused with those that there are."""
    await stage.client.create_contact(PERSON)
    refused, words = await stage.control("POST", "/_sandbox/reset", {"settings": {"window": 1}})
    accepted, _ = await stage.control("POST", "/_sandbox/reset", {"settings": {"window_limit": 1}})
    await stage.client.list_location_tags("loc1")
    error = await refusal(stage.client.list_location_tags("loc1"))
    _, state = await stage.control("GET", "/_sandbox/contacts?location=loc1")
    assert (refused, accepted) == (400, 200)
    assert "window_limit" in words["message"]
    assert error.status == 429
    assert state == {"contacts": [], "customFields": [], "users": [], "pipelines": []}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/_sandbox/faults", {"kind": "explode"}),
        ("POST", "/_sandbox/seed", {"location": "nowhere"}),
        ("POST", "/_sandbox/seed", {"location": "loc1", "contacts": [{"gendr": "f"}]}),
        ("GET", "/_sandbox/contacts", None),
        ("DELETE", "/_sandbox/contacts/nobody", None),
        ("GET", "/_sandbox/ledger?after=x", None),
    ],
)
async def test_the_control_api_refuses_what_it_cannot_do(stage: Stage, method: str, path: str, body: Any) -> None:
    """With a 4xx and words, never a stack trace."""
    status, words = await stage.control(method, path, body)
    assert 400 <= status < 500
    assert words["message"]
