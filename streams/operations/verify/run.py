"""One run of verify: all connections at once, each with its own budget, into one report."""

from __future__ import annotations

import asyncio
import time
import uuid
from contextlib import suppress

from streams.mapping_versions.store import settings_now
from streams.messages.topics import SNAPSHOTS, TopicNames
from streams.operations.verify.connection import ConnectionVerification, Progress
from streams.operations.verify.latest_snapshots import LatestSnapshots
from streams.operations.verify.report import ConnectionReport, Report
from streams.operations.worker_queries.client import Timeouts, WorkerQueryClient
from streams.settings import Settings
from streams.settings.partitions import ConnectionPartitions

OPEN_QUESTIONS = 16
"""How many questions about a connection are open at a time: enough to use its free budget, few enough not to delay live changes."""


async def verify(
    settings: Settings,
    *,
    connection: str = "",
    lead: str = "",
    repair: bool = False,
    within_seconds: float | None = None,
    progress: Progress = lambda *_: None,
    timeouts: Timeouts | None = None,
    without_credentials: bool = False,
) -> Report:
    """Verify all connections, or one, or one lead. After `within_seconds` the rest is reported as unfinished.

    `without_credentials`: this process cannot open pasted credentials, so it cannot know which connections lack one.

    Raises `NoTopic` when a topic is missing, and aiokafka's errors when Kafka cannot be reached.
    """
    settings = await settings_now(settings, with_incomplete=without_credentials)
    timeouts, began, run = timeouts or Timeouts(), time.monotonic(), uuid.uuid4().hex[:12]
    topic, connection_partitions = TopicNames(settings.kafka.topic_prefix).of(SNAPSHOTS), ConnectionPartitions(settings)
    chosen = [one for one in settings.connections.values() if connection in ("", one.name)]
    budgets = {one.ghl_budget for one in chosen}
    neighbours = [one for one in settings.connections.values() if one.ghl_budget in budgets]
    partitions = {one.name: connection_partitions.ghl(one) for one in neighbours}
    reports = {one.name: ConnectionReport(one.name) for one in chosen}
    async with (
        LatestSnapshots(settings, topic, partitions, set(partitions.values())) as newest,
        WorkerQueryClient(settings, partitions, run, timeouts=timeouts, most=OPEN_QUESTIONS) as client,
    ):
        verifications = [
            ConnectionVerification(
                connection=one,
                neighbours=tuple(other.name for other in neighbours if other.ghl_budget == one.ghl_budget),
                client=client,
                newest=newest,
                timeouts=timeouts,
                progress=progress,
                tasks=OPEN_QUESTIONS,
                report=reports[one.name],
            )
            for one in chosen
        ]
        with suppress(TimeoutError):
            async with asyncio.timeout(within_seconds), asyncio.TaskGroup() as group:
                for verification in verifications:
                    name = f"verify {verification.connection.name}"
                    group.create_task(verification.run(lead, repair=repair), name=name)
    return Report(run, time.monotonic() - began, tuple(reports.values()))
