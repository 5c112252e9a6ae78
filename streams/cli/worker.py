"""`lofty-ghl worker`: one worker process."""

from __future__ import annotations

import asyncio
import errno
import os
import tempfile
from pathlib import Path
from typing import Annotated

import orjson
import typer
from aiohttp import web

from streams.admin import create_missing, inspect
from streams.cli.running import (
    DEFAULT_CONFIG,
    WRONG,
    ConfigOption,
    LogForm,
    LogFormOption,
    LogLevel,
    LogLevelOption,
    log_to_stderr,
    refuse,
    run_until_stopped,
    settings_or_refuse,
    tracing_or_refuse,
)
from streams.collaborators import Collaborators
from streams.kafka import demand_group
from streams.mappings.desk import MappingDesk
from streams.observe import add_health_and_metrics, listen
from streams.settings import Settings
from streams.shifts import Shifts
from streams.topics import TopicNames

PROBE_BYTES = 256 * 1024
"""What must find room where the store is: less, and RocksDB cannot begin."""


def worker(
    config: ConfigOption = DEFAULT_CONFIG,
    log_level: LogLevelOption = LogLevel.INFO,
    log_format: LogFormOption = LogForm.TEXT,
    embedded: Annotated[
        bool,
        typer.Option("--embedded-broker", help="The broker is the embedded one: it has no admin API.", hidden=True),
    ] = False,
) -> None:
    """Carry changes from Lofty into GHL, until stopped. A mapping that is edited meanwhile is taken over.

    Start as many as you like, each with its own worker.data_dir and worker.port: Kafka shares the partitions among them.

    Example: lofty-ghl worker --config lofty-ghl.toml
    """
    settings = settings_or_refuse(config, "lofty_api_key", "ghl_token")
    log_to_stderr(log_level, log_format, settings)
    _demand_room(settings)

    async def serve(stop: asyncio.Event) -> None:
        if not embedded:
            await _check_topics(settings)
            await demand_group(settings, TopicNames(settings.kafka.topic_prefix).group)
        tracing, end_tracing = tracing_or_refuse("worker")
        given = Collaborators(tracing=tracing)
        async with MappingDesk(settings) as desk:
            shifts = Shifts(desk, given)
            app = web.Application()
            add_health_and_metrics(app, given.metrics.registry, is_ready=lambda: shifts.is_ready)
            app.router.add_get("/budgets", lambda _: _as_json(shifts.current.budgets() if shifts.current else []))
            runner, _ = await listen(app, "0.0.0.0", settings.worker.port)
            try:
                await shifts.run(stop)
            finally:
                await runner.cleanup()
                await asyncio.to_thread(end_tracing)

    run_until_stopped(serve, settings)


def _demand_room(settings: Settings) -> None:
    """Try the folder of the store before anything begins: a full disk is told here, in one line, not by the store."""
    folder = Path(settings.worker.data_dir)
    if settings.worker.store == "memory":
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(PROBE_BYTES))
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            refuse(
                f"worker.data_dir {folder}: the disk is full. Make room, then start again; nothing is lost, "
                "what is not kept here is in Kafka",
                WRONG,
            )
        refuse(f"worker.data_dir {folder} cannot be used: {error.strerror}. Set another, or give this user the right")


async def _as_json(content: object) -> web.Response:
    return web.Response(body=orjson.dumps(content), content_type="application/json")


async def _check_topics(settings: Settings) -> None:
    await create_missing(settings)
    problems = [f"  {state.name}: {state.problem}" for state in await inspect(settings) if state.problem]
    if problems:
        refuse("the topics are not as they must be:\n" + "\n".join(problems))
