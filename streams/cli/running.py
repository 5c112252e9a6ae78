"""What the long-running commands share: settings or a clear refusal, logs, an orderly end on SIGTERM."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from aiokafka.errors import KafkaError
from rich.console import Console

from streams.logs import set_up_logs
from streams.settings import Settings, SettingsError, load_settings, require_secrets
from streams.settings.secrets import secret_values

err = Console(stderr=True, highlight=False)

ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", help="The configuration file.", envvar="LOFTY_GHL_CONFIG", show_default=True)
]
DEFAULT_CONFIG = Path("lofty-ghl.toml")


class LogForm(StrEnum):
    """How lines of the log look."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """From which level on lines are logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


LogLevelOption = Annotated[LogLevel, typer.Option("--log-level", help="The least level that is logged.")]
LogFormOption = Annotated[
    LogForm, typer.Option("--log-format", help="Lines for people or for machines.", envvar="LOFTY_GHL_LOG_FORMAT")
]


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


def log_to_stderr(level: LogLevel, form: LogForm, settings: Settings) -> None:
    """Lines on stderr, in which no credential of the settings stands."""
    set_up_logs(level.value, form.value, secret_values(settings))


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
