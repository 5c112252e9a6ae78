"""An older and a newer worker in one group: what only the newer one reads stops the older one, and nothing is lost."""

from __future__ import annotations

import time
from pathlib import Path

import orjson
import pytest

from streams.messages import Entity, Receipt
from streams.messages.partitioning import ghl_budget, partition_of
from streams.messages.topics import PARKED, RECEIPTS
from streams.telemetry.process import EXIT_CODE
from streams.worker.worker import Worker
from tests.integration.command import command, config_of
from tests.integration.stage import LOCATION, PARTITIONS, stage
from tests.kafka.broker import Broker


async def test_a_receipt_of_a_newer_release_is_left_to_a_worker_that_reads_it(
    real_kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The older one ends in front of it, without committing; its link is there once a newer one has the partition."""
    entity = Entity.contact("acme", "900001")
    planted = Receipt(
        connection="acme",
        lead="900001",
        kind="contact",
        id="900001",
        outcome="applied",
        step="create contact",
        at_ms=time.time_ns() // 1_000_000,
        version_ms=1,
        ghl_id="made-by-a-newer-release",
    )
    of_newer = orjson.dumps({**orjson.loads(planted.to_bytes()), "v": 2, "what is new": 1})
    place = partition_of(ghl_budget(LOCATION), PARTITIONS)
    async with stage(real_kafka, tmp_path, restarts=True) as on:
        config = config_of(on, tmp_path)
        config.write_text(on.config.replace("[worker]", "[worker]\nport = 0"))
        lead = on.new_lead()
        await on.until_quiet()
        await on.worker.__aexit__(None, None, None)
        await on.produce(RECEIPTS, entity.key.encode(), of_newer, by="ghl")
        older = await command("worker", config)
        another = on.new_lead()

        monkeypatch.setattr(Receipt, "version", 2)
        async with Worker(on.settings, on.given()) as newer:
            on.worker = newer
            await on.until(lambda: newer.is_ready)
            await on.until_quiet()
            link = newer.tables.links.get(place, entity.key)
            assert link is not None
            assert link.ghl_id == "made-by-a-newer-release"
            assert {*on.contacts()} == {lead, another}
            assert await on.records(PARKED) == []

    code, _, why = older
    assert code == EXIT_CODE, older
    assert "Agent record stops in front of a record of a newer release" in why
    assert "version 2 is newer than 1: upgrade this worker" in why
    assert f"{on.names.of(RECEIPTS)}/{place}@" in why
