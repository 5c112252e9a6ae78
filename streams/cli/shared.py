"""What all commands share: settings or a clear error, Kafka or a clear error, findings as text or JSON, an orderly end.

A module of this package imports only Typer and light parts of the standard library at its top; a command imports what it needs
in its function. So help, completion and usage errors answer at once (a contract test holds the list).

Every problem outside of a command ends here in one line that says what is wrong and what to do, with an exit code of the table
in `streams/cli/__init__.py`; never in a stack trace.
"""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    import asyncio

    from aiokafka.errors import KafkaError
    from rich.console import Console
    from rich.progress import Progress

    from streams.cli.in_force import TakeMove
    from streams.settings import Connection, Settings
    from streams.telemetry.tracing import Tracing

T = TypeVar("T")

WRONG, UNUSABLE, AWAY = 1, 2, 3
"""The exit codes beside 0: a finding is wrong; usage or configuration is wrong; Kafka or a vendor cannot be reached."""

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
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]


class LogForm(StrEnum):
    """The format of log lines."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """The lowest level that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


LogLevelOption = Annotated[LogLevel, typer.Option("--log-level", help="The lowest level that is logged.")]
LogFormOption = Annotated[
    LogForm, typer.Option("--log-format", help="Lines for people or for machines.", envvar="LOFTY_GHL_LOG_FORMAT")
]


def refuse(message: str, code: int = UNUSABLE) -> NoReturn:
    """End the command with a reason."""
    say(message)
    raise typer.Exit(code)


def say(message: str) -> None:
    """Print a message to the person at the terminal: on stderr, so that stdout holds findings only."""
    typer.echo(plain(message, keeps="\n\t"), err=True)


def terminal() -> Console:
    """Stderr, for progress bars."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def print_json(document: object) -> None:
    """Print findings as one JSON document: the only thing on stdout."""
    import orjson

    from connectors.http.json_reader import write

    typer.echo(write(document, option=orjson.OPT_INDENT_2).decode())


def print_findings(document: object, lines: Iterable[str], *, as_json: bool) -> None:
    """Print findings: one JSON document for programs, or lines for people."""
    if as_json:
        print_json(document)
        return
    for line in lines:
        typer.echo(line)


@contextmanager
def refuse_on(*errors: type[Exception], code: int = UNUSABLE) -> Iterator[None]:
    """End the command with the text of these errors."""
    try:
        yield
    except errors as error:
        refuse(str(error), code)


def plain(text: str, *, keeps: str = "") -> str:
    """A text without characters that would control the terminal: names and vendors' words are written by others.

    A line break is one of them, unless `keeps` has it: who writes one into a note must not write a line of our output.
    """
    return "".join(char if char.isprintable() or char in keeps else "\ufffd" for char in text)


def count_of(number: int, noun: str) -> str:
    """A number with its noun: 1 record, 2 records."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def login_name() -> str:
    """The name of the person at the terminal, for histories."""
    import getpass

    return getpass.getuser()


def utc_time(at_ms: int) -> str:
    """A time as people read it, in UTC."""
    from streams.core.moments import utc

    return utc(at_ms).strftime("%Y-%m-%d %H:%M:%SZ")


def progress_bar() -> Progress:
    """A bar on stderr that disappears at its end."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=terminal(), transient=True)


def stop_on_signals() -> asyncio.Event:
    """An event that SIGTERM and Ctrl-C set."""
    import asyncio

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        with suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def settings_or_refuse(config: Path, *secrets: str) -> Settings:
    """Load the configuration and require the named secrets; end with every problem at once when it is wrong.

    Where it does not say how many partitions there are, Kafka is asked.
    """
    from streams.cli.found_partitions import with_partitions
    from streams.settings import SettingsError, load_settings

    try:
        settings = load_settings(config, os.environ, required=secrets)
    except SettingsError as error:
        refuse(str(error))
    return with_partitions(settings)


def settings_in_force(config: Path, *secrets: str) -> Settings:
    """As `settings_or_refuse`, with the connections that were added and changed since, and with edited mappings.

    Without keys for tokens no connection can be added, and Kafka is not asked.
    """
    from streams.mapping_versions.store import settings_now

    settings = settings_or_refuse(config, *secrets)
    if settings.oauth_secrets.token_keys is None:
        return settings
    return with_kafka(settings, lambda: settings_now(settings), checks_topics=False)


def connection_or_refuse(settings: Settings, name: str) -> Connection:
    """The connection of a name or id; when there is none, end with the names that exist."""
    chosen = settings.connection(name)
    if chosen is None:
        names = sorted(one.label for one in settings.connections.values())
        refuse(f"no connection {name!r}; there are {', '.join(names) or 'none'}")
    return chosen


def named_connections(settings: Settings, name: str) -> list[Connection]:
    """All connections, or the named one; a wrong name ends the command."""
    return [connection_or_refuse(settings, name)] if name else list(settings.connections.values())


def with_kafka(
    settings: Settings,
    work: Callable[[], Coroutine[Any, Any, T]],
    *,
    checks_topics: bool = True,
    writes: bool = True,
    group: bool = False,
    take_move: TakeMove = lambda move: None,
) -> T:
    """Do work that needs Kafka. First checks that Kafka answers and that the topics are right.

    Also checks the rights: to read the topics, to write where the work `writes`, and on the workers' `group`. `take_move` gets the newest
    move to more partitions, which the check reads.

    Ends with code 3 when Kafka does not answer within ten seconds or fails later, with 2 when the topics are not right.
    """

    from streams.cli.run_async import run_async

    async def run() -> T:
        from streams.cli.kafka_checks import check_kafka

        take_move(await check_kafka(settings, checks_topics=checks_topics, writes=writes, group=group))
        if not checks_topics:
            return await work()
        from streams.cli.in_force import while_in_force

        return await while_in_force(settings, work())

    from streams.kafka.unreadable_records import collecting

    with collecting() as left_out:
        try:
            with kafka_or_refuse(settings):
                return run_async(run())
        finally:
            for line in left_out.lines():
                say(line)


@contextmanager
def kafka_or_refuse(settings: Settings) -> Iterator[None]:
    """Turn Kafka's errors into one line, the same for all commands."""
    from aiokafka.errors import KafkaError

    from streams.kafka.refusals import KafkaMisconfigured, KafkaRefused, TopicsRefused

    try:
        yield
    except KafkaMisconfigured as error:
        refuse(str(error))
    except TopicsRefused as error:
        made = [f"created {name}" for name in error.created]
        refused = [f"  {name}: {words}" for name, words in error.refused.items()]
        refuse("\n".join([*made, f"Kafka did not create {count_of(len(refused), 'topic')}:", *refused]), AWAY)
    except KafkaRefused as error:
        refuse(f"Kafka at {settings.kafka.bootstrap_servers} cannot be used: {error}", AWAY)
    except KafkaError as error:
        refuse(
            f"Kafka at {settings.kafka.bootstrap_servers} cannot be used: {_says(error)}. "
            "Is it running, and are kafka.bootstrap_servers and the credentials right?",
            AWAY,
        )


def _says(error: KafkaError) -> str:
    return " ".join(str(one) for one in error.args) or type(error).__name__


def tracing_or_refuse(process: str) -> tuple[Tracing, Callable[[], None]]:
    """The tracing that the environment asks for, and what to call at the end; ends the command when its packages are missing."""
    from streams.telemetry.opentelemetry import TracingNotInstalled, tracing_of

    try:
        return tracing_of(os.environ, process)
    except TracingNotInstalled as error:
        refuse(str(error))


def log_to_stderr(level: LogLevel, form: LogForm, settings: Settings) -> None:
    """Log to stderr, without the credentials of the settings."""
    from streams.settings.secrets import secret_values
    from streams.telemetry.logs import set_up_logs

    set_up_logs(level.value, form.value, secret_values(settings))


def run_until_stopped(serve: Callable[[asyncio.Event], Coroutine[Any, Any, None]], settings: Settings) -> None:
    """Run until SIGTERM or Ctrl-C asks to stop; `serve` gets the event that says so.

    A run that does not end within `STOP_SECONDS`, or gets a second signal, is cancelled with exit code 1.
    """

    import asyncio

    from streams.cli.kafka_checks import check_kafka

    async def run() -> None:
        await check_kafka(settings, checks_topics=False)
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        serving = asyncio.ensure_future(serve(stop))

        def ask() -> None:
            if stop.is_set():
                serving.cancel()
            stop.set()
            loop.call_later(STOP_SECONDS, serving.cancel)  # such as a start that waits for Kafka without end

        for number in (signal.SIGTERM, signal.SIGINT):
            with suppress(NotImplementedError):
                loop.add_signal_handler(number, ask)
        try:
            await serving
        except asyncio.CancelledError:
            if not stop.is_set():
                raise
            refuse(
                "stopped before it could end in order: its unfinished work is read and done again at the next start",
                WRONG,
            )

    try:
        with kafka_or_refuse(settings):
            asyncio.run(run())
    except OSError as error:
        refuse_machine(error)


def refuse_machine(error: OSError) -> NoReturn:
    """End the command with an error of the operating system."""
    refuse(_machine_says(error), WRONG if error.errno == errno.ENOSPC else UNUSABLE)


def _machine_says(error: OSError) -> str:
    """An error of the operating system, in words."""
    match error.errno:
        case errno.EADDRINUSE:
            return (
                f"{error.strerror}. Another process uses this port: stop it, or set another port in the configuration"
            )
        case errno.ENOSPC | errno.EDQUOT:
            where = f" ({error.filename})" if error.filename else ""
            return f"the disk is full{where}: make room, then start again. Nothing is lost: what was not stored is in Kafka"
        case _:
            return f"the operating system reports: {error}"


def keep_libraries_quiet() -> None:
    """Keep library logs off the terminal: short commands report what is wrong by themselves."""
    import logging

    logging.getLogger().addHandler(logging.NullHandler())
