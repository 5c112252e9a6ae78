"""`lofty-ghl topics`: what must exist in Kafka, what does, and creating the rest."""

from __future__ import annotations

import asyncio
from typing import Annotated

import orjson
import typer
from aiokafka.errors import KafkaError
from rich.console import Console
from rich.table import Table

from streams.admin import TopicState, create_missing, inspect
from streams.cli.running import DEFAULT_CONFIG, ConfigOption, refuse, settings_or_refuse
from streams.settings import Settings

topics = typer.Typer(help="Show the topics and create those that are missing.", no_args_is_help=True)
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@topics.command()
def show(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Show each topic with its settings, and what is wrong with it. Exit code 1 when anything is.

    Example: lofty-ghl topics show
    """
    settings = settings_or_refuse(config)
    states = asyncio.run(_reach(settings))
    if as_json:
        rows = [
            {"topic": s.name, "partitions": s.partitions, "wanted": dict(s.wanted), "problem": s.problem}
            for s in states
        ]
        typer.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
    else:
        _print(states)
    raise typer.Exit(1 if any(state.problem for state in states) else 0)


@topics.command()
def create(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Create the topics that are missing. Never changes one that exists.

    Example: lofty-ghl topics create
    """
    settings = settings_or_refuse(config)
    try:
        created = asyncio.run(create_missing(settings))
    except KafkaError as error:
        refuse(_unreachable(settings, error), 3)
    for name in created:
        typer.echo(f"created {name}")
    if not created:
        typer.echo("nothing to do: every topic exists")
    states = asyncio.run(_reach(settings))
    problems = [state for state in states if state.problem]
    if problems:
        _print(problems)
        raise typer.Exit(1)


async def _reach(settings: Settings) -> list[TopicState]:
    try:
        return await inspect(settings)
    except KafkaError as error:
        refuse(_unreachable(settings, error), 3)


def _unreachable(settings: Settings, error: KafkaError) -> str:
    return (
        f"Kafka at {settings.kafka.bootstrap_servers} cannot be used: {error or type(error).__name__}. "
        "Is it running, and are kafka.bootstrap_servers and the credentials right?"
    )


def _print(states: list[TopicState]) -> None:
    table = Table("topic", "partitions", "settings", "state")
    for state in states:
        config = ", ".join(f"{key}={value}" for key, value in state.wanted.items())
        table.add_row(state.name, str(state.partitions or "-"), config, state.problem or "ok")
    Console().print(table)
