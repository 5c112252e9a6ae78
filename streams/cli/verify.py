"""`lofty-ghl verify`: does GHL hold what Lofty says? And mending what it does not."""

from __future__ import annotations

import asyncio
from typing import Annotated

import orjson
import typer
from aiokafka.errors import KafkaError

from streams.cli.running import DEFAULT_CONFIG, ConfigOption, err, refuse, settings_or_refuse
from streams.settings import Settings
from streams.verify.errors import CannotFinish
from streams.verify.report import NOT_FINISHED, Report
from streams.verify.run import verify as run_verify
from streams.verify.show import Bars, lines


def verify(
    config: ConfigOption = DEFAULT_CONFIG,
    connection: Annotated[str, typer.Option("--connection", help="Only this connection.")] = "",
    lead: Annotated[str, typer.Option("--lead", help="Only this lead, by its Lofty id.")] = "",
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended, through the workers.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document with counts and findings.")] = False,
    within: Annotated[
        float | None, typer.Option("--within", help="Stop after so many minutes; what is left is unfinished.", min=0.01)
    ] = None,
) -> None:
    """Compare what GHL holds with what Lofty says, field by field, and mend it if asked to.

    The workers do the reading, within the rate limit and after all other work; they must be running.
    Exit code 0: all is right, or mended. 1: something is not. 2: wrong usage. 3: not everything could be looked at.

    Example: lofty-ghl verify --connection acme --repair --json
    """
    settings = settings_or_refuse(config)
    if connection and connection not in settings.connections:
        refuse(f"no connection {connection!r}; there are {', '.join(sorted(settings.connections))}")
    if ":" in lead:
        refuse(f"--lead: expected a Lofty id, got {lead!r}")
    report = _run(settings, connection, lead, repair=repair, minutes=within)
    if as_json:
        typer.echo(orjson.dumps(report.as_dict(), option=orjson.OPT_INDENT_2).decode())
    else:
        for line in lines(report):
            typer.echo(line)
    raise typer.Exit(report.exit_code)


def _run(settings: Settings, connection: str, lead: str, *, repair: bool, minutes: float | None) -> Report:
    seconds = minutes * 60 if minutes else None
    try:
        with Bars(err, settings) as bars:
            return asyncio.run(
                run_verify(
                    settings, connection=connection, lead=lead, repair=repair, within_seconds=seconds, progress=bars
                )
            )
    except CannotFinish as error:
        refuse(str(error), NOT_FINISHED)
    except KafkaError as error:
        refuse(
            f"Kafka at {settings.kafka.bootstrap_servers} cannot be used: {error or type(error).__name__}. "
            "Is it running, and are kafka.bootstrap_servers and the credentials right?",
            NOT_FINISHED,
        )
