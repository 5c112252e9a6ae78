"""What all commands share: settings or a clear refusal, Kafka or a clear refusal, one JSON document, an orderly end.

A module of this package imports only Typer and the standard library's light parts when it is imported: what a command works
with is imported in its function. So help, completion and usage errors answer at once (a contract test holds the list).

Whatever a command meets outside of itself ends here in one line that says what is wrong and what to do, with the exit code of
the table in `streams/cli/__init__.py`; never in a stack trace.
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    import asyncio

    from aiokafka.errors import KafkaError
    from rich.console import Console

    from streams.settings import Connection, Settings
    from streams.telemetry.tracing import Tracing

T = TypeVar("T")

WRONG, UNUSABLE, AWAY = 1, 2, 3
"""The exit codes beside 0: what was found is not right; usage or configuration is wrong; Kafka or a vendor is away."""

STOP_SECONDS = 50.0
"""For an orderly end; less than the 60 s that docker-compose.yml and Kubernetes wait."""


def complete_connections(ctx: typer.Context, incomplete: str) -> list[str]:
    """The names of connections, for the shell's completion; none where the configuration cannot be read."""
    import tomllib

    config = ctx.params.get("config") or os.environ.get("LOFTY_GHL_CONFIG") or DEFAULT_CONFIG
    try:
        names = tomllib.loads(Path(config).read_text(encoding="utf-8")).get("connections", {})
    except (OSError, ValueError):  # ValueError: not TOML, or not UTF-8
        return []
    return [name for name in sorted(names) if name.startswith(incomplete)] if isinstance(names, dict) else []


ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", help="The configuration file.", envvar="LOFTY_GHL_CONFIG", show_default=True)
]
DEFAULT_CONFIG = Path("lofty-ghl.toml")
ConnectionOption = Annotated[
    str, typer.Option("--connection", help="Only this connection.", autocompletion=complete_connections)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


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


def refuse(message: str, code: int = UNUSABLE) -> NoReturn:
    """End the command with a reason."""
    say(message)
    raise typer.Exit(code)


def say(message: str) -> None:
    """Say something to the person at the terminal: on stderr, so that stdout holds findings only.

    Signs that would steer the terminal are replaced: vendors' words and names are written by others.
    """
    typer.echo("".join(one if one.isprintable() or one in "\n\t" else "\ufffd" for one in message), err=True)


def terminal() -> Console:
    """Stderr for bars and other moving things."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def print_json(document: object) -> None:
    """Print findings as one JSON document: the only thing on stdout."""
    import orjson

    from connectors.http.json_reader import write

    typer.echo(write(document, option=orjson.OPT_INDENT_2).decode())


def settings_or_refuse(config: Path, *secrets: str) -> Settings:
    """Load the configuration and demand the named secrets; end with every problem at once when it is wrong."""
    from streams.settings import SettingsError, load_settings

    try:
        return load_settings(config, os.environ, demands=secrets)
    except SettingsError as error:
        refuse(str(error))


def connection_or_refuse(settings: Settings, name: str) -> Connection:
    """The connection of a name; end with the names that there are when there is none."""
    chosen = settings.connections.get(name)
    if chosen is None:
        refuse(f"no connection {name!r}; there are {', '.join(sorted(settings.connections)) or 'none'}")
    return chosen


def named_connections(settings: Settings, name: str) -> list[Connection]:
    """All connections, or the one that is named; a wrong name ends the command."""
    return [connection_or_refuse(settings, name)] if name else list(settings.connections.values())


def with_kafka(
    settings: Settings,
    work: Callable[[], Coroutine[Any, Any, T]],
    *,
    checks_topics: bool = True,
    writes: bool = True,
    group: bool = False,
) -> T:
    """Do work that needs Kafka. First asks whether Kafka answers, and whether the topics are there as they must be.

    And whether we have the rights: to read the topics, to write where the work `writes`, and on the workers' `group`.

    Ends with code 3 when Kafka does not answer within ten seconds or fails later, with 2 when the topics are not right.
    """

    import asyncio

    async def run() -> T:
        await _look(settings, checks_topics=checks_topics, writes=writes, group=group)
        return await work()

    from streams.kafka.unreadable_records import collecting

    with collecting() as left_out:
        try:
            with kafka_or_refuse(settings):
                return asyncio.run(run())
        finally:
            for line in left_out.lines():
                say(line)


@contextmanager
def kafka_or_refuse(settings: Settings) -> Iterator[None]:
    """Turn Kafka's errors into the one line that all commands say."""
    from aiokafka.errors import KafkaError

    from streams.kafka.error_texts import KafkaMisconfigured, KafkaRefused, TopicsRefused

    try:
        yield
    except KafkaMisconfigured as error:
        refuse(str(error))
    except TopicsRefused as error:
        made = [f"created {name}" for name in error.created]
        refused = [f"  {name}: {words}" for name, words in error.refused.items()]
        refuse("\n".join([*made, f"Kafka did not make {_topics(len(refused))}:", *refused]), AWAY)
    except KafkaRefused as error:
        refuse(f"Kafka at {settings.kafka.bootstrap_servers} cannot be used: {error}", AWAY)
    except KafkaError as error:
        refuse(
            f"Kafka at {settings.kafka.bootstrap_servers} cannot be used: {_says(error)}. "
            "Is it running, and are kafka.bootstrap_servers and the credentials right?",
            AWAY,
        )


def _topics(count: int) -> str:
    return f"{count} topic{'s' if count != 1 else ''}"


def _says(error: KafkaError) -> str:
    return " ".join(str(one) for one in error.args) or type(error).__name__


async def _look(settings: Settings, *, checks_topics: bool, writes: bool = True, group: bool = False) -> None:
    from streams.kafka.clients import demand_group, reach
    from streams.kafka.rights import READS, READS_AND_WRITES, demand_rights
    from streams.messages.topics import TopicNames, differing

    found = await reach(settings)
    names = TopicNames(settings.kafka.topic_prefix)
    wanted = names.specs()
    if checks_topics:
        await demand_rights(settings, wanted, READS_AND_WRITES if writes else READS)
    if group:
        await demand_group(settings, names.group)
    if checks_topics and (problem := differing(found, wanted, settings.kafka.partitions)):
        refuse(problem)


def tracing_or_refuse(process: str) -> tuple[Tracing, Callable[[], None]]:
    """The tracing that the environment asks for, and what to call in the end; end where its packages are missing."""
    from streams.telemetry.opentelemetry import TracingNotInstalled, tracing_of

    try:
        return tracing_of(os.environ, process)
    except TracingNotInstalled as error:
        refuse(str(error))


def log_to_stderr(level: LogLevel, form: LogForm, settings: Settings) -> None:
    """Lines on stderr, in which no credential of the settings stands."""
    from streams.settings.secrets import secret_values
    from streams.telemetry.logs import set_up_logs

    set_up_logs(level.value, form.value, secret_values(settings))


def run_until_stopped(serve: Callable[[asyncio.Event], Coroutine[Any, Any, None]], settings: Settings) -> None:
    """Run until SIGTERM or Ctrl-C asks to stop; `serve` gets the event that says so.

    What does not end in order within `STOP_SECONDS`, or is asked a second time, is cut off with exit code 1.
    """

    import asyncio

    async def run() -> None:
        await _look(settings, checks_topics=False)
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        serving = asyncio.ensure_future(serve(stop))

        def ask() -> None:
            if stop.is_set():
                serving.cancel()
            stop.set()
            loop.call_later(STOP_SECONDS, serving.cancel)  # such as a start that waits for Kafka for ever

        for number in (signal.SIGTERM, signal.SIGINT):
            with suppress(NotImplementedError):
                loop.add_signal_handler(number, ask)
        try:
            await serving
        except asyncio.CancelledError:
            if not stop.is_set():
                raise
            refuse("it was stopped before it could end in order: what it had begun is read and done again", WRONG)

    try:
        with kafka_or_refuse(settings):
            asyncio.run(run())
    except OSError as error:
        refuse(_machine_says(error), WRONG if error.errno == errno.ENOSPC else UNUSABLE)


def _machine_says(error: OSError) -> str:
    """What this machine refuses, in words."""
    match error.errno:
        case errno.EADDRINUSE:
            return f"{error.strerror}. Another process has this port: stop it, or set another in the configuration"
        case errno.ENOSPC | errno.EDQUOT:
            where = f" ({error.filename})" if error.filename else ""
            return (
                f"the disk is full{where}: make room, then start again. Nothing is lost: what was not kept is in Kafka"
            )
        case _:
            return f"this machine refuses: {error}"


def keep_libraries_quiet() -> None:
    """Short commands say themselves what is wrong: no line of a library's log comes before it."""
    import logging

    logging.getLogger().addHandler(logging.NullHandler())
