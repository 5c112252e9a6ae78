"""What the worker lets verify do, and what not: asked directly, as the command asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from connectors.sandbox.shared.faults import SandboxFault
from streams.messages import Entity, Remedy, Snapshot
from streams.messages.partitioning import ghl_budget, partition_of
from streams.messages.topics import INSPECTIONS, SNAPSHOTS
from streams.operations.verify.run import verify
from streams.operations.worker_queries.client import Timeouts, WorkerQueryClient
from streams.worker.worker import Worker
from tests.integration.stage import LOCATION, PARTITIONS, Stage, stage
from tests.kafka.broker import Broker

QUICK = Timeouts(retry=1.0, silence=30.0, confirm=0.7, repaired=30.0)


@asynccontextmanager
async def asking(on: Stage) -> AsyncIterator[WorkerQueryClient]:
    """Whoever asks the stage's worker."""
    partition = partition_of(ghl_budget(LOCATION), PARTITIONS)
    async with WorkerQueryClient(on.settings, {"acme": partition}, "a-run", timeouts=QUICK, most=4) as client:
        yield client


async def newest(on: Stage, entity: Entity) -> Snapshot:
    """The newest snapshot of an entity."""
    found = [Snapshot.from_bytes(raw) for raw in await on.records(SNAPSHOTS)]
    return [one for one in found if one.entity == entity][-1]


async def test_what_a_link_names_is_never_removed(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Nor is a contact: the worker refuses, whoever asks."""
    async with stage(embedded_kafka, tmp_path) as on, asking(on) as client:
        lead = on.new_lead()
        entity = Entity("acme", lead, "note", str(on.edit("create", "note", leadId=lead, fields={"content": "x"}).id))
        await on.until_quiet()
        contact = on.contacts()[lead]
        for about, ghl_id in ((entity, contact["notes"][0]["id"]), (entity.owner, contact["id"])):
            remedy = Remedy(cure="remove", ghl_id=ghl_id, contact_id=contact["id"])
            told = await client.query("acme", "mend", lead=lead, entity=about.key, remedy=remedy)
            assert told.answer == "not mended", told
        assert on.requests("ghl", "DELETE") == []


async def test_a_remedy_that_was_overtaken_is_not_applied(embedded_kafka: Broker, tmp_path: Path) -> None:
    """The lead changed since it was looked at: its newer state stays."""
    async with stage(embedded_kafka, tmp_path) as on, asking(on) as client:
        lead = on.new_lead()
        await on.until_quiet()
        entity = Entity.contact("acme", lead)
        before = await newest(on, entity)
        on.edit("update", "lead", id=lead, fields={"lastName": "Lovelace"})
        await on.until_quiet()
        wrote = len(on.requests("ghl", "POST", "PUT"))

        remedy = Remedy(cure="doubt", fields=("lastName",))
        told = await client.query("acme", "mend", lead=lead, entity=entity.key, remedy=remedy, snapshot=before)
        await on.until_quiet()

        assert (told.answer, "newer" in told.message) == ("not mended", True)
        assert on.contacts()[lead]["lastName"] == "Lovelace"
        assert len(on.requests("ghl", "POST", "PUT")) == wrote


async def test_every_remedy_leaves_a_receipt(embedded_kafka: Broker, tmp_path: Path) -> None:
    """So the entity's history says that verify was there."""
    async with stage(embedded_kafka, tmp_path) as on, asking(on) as client:
        lead = on.new_lead()
        await on.until_quiet()
        entity = Entity.contact("acme", lead)
        remedy = Remedy(cure="doubt", fields=("firstName",))
        told = await client.query(
            "acme", "mend", lead=lead, entity=entity.key, remedy=remedy, snapshot=await newest(on, entity)
        )
        await on.until_quiet()

        steps = [(one.outcome, one.step) for one in await on.receipts() if one.entity == entity]
        assert told.answer == "mended"
        assert steps[-2:] == [("doubtful", "verify"), ("applied", "update contact")]
        assert on.requests("ghl", "PUT")[-1].body == {"firstName": "Ada"}


async def test_a_worker_that_is_started_anew_in_the_middle_is_asked_again(
    embedded_kafka: Broker, tmp_path: Path
) -> None:
    """What it had in memory is gone; the run ends well all the same."""
    async with stage(embedded_kafka, tmp_path, restarts=True, ghl={"latency_seconds": 0.1}) as on:
        for _ in range(20):
            on.new_lead()
        await on.until_quiet()
        seen = len(on.requests("ghl"))
        running = asyncio.create_task(verify(on.settings, timeouts=QUICK))
        await on.until(lambda: len(on.requests("ghl")) > seen + 10)
        await on.worker.__aexit__()
        async with Worker(on.settings, on.given()) as second:
            on.worker = second
            report = await running

        assert report.exit_code == 0, report.as_dict()
        assert report.counts["ok"] == 20


async def test_a_question_that_nobody_can_read_is_parked(embedded_kafka: Broker, tmp_path: Path) -> None:
    """The partition goes on."""
    async with stage(embedded_kafka, tmp_path) as on, asking(on) as client:
        await on.produce(INSPECTIONS, b"acme", b"not json", by="ghl")
        told = await client.query("acme", "directory")
        assert "lofty lead id" in told.custom_fields
        assert [one.stage for one in await on.parked()] == ["inspect"]


async def test_failures_of_ghl_are_tried_again_and_refusals_are_told(embedded_kafka: Broker, tmp_path: Path) -> None:
    """A 500 and a dropped connection cost a wait; a read that GHL refuses for one lead stops no other."""
    async with stage(embedded_kafka, tmp_path) as on:
        leads = [on.new_lead() for _ in range(4)]
        await on.until_quiet()
        on.ghl.faults.add(SandboxFault("status", operation="get-contact", status=500, times=1))
        on.ghl.faults.add(SandboxFault("drop_before_apply", operation="get-all-notes", times=1))
        on.ghl.faults.add(SandboxFault("status", operation="get-all-tasks", status=403, times=1))

        report = await verify(on.settings, timeouts=QUICK)

        assert (report.exit_code, report.counts) == (3, {"ok": len(leads) - 1})
        [words] = report.connections[0].unfinished
        assert "403" in words
        on.edit("update", "lead", id=leads[0], fields={"lastName": "Lovelace"})
        await on.until(lambda: on.contacts()[leads[0]].get("lastName") == "Lovelace")


async def test_when_ghl_refuses_every_look_it_is_asked_no_more(embedded_kafka: Broker, tmp_path: Path) -> None:
    """A scope is missing: the run ends with GHL's words."""
    async with stage(embedded_kafka, tmp_path) as on:
        for _ in range(60):
            on.new_lead()
        await on.until_quiet()
        on.ghl.faults.add(SandboxFault("status", operation="get-contact", status=403))
        seen = len(on.requests("ghl"))

        report = await verify(on.settings, timeouts=QUICK)

        assert report.exit_code == 3
        assert any("403" in words for words in report.connections[0].unfinished)
        assert len(on.requests("ghl")) - seen < 60
