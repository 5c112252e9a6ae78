"""One long conversation of the client with the sandbox over a real socket: every operation, and the refusals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from connectors.auth.request_auth import StaticAuth
from connectors.errors import VendorError
from connectors.http.transport import AiohttpTransport, Request, Response
from connectors.lofty.client import LoftyClient
from connectors.sandbox.lofty import LoftySandbox, LoftySandboxSettings, TeamSettings, serve
from connectors.sandbox.lofty.agent_activity import edit, seed
from connectors.sandbox.lofty.people import make_leads, make_team
from connectors.sandbox.shared.faults import SandboxFault
from tests.unit.connectors.lofty.calls import CHANGED_TASK, NEW_DEAL, NEW_TASK, WRITE

TEAM = 123456


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
    """All that is said."""
    sandbox = LoftySandbox(LoftySandboxSettings(teams=(TeamSettings(TEAM, ("key",)),)))
    async with await serve(sandbox) as served, AiohttpTransport() as transport:
        recorder = Recorder(transport)
        client = LoftyClient(recorder, StaticAuth("token", "key"), base_url=served.url)
        await _succeed(sandbox, client)
        await _fail(sandbox, client, LoftyClient(recorder, StaticAuth("Bearer", "key"), base_url=served.url))
    return tuple(recorder.exchanges)


async def _succeed(sandbox: LoftySandbox, client: LoftyClient) -> None:
    team = sandbox.teams[TEAM]
    seed(sandbox, team, {"leads": make_leads(30), **make_team()})
    lead_id = await client.create_lead({**WRITE, "assignedUserId": 844510972070138})
    meeting = {"descr": "Visit", "deadline": 1_772_377_200_000, "endTime": 1_772_380_800_000}
    order = {"edit": "create", "kind": "appointment", "leadId": lead_id, "fields": meeting}
    appointment = edit(sandbox, team, order)
    edit(sandbox, team, {"edit": "finish", "kind": "appointment", "id": appointment.id})
    await client.update_lead(lead_id, {**WRITE, "tagsRemove": ["Buyer"], "isHidden": True})
    await client.get_lead(lead_id)
    assert [page async for page in client.each_lead(limit=2, filters={"sort": "CreateTime", "desc": False})]
    assert [page async for page in client.each_lead(filters={"stage": "Hot"})]
    assert [page async for page in client.each_lead()]
    note_id = await client.create_note(lead_id, "Hello")
    await client.get_note(note_id)
    await client.update_note(note_id, lead_id, "Hello again", is_pinned=True)
    await client.list_notes(lead_id, with_system_notes=True)
    await client.delete_note(note_id)
    task_id = await client.create_task(lead_id, NEW_TASK)
    await client.finish_task(task_id)
    await client.unfinish_task(task_id)
    await client.update_task(task_id, CHANGED_TASK)
    await client.get_task(task_id)
    await client.get_task_v1(task_id)
    await client.list_tasks(lead_id)
    await client.list_tasks_v1(lead_id)
    await client.list_appointments(lead_id)
    await client.delete_task(task_id)
    deal_id = await client.create_transaction(lead_id, NEW_DEAL)
    await client.update_transaction(lead_id, deal_id, {**NEW_DEAL, "transactionStatus": "closed", "closeDate": 5})
    await client.get_transaction(lead_id, deal_id)
    await client.list_lead_transactions(lead_id)
    await client.list_transactions(lead_id=lead_id)
    await client.list_transaction_pipelines()
    await client.who_am_i()
    await client.list_members()
    await client.list_custom_fields()
    assert await client.list_lead_pipelines(page_size=2)
    await client.list_tags()
    subscription = await client.create_subscription(2, "https://example.com/hook")
    await client.list_subscriptions()
    await client.delete_subscription(subscription.subscribe_id)
    await client.delete_lead(lead_id, reason="asked to")
    await client.get_lead(lead_id, with_trash=True)


async def _fail(sandbox: LoftySandbox, client: LoftyClient, with_wrong_scheme: LoftyClient) -> None:
    lead_id = str(next(iter(sandbox.teams[TEAM].records["lead"])))
    naive: dict[str, Any] = {**NEW_TASK, "endAt": "2026-03-01T15:00:00"}
    for call in (
        lambda: client.get_lead("1"),
        lambda: client.get_note("1"),
        lambda: client.get_task("1"),
        lambda: client.finish_task("1"),
        lambda: client.get_transaction(lead_id, "1"),
        lambda: client.create_transaction(lead_id, {"transactionName": " "}),
        lambda: client.list_leads(limit=101),
        lambda: client.create_lead({"firstName": ""}),
        lambda: client.create_task(lead_id, naive),
        lambda: client.create_subscription(2, "http://example.com/hook"),
        lambda: client.delete_subscription("1"),
        lambda: with_wrong_scheme.list_tags(),
    ):
        with pytest.raises(VendorError):
            await call()
    for status in (401, 429, 500):
        sandbox.faults.add(SandboxFault("revoke" if status == 401 else "status", "get-lead", times=1, status=status))
        with pytest.raises(VendorError):
            await client.get_lead(lead_id)
