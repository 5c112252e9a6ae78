"""What the long-running commands share: settings or a clear refusal, logs, an orderly end on SIGTERM."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from aiokafka.errors import KafkaError
from rich.console import Console

from streams.settings import Settings, SettingsError, load_settings, require_secrets

err = Console(stderr=True, highlight=False)

ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", help="The configuration file.", envvar="LOFTY_GHL_CONFIG", show_default=True)
]
DEFAULT_CONFIG = Path("lofty-ghl.toml")
LogLevelOption = Annotated[str, typer.Option("--log-level", help="debug, info, warning or error.")]


def refuse(message: str, code: int = 2) -> NoReturn:
    """End the command with a reason."""
    err.print(message, markup=False, soft_wrap=True)
    raise typer.Exit(code)


def settings_or_refuse(config: Path, *secrets: str) -> Settings:
    """Load the configuration and demand the named secrets; end with every problem at once when it is wrong."""
    try:
        settings = load_settings(config, os.environ)
        if secrets:
            require_secrets(settings, *secrets)
    except SettingsError as error:
        refuse(str(error))
    return settings


def log_to_stderr(level: str) -> None:
    """Plain lines on stderr. Kafka's and Faust's own chatter is kept to warnings."""
    logging.basicConfig(level=level.upper(), format="%(asctime)s %(levelname)-7s %(name)s  %(message)s", force=True)
    if level.upper() != "DEBUG":
        for chatty in ("aiokafka", "faust", "mode", "aiohttp.access", "streams.tables"):
            logging.getLogger(chatty).setLevel(logging.WARNING)


def run_until_stopped(serve: Callable[[asyncio.Event], Coroutine[Any, Any, None]], settings: Settings) -> None:
    """Run until SIGTERM or Ctrl-C asks to stop; `serve` gets the event that says so."""

    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            with suppress(NotImplementedError):
                loop.add_signal_handler(number, stop.set)
        await serve(stop)

    try:
        asyncio.run(run())
    except KafkaError as error:
        refuse(
            f"Kafka at {settings.kafka.bootstrap_servers} cannot be used: {error or type(error).__name__}. "
            "Is it running, and are kafka.bootstrap_servers and the credentials right?",
            3,
        )
