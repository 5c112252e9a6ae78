"""The names of each location's custom fields and users: asked of the workers, which know them, so no vendor is called."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Collection, Mapping

from streams.core.to_ghl.directory import Directory, PipelineIds
from streams.messages import Observation
from streams.operations.worker_queries.client import Timeouts, WorkerQueryClient
from streams.operations.worker_queries.errors import CannotFinish, NoWorker
from streams.settings import Connection, Settings
from streams.settings.partitions import ConnectionPartitions

TIMEOUTS = Timeouts(retry=4.0, silence=15.0, expires=60.0)
MOST_SECONDS = 45.0


async def ask_directories(
    settings: Settings, connections: Collection[Connection], **wishes: bool
) -> dict[str, Observation]:
    """Ask the owner of each location; the answer also names its effective mapping. Raises `CannotFinish`.

    `is_fresh=True`: the worker reads the location from GHL before it answers. `takes_over=True`: it deletes the marks of other
    deployments.
    """
    connection_partitions = ConnectionPartitions(settings)
    partitions = {connection.name: connection_partitions.ghl(connection) for connection in connections}
    run = f"replay-{uuid.uuid4().hex[:8]}"
    async with WorkerQueryClient(settings, partitions, run, timeouts=TIMEOUTS, most=1) as client:
        return dict(await asyncio.gather(*(_ask(client, name, wishes) for name in partitions)))


async def ask_who_answers(
    settings: Settings, connections: Collection[Connection], seconds: float
) -> dict[str, Observation]:
    """The same, of those whose worker answers in time: one that nobody serves holds up no other."""
    connection_partitions = ConnectionPartitions(settings)
    partitions = {connection.name: connection_partitions.ghl(connection) for connection in connections}
    if not partitions:
        return {}
    run = f"names-{uuid.uuid4().hex[:8]}"
    async with WorkerQueryClient(settings, partitions, run, timeouts=TIMEOUTS, most=len(partitions)) as client:
        asked = {name: asyncio.create_task(client.query(name, "directory")) for name in partitions}
        try:
            await asyncio.wait(asked.values(), timeout=seconds)
        finally:
            for question in asked.values():
                question.cancel()
            answers = await asyncio.gather(*asked.values(), return_exceptions=True)
    found = dict(zip(asked, answers, strict=True))
    for answer in answers:
        if isinstance(answer, Exception) and not isinstance(answer, CannotFinish):
            raise answer
    return {name: answer for name, answer in found.items() if isinstance(answer, Observation)}


async def _ask(client: WorkerQueryClient, connection: str, wishes: Mapping[str, bool]) -> tuple[str, Observation]:
    try:
        async with asyncio.timeout(MOST_SECONDS):
            return connection, await client.query(connection, "directory", **wishes)
    except TimeoutError:
        raise NoWorker(
            f"connection {connection}: its worker runs, but has not read the location's custom fields and users yet: "
            "its budget is paused, or has no access. `lofty-ghl status` shows why"
        ) from None


def directory_of(answer: Observation) -> Directory:
    """The names in an answer."""
    return Directory(
        answer.custom_fields,
        answer.users,
        frozenset(answer.calendar_team),
        answer.field_types,
        answer.field_options,
        pipelines={name: PipelineIds(id_, answer.stages.get(name, {})) for name, id_ in answer.pipelines.items()},
    )
