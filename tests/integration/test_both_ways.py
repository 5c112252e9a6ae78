"""Both directions against each other: thousands of edits on both sides, many of them of the same field at the same time.

It must come to rest, without a loop, and with the documented winner in each field.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from connectors.sandbox.lofty import agent_activity as desk_work
from tests.integration.stage import TEAM, Stage, stage
from tests.integration.test_way_back import do, of_lead
from tests.kafka.broker import Broker

BACK = """
[connections.acme.back]
notes = true
finish_tasks = true
[connections.acme.back.fields]
firstName = "ghl"
lastName = "lofty"
phone = "newest"
"""

LEADS = 20
EDITS = (150, pytest.param(2000, marks=pytest.mark.thorough))
"""On each of the two brokers. More take longer than a test may on a busy machine, and show no more."""

ROUGH = {"duplicates": 0.1, "reorders": 0.2, "delay_seconds": 0.2}


@pytest.mark.timeout(300)  # half a minute alone on two cores; others may be at work there
@pytest.mark.parametrize("edits", EDITS)
async def test_conflicting_edits_come_to_rest_with_the_documented_winner(
    broker: Broker, tmp_path: Path, edits: int
) -> None:
    dice = random.Random(4)
    async with stage(broker, tmp_path, more=BACK, hooks=ROUGH, pings=ROUGH) as on:
        leads = [
            on.new_lead(firstName="Ada", lastName="Example", phones=[f"512554{number:04d}"]) for number in range(LEADS)
        ]
        await on.until(lambda: set(leads) <= set(on.contacts()))
        await on.until_quiet()
        contacts = {lead: str(on.contacts()[lead]["id"]) for lead in leads}
        notes = {lead: do(on, "create-note", {"body": "0"}, contactId=contacts[lead])["note"]["id"] for lead in leads}
        last: dict[tuple[str, str, str], str] = {}

        for number in range(edits):
            lead, side = dice.choice(leads), dice.choice(("lofty", "ghl"))
            field = dice.choice(("firstName", "lastName", "phone", "note"))
            value = f"512555{number:04d}" if field == "phone" else f"{side}{number}"
            last[lead, side, field] = value
            if side == "ghl":
                edit_in_ghl(on, contacts[lead], notes[lead], field, value)
            elif field != "note":
                on.edit(
                    "update", "lead", id=int(lead), fields={field: value} if field != "phone" else {"phones": [value]}
                )
            await asyncio.sleep(0.003)

        await on.until_quiet(75)
        rested = (len(on.requests("lofty", "POST", "PUT", "DELETE")), len(on.requests("ghl", "POST", "PUT", "DELETE")))
        await asyncio.sleep(2)
        await on.until_quiet()
        assert rested == (
            len(on.requests("lofty", "POST", "PUT", "DELETE")),
            len(on.requests("ghl", "POST", "PUT", "DELETE")),
        ), "a loop"

        held = on.contacts()
        wrong = {lead: found for lead in leads if (found := differs(on, held[lead], lead, last))}
        assert wrong == {}
        assert await on.parked() == []
        # Each edit costs a few requests at most: nothing is written back and forth.
        assert sum(rested) < 3 * edits


def edit_in_ghl(on: Stage, contact: str, note: str, field: str, value: str) -> None:
    if field == "note":
        do(on, "update-note", {"body": value}, contactId=contact, id=note)
    else:
        do(on, "update-contact", {field: f"+1{value}" if field == "phone" else value}, contactId=contact)


def differs(on: Stage, contact: dict[str, Any], lead: str, last: dict[tuple[str, str, str], str]) -> Any:
    """What of a lead is not as documented."""
    lofty = desk_work.team_of(on.lofty, TEAM).records["lead"][int(lead)].fields
    found: list[Any] = []
    first = last.get((lead, "ghl", "firstName"))
    if first is None:  # nobody edited it in GHL: it stays as it was created
        first = "Ada"
    if not contact["firstName"] == lofty["firstName"] == first:
        found.append(("firstName", contact["firstName"], lofty["firstName"], first))
    second = last.get((lead, "lofty", "lastName"), "Example")
    if not contact["lastName"] == lofty["lastName"] == second:
        found.append(("lastName", contact["lastName"], lofty["lastName"], second))
    candidates = {edit for side in ("ghl", "lofty") if (edit := last.get((lead, side, "phone")))}
    digits = {contact["phone"].removeprefix("+1"), lofty["phones"][0].removeprefix("+1")}
    if len(digits) != 1 or (candidates and not digits <= candidates):
        found.append(("phone", contact["phone"], lofty["phones"], candidates))
    copies = [one["content"].partition("\n")[0] for one in of_lead(on, "note", lead)]
    if copies != [last.get((lead, "ghl", "note"), "0")]:
        found.append(("note", copies, last.get((lead, "ghl", "note"))))
    return found
