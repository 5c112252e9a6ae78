"""`lofty-ghl gateway`: one gateway process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.cli.in_force import in_force_or_refuse
from streams.cli.shared import (
    DEFAULT_CONFIG,
    ConfigOption,
    LogForm,
    LogFormOption,
    LogLevel,
    LogLevelOption,
    log_to_stderr,
    run_until_stopped,
    say,
    settings_or_refuse,
    tracing_or_refuse,
)

if TYPE_CHECKING:
    import asyncio

    from streams.settings import Settings


def gateway(
    config: ConfigOption = DEFAULT_CONFIG,
    log_level: LogLevelOption = LogLevel.INFO,
    log_format: LogFormOption = LogForm.TEXT,
) -> None:
    """Receive webhooks, at POST /lofty/SECRET and /ghl/webhooks, until stopped. Health at /healthz, metrics at /metrics.

    Example: lofty-ghl gateway --config lofty-ghl.toml
    """
    settings = settings_or_refuse(config, "webhook_secret", "console_key")
    log_to_stderr(log_level, log_format, settings)

    import asyncio

    from streams.console.server import ConsoleServer
    from streams.gateway.server import GatewayServer
    from streams.kafka.rights import READS_AND_WRITES, demand_rights
    from streams.messages.topics import TopicNames
    from streams.telemetry.process import keep_what_started, switch_threads_soon

    async def serve(stop: asyncio.Event) -> None:
        switch_threads_soon()
        await in_force_or_refuse(settings, "gateway")
        await demand_rights(settings, TopicNames(settings.kafka.topic_prefix).specs(), READS_AND_WRITES)
        tracing, end_tracing = tracing_or_refuse("gateway")
        async with GatewayServer(settings, tracing=tracing, console=ConsoleServer) as running:
            keep_what_started()
            say(f"listening at {running.url}")
            watching = asyncio.create_task(_stop_when_moved(settings, stop), name="watch for a move")
            await stop.wait()
            watching.cancel()
            await asyncio.wait([watching])
        await asyncio.to_thread(end_tracing)

    run_until_stopped(serve, settings)


MOVED_SECONDS = 30.0


async def _stop_when_moved(settings: Settings, stop: asyncio.Event) -> None:
    """Ask for the end once the deployment has moved to other topics: what this gateway accepted would come too late to be copied.

    The move waits for the gateways of before; this one was frozen, or away from Kafka, while it did.
    """
    import asyncio

    from aiokafka.errors import KafkaError

    from streams.kafka.growth import NotInForce, UnknownMove, demand_in_force

    while not stop.is_set():
        await asyncio.sleep(MOVED_SECONDS)
        try:
            await demand_in_force(settings, "command")
        except UnknownMove as error:
            say(f"this gateway goes on: {error}")
        except NotInForce as error:
            say(f"this gateway ends: {error}")
            stop.set()
        except (KafkaError, OSError):
            continue  # Kafka is away: so is the move
