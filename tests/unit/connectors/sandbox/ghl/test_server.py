"""The sandbox on a socket: connections that drop, answers that never come, and the control API. Loopback only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import orjson
import pytest
import pytest_asyncio

from connectors.auth.request_auth import StaticAuth
from connectors.errors import Unanswered
from connectors.ghl.client import GhlClient
from connectors.http.transport import AiohttpTransport, Request, Response
from connectors.sandbox.ghl import GhlSandbox, Served, serve
from connectors.sandbox.shared.faults import SandboxFault
from tests.deadlines import within
from tests.unit.connectors.sandbox.ghl.stage import ANN, HERE, SETTINGS

NEW = {"locationId": HERE, **ANN}


@pytest.fixture
def sandbox() -> GhlSandbox:
    """A sandbox by the real clock."""
    return GhlSandbox(SETTINGS)


@pytest_asyncio.fixture
async def served(sandbox: GhlSandbox) -> AsyncIterator[Served]:
    """It listens on a free port."""
    async with await serve(sandbox) as listening:
        yield listening


@pytest_asyncio.fixture
async def transport() -> AsyncIterator[AiohttpTransport]:
    """The real transport."""
    async with AiohttpTransport(total_seconds=within(60)) as made:
        yield made


@pytest.fixture
def client(served: Served, transport: AiohttpTransport) -> GhlClient:
    """A client of one location."""
    return GhlClient(transport, StaticAuth("Bearer", "pit-here"), base_url=served.url)


@pytest.fixture
def control(served: Served, transport: AiohttpTransport) -> Any:
    """Asks the control API: `await control("GET", "stats")` gives status and JSON."""

    async def ask(method: str, target: str, content: Any = None) -> tuple[int, Any]:
        body = None if content is None else orjson.dumps(content)
        answer: Response = await transport(Request(method, f"{served.url}/_sandbox/{target}", {}, body))
        return answer.status, orjson.loads(answer.body)

    return ask


async def test_a_round_trip_with_everything(client: GhlClient) -> None:
    """Created, tagged, annotated, completed, deleted; a DELETE carries its body."""
    contact_id = (await client.upsert_contact(NEW)).contact.id
    await client.add_tags(contact_id, ("a", "b"))
    left = await client.remove_tags(contact_id, ("a",))
    note = await client.create_note(contact_id, {"body": "Grüße\n\u2028 ✓"})
    task = await client.create_task(
        contact_id, {"title": "Call", "dueDate": "2026-10-25T11:00:00Z", "completed": False}
    )
    done = await client.complete_task(contact_id, task.id, completed=True)
    assert left == ("b",)
    assert (await client.get_note(contact_id, note.id)).body == "<p>Grüße \u2028 ✓</p>"
    assert done is not None
    assert done.completed is True


async def test_a_quoted_id_arrives_as_it_was(client: GhlClient) -> None:
    """Slashes and percent signs are part of the id."""
    with pytest.raises(Exception, match="Contact not found for id:a/b%2F c"):
        await client.get_contact("a/b%2F c")


@pytest.mark.parametrize(
    ("kind", "is_applied"), [("drop_before_apply", False), ("drop_after_apply", True), ("timeout_after_apply", True)]
)
async def test_an_answer_may_be_lost_with_or_without_the_work_done(
    client: GhlClient, sandbox: GhlSandbox, kind: Any, is_applied: bool
) -> None:
    """The client cannot tell, and says so: `Unanswered`. The ledger can."""
    sandbox.faults.add(SandboxFault(kind, "upsert-contact", times=1, seconds=0.2))
    with pytest.raises(Unanswered):
        await client.upsert_contact(NEW)
    (entry,) = sandbox.ledger.after()
    assert (entry.fault, entry.applied, entry.status) == (kind, is_applied, None)
    assert (await client.upsert_contact(NEW)).is_new is not is_applied


async def test_an_answer_may_be_late(served: Served, sandbox: GhlSandbox) -> None:
    """Latency for all, or a delay for some; others are not held up."""
    sandbox.reset(replace(SETTINGS, latency_seconds=0.02))
    sandbox.faults.add(SandboxFault("delay", "get-contacts", times=1, seconds=0.1))
    seconds: dict[str, float] = {}
    async with AiohttpTransport() as transport:
        client = GhlClient(
            transport,
            StaticAuth("Bearer", "pit-here"),
            base_url=served.url,
            on_answer=lambda answered: seconds.update({answered.operation: answered.seconds}),
        )
        await asyncio.gather(client.list_contacts(HERE), client.upsert_contact(NEW))
    assert seconds["get-contacts"] >= 0.12
    assert 0.02 <= seconds["upsert-contact"] < seconds["get-contacts"]


async def test_what_never_answers_does_not_hold_up_the_end(sandbox: GhlSandbox, transport: AiohttpTransport) -> None:
    """The sandbox closes while a client waits."""
    sandbox.faults.add(SandboxFault("timeout_after_apply", seconds=3600))
    served = await serve(sandbox)
    client = GhlClient(transport, StaticAuth("Bearer", "pit-here"), base_url=served.url)
    asking = asyncio.ensure_future(client.upsert_contact(NEW))
    async with asyncio.timeout(within(60)):
        while not sandbox.ledger.after():  # the ledger is what is observed; it has no event
            await asyncio.sleep(0.005)
        await served.aclose()
        with pytest.raises(Unanswered):
            await asking
    assert served.url.startswith("http://127.0.0.1:")


async def test_the_control_api_seeds_and_shows(control: Any, client: GhlClient) -> None:
    """All that a location holds, custom fields by id, with notes, tasks and appointments."""
    seed = {
        "location": HERE,
        "users": [{"id": "u1", "name": "Pat Reed", "email": "pat@example.com"}],
        "customFields": [{"id": "f1", "name": "Lofty id", "dataType": "TEXT"}],
        "contacts": [
            {
                "id": "c1",
                **ANN,
                "tags": ["Hot"],
                "customFields": [{"id": "f1", "field_value": "L-1"}],
                "notes": [{"body": "Hello"}],
                "tasks": [{"title": "Call", "dueDate": "2026-10-25T11:00:00Z", "completed": False}],
                "appointments": [{"title": "Viewing"}],
            }
        ],
    }
    assert await control("POST", "seed", seed) == (200, {"users": ["u1"], "customFields": ["f1"], "contacts": ["c1"]})
    _, shown = await control("GET", f"contacts?location={HERE}")
    (contact,) = shown["contacts"]
    assert (contact["id"], contact["tags"], contact["customFields"]) == ("c1", ["hot"], {"f1": "L-1"})
    assert [len(contact[name]) for name in ("notes", "tasks", "appointments")] == [1, 1, 1]
    assert [user.email for user in await client.list_users(HERE)] == ["pat@example.com"]


async def test_the_control_api_orders_faults(control: Any, client: GhlClient, sandbox: GhlSandbox) -> None:
    """One or several; shown; cleared; a wrong one is refused with what would be right."""
    await control("POST", "faults", {"kind": "status", "operation": "create-*", "times": 2, "status": 503})
    await control("POST", "faults", {"faults": [{"kind": "delay", "seconds": 0}]})
    _, shown = await control("GET", "faults")
    status, refusal = await control("POST", "faults", {"kind": "explode"})
    assert [fault["kind"] for fault in shown["faults"]] == ["status", "delay"]
    assert (status, "drop_after_apply" in refusal["message"]) == (400, True)
    assert await control("DELETE", "faults") == (200, {"faults": []})


async def test_the_control_api_reads_the_ledger_in_pages(control: Any, client: GhlClient) -> None:
    """And counts by operation, status and location. It is not in the ledger itself."""
    for number in range(3):
        await client.upsert_contact({**NEW, "city": f"City {number}"})
    _, first = await control("GET", "ledger?after=0&limit=2")
    _, rest = await control("GET", f"ledger?after={first['last']}&limit=2")
    _, stats = await control("GET", "stats")
    assert [entry["body"]["city"] for entry in first["entries"] + rest["entries"]] == ["City 0", "City 1", "City 2"]
    assert stats == {
        "requests": 3, "operations": {"upsert-contact": {"200": 3}}, "budgets": {HERE: 3}, "throttled": 0,
        "pending": 0, "webhooks": {},
    }  # fmt: skip


async def test_the_control_api_deletes_as_a_person_would(control: Any, client: GhlClient) -> None:
    """Behind the pipeline's back."""
    contact_id = (await client.upsert_contact(NEW)).contact.id
    assert await control("DELETE", f"contacts/{contact_id}") == (200, {"deleted": contact_id})
    with pytest.raises(Exception, match="Contact not found"):
        await client.get_contact(contact_id)


async def test_the_control_api_resets(control: Any, client: GhlClient) -> None:
    """State, ledger and faults are gone; settings may change with it."""
    await client.upsert_contact(NEW)
    settings = {"window_limit": 1, "locations": [{"id": HERE, "tokens": ["pit-here"], "allow_duplicates": True}]}
    assert await control("POST", "reset", {"settings": settings}) == (200, {"reset": True})
    assert (await client.upsert_contact(NEW)).is_new
    with pytest.raises(Exception, match="Too Many Requests"):
        await client.upsert_contact(NEW)


@pytest.mark.parametrize(
    ("target", "content"),
    [("seed", {"location": "nowhere"}), ("reset", {"settings": {"speed": 1}}), ("seed", [1]),
     ("seed", {"location": HERE, "contacts": [{"phone": "call me"}]})],
)  # fmt: skip
async def test_the_control_api_says_what_is_wrong(control: Any, target: str, content: Any) -> None:
    """400, with words."""
    status, answer = await control("POST", target, content)
    assert status == 400
    assert answer["message"]


async def test_others_can_use_up_a_locations_day(control: Any) -> None:
    """A number of requests that are left; anything else is refused with words."""
    assert await control("POST", "day", {"location": HERE, "left": 3}) == (200, {"location": HERE, "left": 3})
    assert (await control("POST", "day", {"location": HERE, "left": "3"}))[0] == 400
    assert (await control("POST", "day", {"location": "nowhere", "left": 3}))[0] == 400
