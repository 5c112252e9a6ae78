"""`lofty-ghl status`: the state of the whole deployment on one screen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli.shared import (
    DEFAULT_CONFIG,
    WRONG,
    ConfigOption,
    JsonOption,
    count_of,
    print_findings,
    refuse,
    settings_in_force,
    with_kafka,
)

if TYPE_CHECKING:
    from streams.messages.worker_status import BudgetStatus
    from streams.operations.status.health import HealthProblem
    from streams.operations.status.overview import ConnectionView, Overview
    from streams.settings import Settings

WATCH_SECONDS = 2.0


def status(
    config: ConfigOption = DEFAULT_CONFIG,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Refresh every two seconds, until Ctrl-C.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show workers, gateways, connections, budgets, what waits and since when, what is parked, the last sweep.

    Sends no request to a vendor or a process: it reads the status that workers and gateways publish every five seconds.
    Exit code 0: all is well. 1: something is wrong; the output says how to fix it. 2: wrong usage. 3: Kafka cannot be reached.

    Example: lofty-ghl status --watch
    """
    settings = settings_in_force(config)
    if watch and as_json:
        refuse("--watch and --json exclude each other: --json prints one document")
    if watch:
        with suppress(KeyboardInterrupt):
            with_kafka(settings, lambda: _watch(settings), writes=False, group=True)
        return
    from streams.operations.status.health import problems_of

    found = with_kafka(settings, lambda: _look(settings), writes=False, group=True)
    wrong = problems_of(found)
    print_findings(_document(found, wrong), lines(found, wrong), as_json=as_json)
    raise typer.Exit(WRONG if wrong else 0)


async def _look(settings: Settings) -> Overview:
    import asyncio
    from dataclasses import replace

    from streams.operations.parked.waiting import count_parked
    from streams.operations.status.reader import read_overview

    found, parked = await asyncio.gather(read_overview(settings), count_parked(settings))
    return replace(found, parked_open=parked)


async def _watch(settings: Settings) -> None:
    import asyncio
    from dataclasses import replace

    from rich.live import Live
    from rich.text import Text

    from streams.operations.parked.waiting import count_parked
    from streams.operations.status.health import problems_of
    from streams.operations.status.reader import StatusReader

    async with StatusReader(settings) as statuses:
        with Live(auto_refresh=False) as live:
            while True:
                found = replace(await statuses.overview(), parked_open=await count_parked(settings))
                live.update(Text("\n".join(lines(found, problems_of(found)))), refresh=True)
                await asyncio.sleep(WATCH_SECONDS)


def lines(found: Overview, wrong: tuple[HealthProblem, ...]) -> Iterator[str]:
    """An overview as a person reads it; what is wrong is at the end, where people look first."""
    from streams.core.moments import utc
    from streams.core.sweep_schedules import forecast_words, forecasts

    at = utc(found.at_ms).strftime("%Y-%m-%d %H:%M:%SZ")
    yield f"{at}  workers: {len(found.alive)} alive, {found.partitions - len(found.unowned)} of {found.partitions} partitions"
    for one in found.workers:
        own = f"partitions {', '.join(map(str, one.status.fenced)) or 'none'}"
        host = one.status.host if one.status.process is None else f"{one.status.host} process {one.status.process}"
        yield f"  {one.status.instance}  {one.state:<9} {own}  {host}, last status {one.silent_ms / 1000:.0f} s ago"
    for gateway in found.gateways or ():
        yield f"  gateway {gateway.status.gateway}  {gateway.state:<9} {gateway.status.host}, last status {gateway.silent_ms / 1000:.0f} s ago"
    for connection in found.connections:
        yield from _connection(connection, found.at_ms)
    for budget, forecast in forecasts(found.budgets, [(one.connection, one.reading) for one in found.connections]):
        if forecast.leads:
            yield f"sweeps    {budget.budget}: {forecast_words(forecast)}"
    waiting = [lag for lag in found.lags if lag.records]
    words = ", ".join(f"{lag.topic} {lag.records}{_since(lag.oldest_ms, found.at_ms)}" for lag in waiting)
    yield f"topics    {words or 'nothing waits'}"
    paused = ", ".join(one.connection for one in found.connections if one.paused)
    well = f"all is well, but for what is paused: {paused}" if paused else "all is well"
    yield well if not wrong else f"{count_of(len(wrong), 'problem')} to fix:"
    for trouble in wrong:
        yield f"  {trouble.subject}: {trouble.says}. {trouble.mend}"


def _connection(one: ConnectionView, now_ms: int) -> Iterator[str]:
    linked = "" if one.links is None else f"{one.links} linked"
    paused = f"paused {one.paused_words}" if one.paused else ""
    yield f"connection {one.title}  {', '.join(word for word in (linked, paused) if word)}".rstrip()
    for name, budget in (("Lofty", one.reads), ("GHL", one.writes)):
        yield f"  {name:<8}{'no worker reports it' if budget is None else _budget(budget, now_ms)}"
    under_way = ", ".join(f"{number} in {stage}" for stage, number in one.undelivered.items() if number)
    yield f"  waits   {under_way or 'nothing'}{_since(one.oldest_accepted_ms, now_ms)}"
    if parked := ", ".join(f"{number} in {stage}" for stage, number in one.parked.items() if number):
        yield f"  parked  {parked}"
    if one.conflicts:
        yield f"  unclear {count_of(one.conflicts, 'conflict')} undecided: lofty-ghl conflicts"
    sweep = one.reading.sweep if one.reading is not None else None
    if sweep is not None and sweep.running:
        yield f"  sweep   {sweep.running}: {sweep.leads} of {sweep.total if sweep.total is not None else '?'} leads"
    elif sweep is not None:
        ended = max(sweep.new_ended_ms, sweep.full_ended_ms)
        yield f"  sweep   last{_since(ended or None, now_ms) or ' never'}: {sweep.leads} leads, {sweep.changes} changes"


def _budget(one: BudgetStatus, now_ms: int) -> str:
    parts = [f"{one.window_used} of {one.window_limit} in {one.window_seconds:g} s"]
    if one.quota_limit is not None:
        parts.append(f"{one.quota_left} of {one.quota_limit} left today ({one.quota_regime})")
    if waiting := ", ".join(f"{number} {priority}" for priority, number in one.waiting.items() if number):
        parts.append(f"waiting: {waiting}")
    if one.paused:
        parts.append(f"paused{_since(one.paused_since_ms, now_ms)}: {one.because or one.paused}")
    return "; ".join(parts)


def _since(at_ms: int | None, now_ms: int) -> str:
    if at_ms is None:
        return ""
    seconds = max(0, (now_ms - at_ms) // 1000)
    length = f"{seconds} s" if seconds < 120 else f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
    return f" (since {length})"


def _document(found: Overview, wrong: tuple[HealthProblem, ...]) -> dict[str, Any]:
    from dataclasses import asdict

    from streams.core.sweep_schedules import forecasts

    workers = [
        {"state": one.state, "silent_ms": one.silent_ms, **one.status.model_dump(include=_WORKER)}
        for one in found.workers
    ]
    return {
        "at_ms": found.at_ms,
        "is_well": not wrong,
        "wrong": [asdict(one) for one in wrong],
        "workers": workers,
        "partitions": found.partitions,
        "unowned": list(found.unowned),
        "connections": [
            {
                "connection": one.connection,
                "title": one.title,
                "links": one.links,
                "undelivered": one.undelivered,
                "oldest_accepted_ms": one.oldest_accepted_ms,
                "parked": one.parked,
                "conflicts": one.conflicts,
                "on_hold": one.on_hold,
                "paused": list(one.paused),
                "lofty": one.reads.model_dump() if one.reads is not None else None,
                "ghl": one.writes.model_dump() if one.writes is not None else None,
                "sweep": one.reading.sweep.model_dump() if one.reading and one.reading.sweep else None,
            }
            for one in found.connections
        ],
        "gateways": [
            {"state": one.state, "silent_ms": one.silent_ms, **one.status.model_dump(exclude={"v"})}
            for one in found.gateways or ()
        ],
        "forecasts": [
            {"budget": budget.budget, "is_kept": forecast.is_kept, **asdict(forecast)}
            for budget, forecast in forecasts(
                found.budgets, [(one.connection, one.reading) for one in found.connections]
            )
        ],
        "parked_open": [asdict(one) for one in found.parked_open],
        "lags": [one.model_dump() for one in found.lags],
        "mapping_versions": list(found.mapping_versions),
    }


_WORKER = {
    "instance",
    "host",
    "process",
    "release",
    "started_ms",
    "at_ms",
    "fenced",
    "mapping_version",
    "mapping_trouble",
}
