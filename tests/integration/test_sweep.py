"""Sweeps: what no webhook reported reaches GHL all the same, and nothing is written twice."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from pathlib import Path

import orjson

from connectors.sandbox.lofty import agent_activity as desk_work
from streams.messages import BackfillOrder
from streams.messages.topics import SWEEPS
from streams.worker.worker import Worker
from tests.integration.command import command, config_of
from tests.integration.stage import PARTITIONS, TEAM, Stage, stage
from tests.kafka.broker import Broker

OFTEN = "[connections.acme.sweep]\nnew_minutes = 0.01\nfull_hours = 0.0002\nquiet_days = 0"
NEVER = "[connections.acme.sweep]\nnew_minutes = 0\nfull_hours = 0"
SPOKEN = {"POST", "PUT", "DELETE"}


def silent_lead(on: Stage, name: str) -> str:
    """A lead without a webhook."""
    fields = {"firstName": name, "emails": [f"{name}.{uuid.uuid4().hex[:8]}@example.com"]}
    return str(on.edit_silently("create", "lead", fields=fields).id)


async def test_without_any_webhook_the_sweep_brings_all_that_changed(broker: Broker, tmp_path: Path) -> None:
    """New, edited and deleted leads, notes, tasks and appointments."""
    async with stage(broker, tmp_path, more=OFTEN, given={"visibility_ms": 500}) as on:
        kept, gone = silent_lead(on, "Ada"), silent_lead(on, "Bo")
        note = on.edit_silently("create", "note", leadId=kept, fields={"content": "Met at the open house."}).id
        cut = on.edit_silently("create", "note", leadId=kept, fields={"content": "A mistake."}).id
        on.edit_silently("create", "task", leadId=kept, fields={"content": "Call back"})
        on.edit_silently("create", "appointment", leadId=kept, fields={"content": "Showing"})
        await on.until(lambda: {kept, gone} <= on.contacts().keys())
        await on.until(lambda: [len(on.contacts()[kept][kind]) for kind in ("notes", "tasks")] == [2, 2])

        on.edit_silently("update", "lead", id=kept, fields={"lastName": "Lovelace"})
        on.edit_silently("update", "note", id=note, fields={"content": "Met twice."})
        on.edit_silently("delete", "note", id=cut)
        on.edit_silently("delete", "lead", id=gone)
        await on.until(lambda: on.contacts()[kept].get("lastName") == "Lovelace")
        await on.until(lambda: "lofty-deleted" in on.contacts()[gone]["tags"])
        await on.until(lambda: len(on.contacts()[kept]["notes"]) == 1)
        await on.until(lambda: "Met twice." in str(on.contacts()[kept]["notes"]))


async def test_sweep_and_webhooks_together_write_nothing_twice(broker: Broker, tmp_path: Path) -> None:
    """Every entity is created once; when all rests, sweeps write nothing."""
    async with stage(broker, tmp_path, more=OFTEN) as on:
        leads = [on.new_lead() for _ in range(5)]
        for lead in leads:
            on.edit("create", "note", leadId=lead, fields={"content": "Met at the open house."})
            on.edit("update", "lead", id=lead, fields={"lastName": "Lovelace"})
        await on.until(
            lambda: all(lead in on.contacts() and on.contacts()[lead].get("lastName") == "Lovelace" for lead in leads)
        )
        await on.until(lambda: all(len(on.contacts()[lead]["notes"]) == 1 for lead in leads))
        await on.until(lambda: ended(on) > 1)
        before, sweeps = len(on.requests("ghl", *SPOKEN)), ended(on)
        await on.until(lambda: ended(on) > sweeps + 3)

        assert len(on.requests("ghl", *SPOKEN)) == before
        steps = [one.step for one in await on.receipts() if one.outcome == "applied"]
        assert (steps.count("create contact"), steps.count("create note")) == (5, 5)


async def test_a_backfill_carries_all_and_goes_on_after_a_restart(real_kafka: Broker, tmp_path: Path) -> None:
    """Three pages of leads; the worker is replaced after the first; no more than two pages are read twice, no contact comes twice."""
    async with stage(real_kafka, tmp_path, restarts=True, more=NEVER + "\nchildren = false", store="rocksdb") as on:
        leads = [silent_lead(on, f"Lead{number}") for number in range(230)]
        order = BackfillOrder(connection="acme", id="first", at_ms=0)
        await on.produce(SWEEPS, b"acme", order.to_bytes(), by="lofty")
        await on.until(lambda: pages(on) >= 1)
        await on.worker.__aexit__(None, None, None)
        async with Worker(on.settings, on.given()) as second:
            on.worker = second
            await on.until(lambda: second.is_ready)
            await on.until(lambda: len(on.contacts()) == len(leads), seconds=90)
            await on.until_quiet()

        assert 3 <= pages(on) <= 5
        steps = [one.step for one in await on.receipts() if one.outcome == "applied"]
        assert steps.count("create contact") == len(leads)


async def test_a_backfill_reads_lists_and_nothing_alone(broker: Broker, tmp_path: Path) -> None:
    """Two requests a lead and one a page, whatever hangs on the leads; the first of each kind shows that lists hold all."""
    async with stage(broker, tmp_path, more=NEVER) as on:
        leads = [silent_lead(on, f"Lead{number}") for number in range(20)]
        for lead in leads:
            for number in range(3):
                on.edit_silently("create", "note", leadId=lead, fields={"content": f"Note {number} of {lead}"})
            on.edit_silently(
                "create", "task", leadId=lead, fields={"content": "Call back", "endAt": "2031-05-04T10:00:00+00:00"}
            )
            visit = {"descr": "Showing", "deadline": 1_930_000_000_000, "address": "1 Oak Street"}
            on.edit_silently("create", "appointment", leadId=lead, fields=visit)
        await on.produce(SWEEPS, b"acme", BackfillOrder(connection="acme", id="first", at_ms=0).to_bytes(), by="lofty")
        await on.until(lambda: on.contacts().keys() == set(leads))
        await on.until(lambda: all(len(one["notes"]) == 3 and len(one["tasks"]) == 2 for one in on.contacts().values()))
        await on.until_quiet()

        asked = Counter(one.operation for one in on.requests("lofty", "GET"))
        alone = {"get-lead": 1, "get-note": 1, "get-task": 2}
        lists = {"list-leads": 1, "list-notes": 20, "list-tasks": 20}
        assert {name: asked[name] for name in alone | lists} == alone | lists
        assert sum(asked.values()) - sum((alone | lists).values()) <= 4, f"the account and its members: {asked}"
        for lead, contact in on.contacts().items():
            assert f"Note 2 of {lead}" in str(contact["notes"])
            assert {"2031-05-04", "2031-02-27"} <= {str(one["dueDate"])[:10] for one in contact["tasks"]}
            assert "1 Oak Street" in str(contact["tasks"])


async def test_what_is_edited_while_it_is_listed_arrives_as_it_is_last(broker: Broker, tmp_path: Path) -> None:
    """Edits with and without webhooks fall between a list and its snapshots."""
    async with stage(broker, tmp_path, more=OFTEN) as on:
        leads = [silent_lead(on, f"Lead{number}") for number in range(25)]
        await on.produce(SWEEPS, b"acme", BackfillOrder(connection="acme", id="first", at_ms=0).to_bytes(), by="lofty")
        for number in range(12):
            for place, lead in enumerate(leads):
                edit = on.edit if (place + number) % 3 else on.edit_silently
                edit("update", "lead", id=lead, fields={"lastName": f"Name{number}"})
            await asyncio.sleep(0.1)
        await on.until(
            lambda: len(on.contacts()) == 25 and all(one.get("lastName") == "Name11" for one in on.contacts().values())
        )
        await on.until_quiet()
        assert {one["lastName"] for one in on.contacts().values()} == {"Name11"}


async def test_the_command_orders_a_backfill_and_follows_it(broker: Broker, tmp_path: Path) -> None:
    """What it says before and after; a wrong name is refused."""
    async with stage(broker, tmp_path, more=NEVER) as on:
        leads = [silent_lead(on, f"Lead{number}") for number in range(7)]
        config = config_of(on, tmp_path)
        planned = await command("backfill", config, "acme", "--dry-run")
        pages_before = pages(on)
        done = await command("backfill", config, "acme", "--json")
        await on.until(lambda: len(on.contacts()) == len(leads))
        planned_again = await command("backfill", config, "acme", "--dry-run")
        wrong = await command("backfill", config, "acne")

        assert (planned[0], pages_before) == (0, 0)
        assert "the first page from Lofty says" in planned[1]
        found = orjson.loads(done[1])
        assert (done[0], found["leads"], found["changes"]) == (0, 7, 7)
        assert "7 leads: about 1 min at 100000 requests a minute" in planned_again[1]
        assert wrong[0] == 2
        assert "no connection 'acne'; there are acme" in wrong[2]


async def test_notes_of_quiet_leads_wait_for_their_turn_and_those_of_active_ones_do_not(
    broker: Broker, tmp_path: Path
) -> None:
    """What no webhook reported of a note is found in the next sweep once a webhook came for its lead, or its list shows it otherwise."""
    rotating = OFTEN.replace("quiet_days = 0", "quiet_days = 0.05")
    async with stage(broker, tmp_path, more=rotating) as on:
        leads = [silent_lead(on, f"Lead{number}") for number in range(3)]
        first, other = ([_note(on, lead) for lead in leads] for _ in range(2))
        await on.until(lambda: on.contacts().keys() == set(leads))
        await on.until(lambda: all(len(one["notes"]) == 2 for one in on.contacts().values()))
        await on.until(lambda: _looked(on) == 3)
        for note in first:
            on.edit_silently("update", "note", id=note, fields={"content": "Met twice."})
        sweeps = ended(on)
        await on.until(lambda: ended(on) > sweeps + 4)
        assert not any("Met twice." in str(one["notes"]) for one in on.contacts().values())

        on.edit("update", "note", id=other[0], fields={"content": "And a webhook."})
        on.edit_silently("update", "lead", id=leads[1], fields={"lastName": "Lovelace"})
        await on.until(lambda: all("Met twice." in str(on.contacts()[lead]["notes"]) for lead in leads[:2]))
        sweeps = ended(on)
        await on.until(lambda: ended(on) > sweeps + 2)
        assert "Met twice." not in str(on.contacts()[leads[2]]["notes"])


def _note(on: Stage, lead: str) -> str:
    return str(on.edit_silently("create", "note", leadId=lead, fields={"content": f"Note of {lead}"}).id)


def _looked(on: Stage) -> int:
    swept = on.worker.tables.swept
    rows = [row for number in range(PARTITIONS) for _, row in swept.items(number)]
    return sum(row.children_ms > 0 and not row.is_active for row in rows)


async def test_many_leads_that_vanish_at_once_are_not_taken_for_deleted(broker: Broker, tmp_path: Path) -> None:
    """The key's owner lost its rights, and Lofty lists nothing: that is no reason to delete a whole team."""
    async with stage(broker, tmp_path, more=OFTEN) as on:
        leads = [silent_lead(on, f"Lead{number}") for number in range(30)]
        await on.until(lambda: len(on.contacts()) == len(leads), seconds=60)
        await on.until(lambda: ended(on) > 1)
        team = desk_work.team_of(on.lofty, TEAM)
        for record in team.records["lead"].values():
            record.visible_at = float("inf")
        await on.until(lambda: counted(on, "suspicious") >= 1)
        reads = len(on.requests("lofty", "GET"))
        await on.until(lambda: counted(on, "suspicious") >= 3)

        assert not await on.parked()
        assert all("lofty-deleted" not in one["tags"] for one in on.contacts().values())
        assert all(one.operation == "list-leads" for one in on.requests("lofty", "GET")[reads:])


def pages(on: Stage) -> int:
    """How many pages of leads were read."""
    return sum(one.operation == "list-leads" for one in on.requests("lofty"))


def counted(on: Stage, result: str) -> float:
    """How many sweeps ended so."""
    return (
        on.worker.metrics.registry.get_sample_value("lofty_ghl_sweeps_total", {"connection": "acme", "result": result})
        or 0.0
    )


def ended(on: Stage) -> float:
    """How many sweeps have ended."""
    return counted(on, "ended")
