"""What each location calls its custom fields and users: asked of the workers, which know it, so that no vendor is called."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Collection

from streams.core.to_ghl.directory import Directory
from streams.messages import Observation
from streams.messages.topics import TopicNames
from streams.operations.replay.errors import NoWorker
from streams.operations.worker_queries.client import Patience, WorkerQueryClient
from streams.operations.worker_queries.errors import CannotFinish
from streams.settings import Connection, Settings
from streams.settings.partitions import Places

PATIENCE = Patience(again=4.0, silence=15.0, expires=60.0)
MOST_SECONDS = 45.0


async def observe(settings: Settings, connections: Collection[Connection]) -> dict[str, Observation]:
    """Ask the owner of each location; it also tells which mapping it has in force.

    Raises `NoWorker` when one does not answer.
    """
    names, where = TopicNames(settings.kafka.topic_prefix), Places(settings)
    places = {one.name: where.ghl(one) for one in connections}
    run = f"replay-{uuid.uuid4().hex[:8]}"
    asker = WorkerQueryClient(
        settings,
        names,
        places,
        run,
        now_ms=lambda: time.time_ns() // 1_000_000,
        clock=time.monotonic,
        patience=PATIENCE,
        most=1,
    )
    async with asker:
        return dict(await asyncio.gather(*(_ask(asker, name) for name in places)))


async def _ask(asker: WorkerQueryClient, connection: str) -> tuple[str, Observation]:
    try:
        async with asyncio.timeout(MOST_SECONDS):
            return connection, await asker.ask(connection, "directory")
    except CannotFinish as error:
        raise NoWorker(str(error)) from None
    except TimeoutError:
        raise NoWorker(
            f"connection {connection}: a worker is there, and does not know yet what the location calls its fields: "
            "its budget is paused, or has no access. `lofty-ghl status` says why"
        ) from None


def directory_of(seen: Observation) -> Directory:
    """The names that an answer tells."""
    return Directory(seen.custom_fields, seen.users, frozenset(seen.calendar_team), seen.field_types)
