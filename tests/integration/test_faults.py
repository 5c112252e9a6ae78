"""Vendors that misbehave: everything is written once, nothing is lost, nobody else waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import Unanswered
from connectors.http.request import Request, Response
from connectors.http.transport import AiohttpTransport
from connectors.outcome import NAMES_NOTHING
from connectors.sandbox.shared.faults import parse_fault
from streams.messages import Receipt
from streams.messages.topics import RECEIPTS
from streams.worker.worker import Worker
from tests.integration.stage import LOCATION, Stage, stage
from tests.integration.test_verify import verified
from tests.kafka.broker import Broker

CONTACTS = ("contacts.readonly", "contacts.write")
FAULTS = [
    {"kind": "status", "status": 429, "times": 2},
    {"kind": "status", "status": 503, "times": 3},
    {"kind": "status", "status": 500, "times": 3, "applies": True},
    {"kind": "drop_before_apply", "times": 3},
    {"kind": "drop_after_apply", "times": 3},
]


@pytest.mark.parametrize(
    "fault", FAULTS, ids=lambda one: f"{one['kind']}-{one.get('status', '')}-{one.get('applies', '')}"
)
async def test_creates_that_fail_are_written_once(broker: Broker, tmp_path: Path, fault: dict[str, Any]) -> None:
    """Whether the vendor applied the write before it failed or not."""
    async with stage(broker, tmp_path, ghl={"window_limit": 1000, "window_seconds": 0.5}) as on:
        for operation in ("create-contact", "create-note", "create-task", "add-tags"):
            on.ghl.faults.add(parse_fault({**fault, "operation": operation}))
        lead = on.new_lead(tags=["Buyer"])
        on.edit("create", "note", leadId=lead, fields={"content": "Once."})
        on.edit("create", "task", leadId=lead, fields={"content": "Once", "type": "Call"})
        await on.until_quiet(60)

        assert_once(on, lead)


@pytest.mark.parametrize(
    "fault", FAULTS, ids=lambda one: f"{one['kind']}-{one.get('status', '')}-{one.get('applies', '')}"
)
async def test_a_contact_without_email_and_phone_is_found_again_by_its_lofty_id(
    broker: Broker, tmp_path: Path, fault: dict[str, Any]
) -> None:
    """GHL takes it by a create only, which is not safe to repeat: after a lost answer only the custom field shows who it is."""
    async with stage(broker, tmp_path, ghl={"window_limit": 1000, "window_seconds": 0.5}) as on:
        on.ghl.faults.add(parse_fault({**fault, "operation": "create-contact", "times": 1}))
        lead = on.new_lead(emails=[], phones=[])
        await on.until(lambda: lead in on.contacts())
        await on.until_quiet(60)

        assert len(on.ghl.location(LOCATION).contacts) == 1
        assert on.contacts()[lead]["lastName"] == "Example"
        assert await on.parked() == []


async def test_a_lead_without_a_name_waits_until_it_has_one(broker: Broker, tmp_path: Path) -> None:
    """GHL takes no contact without any of the four; the reason says what to do, and nothing is sent."""
    async with stage(broker, tmp_path) as on:
        lead = on.new_lead(firstName=" ", lastName="", emails=[], phones=[])
        await on.until(on.parked)
        (parked,) = await on.parked()
        assert (parked.reason, parked.entity) == ("nameless", f"acme:{lead}:contact:{lead}")
        assert "add one of them in Lofty" in parked.message
        assert not [one for one in on.requests("ghl") if one.operation == "create-contact"]

        on.edit("update", "lead", id=lead, fields={"lastName": "Vale"})
        await on.until(lambda: lead in on.contacts())
        await on.until_quiet()
        assert len(on.ghl.location(LOCATION).contacts) == 1


@pytest.mark.parametrize("emails", [["ann@example.com"], []], ids=["with e-mail", "by name"])
async def test_a_phone_that_ghl_refuses_costs_the_phone_only(broker: Broker, tmp_path: Path, emails: list[str]) -> None:
    """The contact is written without it and says so, edits go on, verify finds nothing wrong, and a better phone is written."""
    async with stage(broker, tmp_path) as on:
        lead = on.new_lead(emails=emails, phones=["+15551234567"])
        await on.until(lambda: lead in on.contacts())
        await on.until_quiet()
        assert on.contacts()[lead].get("phone") is None
        refusals = len([one for one in on.requests("ghl") if one.status == 422])
        on.edit("update", "lead", id=lead, fields={"lastName": "Later"})
        await on.until(lambda: on.contacts()[lead]["lastName"] == "Later")
        await on.until_quiet()

        written = [one for one in await on.receipts() if one.settled]
        flag = "phone: GHL refuses this value; it is sent again once it changes"
        assert [flag in one.flags for one in written] == [True] * len(written)
        assert any("phone must be a valid" in (one.message or "") for one in await on.receipts())
        assert (refusals, len([one for one in on.requests("ghl") if one.status == 422])) == (1, 1)
        report = await verified(on)
        assert report.counts.get("ok"), report.as_dict()
        assert not report.counts.get("different"), report.as_dict()

        on.edit("update", "lead", id=lead, fields={"phones": ["+12025550123"]})
        await on.until(lambda: on.contacts()[lead].get("phone") == "+12025550123")
        await on.until_quiet()
        assert len(on.ghl.location(LOCATION).contacts) == 1
        assert await on.parked() == []


async def test_a_contact_that_ghl_forbids_is_parked_and_the_connection_goes_on(broker: Broker, tmp_path: Path) -> None:
    """A lone 403 says nothing of the token: others are created meanwhile, and nothing pauses for a minute."""
    async with stage(broker, tmp_path) as on:
        foreign = on.new_lead()
        await on.until(lambda: foreign in on.contacts())
        await on.until_quiet()
        on.ghl.faults.add(parse_fault({"kind": "status", "operation": "update-contact", "status": 403, "times": 3}))
        on.edit("update", "lead", id=foreign, fields={"lastName": "Forbidden"})
        await on.until(lambda: any(one.status == 403 for one in on.requests("ghl")))
        others = [on.new_lead() for _ in range(3)]
        await on.until(lambda: set(others) <= set(on.contacts()))
        await on.until(lambda: sum(one.status == 403 for one in on.requests("ghl")) == 3)
        await on.until_quiet()
        assert [(one.reason, one.status) for one in await on.parked()] == [("forbidden", 403)]

        on.edit("update", "lead", id=foreign, fields={"lastName": "Allowed"})
        await on.until(lambda: on.contacts()[foreign].get("lastName") == "Allowed")


async def test_a_404_that_names_nothing_makes_nothing_anew(broker: Broker, tmp_path: Path) -> None:
    """A proxy or a route that is away for a moment: it does not say that the contact or its note is gone."""
    async with stage(broker, tmp_path) as on:
        lead = on.new_lead(emails=[], phones=[])
        note = on.edit("create", "note", leadId=lead, fields={"content": "Once."}).id
        await on.until(lambda: lead in on.contacts() and on.contacts()[lead]["notes"])
        await on.until_quiet()
        for operation in ("update-contact", "update-note"):
            on.ghl.faults.add(parse_fault({"kind": "status", "operation": operation, "status": 404, "times": 1}))
        on.edit("update", "lead", id=lead, fields={"lastName": "Later"})
        on.edit("update", "note", id=note, fields={"content": "Later."})
        await on.until_quiet()
        parked = [one.reason for one in await on.parked()]
        on.edit("update", "lead", id=lead, fields={"lastName": "Last"})
        on.edit("update", "note", id=note, fields={"content": "Last."})
        await on.until(lambda: on.contacts()[lead]["lastName"] == "Last")
        await on.until(lambda: any("Last." in one["body"] for one in on.contacts()[lead]["notes"]))
        await on.until_quiet()

        assert parked == ["unexplained 404", "unexplained 404"]
        assert len(on.ghl.location(LOCATION).contacts) == 1
        assert len(on.contacts()[lead]["notes"]) == 1


async def test_a_create_in_doubt_waits_for_a_revoked_token(broker: Broker, tmp_path: Path) -> None:
    """The next worker cannot read the custom field by which the contact would be found: it must not call it never made."""
    async with stage(broker, tmp_path, restarts=True) as on:
        first = on.new_lead()
        await on.until(lambda: first in on.contacts())
        lead = await leave_in_doubt(on)
        on.ghl.faults.add(parse_fault({"kind": "revoke", "budget": LOCATION}))
        async with Worker(on.settings, on.given()) as second:
            on.worker = second
            await on.until(lambda: any("Invalid Private" in one.pause_cause for one in second.writing.core.view(0)))
            on.edit("update", "lead", id=lead, fields={"lastName": "Later"})
            on.ghl.faults.clear()
            second.writing.resume(LOCATION)
            await on.until(lambda: on.contacts()[lead]["lastName"] == "Later")
            await on.until_quiet()

        assert len(on.ghl.location(LOCATION).contacts) == 2
        assert await on.parked() == []


async def test_a_create_in_doubt_that_cannot_be_looked_for_is_parked_and_found_later(
    broker: Broker, tmp_path: Path
) -> None:
    """The token lost the scope of custom fields meanwhile. With the scope, its next change finds the contact."""
    async with stage(broker, tmp_path, restarts=True) as on:
        lead = await leave_in_doubt(on)
        allow(on, *CONTACTS)
        async with Worker(on.settings, on.given()) as second:
            on.worker = second
            await on.until(on.parked)
            (parked,) = await on.parked()
            allow(on)
            on.reload_directories()
            on.edit("update", "lead", id=lead, fields={"lastName": "Later"})
            await on.until(lambda: on.contacts()[lead]["lastName"] == "Later")
            await on.until_quiet()

        assert (parked.reason, parked.entity) == ("not findable", f"acme:{lead}:contact:{lead}")
        assert "whether its create reached GHL is not known" in parked.message
        assert len(on.ghl.location(LOCATION).contacts) == 1


async def test_custom_fields_behind_a_404_that_says_nothing_are_waited_for(broker: Broker, tmp_path: Path) -> None:
    """A proxy's page does not say that the location has no fields: nothing is written without them."""
    async with stage(broker, tmp_path) as on:
        on.ghl.faults.add(parse_fault({"kind": "status", "operation": "get-custom-fields", "status": 404}))
        on.reload_directories()
        lead = on.new_lead()
        await on.until(lambda: any(NAMES_NOTHING in one.pause_cause for one in on.worker.writing.core.view(0)))
        without = len(on.ghl.location(LOCATION).contacts)
        on.ghl.faults.clear()
        on.worker.writing.resume(LOCATION)
        await on.until(lambda: lead in on.contacts())

        assert without == 0
        assert await on.parked() == []


async def test_receipts_of_a_connection_that_is_gone_stop_nobody(broker: Broker, tmp_path: Path) -> None:
    """It was taken out of the configuration, and its entity became unknown before that: what would be read has no account."""
    async with stage(broker, tmp_path) as on:
        facts = {"connection": "gone", "lead": "7", "kind": "contact", "id": "7", "version_ms": 5}
        for said in ({"outcome": "applied", "ghl_id": "g", "at_ms": 1}, {"outcome": "unchanged", "at_ms": 2}):
            receipt = Receipt.model_validate({**facts, **said, "step": "compare"})
            await on.produce(RECEIPTS, receipt.entity.lane.encode(), receipt.to_bytes(), by="ghl")
        lead = on.new_lead()
        await on.until(lambda: lead in on.contacts())
        await on.until_quiet()


async def test_without_the_scope_of_custom_fields_contacts_go_on(broker: Broker, tmp_path: Path) -> None:
    """What GHL refuses to this token for good is left out: only a contact that could not be found again is parked."""
    async with stage(broker, tmp_path) as on:
        allow(on, *CONTACTS)
        on.reload_directories()
        on.new_lead()
        nobody = on.new_lead(emails=[], phones=[])
        await on.until(lambda: on.ghl.location(LOCATION).contacts)
        await on.until_quiet()

        (contact,) = on.ghl.location(LOCATION).contacts.values()
        (parked,) = await on.parked()
        assert contact.fields["email"]
        assert (parked.reason, parked.entity) == ("not findable", f"acme:{nobody}:contact:{nobody}")


@pytest.mark.parametrize(
    ("path", "gives_up", "comes"),
    [("/contacts/", 0.7, 0.0), ("/notes", 0.0, 0.3), ("/tasks", 0.0, 0.3)],
    ids=["contact", "note", "task"],
)
async def test_a_create_that_is_carried_out_after_its_connection_was_lost_is_not_repeated(
    broker: Broker, tmp_path: Path, path: str, gives_up: float, comes: float
) -> None:
    """The vendor still works on it when we have given up: that nothing is there yet says nothing."""
    given = {"transport": lambda instance, may_send: Impatient(instance, may_send, path, gives_up, comes)}
    async with stage(broker, tmp_path, given=given) as on:
        lead = on.new_lead(emails=[], phones=[])
        on.edit("create", "note", leadId=lead, fields={"content": "Once."})
        on.edit("create", "task", leadId=lead, fields={"content": "Once", "type": "Call"})
        await on.until(lambda: lead in on.contacts() and on.contacts()[lead]["notes"] and on.contacts()[lead]["tasks"])
        await on.until_quiet(60)

        assert len(on.ghl.location(LOCATION).contacts) == 1
        assert [len(on.contacts()[lead][name]) for name in ("notes", "tasks")] == [1, 1]


class Impatient:
    """The real transport. It gives up the first create of one kind after some seconds, and that is carried out still later."""

    def __init__(self, instance: str, may_send: Callable[[], bool], path: str, gives_up: float, comes: float) -> None:
        self._inner = AiohttpTransport(instance=instance, may_send=may_send)
        self._path, self._gives_up, self._comes = path, gives_up, comes
        self._late: asyncio.Task[Response] | None = None

    async def __call__(self, request: Request) -> Response:
        if request.method != "POST" or not request.url.endswith(self._path) or self._late is not None:
            return await self._inner(request)
        await asyncio.sleep(self._gives_up)
        self._late = asyncio.create_task(self._after(self._comes, request))
        if not self._comes:  # carried out before we give up, however slow the machine is
            await asyncio.wait([self._late])
        raise Unanswered(request.method, request.url, "ServerDisconnectedError")

    async def _after(self, seconds: float, request: Request) -> Response:
        await asyncio.sleep(seconds)
        return await self._inner(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


async def leave_in_doubt(on: Stage) -> str:
    """A contact without e-mail and phone was created in GHL, and the worker ended before it could know."""
    on.ghl.faults.add(parse_fault({"kind": "drop_after_apply", "operation": "create-contact", "times": 1}))
    lead = on.new_lead(emails=[], phones=[])
    await on.until(lambda: lead in on.contacts())  # the first search, before the create, has found nothing
    on.ghl.faults.add(parse_fault({"kind": "status", "operation": "search-contacts*", "status": 503}))
    await on.worker.__aexit__(None, None, None)
    on.ghl.faults.clear()
    return lead


def allow(on: Stage, *scopes: str) -> None:
    """What the location's token may do; without scopes, everything."""
    object.__setattr__(on.ghl.locations[LOCATION].settings, "scopes", scopes or None)


async def test_a_refused_contact_is_parked_with_ghls_words_and_written_with_its_next_change(
    broker: Broker, tmp_path: Path
) -> None:
    """And its neighbours never waited."""
    async with stage(broker, tmp_path) as on:
        on.ghl.faults.add(parse_fault({"kind": "status", "operation": "create-contact", "status": 422, "times": 1}))
        lead = on.new_lead()
        await on.until_quiet()
        neighbour = on.new_lead()
        await on.until_quiet()

        (parked,) = await on.parked()
        assert parked.stage == "deliver"
        assert parked.status == 422
        assert lead not in on.contacts()
        assert neighbour in on.contacts()

        on.edit("update", "lead", id=lead, fields={"lastName": "Repaired"})
        await on.until_quiet()
        assert on.contacts()[lead]["lastName"] == "Repaired"


async def test_a_contact_that_stands_in_spite_of_a_422_is_not_made_again(broker: Broker, tmp_path: Path) -> None:
    """GHL has been seen to refuse a create that it had done. Only the custom field shows who it is."""
    async with stage(broker, tmp_path) as on:
        fault = {"kind": "status", "operation": "create-contact", "status": 422, "times": 1, "applies": True}
        on.ghl.faults.add(parse_fault(fault))
        lead = on.new_lead(emails=[], phones=[])
        await on.until(on.parked)
        on.edit("update", "lead", id=lead, fields={"lastName": "Later"})
        await on.until(lambda: on.contacts()[lead]["lastName"] == "Later")
        await on.until_quiet()

        assert len(on.ghl.location(LOCATION).contacts) == 1


async def test_the_windows_limit_is_used_and_never_broken(broker: Broker, tmp_path: Path) -> None:
    """Far more work than the window allows, and not one 429."""
    async with stage(
        broker, tmp_path, ghl={"window_limit": 30, "window_seconds": 0.5}, ghl_limit=30, ghl_window=0.5
    ) as on:
        leads = [on.new_lead(tags=["Buyer"]) for _ in range(60)]
        await on.until_quiet(60)

        assert sorted(on.contacts()) == sorted(leads)
        assert on.ghl.ledger.stats()["throttled"] == 0


def assert_once(on: Stage, lead: str) -> None:
    """One contact with its tag, one note, one task."""
    contact = on.contacts()[lead]
    assert len(on.ghl.location(LOCATION).contacts) == 1
    assert contact["tags"] == ["buyer"]
    assert len(contact["notes"]) == 1
    assert len(contact["tasks"]) == 1
