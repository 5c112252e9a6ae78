"""A lead's stage moves an opportunity of GHL: one for a lead, one write for a change, and nothing where no stage has a pair."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.sandbox.ghl import LocationSettings
from connectors.sandbox.ghl.seeds import seed
from connectors.sandbox.shared.faults import parse_fault
from streams.messages.topics import SNAPSHOTS
from streams.settings import parse_settings
from streams.worker.worker import Worker
from tests.deadlines import within
from tests.integration.command import command, config_of
from tests.integration.stage import ENVIRON, LOCATION, Stage, stage
from tests.integration.test_verify import found_in, verified
from tests.kafka.broker import Broker
from tests.zygote import PIPE, run_module

STAGES = """
[[connections.acme.stages]]
lofty = "New Leads"
pipeline = "Buyers"
stage = "New"
[[connections.acme.stages]]
lofty = "Showing"
pipeline = "buyers"
stage = "Talking"
[[connections.acme.stages]]
lofty = "Closed"
pipeline = "Buyers"
stage = "Talking"
status = "won"
[[connections.acme.stages]]
lofty = "Renting"
pipeline = "Renters"
stage = "New"
"""
BUYERS = {"id": "buyers", "name": "Buyers", "stages": [{"id": "new", "name": "New"}, {"id": "talk", "name": "Talking"}]}
RENTERS = {"id": "renters", "name": "Renters", "stages": [{"id": "rent", "name": "New"}]}
SEVERAL = {"locations": (LocationSettings(LOCATION, ("pit-stage",), allow_several_opportunities=True),)}


def with_pipelines(on: Stage, *pipelines: dict[str, Any]) -> None:
    """The location has pipelines, and the worker knows them."""
    seed(on.ghl, {"location": LOCATION, "pipelines": list(pipelines)})
    on.reload_directories()


def opportunities(on: Stage) -> list[dict[str, Any]]:
    """All that GHL holds."""
    place = on.ghl.location(LOCATION)
    return [row for contact in place.contacts.values() for row in contact.opportunities.values()]


def places(on: Stage) -> list[tuple[str, str, str]]:
    """Where they are: pipeline, stage and status."""
    return [(one["pipelineId"], one["pipelineStageId"], one["status"]) for one in opportunities(on)]


def asked(on: Stage, vendor: str = "ghl", since: int = 0) -> Counter[str]:
    """What a vendor was asked, by operation."""
    return Counter(one.operation for one in on.requests(vendor)[since:])


def moves(on: Stage, since: int = 0) -> int:
    """How many requests wrote opportunities."""
    return sum(number for name, number in asked(on, since=since).items() if name in WRITES)


WRITES = ("create-opportunity", "update-opportunity")
ABOUT_OPPORTUNITIES = (*WRITES, "get-pipelines", "search-opportunity", "get-opportunity")


async def test_a_leads_stage_moves_its_opportunity_by_one_write(broker: Broker, tmp_path: Path) -> None:
    """After the contact; a stage without a pair leaves the opportunity where it is; verify and explain know it."""
    async with stage(broker, tmp_path, more=STAGES) as on:
        with_pipelines(on, BUYERS, RENTERS)
        lead, other = on.new_lead(stage="New Leads"), on.new_lead(stage="Nurture")
        await on.until_quiet()
        seen, read = [places(on)], asked(on, "lofty")
        for stage_name in ("Showing", "Nurture", "Closed"):
            before = len(on.requests("ghl"))
            on.edit("update", "lead", id=lead, fields={"stage": stage_name})
            await on.until_quiet()
            seen.append(places(on))
            assert moves(on, before) == (stage_name != "Nurture")
        on.edit("update", "lead", id=lead, fields={"zipCode": "60601"})
        await on.until_quiet()
        report = await verified(on)
        code, story, _ = await command("explain", config_of(on, tmp_path), lead)
        receipts = await on.receipts()
        snapshots = [orjson.loads(one) for one in await on.records(SNAPSHOTS)]

    talking = [("buyers", "talk", "open")]
    assert seen == [[("buyers", "new", "open")], talking, talking, [("buyers", "talk", "won")]]
    assert read["getLeads"] + sum(read.values()) > 0
    assert moves(on) == 3
    assert (report.exit_code, report.counts) == (0, {"ok": 3})
    assert code == 0
    assert "did create opportunity" in story
    assert [one for one in receipts if one.kind == "opportunity" and one.lead == other] == []
    applied = [one.step for one in receipts if one.lead == lead and one.outcome == "applied"]
    assert applied.index("create contact") < applied.index("create opportunity")
    of_lead = [one["state"]["stage"] for one in snapshots if one["kind"] == "opportunity"]
    assert of_lead == ["New Leads", "Showing", "Nurture", "Closed"], "an edit of something else makes no snapshot"


async def test_without_pairs_nothing_is_asked_and_nothing_recorded(broker: Broker, tmp_path: Path) -> None:
    """As many requests of each operation as ever, though the location has pipelines; with pairs no more of Lofty."""
    counted = {}
    for more in ("", STAGES):
        async with stage(broker, tmp_path / f"with{len(more)}", more=more) as on:
            with_pipelines(on, BUYERS)
            lead = on.new_lead(stage="New Leads")
            await on.until_quiet()
            on.edit("update", "lead", id=lead, fields={"stage": "Showing"})
            await on.until_quiet()
            records = [orjson.loads(one)["kind"] for one in await on.records(SNAPSHOTS)]
            counted[more] = (asked(on, "lofty"), asked(on), records)

    lofty, ghl, records = counted[""]
    assert [name for name in ghl if name in ABOUT_OPPORTUNITIES] == []
    assert set(records) == {"contact"}
    assert counted[STAGES][0] == lofty
    more_of_ghl = counted[STAGES][1] - ghl
    assert set(more_of_ghl) == {"get-pipelines", "create-opportunity", "update-opportunity"}


@pytest.mark.parametrize("location", [{}, SEVERAL], ids=["one", "several"])
@pytest.mark.parametrize("kind", ["drop_after_apply", "drop_before_apply"])
async def test_a_create_whose_answer_is_lost_makes_no_second_one(
    broker: Broker, tmp_path: Path, kind: str, location: dict[str, Any]
) -> None:
    """It is looked for once the search must show it, also where the location would take a second one."""
    async with stage(broker, tmp_path, more=STAGES, ghl=location) as on:
        with_pipelines(on, BUYERS)
        on.ghl.faults.add(parse_fault({"kind": kind, "operation": "create-opportunity", "times": 2}))
        on.new_lead(stage="Showing")
        await on.until(lambda: opportunities(on))
        await on.until_quiet()

        assert places(on) == [("buyers", "talk", "open")]
        assert asked(on)["search-opportunity"] >= 1


async def test_one_that_a_person_made_is_taken_up(broker: Broker, tmp_path: Path) -> None:
    """GHL refuses a second and names the first: that one moves."""
    async with stage(broker, tmp_path, more=STAGES) as on:
        with_pipelines(on, BUYERS)
        lead = on.new_lead(stage="Nurture")
        await on.until_quiet()
        contact = on.contacts()[lead]["id"]
        url, head = f"{on.ghl_url}/opportunities/", {"Authorization": "Bearer pit-stage", "Version": "2021-07-28"}
        made = {"locationId": LOCATION, "contactId": contact, "pipelineId": "buyers", "name": "Mine", "status": "lost"}
        async with on.http.post(url, json=made, headers=head) as answer:
            assert answer.status == 201, await answer.text()
        on.edit("update", "lead", id=lead, fields={"stage": "Showing"})
        await on.until(lambda: places(on) == [("buyers", "talk", "open")], 12)
        await on.until_quiet()
        report = await verified(on)

    assert (report.exit_code, report.counts) == (0, {"ok": 2})


async def test_verify_finds_what_was_spoiled_and_repairs_it(broker: Broker, tmp_path: Path) -> None:
    """One was moved, one deleted; both are as wanted after the repair, and then nothing is found."""
    async with stage(broker, tmp_path, more=STAGES) as on:
        with_pipelines(on, BUYERS)
        moved, deleted = on.new_lead(stage="Showing"), on.new_lead(stage="New Leads")
        await on.until_quiet()
        place, held = on.ghl.location(LOCATION), on.contacts()
        next(iter(place.contacts[held[moved]["id"]].opportunities.values()))["pipelineStageId"] = "new"
        [gone] = place.contacts[held[deleted]["id"]].opportunities
        del place.contacts[held[deleted]["id"]].opportunities[gone]
        place.opportunity_index.change(gone, None, on.ghl.now())
        found = await verified(on)
        repaired = await verified(on, repair=True)
        await on.until_quiet()
        again = await verified(on)

    wrong = {(f"acme:{moved}:opportunity:{moved}", "different"), (f"acme:{deleted}:opportunity:{deleted}", "missing")}
    assert found_in(found) == wrong
    assert repaired.exit_code == 0, repaired.as_dict()
    assert (again.exit_code, again.counts) == (0, {"ok": 4})
    assert sorted(places(on)) == [("buyers", "new", "open"), ("buyers", "talk", "open")]


async def test_a_stage_that_is_not_there_parks_until_it_is(broker: Broker, tmp_path: Path) -> None:
    """The contact goes on; what is lacking is named; made in GHL and tried again, it is written."""
    async with stage(broker, tmp_path, more=STAGES) as on:
        config = config_of(on, tmp_path)
        with_pipelines(on, BUYERS)
        lead = on.new_lead(stage="Renting")
        await on.until(on.parked)
        await on.until_quiet()
        (parked,) = await on.parked()
        seed(on.ghl, {"location": LOCATION, "pipelines": [RENTERS]})
        retried = await command("parked retry", config, "--reason", "no such stage", "--yes")
        assert retried[0] == 0, retried
        await on.until(lambda: opportunities(on))
        await on.until_quiet()
        listed = await command("parked list", config)

    assert (parked.reason, parked.entity) == ("no such stage", f"acme:{lead}:opportunity:{lead}")
    assert parked.message == "stage 'Renting': the location has no pipeline 'Renters'"
    assert lead in on.contacts()
    assert places(on) == [("renters", "rent", "open")]
    assert listed[0] == 0, listed


async def test_pairs_that_come_later_take_effect_by_a_replay(broker: Broker, tmp_path: Path) -> None:
    """The dry run asks nobody; the replay makes one for each lead with a pair, and asks Lofty nothing."""
    async with stage(broker, tmp_path, restarts=True) as on:
        seed(on.ghl, {"location": LOCATION, "pipelines": [BUYERS]})
        for number in range(4):
            on.new_lead(stage="Showing" if number % 2 else "Nurture")
        await on.until_quiet()
        await on.worker.__aexit__(None, None, None)
        path = tmp_path / "changed.toml"
        path.write_text(on.config + STAGES)
        on.settings = parse_settings(path.read_text(), ENVIRON, source="stage")
        async with Worker(on.settings, on.given()) as second:
            on.worker = second
            await on.until(lambda: second.is_ready and second.writing.core.is_idle)
            read = len(on.requests("lofty"))
            dry = await command("replay", path, "lofty.snapshots", "--dry-run", "--json")
            done = await command("replay", path, "lofty.snapshots", "--yes", "--json")
            await on.until(lambda: len(opportunities(on)) == 2)
            await on.until_quiet()
            then = len(on.requests("ghl"))
            again = await command("replay", path, "lofty.snapshots", "--yes", "--json", "--anew")
            await on.until_quiet()
            report = await verified(on)

    assert (dry[0], done[0], again[0]) == (0, 0, 0), (dry, done, again)
    assert places(on) == [("buyers", "talk", "open")] * 2
    assert asked(on, "lofty", read).keys() <= {"getMembers"}
    assert moves(on, then) == 0
    assert (report.exit_code, report.counts) == (0, {"ok": 6})


async def test_doctor_names_each_pair_that_the_location_lacks(embedded_kafka: Broker, tmp_path: Path) -> None:
    """One request more, where stages have pairs."""
    async with stage(embedded_kafka, tmp_path, more=STAGES) as on:
        with_pipelines(on, BUYERS)
        await on.until_quiet()
        before = len(on.requests("ghl"))
        lacking = await command("doctor", config_of(on, tmp_path), "--json")
        seed(on.ghl, {"location": LOCATION, "pipelines": [RENTERS]})
        whole = await command("doctor", config_of(on, tmp_path), "--json")

    found = [
        [
            (one["subject"], one["level"], one["says"])
            for one in orjson.loads(out)["verdicts"]
            if one["check"] == "stages"
        ]
        for _, out, _ in (lacking, whole)
    ]
    assert found == [
        [("acme Renting", "wrong", "the location has no pipeline 'Renters': it has 'Buyers'")],
        [("acme", "ok", "the location has each pipeline and stage of the pairs")],
    ]
    assert asked(on, since=before)["get-pipelines"] == 2


@pytest.mark.thorough
@pytest.mark.parametrize("location", [{}, SEVERAL], ids=["one", "several"])
async def test_killed_between_the_request_and_its_receipt_it_is_made_once(
    real_kafka: Broker, tmp_path: Path, location: dict[str, Any]
) -> None:
    """SIGKILL of a worker's process as soon as GHL has made it: its successor finds that one."""
    async with stage(real_kafka, tmp_path, restarts=True, more=STAGES, ghl=location) as on:
        with_pipelines(on, BUYERS)
        await on.until_quiet()
        await on.worker.__aexit__(None, None, None)
        dying = await run_module(
            *("tests.integration.dying_opportunity", str(config_of(on, tmp_path))), stdout=PIPE, env=ENVIRON
        )
        on.new_lead(stage="Showing")
        assert await asyncio.wait_for(dying.wait(), within(60)) == -signal.SIGKILL
        async with Worker(on.settings, on.given()) as second:
            on.worker = second
            await on.until(lambda: second.is_ready)
            await on.until_quiet()
            report = await verified(on)

    assert places(on) == [("buyers", "talk", "open")]
    assert (report.exit_code, report.counts) == (0, {"ok": 2})
