"""A stage that is moved in GHL becomes the lead's stage in Lofty: once for a move, as its owner says."""

from __future__ import annotations

import asyncio
import random
import signal
from pathlib import Path
from typing import Any

import pytest

from connectors.sandbox.lofty import agent_activity as desk_work
from streams.worker.worker import Worker
from tests.deadlines import within
from tests.integration.command import command, config_of
from tests.integration.stage import ENVIRON, LOCATION, TEAM, Stage, stage
from tests.integration.test_opportunities import BUYERS, RENTERS, SEVERAL, STAGES, asked, moves, places, with_pipelines
from tests.integration.test_verify import verified
from tests.integration.test_way_back import contact_of, do
from tests.kafka.broker import Broker
from tests.zygote import PIPE, run_module

EDITS = 150
ROUGH = {"duplicates": 0.3, "reorders": 0.5, "delay_seconds": 0.2}


def owned_by(owner: str) -> str:
    """The pairs, and whose stage wins."""
    return f'{STAGES}\n[connections.acme.back.fields]\nstage = "{owner}"\n'


def stage_in_lofty(on: Stage, lead: str) -> str:
    """What Lofty holds."""
    return str(desk_work.team_of(on.lofty, TEAM).records["lead"][int(lead)].fields["stage"])


def opportunity_of(on: Stage, contact: str) -> str:
    """The id of the only opportunity of a contact."""
    [found] = on.ghl.location(LOCATION).contacts[contact].opportunities
    return found


def move(on: Stage, contact: str, stage_id: str, **more: Any) -> None:
    """A person moves a contact's opportunity in GHL."""
    do(on, "update-opportunity", {"pipelineStageId": stage_id, **more}, id=opportunity_of(on, contact))


async def placed_lead(on: Stage, *pipelines: dict[str, Any], stage_name: str = "New Leads") -> tuple[str, str]:
    """A lead with its opportunity, and the id of its contact."""
    with_pipelines(on, *(pipelines or (BUYERS, RENTERS)))
    lead = on.new_lead(stage=stage_name)
    await on.until(lambda: lead in on.contacts())
    await on.until_quiet()
    return lead, contact_of(on, lead)


def writes_to_lofty(on: Stage, since: int = 0) -> int:
    """How many requests wrote leads."""
    return len(on.requests("lofty", "PUT")[since:])


@pytest.mark.parametrize("owner", ["ghl", "newest"])
async def test_a_stage_moved_in_ghl_becomes_the_leads_by_one_write(broker: Broker, tmp_path: Path, owner: str) -> None:
    """However many webhooks a move fires, in any order, twice, the older one last; nothing comes back to GHL."""
    async with stage(broker, tmp_path, more=owned_by(owner), hooks=ROUGH) as on:
        lead, contact = await placed_lead(on)
        seen = [(stage_in_lofty(on, lead), writes_to_lofty(on), moves(on))]
        for stage_id, status in (("talk", "open"), ("talk", "won"), ("new", "open")):
            move(on, contact, stage_id, status=status)
            await on.until_quiet()
            seen.append((stage_in_lofty(on, lead), writes_to_lofty(on), moves(on)))
        report = await verified(on)
        code, story, _ = await command("explain", config_of(on, tmp_path), lead)
        parked = await on.parked()

    assert seen == [("New Leads", 0, 1), ("Showing", 1, 1), ("Closed", 2, 1), ("New Leads", 3, 1)]
    assert (report.exit_code, report.counts) == (0, {"ok": 2})
    assert code == 0
    assert "moved in GHL" in story
    assert parked == []


async def test_without_an_owner_a_move_is_asked_after_by_nobody(broker: Broker, tmp_path: Path) -> None:
    """Pairs alone: the webhooks cost no request, and the next stage of Lofty moves the opportunity on."""
    async with stage(broker, tmp_path, more=STAGES, hooks=ROUGH) as on:
        lead, contact = await placed_lead(on)
        before = (asked(on), asked(on, "lofty"))
        move(on, contact, "talk")
        await on.until_quiet()
        after = (asked(on), asked(on, "lofty"))
        on.edit("update", "lead", id=lead, fields={"stage": "Closed"})
        await on.until_quiet()

        assert after == before
        assert places(on) == [("buyers", "talk", "won")]


async def test_where_lofty_owns_the_stage_a_move_is_undone_by_one_write(broker: Broker, tmp_path: Path) -> None:
    async with stage(broker, tmp_path, more=owned_by("lofty"), hooks=ROUGH) as on:
        lead, contact = await placed_lead(on)
        before = moves(on)
        move(on, contact, "talk", status="lost")
        await on.until_quiet()
        report = await verified(on)

        assert places(on) == [("buyers", "new", "open")]
        assert (stage_in_lofty(on, lead), writes_to_lofty(on), moves(on) - before) == ("New Leads", 0, 1)
    assert (report.exit_code, report.counts) == (0, {"ok": 2})


async def test_where_ghl_owns_the_stage_an_edit_in_lofty_is_undone(broker: Broker, tmp_path: Path) -> None:
    """Also the second time, with the same stage; GHL is not written."""
    async with stage(broker, tmp_path, more=owned_by("ghl"), hooks=ROUGH) as on:
        lead, contact = await placed_lead(on)
        seen = []
        for _ in range(2):
            on.edit("update", "lead", id=lead, fields={"stage": "Closed"})
            await on.until_quiet()
            seen.append((stage_in_lofty(on, lead), writes_to_lofty(on), moves(on)))
        move(on, contact, "talk")
        await on.until_quiet()
        seen.append((stage_in_lofty(on, lead), writes_to_lofty(on), moves(on)))

    assert seen == [("New Leads", 1, 1), ("New Leads", 2, 1), ("Showing", 3, 1)]


async def test_where_the_newest_wins_lofty_moves_it_on_and_back(broker: Broker, tmp_path: Path) -> None:
    """After a move of GHL's, Lofty's next stage is written, also if it is the one from before."""
    async with stage(broker, tmp_path, more=owned_by("newest"), hooks=ROUGH) as on:
        lead, contact = await placed_lead(on)
        move(on, contact, "talk")
        await on.until_quiet()
        seen = [(stage_in_lofty(on, lead), places(on))]
        for name in ("New Leads", "Closed"):
            on.edit("update", "lead", id=lead, fields={"stage": name})
            await on.until_quiet()
            seen.append((stage_in_lofty(on, lead), places(on)))
        requests = (writes_to_lofty(on), moves(on))

    assert seen == [
        ("Showing", [("buyers", "talk", "open")]),
        ("New Leads", [("buyers", "new", "open")]),
        ("Closed", [("buyers", "talk", "won")]),
    ]
    assert requests == (1, 3)


@pytest.mark.parametrize("owner", ["ghl", "newest"])
async def test_a_stage_without_a_pair_is_not_carried_and_said_so(broker: Broker, tmp_path: Path, owner: str) -> None:
    """It stays in GHL while Lofty's stage does, whatever else is edited; `explain` names it. A later move to one with a pair counts."""
    more = {**BUYERS, "stages": [*BUYERS["stages"], {"id": "odd", "name": "Odd"}]}
    async with stage(broker, tmp_path, more=owned_by(owner), hooks=ROUGH) as on:
        lead, contact = await placed_lead(on, more)
        move(on, contact, "odd")
        await on.until_quiet()
        on.edit("update", "lead", id=lead, fields={"firstName": "Eve"})
        await on.until_quiet()
        seen = [(stage_in_lofty(on, lead), places(on))]
        code, story, _ = await command("explain", config_of(on, tmp_path), lead)
        flags = [one.flags for one in await on.receipts() if one.step == "edited in GHL"]
        move(on, contact, "talk")
        await on.until_quiet()
        seen.append((stage_in_lofty(on, lead), places(on)))

    assert seen == [("New Leads", [("buyers", "odd", "open")]), ("Showing", [("buyers", "talk", "open")])]
    said = "stage: GHL's 'odd' of the pipeline 'buyers' has no pair, so the lead's stage stays"
    assert flags == [(said,)]
    assert code == 0
    assert said in story
    assert writes_to_lofty(on) == 1


async def test_a_stage_made_after_the_pipelines_were_read_is_known_by_its_first_move(
    broker: Broker, tmp_path: Path
) -> None:
    """The pipelines are read once more before a stage counts as one without a pair."""
    late = {**RENTERS, "stages": []}
    async with stage(broker, tmp_path, more=owned_by("newest")) as on:
        lead, contact = await placed_lead(on, BUYERS, late)
        on.ghl.location(LOCATION).pipelines["renters"]["stages"].append({"id": "rent", "name": "New", "position": 0})
        move(on, contact, "rent", pipelineId="renters")
        await on.until_quiet()

        assert stage_in_lofty(on, lead) == "Renting"


async def test_one_that_a_person_makes_for_a_lead_without_one_is_taken_up(broker: Broker, tmp_path: Path) -> None:
    """Where the lead's stage has no pair: it becomes the lead's, and its stage the lead's stage."""
    async with stage(broker, tmp_path, more=owned_by("newest"), hooks=ROUGH) as on:
        lead, contact = await placed_lead(on, stage_name="Nurture")
        made = {
            "contactId": contact,
            "pipelineId": "buyers",
            "name": "Mine",
            "status": "open",
            "pipelineStageId": "talk",
        }
        do(on, "create-opportunity", made)
        await on.until(lambda: stage_in_lofty(on, lead) == "Showing")
        await on.until_quiet()
        report = await verified(on)

    assert places(on) == [("buyers", "talk", "open")]
    assert (report.exit_code, report.counts) == (0, {"ok": 2})
    assert writes_to_lofty(on) == 1


async def test_another_opportunity_of_the_contact_moves_nothing_and_is_named(broker: Broker, tmp_path: Path) -> None:
    """A second one in the pipeline, of a lead that has one; and two at once, of a lead that has none."""
    async with stage(broker, tmp_path, more=owned_by("newest"), hooks=ROUGH, ghl=SEVERAL) as on:
        one, contact = await placed_lead(on)
        other, without = await placed_lead(on, stage_name="Nurture")
        for of in (contact, without, without):
            made = {"contactId": of, "pipelineId": "buyers", "name": "Mine", "status": "open"}
            do(on, "create-opportunity", {**made, "pipelineStageId": "talk"})
        await on.until_quiet()
        said = {(receipt.lead, *receipt.flags) for receipt in await on.receipts() if receipt.step == "edited in GHL"}

    several = "the contact has 2 opportunities in this pipeline: nobody knows which one is the lead's"
    assert said == {(one, "the lead has another opportunity in GHL, which alone is carried"), (other, several)}
    assert [stage_in_lofty(on, lead) for lead in (one, other)] == ["New Leads", "Nurture"]
    assert writes_to_lofty(on) == 0


@pytest.mark.timeout(300)  # a minute alone on two cores; others may be at work there
@pytest.mark.parametrize("owner", ["lofty", "ghl", "newest"])
async def test_conflicting_stages_come_to_rest_as_the_owner_says(broker: Broker, tmp_path: Path, owner: str) -> None:
    """Some hundred edits of both sides, with rough webhooks: no loop, one place on both sides, and a bounded number of writes."""
    dice, names = random.Random(7), ("New Leads", "Showing", "Closed")
    at = {"New Leads": ("new", "open"), "Showing": ("talk", "open"), "Closed": ("talk", "won")}
    async with stage(broker, tmp_path, more=owned_by(owner), hooks=ROUGH, pings=ROUGH) as on:
        with_pipelines(on, BUYERS, RENTERS)
        leads = [on.new_lead(stage="New Leads") for _ in range(8)]
        await on.until(lambda: set(leads) <= set(on.contacts()))
        await on.until_quiet()
        contacts = {lead: contact_of(on, lead) for lead in leads}
        begun, made = (writes_to_lofty(on), moves(on)), dict.fromkeys(("lofty", "ghl"), 0)
        last: dict[tuple[str, str], str] = {}
        for _ in range(EDITS):
            lead, side, name = dice.choice(leads), dice.choice(("lofty", "ghl")), dice.choice(names)
            if side == "lofty":
                on.edit("update", "lead", id=int(lead), fields={"stage": name})
            else:
                move(on, contacts[lead], at[name][0], status=at[name][1])
            last[lead, side], made[side] = name, made[side] + 1
            await asyncio.sleep(0.003)
        await on.until_quiet(75)
        written = (writes_to_lofty(on) - begun[0], moves(on) - begun[1])
        for lead in leads:
            held = stage_in_lofty(on, lead)
            [row] = on.ghl.location(LOCATION).contacts[contacts[lead]].opportunities.values()
            assert (row["pipelineStageId"], row["status"]) == at[held], lead
            wanted = {last.get((lead, side), "New Leads") for side in ("lofty", "ghl") if owner in (side, "newest")}
            assert held in wanted | ({"New Leads"} if owner == "newest" else set()), lead
        parked = await on.parked()

    assert parked == []
    if owner != "newest":
        assert written[owner == "ghl"] == 0, "the owner is not written"
    assert sum(written) <= 2 * sum(made.values())


@pytest.mark.thorough
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("edited", [False, True], ids=["left alone", "edited meanwhile"])
async def test_killed_where_lofty_is_written_nothing_newer_is_overwritten(
    real_kafka: Broker, tmp_path: Path, moment: str, edited: bool
) -> None:
    """SIGKILL of a worker's process. Its successor writes what Lofty lacks; a stage that was edited meanwhile stays, and GHL follows."""
    async with stage(real_kafka, tmp_path, restarts=True, more=owned_by("newest")) as on:
        lead, contact = await placed_lead(on)
        await on.worker.__aexit__(None, None, None)
        dying = await run_module(
            *("tests.integration.dying_stage_move", str(config_of(on, tmp_path)), moment), stdout=PIPE, env=ENVIRON
        )
        move(on, contact, "talk")
        assert await asyncio.wait_for(dying.wait(), within(60)) == -signal.SIGKILL
        if edited:
            on.edit("update", "lead", id=lead, fields={"stage": "Renting"})
        async with Worker(on.settings, on.given()) as second:
            on.worker = second
            await on.until(lambda: second.is_ready)
            await on.until_quiet()
            report = await verified(on)
            parked = await on.parked()

    wrote = int(moment == "after") if edited else 1
    assert (stage_in_lofty(on, lead), writes_to_lofty(on)) == ("Renting" if edited else "Showing", wrote)
    assert places(on) == [("renters", "rent", "open") if edited else ("buyers", "talk", "open")]
    assert (report.exit_code, parked) == (0, [])
