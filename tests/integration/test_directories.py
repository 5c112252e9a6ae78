"""What GHL answers 200 and drops reaches it all the same, once the location has what it lacked; until then it is flagged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.sandbox.ghl.seeds import seed
from connectors.sandbox.shared.faults import parse_fault
from streams.mapping import LEAD_ID_FIELD
from tests.integration.command import command, config_of
from tests.integration.stage import LOCATION, Stage, stage
from tests.integration.test_verify import verified
from tests.integration.test_way_back import do
from tests.kafka.broker import Broker

STAGE = "Lofty stage"
AGENT, EMAIL = "Robin Fieldstone", "robin.fieldstone@example.com"


def field_id(on: Stage, name: str) -> str:
    """The id of a custom field."""
    return next(one["id"] for one in on.ghl.location(LOCATION).custom_fields.values() if one["name"] == name)


def fields_of(on: Stage) -> set[str]:
    """The names of the location's custom fields."""
    return {one["name"] for one in on.ghl.location(LOCATION).custom_fields.values()}


def make_again(on: Stage, name: str, **facts: Any) -> str:
    """Somebody deletes a custom field and makes one of the same name."""
    do(on, "remove-custom-field", fieldId=field_id(on, name))
    return make(on, name, **facts)


def make(on: Stage, name: str, **facts: Any) -> str:
    """Somebody makes a custom field."""
    made = seed(on.ghl, {"location": LOCATION, "customFields": [{"name": name, "dataType": "TEXT", **facts}]})
    return made["customFields"][0]


def held(on: Stage, lead: str, name: str = STAGE) -> Any:
    """The value of a contact's custom field."""
    contact = on.contacts().get(lead)
    return contact and contact["custom"].get(name)


async def lead_with_stage(on: Stage, value: str, **fields: Any) -> str:
    """A lead that is in GHL, at rest."""
    lead = on.new_lead(stage=value, **fields)
    await on.until(lambda: lead in on.contacts())
    await on.until_quiet()
    return lead


async def test_a_location_gets_the_fields_that_its_contacts_fill_before_the_first_of_these_is_written(
    broker: Broker, tmp_path: Path
) -> None:
    """A connection begins with the field for the Lofty id; no contact is written twice for a field that came later."""
    async with stage(broker, tmp_path) as on:
        await on.until_quiet()
        assert fields_of(on) == {LEAD_ID_FIELD}
        first = await lead_with_stage(on, "Hot")
        filled = {name for name, value in on.contacts()[first]["custom"].items() if value not in (None, "")}
        assert fields_of(on) == filled >= {LEAD_ID_FIELD, STAGE}
        second = await lead_with_stage(on, "Hot", language="es", referredBy="Ann Vale")
        assert fields_of(on) == filled | {"Lofty referred by"}
        assert held(on, second, "Lofty referred by") == "Ann Vale"

        writes = [one.path for one in on.requests("ghl", "POST", "PUT") if not one.path.endswith("/search")]
        contacts = [at for at, path in enumerate(writes) if path.startswith("/contacts")]
        fields = [at for at, path in enumerate(writes) if path.endswith("/customFields")]
        assert (len(contacts), len(fields)) == (2, len(fields_of(on)))
        assert fields[-2] < contacts[0] < fields[-1] < contacts[1]


@pytest.mark.in_make_test
async def test_a_custom_field_that_was_made_again_gets_the_values_of_all_leads(broker: Broker, tmp_path: Path) -> None:
    """The first write to the dead field tells; old and new leads are written to the field that is there, also Lofty's ids."""
    async with stage(broker, tmp_path) as on:
        old = await lead_with_stage(on, "Hot")
        edited = await lead_with_stage(on, "Hot")
        make_again(on, STAGE)
        on.edit("update", "lead", id=edited, fields={"stage": "Closed"})
        await on.until(lambda: (held(on, edited), held(on, old)) == ("Closed", "Hot"))
        new = await lead_with_stage(on, "Offer")

        assert held(on, new) == "Offer"
        report = await verified(on)
        assert (report.exit_code, report.counts) == (0, {"ok": 3}), report.as_dict()
        assert not report.connections[0].left_out
        _, said, _ = await command("mapping check", config_of(on, tmp_path), "--json")
        assert "was made again" in next(
            one["says"] for one in orjson.loads(said) if one["subject"] == f"custom:{STAGE}"
        )
        assert await on.parked() == []

        asked = len(on.requests("ghl", "PUT", "POST"))
        on.reload_directories()
        await on.until_quiet()
        assert len(on.requests("ghl", "PUT", "POST")) == asked, "what is as it should be is written once"

        make_again(on, LEAD_ID_FIELD)
        code, said, complaint = await command("directories refresh", config_of(on, tmp_path))
        assert code == 0, complaint
        assert "made again in GHL: contact.lofty_lead_id, contact.lofty_stage, lofty lead id, lofty stage" in said
        await on.until(lambda: {old, edited, new} <= on.contacts().keys())
        await on.until_quiet()
        assert len(on.ghl.location(LOCATION).contacts) == 3


async def test_a_field_that_was_made_again_while_no_worker_ran_is_seen_at_the_start(
    broker: Broker, tmp_path: Path
) -> None:
    """Nothing of it is in memory: the links name the field that is gone."""
    async with stage(broker, tmp_path, restarts=True, store="rocksdb") as on:
        old = await lead_with_stage(on, "Hot")
        await on.worker.__aexit__()
        make_again(on, STAGE)
        async with type(on.worker)(on.settings, on.given()) as second:
            on.worker = second
            await on.until(lambda: held(on, old) == "Hot")
            await on.until_quiet()


async def test_fields_that_ghl_refused_are_created_after_a_start_and_their_contacts_written(
    broker: Broker, tmp_path: Path
) -> None:
    """Nobody else needs them: the links of the contacts that were written without them name them."""
    async with stage(broker, tmp_path, restarts=True, store="rocksdb") as on:
        await on.until_quiet()
        fault = {"kind": "status", "operation": "create-custom-field", "status": 422, "times": 1000}
        on.ghl.faults.add(parse_fault(fault))
        lead = await lead_with_stage(on, "Hot")
        assert held(on, lead) is None
        on.ghl.faults.clear()
        await on.worker.__aexit__()
        async with type(on.worker)(on.settings, on.given()) as second:
            on.worker = second
            await on.until(lambda: held(on, lead) == "Hot")
            await on.until_quiet()


async def test_an_option_or_a_user_that_is_lacking_is_told_and_written_once_it_is_there(
    broker: Broker, tmp_path: Path
) -> None:
    """Nothing is sent that GHL would drop, all else of the contact is; the command has the worker look again."""
    async with stage(broker, tmp_path) as on:
        make(on, STAGE, dataType="SINGLE_OPTIONS", picklistOptions=["Hot", "Closed"])
        on.reload_directories()
        await on.until_quiet()
        lead = await lead_with_stage(on, "Offer", city="Austin", assignedUser=AGENT)
        fine = await lead_with_stage(on, "hot")

        contact = on.contacts()[lead]
        assert (contact["city"], contact.get("assignedTo"), held(on, lead), held(on, fine)) == (
            "Austin",
            None,
            None,
            "Hot",
        )
        flags = {flag for one in await on.receipts() if one.lead == lead and one.settled for flag in one.flags}
        lacking = {
            "custom field 'Lofty stage': 'Offer' is none of its options in GHL",
            "assignedTo: no GHL user has the e-mail robin.fieldstone@example.com",
        }
        assert lacking <= flags
        report = await verified(on)
        assert (report.exit_code, {*report.connections[0].left_out}) == (0, lacking), report.as_dict()

        do(on, "change-custom-field", {"picklistOptions": ["Hot", "Closed", "Offer"]}, fieldId=field_id(on, STAGE))
        user = seed(on.ghl, {"location": LOCATION, "users": [{"name": AGENT, "email": EMAIL}]})["users"][0]
        code, _, complaint = await command("directories refresh", config_of(on, tmp_path))
        assert code == 0, complaint
        await on.until(lambda: (held(on, lead), on.contacts()[lead].get("assignedTo")) == ("Offer", user))
        await on.until_quiet()
        assert (await verified(on)).connections[0].left_out == {}
        assert await on.parked() == []


async def test_a_user_who_is_gone_since_costs_the_assignment_only(broker: Broker, tmp_path: Path) -> None:
    """GHL's own answer is without the user, so the location is read again; the contact says what it is without."""
    async with stage(broker, tmp_path) as on:
        user = seed(on.ghl, {"location": LOCATION, "users": [{"name": AGENT, "email": EMAIL}]})["users"][0]
        on.reload_directories()
        await on.until_quiet()
        do(on, "remove-user", userId=user)
        lead = await lead_with_stage(on, "Hot", assignedUser=AGENT)

        async def is_told() -> bool:
            settled = [one for one in await on.receipts() if one.lead == lead and one.settled]
            return any("no GHL user has the e-mail" in flag for flag in settled[-1].flags)

        await on.until(is_told)
        assert held(on, lead) == "Hot"
        assert on.contacts()[lead].get("assignedTo") is None


async def test_a_tasks_user_whom_ghl_lacks_is_told_and_assigned_once_it_is_there(
    broker: Broker, tmp_path: Path
) -> None:
    """The task is there meanwhile; and one whose user GHL drops because it is gone since says so, too."""
    async with stage(broker, tmp_path) as on:
        lead = await lead_with_stage(on, "Hot")
        on.edit("create", "task", leadId=lead, fields={"content": "call", "assignedUser": AGENT})
        await on.until(lambda: len(on.contacts()[lead]["tasks"]) == 1)
        await on.until_quiet()

        async def flags() -> tuple[str, ...]:
            settled = [one for one in await on.receipts() if (one.lead, one.kind) == (lead, "task") and one.settled]
            return settled[-1].flags

        (lacking,) = await flags()
        assert lacking == f"assignedTo: no GHL user has the e-mail {EMAIL}"
        assert lacking in (await verified(on)).connections[0].left_out

        user = seed(on.ghl, {"location": LOCATION, "users": [{"name": AGENT, "email": EMAIL}]})["users"][0]
        on.reload_directories()
        await on.until(lambda: on.contacts()[lead]["tasks"][0].get("assignedTo") == user)
        await on.until_quiet()
        assert await flags() == ()

        do(on, "remove-user", userId=user)
        on.edit("create", "task", leadId=lead, fields={"content": "write", "assignedUser": AGENT})

        async def is_told() -> bool:
            return any("no GHL user has the e-mail" in flag for flag in await flags())

        await on.until(is_told)
        assert [task.get("assignedTo") for task in on.contacts()[lead]["tasks"]] == [user, None]
        assert await on.parked() == []


async def test_what_ghl_does_not_clear_is_flagged(broker: Broker, tmp_path: Path) -> None:
    """Its answer still shows the old values: neither explain nor verify calls that right without a word."""
    async with stage(broker, tmp_path, ghl={"ignores_empty_texts": True}) as on:
        lead = await lead_with_stage(on, "Hot", referredBy="Bo", zipCode="78701")
        on.edit("update", "lead", id=lead, fields={"referredBy": "", "zipCode": "", "lastName": "Later"})
        await on.until(lambda: on.contacts()[lead]["lastName"] == "Later")
        await on.until_quiet()

        assert (held(on, lead, "Lofty referred by"), on.contacts()[lead]["postalCode"]) == ("Bo", "78701")
        report = await verified(on)
        words = "GHL refuses this value; it is sent again once it changes"
        field = f"custom:{field_id(on, 'Lofty referred by')}"
        assert {*report.connections[0].left_out} == {f"{name}: {words}" for name in ("postalCode", field)}, (
            report.as_dict()
        )
        on.edit("update", "lead", id=lead, fields={"referredBy": "Cy", "zipCode": "78702"})
        await on.until(
            lambda: held(on, lead, "Lofty referred by") == "Cy" and on.contacts()[lead]["postalCode"] == "78702"
        )
