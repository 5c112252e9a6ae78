"""`lofty-ghl worker`: one worker process, or several under a supervisor (`worker_processes.py`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.shared import (
    DEFAULT_CONFIG,
    ConfigOption,
    LogForm,
    LogFormOption,
    LogLevel,
    LogLevelOption,
    log_to_stderr,
    run_until_stopped,
    settings_or_refuse,
    tracing_or_refuse,
)
from streams.cli.worker_checks import demand_kafka, in_its_slot, require_room
from streams.cli.worker_processes import count_or_refuse, run_processes

if TYPE_CHECKING:
    import asyncio

    from aiohttp import web

    from streams.settings import Settings


def worker(
    config: ConfigOption = DEFAULT_CONFIG,
    log_level: LogLevelOption = LogLevel.INFO,
    log_format: LogFormOption = LogForm.TEXT,
    processes: Annotated[
        str,
        typer.Option(
            "--processes",
            metavar="N|auto",
            help="Run so many worker processes behind one port; auto: one for each core, at most kafka.partitions.",
        ),
    ] = "1",
    embedded: Annotated[
        bool,
        typer.Option("--embedded-broker", help="The broker is the embedded one: it has no admin API.", hidden=True),
    ] = False,
    process: Annotated[
        str, typer.Option("--process", help="This is process NUMBER/COUNT of --processes.", hidden=True)
    ] = "",
    socket: Annotated[str, typer.Option("--socket", help="Where its supervisor asks it.", hidden=True)] = "",
) -> None:
    """Bring changes from Lofty to GHL, until stopped. Edited mappings are used within seconds.

    A process uses one core. --processes runs several: they share the partitions as workers on several machines do, have one
    port for health and metrics, and a part of worker.data_dir each. One that ends is started again.

    Start any number of workers, each with its own worker.data_dir and worker.port: Kafka distributes the partitions.
    A worker.data_dir such as /var/lib/lofty-ghl/{slot} gives each worker a folder of its own in a shared volume.

    Example: lofty-ghl worker --config lofty-ghl.toml --processes auto
    """
    settings = settings_or_refuse(config, "lofty_api_key", "ghl_token")
    count = count_or_refuse(processes, settings)
    log_to_stderr(log_level, log_format, settings)
    settings, _slot = in_its_slot(settings)  # held until this process ends
    require_room(settings)
    if count > 1:
        arguments = ["--config", str(config), "--log-level", log_level, "--log-format", log_format]
        raise typer.Exit(run_processes(settings, count, [*arguments, *(["--embedded-broker"] if embedded else [])]))
    _work(settings, embedded=embedded, process=process, socket=socket)


def _work(settings: Settings, *, embedded: bool, process: str, socket: str) -> None:
    """Be a worker. `process` and `socket` are given to one of several."""
    from streams.worker.processes.membership import membership_of

    member = membership_of(process, socket)  # first: a supervisor that ends while we import ends us, too

    import asyncio

    from aiohttp import web

    from streams.kafka.tables.opening import guarded
    from streams.mapping_versions.store import MappingVersions
    from streams.settings.secrets import secret_values
    from streams.telemetry.endpoints import add_health_and_metrics
    from streams.telemetry.logs import hide_secrets
    from streams.telemetry.process import switch_threads_soon
    from streams.worker.dependencies import Dependencies
    from streams.worker.partitions.watchdog import watch_interpreter
    from streams.worker.supervisor import Supervisor

    async def serve(stop: asyncio.Event) -> None:
        member.stops(stop)
        switch_threads_soon()
        if not embedded:
            await demand_kafka(settings)
        tracing, end_tracing = tracing_or_refuse("worker")
        deps = Dependencies(
            tracing=tracing,
            broker_keeps_all=not embedded,
            opening=guarded,
            processes=member.count,
            process=member.number,
        )

        def hide(settings: Settings) -> None:
            hide_secrets(secret_values(settings))

        async with MappingVersions(settings, before_use=hide) as mapping_versions:
            supervisor = Supervisor(mapping_versions, deps, keeps_what_started=True)
            app = web.Application()
            add_health_and_metrics(
                app, deps.metrics.registry, is_ready=lambda: supervisor.is_ready, labels=member.labels
            )
            app.router.add_get(
                "/budgets", lambda _: _as_json(supervisor.current.budgets() if supervisor.current else [])
            )
            runner = await member.listen(app, settings.worker.port)
            watching = asyncio.create_task(watch_interpreter(), name="watch the interpreter")
            try:
                await supervisor.run(stop)
            finally:
                watching.cancel()
                await runner.cleanup()
                await asyncio.to_thread(end_tracing)

    run_until_stopped(serve, settings)


async def _as_json(content: object) -> web.Response:
    import orjson
    from aiohttp import web

    return web.Response(body=orjson.dumps(content), content_type="application/json")
