"""A worker that ends, in order or not, and another that goes on where it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.worker.worker import Worker
from tests.integration.stage import stage
from tests.kafka.broker import Broker


@pytest.mark.parametrize("store", ["memory", "rocksdb"])
async def test_a_new_worker_goes_on_where_the_last_one_stopped(real_kafka: Broker, tmp_path: Path, store: str) -> None:
    """Stopped in the middle of forty leads with notes: all arrive, none twice."""
    async with stage(real_kafka, tmp_path, store=store, ghl={"latency_seconds": 0.05}) as on:
        leads = [on.new_lead(tags=["Buyer"]) for _ in range(40)]
        for lead in leads:
            on.edit("create", "note", leadId=lead, fields={"content": "Once."})
        await on.until(lambda: len(on.contacts()) > 10)
        await on.worker.__aexit__(None, None, None)
        stopped_with = len(on.contacts())
        async with Worker(on.settings, on.given()) as second:
            on.worker = second
            await on.until(lambda: second.is_ready)
            await on.until(lambda: len(on.contacts()) == 40)
            await on.until_quiet()

        assert stopped_with < 40
        assert sorted(on.contacts()) == sorted(leads)
        assert len(on.ghl.location("loc-acme").contacts) == 40
        assert {len(one["notes"]) for one in on.contacts().values()} == {1}
