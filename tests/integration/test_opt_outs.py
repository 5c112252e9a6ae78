"""Opt-outs both ways: by webhook, by sweep and search where no webhook came, and by verify. Nothing is ever opened."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from connectors.sandbox.ghl.people import act
from connectors.sandbox.lofty import agent_activity as desk_work
from streams.mapping.opt_outs import closed_in_ghl, closed_in_lofty
from tests.integration.command import command, config_of
from tests.integration.stage import LOCATION, TEAM, Stage, stage
from tests.kafka.broker import Broker

NEVER = "[connections.acme.sweep]\nnew_minutes = 0\nfull_hours = 0\nopt_outs_minutes = 0"
OFTEN = "[connections.acme.sweep]\nnew_minutes = 0\nfull_hours = 0.0005\nopt_outs_minutes = 0.03"
ACTIVE = {"status": "active", "message": "by hand", "code": "1"}


def state(on: Stage, lead: str) -> dict[str, Any]:
    """The lead in Lofty."""
    return dict(desk_work.team_of(on.lofty, TEAM).records["lead"][int(lead)].fields)


def contact(on: Stage, lead: str) -> dict[str, Any]:
    """The fields of its contact in GHL, as they are kept."""
    return dict(on.ghl.location(LOCATION).contacts[on.contacts()[lead]["id"]].fields)


def are_closed(on: Stage, lead: str, channels: Collection[str]) -> bool:
    """Both sides have closed these channels, and no others."""
    return closed_in_lofty(state(on, lead)) == closed_in_ghl(contact(on, lead)) == frozenset(channels)


def by_hand(on: Stage, lead: str, **settings: Any) -> None:
    """What a person sets in GHL."""
    ids, body = {"contactId": on.contacts()[lead]["id"]}, {"dndSettings": settings}
    act(on.ghl, {"do": "update-contact", "location": LOCATION, "ids": ids, "body": body})


def stop(on: Stage, lead: str) -> None:
    """The contact answers a text with STOP."""
    act(on.ghl, {"do": "text-stop", "location": LOCATION, "ids": {"contactId": on.contacts()[lead]["id"]}})


@pytest.mark.in_make_test
async def test_opt_outs_cross_by_webhook_in_both_directions(broker: Broker, tmp_path: Path) -> None:
    """A new lead's, an edited lead's, and a contact's; what GHL holds on other channels stays."""
    async with stage(broker, tmp_path, more=NEVER) as on:
        new = on.new_lead(cannotText=True)
        lead = on.new_lead()
        await on.until(lambda: {new, lead} <= on.contacts().keys())
        await on.until(lambda: are_closed(on, new, {"SMS"}))

        by_hand(on, lead, WhatsApp=ACTIVE, Email=ACTIVE)
        await on.until(lambda: are_closed(on, lead, {"Email"}))
        on.edit("update", "lead", id=lead, fields={"cannotCall": True, "lastName": "Lovelace"})
        await on.until(lambda: are_closed(on, lead, {"Email", "Call"}))
        await on.until_quiet()
        assert contact(on, lead)["dndSettings"]["WhatsApp"] == ACTIVE
        assert contact(on, lead)["dndSettings"]["Email"] == ACTIVE
        steps = [one.step for one in await on.receipts() if one.lead == lead and one.outcome == "applied"]
        assert steps.index("write opt-outs") < steps.index("update contact")
        assert await on.parked() == []


async def test_an_opt_out_of_ghl_costs_lofty_one_write_and_the_read_of_what_that_causes(
    broker: Broker, tmp_path: Path
) -> None:
    """Lofty allows few requests: the lead is not read before its flag is set, as the link says that Lofty lacks it."""
    async with stage(broker, tmp_path, more=NEVER) as on:
        lead = on.new_lead()
        await on.until(lambda: lead in on.contacts())
        await on.until_quiet()
        before = len(on.lofty.ledger.after())
        by_hand(on, lead, SMS=ACTIVE)
        await on.until(lambda: are_closed(on, lead, {"SMS"}))
        await on.until_quiet()
        asked = [one.operation for one in on.lofty.ledger.after()[before:] if one.entity == lead]
        assert asked == ["update-lead", "get-lead"]


async def test_lifting_one_side_opens_nothing(broker: Broker, tmp_path: Path) -> None:
    """A person who lifts an opt-out does so on both sides; until then nothing of ours opens a channel."""
    async with stage(broker, tmp_path, more=NEVER) as on:
        lead = on.new_lead(cannotText=True)
        await on.until(lambda: lead in on.contacts() and are_closed(on, lead, {"SMS"}))
        on.edit("update", "lead", id=lead, fields={"cannotText": False})
        await on.until_quiet()
        assert (closed_in_lofty(state(on, lead)), closed_in_ghl(contact(on, lead))) == (frozenset(), {"SMS"})
        by_hand(on, lead)
        await on.until_quiet()
        assert are_closed(on, lead, ())
        on.edit("update", "lead", id=lead, fields={"cannotText": True})
        await on.until(lambda: are_closed(on, lead, {"SMS"}))


async def test_what_no_webhook_reports_is_found_by_sweep_and_search(broker: Broker, tmp_path: Path) -> None:
    """A STOP in GHL, and a flag of Lofty whose webhook is lost."""
    async with stage(broker, tmp_path, more=OFTEN) as on:
        lead, other = on.new_lead(), on.new_lead()
        await on.until(lambda: {lead, other} <= on.contacts().keys())
        stop(on, lead)
        on.edit_silently("update", "lead", id=other, fields={"unsubscription": True})
        await on.until(lambda: are_closed(on, lead, {"SMS"}) and are_closed(on, other, {"Email"}))
        assert contact(on, lead)["dndSettings"]["SMS"]["status"] == "permanent"


async def test_verify_finds_and_mends_both_sides(broker: Broker, tmp_path: Path) -> None:
    """Where nothing sweeps, a person can ask."""
    async with stage(broker, tmp_path, more=NEVER) as on:
        lead = on.new_lead()
        await on.until(lambda: lead in on.contacts())
        await on.until_quiet()
        stop(on, lead)
        config = config_of(on, tmp_path)
        found = await command("verify", config, "--lead", lead, hurries=True)
        assert (found[0], "dndSettings" in found[1]) == (1, True), found
        mended = await command("verify", config, "--lead", lead, "--repair", hurries=True)
        assert mended[0] == 0, mended
        assert are_closed(on, lead, {"SMS"})
