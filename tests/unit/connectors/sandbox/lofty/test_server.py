"""The sandbox on a socket: pings that arrive, connections that drop, and the control API. Loopback only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from connectors.auth.request_auth import StaticAuth
from connectors.errors import Unanswered
from connectors.http.transport import AiohttpTransport
from connectors.lofty.client import LoftyClient
from connectors.lofty.webhooks import Ping, parse
from connectors.sandbox.lofty import LoftySandbox, PingSettings, Served, serve
from connectors.sandbox.lofty.people import make_leads, make_team
from connectors.sandbox.shared.faults import SandboxFault
from connectors.sandbox.shared.shell import listen
from tests.deadlines import within
from tests.unit.connectors.sandbox.lofty.stage import HERE, SETTINGS

QUICK = replace(SETTINGS, allows_http=True, pings=PingSettings(flush_seconds=0.01, retry_seconds=0.01))


class Ear:
    """Hears deliveries; answers `statuses` first, then 200."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.statuses: list[int] = []
        self._more = asyncio.Event()

    async def hear(self, request: web.Request) -> web.Response:
        """One delivery."""
        self.bodies.append(await request.read())
        self._more.set()
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    async def until(self, number: int) -> list[bytes]:
        """What was heard, once there are so many deliveries."""
        async with asyncio.timeout(within(60)):
            while len(self.bodies) < number:
                self._more.clear()
                await self._more.wait()
        return self.bodies

    def pings(self) -> list[Ping]:
        """Everything that was heard."""
        return [ping for body in self.bodies for ping in parse(body).pings]


@pytest.fixture
def ear() -> Ear:
    """Somebody who listens."""
    return Ear()


@pytest_asyncio.fixture
async def callback(ear: Ear) -> AsyncIterator[str]:
    """Its URL."""
    app = web.Application()
    app.router.add_post("/hook", ear.hear)
    async with await listen(app, "127.0.0.1", 0) as served:
        yield f"{served.url}/hook"


@pytest.fixture
def sandbox() -> LoftySandbox:
    """A sandbox by the real clock."""
    return LoftySandbox(QUICK)


@pytest_asyncio.fixture
async def served(sandbox: LoftySandbox) -> AsyncIterator[Served]:
    """It listens on a free port."""
    async with await serve(sandbox) as listening:
        yield listening


@pytest_asyncio.fixture
async def client(served: Served) -> AsyncIterator[LoftyClient]:
    """A client of one team."""
    async with AiohttpTransport(total_seconds=within(60)) as transport:
        yield LoftyClient(transport, StaticAuth("token", "key-here"), base_url=served.url)


@pytest_asyncio.fixture
async def desk(served: Served) -> AsyncIterator[aiohttp.ClientSession]:
    """The control API."""
    async with aiohttp.ClientSession(f"{served.url}/_sandbox/") as session:
        yield session


async def answer(asked: Any) -> Any:
    """The JSON of an answer of the control API."""
    async with asked as response:
        assert response.status == 200
        return await response.json()


async def settled(desk: aiohttp.ClientSession) -> dict[str, Any]:
    """The counts of pings once none is pending."""
    async with asyncio.timeout(within(60)):
        while True:
            stats = await answer(desk.get("stats"))
            if stats["pending"] == 0:
                pings: dict[str, Any] = stats["pings"]
                return pings


# -- pings ---------------------------------------------------------------------------------------------------


async def test_an_agents_edits_reach_the_subscriber(
    client: LoftyClient, desk: aiohttp.ClientSession, ear: Ear, callback: str
) -> None:
    """Create, change, delete: by the control API, as an agent would, without a request of ours in the ledger."""
    for list_id in (2, 9, 10):
        await client.create_subscription(list_id, callback)
    lead_id = (await answer(desk.post("leads", json={"firstName": "Jane"})))["id"]
    note_id = (await answer(desk.post("notes", json={"leadId": lead_id, "content": "x"})))["id"]
    task_id = (await answer(desk.post("tasks", json={"leadId": lead_id, "type": "Call", "content": "x"})))["id"]
    await answer(desk.patch(f"leads/{lead_id}", json={"lastName": "Vale"}))
    await answer(desk.patch(f"notes/{note_id}", json={"content": "y"}))
    await answer(desk.post(f"tasks/{task_id}/finish"))
    await answer(desk.delete(f"notes/{note_id}"))
    await answer(desk.delete(f"leads/{lead_id}"))
    await settled(desk)
    heard = {(one.kind, one.entity_id, one.operation) for one in ear.pings()}
    assert heard == {
        ("contact", str(lead_id), "created"), ("contact", str(lead_id), "updated"), ("contact", str(lead_id), "deleted"),
        ("note", str(note_id), "created"), ("note", str(note_id), "updated"), ("note", str(note_id), "deleted"),
        ("task", str(task_id), "created"), ("task", str(task_id), "finished"),
    }  # fmt: skip


async def test_a_burst_travels_in_few_deliveries(
    client: LoftyClient, desk: aiohttp.ClientSession, ear: Ear, callback: str
) -> None:
    """No more items in each than the subscription's limit."""
    await client.create_subscription(2, callback, limit=40)
    edits = [{"edit": "create", "kind": "lead", "fields": {"firstName": f"J{at}"}} for at in range(100)]
    made = (await answer(desk.post("edits", json={"edits": edits})))["edits"]
    await settled(desk)
    assert [len(parse(body).pings) for body in sorted(ear.bodies, key=len, reverse=True)] == [40, 40, 20]
    assert {one.lead_id for one in ear.pings()} == {str(one["leadId"]) for one in made}


async def test_a_delivery_is_repeated_until_it_is_answered_with_200(
    client: LoftyClient, desk: aiohttp.ClientSession, ear: Ear, callback: str
) -> None:
    """And given up after some attempts."""
    await client.create_subscription(2, callback)
    ear.statuses = [503, 202]
    await answer(desk.post("leads", json={"firstName": "Jane"}))
    first = await settled(desk)
    ear.statuses = [503] * QUICK.pings.attempts
    await answer(desk.post("leads", json={"firstName": "June"}))
    second = await settled(desk)
    assert (first["requests"], first["delivered"]) == (3, 1)
    assert (second["requests"], second["delivered"], second["given up"]) == (3 + QUICK.pings.attempts, 1, 1)


@pytest.mark.parametrize(
    ("changes", "deliveries", "count"),
    [({"losses": 1.0}, 0, "lost"), ({"duplicates": 1.0}, 2, "duplicates"), ({"reorders": 1.0}, 1, "held back")],
)
async def test_pings_are_lost_doubled_or_held_back_on_request(
    client: LoftyClient,
    desk: aiohttp.ClientSession,
    ear: Ear,
    callback: str,
    changes: dict[str, float],
    deliveries: int,
    count: str,
) -> None:
    """By settings, with a seeded random."""
    await answer(desk.post("reset", json={"settings": {"pings": changes}}))
    await client.create_subscription(2, callback)
    await answer(desk.post("leads", json={"firstName": "Jane"}))
    counts = await settled(desk)
    assert (len(ear.bodies), counts[count]) == (deliveries, 1)


async def test_any_body_can_be_sent(client: LoftyClient, desk: aiohttp.ClientSession, ear: Ear, callback: str) -> None:
    """The poison ping, once to each callback URL."""
    await client.create_subscription(2, callback)
    await client.create_subscription(9, callback)
    sent = await answer(desk.post("pings", data=b"poison"))
    assert (sent, await ear.until(1)) == ({"sent": 1}, [b"poison"])


async def test_what_nobody_subscribed_to_is_counted(desk: aiohttp.ClientSession) -> None:
    """And not pending for ever."""
    await answer(desk.post("leads", json={"firstName": "Jane"}))
    assert (await settled(desk))["unheard"] == 1


# -- the control API -----------------------------------------------------------------------------------------


async def test_seeds_are_there_without_a_ping(client: LoftyClient, desk: aiohttp.ClientSession) -> None:
    """Leads with notes and tasks, members, custom fields, stages and tags."""
    leads = make_leads(20, seed=3)
    made = await answer(desk.post(f"seed?team={HERE}", json={"leads": leads, **make_team()}))
    first = made["leads"][0]
    shown = (await answer(desk.get("leads")))["leads"]
    lead = await client.get_lead(str(first["leadId"]))
    assert (lead["firstName"], len(shown)) == (leads[0]["firstName"], 20)
    assert [len(one["notes"]) for one in shown] == [len(one["notes"]) for one in leads]
    assert [[task["finishFlag"] for task in one["tasks"]] for one in shown] == [
        [task["finishFlag"] for task in one["tasks"]] for one in leads
    ]
    assert len(await client.list_members()) == len(make_team()["members"])
    assert (await settled(desk))["told"] == 0


async def test_deleted_leads_are_shown_with_trash(desk: aiohttp.ClientSession) -> None:
    """As their state is."""
    lead_id = (await answer(desk.post("leads", json={"firstName": "Jane"})))["id"]
    await answer(desk.delete(f"leads/{lead_id}"))
    assert (await answer(desk.get("leads")))["leads"] == []
    assert [one["isDeleted"] for one in (await answer(desk.get("leads?trash=true")))["leads"]] == [True]


async def test_faults_are_ordered_shown_and_cleared(client: LoftyClient, desk: aiohttp.ClientSession) -> None:
    """And the ledger says whom they hit."""
    await answer(desk.post("faults", json={"kind": "drop_before_apply", "operation": "list-tags"}))
    with pytest.raises(Unanswered):
        await client.list_tags()
    assert len((await answer(desk.get("faults")))["faults"]) == 1
    assert (await answer(desk.delete("faults")))["faults"] == []
    rows = await answer(desk.get("ledger"))
    assert [(one["operation"], one["fault"], one["status"]) for one in rows["entries"]] == [
        ("list-tags", "drop_before_apply", None)
    ]


@pytest.mark.parametrize("kind", ["drop_after_apply", "timeout_after_apply"])
async def test_work_may_be_done_without_an_answer(sandbox: LoftySandbox, client: LoftyClient, kind: Any) -> None:
    """So that the caller is in doubt."""
    sandbox.faults.add(SandboxFault(kind, "create-lead", seconds=0.2))
    with pytest.raises(Unanswered):
        await client.create_lead({"firstName": "Jane"})
    assert len(sandbox.teams[HERE].records["lead"]) == 1


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("reset", {"settings": {"speed": 1}}, "no such setting: speed"),
        ("edits", {"edits": [{"edit": "sing", "kind": "lead"}]}, "edit must be create"),
        ("edits", {"edits": [{"edit": "create", "kind": "song"}]}, "kind must be one of lead"),
        ("edits", {"edits": [{"edit": "finish", "kind": "lead", "id": 1}]}, "a lead cannot be finished"),
        ("faults", {"kind": "sing"}, "kind must be one of status"),
        ("seed?team=1", {}, "no team 1"),
        ("leads", {"lastName": "Vale"}, "firstName is required"),
        ("leads", [], "the body must be an object"),
    ],
)
async def test_what_cannot_be_done_is_answered_with_words(
    desk: aiohttp.ClientSession, path: str, body: Any, words: str
) -> None:
    """And 400."""
    async with desk.post(path, json=body) as response:
        found = await response.text()
    assert response.status == 400
    assert words in found
