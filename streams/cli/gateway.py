"""`lofty-ghl gateway`: webhook intake and health."""

from __future__ import annotations

import asyncio

from streams.cli.running import (
    DEFAULT_CONFIG,
    ConfigOption,
    LogForm,
    LogFormOption,
    LogLevel,
    LogLevelOption,
    err,
    log_to_stderr,
    run_until_stopped,
    settings_or_refuse,
    tracing_or_refuse,
)
from streams.gateway.server import Gateway


def gateway(
    config: ConfigOption = DEFAULT_CONFIG,
    log_level: LogLevelOption = LogLevel.INFO,
    log_format: LogFormOption = LogForm.TEXT,
) -> None:
    """Take Lofty's webhooks at POST /lofty/SECRET, until stopped. Health at /healthz, metrics at /metrics.

    Example: lofty-ghl gateway --config lofty-ghl.toml
    """
    settings = settings_or_refuse(config, "webhook_secret", "console_key")
    log_to_stderr(log_level, log_format, settings)

    async def serve(stop: asyncio.Event) -> None:
        tracing, end_tracing = tracing_or_refuse("gateway")
        async with Gateway(settings, tracing=tracing) as running:
            err.print(f"listening at {running.url}", markup=False)
            await stop.wait()
        await asyncio.to_thread(end_tracing)

    run_until_stopped(serve, settings)
