"""`lofty-ghl worker`: one worker process."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from streams.cli.shared import (
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

if TYPE_CHECKING:
    import asyncio

    from aiohttp import web

    from streams.cli.slots import Slot
    from streams.settings import Settings

PROBE_BYTES = 256 * 1024
"""The free space that the store needs: with less, RocksDB does not start."""


def worker(
    config: ConfigOption = DEFAULT_CONFIG,
    log_level: LogLevelOption = LogLevel.INFO,
    log_format: LogFormOption = LogForm.TEXT,
    embedded: Annotated[
        bool,
        typer.Option("--embedded-broker", help="The broker is the embedded one: it has no admin API.", hidden=True),
    ] = False,
) -> None:
    """Bring changes from Lofty to GHL, until stopped. Edited mappings are used within seconds.

    Start any number of workers, each with its own worker.data_dir and worker.port: Kafka distributes the partitions.
    A worker.data_dir such as /var/lib/lofty-ghl/{slot} gives each worker a folder of its own in a shared volume.

    Example: lofty-ghl worker --config lofty-ghl.toml
    """
    settings = settings_or_refuse(config, "lofty_api_key", "ghl_token")
    log_to_stderr(log_level, log_format, settings)
    settings, _slot = _in_its_slot(settings)  # held until this process ends
    _require_room(settings)

    import asyncio

    from aiohttp import web

    from streams.kafka.clients import demand_group
    from streams.kafka.rights import READS_AND_WRITES, demand_rights
    from streams.kafka.tables.opening import guarded
    from streams.mapping_versions.store import MappingVersions
    from streams.messages.topics import TopicNames
    from streams.settings.secrets import secret_values
    from streams.telemetry.endpoints import add_health_and_metrics, listen
    from streams.telemetry.logs import hide_secrets
    from streams.worker.dependencies import Dependencies
    from streams.worker.partitions.watchdog import watch_interpreter
    from streams.worker.supervisor import Supervisor

    async def serve(stop: asyncio.Event) -> None:
        if not embedded:
            names = TopicNames(settings.kafka.topic_prefix)
            await demand_rights(settings, names.specs(), READS_AND_WRITES)
            await _check_topics(settings)
            await demand_group(settings, names.group)
        tracing, end_tracing = tracing_or_refuse("worker")
        deps = Dependencies(tracing=tracing, broker_keeps_all=not embedded, opening=guarded)

        def hide(settings: Settings) -> None:
            hide_secrets(secret_values(settings))

        async with MappingVersions(settings, before_use=hide) as mapping_versions:
            supervisor = Supervisor(mapping_versions, deps, keeps_what_started=True)
            app = web.Application()
            add_health_and_metrics(app, deps.metrics.registry, is_ready=lambda: supervisor.is_ready)
            app.router.add_get(
                "/budgets", lambda _: _as_json(supervisor.current.budgets() if supervisor.current else [])
            )
            runner, _ = await listen(app, "0.0.0.0", settings.worker.port)
            watching = asyncio.create_task(watch_interpreter(), name="watch the interpreter")
            try:
                await supervisor.run(stop)
            finally:
                watching.cancel()
                await runner.cleanup()
                await asyncio.to_thread(end_tracing)

    run_until_stopped(serve, settings)


def _in_its_slot(settings: Settings) -> tuple[Settings, Slot]:
    """The settings with the folder of the store that this process has to itself, and what holds it."""
    from streams.cli.slots import Slot, take_slot

    if settings.worker.store == "memory":
        return settings, Slot(settings.worker.data_dir)
    try:
        slot = take_slot(settings.worker.data_dir)
    except OSError as error:
        _refuse_folder(settings.worker.data_dir, error)
    return settings.model_copy(update={"worker": settings.worker.model_copy(update={"data_dir": slot.folder})}), slot


def _require_room(settings: Settings) -> None:
    """Try the folder of the store first, so that a full disk is reported in one line."""
    import tempfile

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
        _refuse_folder(str(folder), error)


def _refuse_folder(folder: str, error: OSError) -> NoReturn:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        refuse(
            f"worker.data_dir {folder}: the disk is full. Make room, then start again; nothing is lost, "
            "what is not kept here is in Kafka",
            WRONG,
        )
    refuse(
        f"worker.data_dir {folder} cannot be used: {error.strerror}. Set another folder, or give this user the right to write"
    )


async def _as_json(content: object) -> web.Response:
    import orjson
    from aiohttp import web

    return web.Response(body=orjson.dumps(content), content_type="application/json")


async def _check_topics(settings: Settings) -> None:
    from streams.kafka.admin import StateMissing, create_first

    try:
        states = await create_first(settings)
    except StateMissing as error:
        refuse(str(error))
    problems = [f"  {state.name}: {state.problem}" for state in states if state.problem]
    if problems:
        refuse("the topics have problems:\n" + "\n".join(problems))
