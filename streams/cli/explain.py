"""`lofty-ghl explain`: what happened to one contact, when and why, and what it waits for."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from streams.cli.running import (
    DEFAULT_CONFIG,
    ConfigOption,
    ConnectionOption,
    JsonOption,
    named_connections,
    print_json,
    refuse,
    settings_or_refuse,
    with_kafka,
)
from streams.explain.find import Finder
from streams.explain.story import Explanation
from streams.settings import Settings


def explain(
    who: Annotated[str, typer.Argument(help="A Lofty lead's id, a GHL contact's id, or an e-mail address.")],
    config: ConfigOption = DEFAULT_CONFIG,
    connection: ConnectionOption = "",
    as_json: JsonOption = False,
) -> None:
    """Tell one contact's story from the topics: changes, reads, writes with GHL's answers, what is parked and what is awaited.

    Exit code 0: something is known. 1: nothing is. 2: wrong usage. 3: Kafka cannot be used.

    Example: lofty-ghl explain 600123
    """
    settings = settings_or_refuse(config)
    named_connections(settings, connection)
    found = with_kafka(settings, lambda: _explain(settings, who.strip(), connection))
    if as_json:
        print_json([asdict(one) for one in found])
    else:
        for one in found:
            _print(one)
    if not found:
        refuse(
            f"nothing is known of {who!r}: no topic names it. Was the lead ever announced? "
            "A backfill reads all leads: lofty-ghl backfill NAME",
            1,
        )


async def _explain(settings: Settings, who: str, connection: str) -> list[Explanation]:
    finder = Finder(settings, time.time_ns() // 1_000_000)
    chosen = [one for one in settings.connections.values() if connection in ("", one.name)]
    found = [await finder.explain(lane) for lane in sorted(await finder.leads_of(who, chosen))]
    return [one for one in found if one.is_known]


def _print(found: Explanation) -> None:
    typer.echo(found.lane)
    for event in found.events:
        about = event.entity.removeprefix(f"{found.lane}:")
        typer.echo(f"  {_time(event.at_ms)}  {event.stage:<11}{about:<31} {event.what}")
    typer.echo("  now")
    for key, words in found.standing.items():
        typer.echo(f"    {key.removeprefix(f'{found.lane}:'):<38}{words}")
    for one in found.pending:
        typer.echo(f"    {one.entity.removeprefix(f'{found.lane}:'):<38}waits for {one.waits}")
    if not found.pending:
        typer.echo("    nothing is waited for")


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
