"""One run of verify: all connections at once, each with its own budget, into one report."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from contextlib import suppress

from streams.mapping_versions.store import settings_now
from streams.messages.partitioning import ghl_budget, partition_of
from streams.messages.topics import SNAPSHOTS, TopicNames
from streams.operations.verify.connection import Progress, Verifying
from streams.operations.verify.latest_snapshots import LatestSnapshots
from streams.operations.verify.report import ConnectionReport, Report
from streams.operations.worker_queries.client import Patience, WorkerQueryClient
from streams.settings import Settings

OPEN_QUESTIONS = 16
"""Of one connection: enough to use what its budget has left, few enough that live changes never wait for them long."""


async def verify(
    settings: Settings,
    *,
    connection: str = "",
    lead: str = "",
    repair: bool = False,
    within_seconds: float | None = None,
    progress: Progress = lambda *_: None,
    patience: Patience | None = None,
    clock: Callable[[], float] = time.monotonic,
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
) -> Report:
    """Verify all connections, or one, or one lead. After `within_seconds` what is left is reported as unfinished.

    Raises `NoTopic` when a topic is missing, and aiokafka's errors when Kafka cannot be reached.
    """
    settings = await settings_now(settings)
    patience, began, run = patience or Patience(), clock(), uuid.uuid4().hex[:12]
    names = TopicNames(settings.kafka.topic_prefix)
    chosen = [one for one in settings.connections.values() if connection in ("", one.name)]
    budgets = {one.ghl_budget for one in chosen}
    neighbours = [one for one in settings.connections.values() if one.ghl_budget in budgets]
    places = {one.name: partition_of(ghl_budget(one.ghl_budget), settings.kafka.partitions) for one in neighbours}
    reports = {one.name: ConnectionReport(one.name) for one in chosen}
    topic = names.of(SNAPSHOTS)
    async with (
        LatestSnapshots(settings, topic, places, set(places.values())) as newest,
        WorkerQueryClient(
            settings, names, places, run, now_ms=now_ms, clock=clock, patience=patience, most=OPEN_QUESTIONS
        ) as asker,
    ):
        verifyings = [
            Verifying(
                connection=one,
                neighbours=tuple(other.name for other in neighbours if other.ghl_budget == one.ghl_budget),
                asker=asker,
                newest=newest,
                patience=patience,
                clock=clock,
                progress=progress,
                tasks=OPEN_QUESTIONS,
                report=reports[one.name],
            )
            for one in chosen
        ]
        with suppress(TimeoutError):
            async with asyncio.timeout(within_seconds), asyncio.TaskGroup() as group:
                for verifying in verifyings:
                    group.create_task(verifying.run(lead, repair=repair), name=f"verify {verifying.connection.name}")
    return Report(run, clock() - began, tuple(reports.values()))
