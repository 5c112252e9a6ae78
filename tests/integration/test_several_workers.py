"""Several workers: partitions move between them under load, and each location is asked by one of them at a time."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

from streams.worker.dependencies import Dependencies
from streams.worker.worker import Worker
from tests.integration.stage import LOCATION, Stage, stage
from tests.kafka.broker import Broker


def given(on: Stage, instance: str) -> Dependencies:
    """What a further worker is given."""
    return on.given(instance=instance)


def tenures(on: Stage) -> list[tuple[str, float, float]]:
    """Who asked GHL, from when until when: one line for each unbroken turn."""
    found: list[tuple[str, float, float]] = []
    for one in on.requests("ghl"):
        worker = one.agent.split()[-1]
        ended = one.ended or one.at
        if found and found[-1][0] == worker:
            found[-1] = (worker, found[-1][1], max(found[-1][2], ended))
        else:
            found.append((worker, one.at, ended))
    return found


@pytest.mark.in_make_test
async def test_a_location_goes_from_worker_to_worker_and_is_asked_by_one_at_a_time(
    real_kafka: Broker, tmp_path: Path
) -> None:
    """Sixty leads with notes while a worker joins and the first one leaves in order: none lost, none twice."""
    async with stage(
        real_kafka, tmp_path / "one", store="rocksdb", ghl={"latency_seconds": 0.05}, given={"instance": "one"}
    ) as on:
        leads = [on.new_lead(tags=["Buyer"]) for _ in range(60)]
        for lead in leads:
            on.edit("create", "note", leadId=lead, fields={"content": "Once."})
        await on.until(lambda: len(on.contacts()) > 10)
        first = on.worker
        worker = on.settings.worker.model_copy(update={"data_dir": str(tmp_path / "two")})
        async with Worker(on.settings.model_copy(update={"worker": worker}), given(on, "two")) as second:
            await on.until(lambda: bool(second.ownership.assigned))
            await first.__aexit__(None, None, None)
            on.worker = second
            await on.until(lambda: second.is_ready and len(second.ownership.fenced) == 4)
            await on.until(lambda: len(on.contacts()) == 60)
            await on.until_quiet()

            turns = tenures(on)
            assert {name for name, _, _ in turns} == {"one", "two"}
            assert all(before[2] <= after[1] for before, after in pairwise(turns))
            assert sorted(on.contacts()) == sorted(leads)
            assert len(on.ghl.location(LOCATION).contacts) == 60
            assert {len(one["notes"]) for one in on.contacts().values()} == {1}
            created = defaultdict(list)
            for one in on.requests("ghl"):
                if one.created:
                    created[one.operation].append(one.entity)
            assert len(created["create-contact"]) == 60
            assert len(created["create-note"]) == 60


async def test_a_standby_takes_over_with_the_tables_it_kept(real_kafka: Broker, tmp_path: Path) -> None:
    """What the first worker linked is not written again by the second, which never read it from GHL."""
    async with stage(
        real_kafka, tmp_path / "one", store="rocksdb", given={"instance": "one"}, ghl={"latency_seconds": 0.01}
    ) as on:
        worker = on.settings.worker.model_copy(update={"data_dir": str(tmp_path / "two")})
        async with Worker(on.settings.model_copy(update={"worker": worker}), given(on, "two")) as second:
            await on.until(lambda: bool(second.ownership.assigned) and second.is_ready and on.worker.is_ready)
            leads = [on.new_lead() for _ in range(20)]
            await on.until(lambda: len(on.contacts()) == 20)
            loops = [loop for one in (on.worker, second) for loop in (one.reading, one.writing)]
            await on.until(lambda: all(loop.core.is_idle for loop in loops))
            first, on.worker = on.worker, second
            await first.__aexit__(None, None, None)
            await on.until(lambda: len(second.ownership.fenced) == 4)
            for lead in leads:
                on.edit("update", "lead", id=lead, fields={"lastName": "Changed"})
            await on.until(lambda: {one["lastName"] for one in on.contacts().values()} == {"Changed"})
            await on.until_quiet()
            assert len(on.ghl.location(LOCATION).contacts) == 20
            assert sum(one.created for one in on.requests("ghl") if one.operation == "create-contact") == 20
