"""`lofty-ghl status`: the state of the whole deployment on one screen."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.shared import (
    DEFAULT_CONFIG,
    WRONG,
    ConfigOption,
    JsonOption,
    print_findings,
    refuse,
    settings_in_force,
    with_kafka,
)

if TYPE_CHECKING:
    from streams.messages.growth import Move
    from streams.operations.status.overview import Overview
    from streams.settings import Settings

WATCH_SECONDS = 2.0


def status(
    config: ConfigOption = DEFAULT_CONFIG,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Refresh every two seconds, until Ctrl-C.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="List every connection and every problem, not only what needs attention.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what is wrong and how to fix it, then workers, gateways, what waits, and the connections that need attention.

    With more than five connections, those that are well are counted; --all lists each with its budgets, its parked work and its last sweep.
    --json has all of them always.
    Sends no request to a vendor or a process: it reads the status that workers and gateways publish every five seconds.
    Exit code 0: all is well. 1: something is wrong; the output says how to fix it. 2: wrong usage. 3: Kafka cannot be reached.

    Example: lofty-ghl status --watch
    """
    settings = settings_in_force(config)
    if watch and as_json:
        refuse("--watch and --json exclude each other: --json prints one document")
    if watch:
        with suppress(KeyboardInterrupt):
            with_kafka(settings, lambda: _watch(settings, everything), writes=False, group=True)
        return
    from streams.cli.status_output import document, lines
    from streams.operations.status.health import problems_of

    moves: list[Move | None] = []
    found = with_kafka(settings, lambda: _look(settings, moves[0]), writes=False, group=True, take_move=moves.append)
    wrong = problems_of(found)
    printed = document(found, wrong) if as_json else None
    print_findings(printed, lines(found, wrong, everything=everything), as_json=as_json)
    raise typer.Exit(WRONG if wrong else 0)


async def _look(settings: Settings, move: Move | None) -> Overview:
    import asyncio
    from dataclasses import replace

    from streams.operations.parked.waiting import count_parked
    from streams.operations.status.reader import read_overview

    found, parked = await asyncio.gather(read_overview(settings), count_parked(settings))
    return replace(found, parked_open=parked, move=_open(move))


def _open(move: Move | None) -> Move | None:
    return move if move is not None and move.growth.is_open else None


async def _watch(settings: Settings, everything: bool) -> None:
    import asyncio
    from dataclasses import replace

    from rich.live import Live
    from rich.text import Text

    from streams.cli.in_force import in_force_or_refuse
    from streams.cli.status_output import lines
    from streams.operations.parked.waiting import count_parked
    from streams.operations.status.health import problems_of
    from streams.operations.status.reader import StatusReader

    async with StatusReader(settings) as statuses:
        with Live(auto_refresh=False) as live:
            while True:
                parked, move = await count_parked(settings), _open(await in_force_or_refuse(settings, "command"))
                found = replace(await statuses.overview(), parked_open=parked, move=move)
                live.update(Text("\n".join(lines(found, problems_of(found), everything=everything))), refresh=True)
                await asyncio.sleep(WATCH_SECONDS)
