"""`lofty-ghl topics`: shows the topics in Kafka, and creates missing ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.shared import (
    DEFAULT_CONFIG,
    ConfigOption,
    JsonOption,
    count_of,
    print_json,
    refuse,
    refuse_on,
    say,
    settings_or_refuse,
    with_kafka,
)

if TYPE_CHECKING:
    from streams.kafka.admin import TopicState
    from streams.settings import Settings

topics = typer.Typer(name="topics", help="Show the topics and create those that are missing.", no_args_is_help=True)


@topics.command()
def show(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Show each topic with its settings and problems. Exit code 1 when there are any.

    Example: lofty-ghl topics show
    """
    settings = settings_or_refuse(config)
    states = _states(settings)
    _say_unseen(settings, states)
    if as_json:
        rows = [
            {"topic": s.name, "partitions": s.partitions, "wanted": dict(s.wanted), "problem": s.problem}
            for s in states
        ]
        print_json(rows)
    else:
        _print(states)
    raise typer.Exit(1 if any(state.problem for state in states) else 0)


@topics.command()
def create(
    config: ConfigOption = DEFAULT_CONFIG,
    accept_lost: Annotated[
        list[str] | None,
        typer.Option(
            "--accept-lost",
            metavar="TABLE",
            help="Accept that this table (or topic) has lost rows, and restore what can be; stop all workers first.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Create missing topics. Never changes an existing one. Exit code 1 when an existing one has a problem.

    This is the first command of a deployment. So it refuses, with 2, a configuration that gateway or workers would refuse
    later, and names every missing credential.

    In a deployment that has run, it refuses, with 2, to create a lost topic that held state: workers would start with an empty
    table and write notes a second time. `--accept-lost` creates it, and restores the rows that local copies and receipts still
    hold; it sets aside and keeps copies that no longer belong to it. Run it on each machine with workers.

    Example: lofty-ghl topics create
    """
    from streams.kafka.admin import StateMissing, create_missing
    from streams.settings.required_secrets import ALL_SECRETS

    settings = settings_or_refuse(config, *ALL_SECRETS)
    if accept_lost:
        _accept(settings, accept_lost, as_json=as_json)
        return
    with refuse_on(StateMissing):
        created = with_kafka(settings, lambda: create_missing(settings), checks_topics=False)
    states = _states(settings)
    _say_unseen(settings, states)
    problems = [state for state in states if state.problem]
    if as_json:
        print_json({"created": created, "problems": {state.name: state.problem for state in problems}})
    else:
        for name in created:
            typer.echo(f"created {name}")
        if not created:
            typer.echo("nothing to do: every topic exists")
        if problems:
            _print(problems)
    raise typer.Exit(1 if problems else 0)


def _accept(settings: Settings, tables: list[str], *, as_json: bool) -> None:
    from dataclasses import asdict

    from streams.kafka.admin import StateMissing, state_topics
    from streams.kafka.tables import StoreFailed
    from streams.messages.topics import TopicNames
    from streams.operations.accept_lost import StillAtWork, accept_lost

    known = sorted({*state_topics(TopicNames(settings.kafka.topic_prefix)).values()})
    if unknown := [table for table in tables if table not in known]:
        refuse(f"--accept-lost: no table {unknown[0]!r}; there are {', '.join(known)}")
    try:
        found = with_kafka(settings, lambda: accept_lost(settings, tables), checks_topics=False)
    except (StateMissing, StillAtWork, StoreFailed) as error:
        refuse(str(error))
    if as_json:
        print_json(asdict(found))
        return
    for name in found.created:
        typer.echo(f"created {name}")
    for table, number in found.put_back.items():
        typer.echo(f"{table}: restored {count_of(number, 'row')}")
    for folder in found.aside:
        typer.echo(f"kept {folder}: the earlier copy; delete it when nobody needs it")


def _states(settings: Settings) -> list[TopicState]:
    from streams.kafka.admin import inspect

    return with_kafka(settings, lambda: inspect(settings), checks_topics=False)


def _say_unseen(settings: Settings, states: list[TopicState]) -> None:
    from streams.kafka.error_texts import missing_right

    if unseen := [state.name for state in states if not state.is_compared]:
        say(f"the settings of topics were not compared: {missing_right(settings.kafka, 'DescribeConfigs', unseen)}")


def _print(states: list[TopicState]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("topic", "partitions", "settings", "state")
    for state in states:
        config = ", ".join(f"{key}={value}" for key, value in state.wanted.items())
        table.add_row(state.name, str(state.partitions or "-"), config, state.problem or "ok")
    Console().print(table)
