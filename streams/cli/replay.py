"""`lofty-ghl replay`: process the records of a topic again."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from streams.cli.shared import (
    AWAY,
    DEFAULT_CONFIG,
    WRONG,
    ConfigOption,
    ConnectionOption,
    JsonOption,
    YesOption,
    named_connections,
    now_ms,
    print_findings,
    print_json,
    progress_bar,
    refuse,
    refuse_on,
    say,
    settings_in_force,
    stop_on_signals,
    utc_time,
    with_kafka,
)

if TYPE_CHECKING:
    from streams.messages import Replay, Selection
    from streams.operations.replay.runner import ReplayProgress as Moved
    from streams.operations.replay.runs import Runs
    from streams.settings import Settings

T = TypeVar("T")

TOPICS = ("ghl.changes", "lofty.changes", "lofty.fetches", "lofty.snapshots", "parked")
"""The topics that can be replayed: those of `streams.operations.replay.semantics.MEANING`, for help and the shell's completion."""

DEFAULT_RATE = 200.0
"""The same as in `streams.operations.replay.runner`."""


def _topics(incomplete: str) -> list[str]:
    return [topic for topic in TOPICS if topic.startswith(incomplete)]


def replay(
    topic: Annotated[str, typer.Argument(help=f"The topic: {', '.join(TOPICS)}.", autocompletion=_topics)] = "",
    config: ConfigOption = DEFAULT_CONFIG,
    connection: ConnectionOption = "",
    contact: Annotated[
        str, typer.Option("--contact", help="Only this lead; for ghl.changes, a GHL contact's id.")
    ] = "",
    since: Annotated[
        str, typer.Option("--since", help="From this time: 2026-11-24T10:00 (UTC), or 2h for two hours ago.")
    ] = "",
    until: Annotated[str, typer.Option("--until", help="Until this time.")] = "",
    first: Annotated[str, typer.Option("--from", help="From this record: 3@1700 is offset 1700 of partition 3.")] = "",
    last: Annotated[str, typer.Option("--to", help="To this record, inclusive.")] = "",
    stage: Annotated[str, typer.Option("--stage", help="Of parked records: only this stage.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Of parked records: only this reason.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only print what would be written with this configuration.")
    ] = False,
    most: Annotated[int, typer.Option("--most", help="The number of examples in a dry run.", min=0)] = 10,
    rate: Annotated[float, typer.Option("--rate", help="Records a second, at most.", min=0.1, max=5000)] = DEFAULT_RATE,
    resume: Annotated[str, typer.Option("--resume", help="Resume this replay.")] = "",
    anew: Annotated[bool, typer.Option("--anew", help="Start again, even if the same replay was interrupted.")] = False,
    lists: Annotated[bool, typer.Option("--list", help="List the replays and their progress.")] = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Process the records of a topic again. Nothing is written twice, and nothing older overwrites what is newer.

    The pipeline keeps running; live work goes first. Run the same command again, or --resume, to continue an interrupted
    replay; two at a time do no harm. After a change of the mapping, `replay lofty.snapshots` writes what differs.
    Exit code 0: done. 1: not finished, or some records failed. 2: wrong usage. 3: Kafka or the workers cannot be reached.

    Example: lofty-ghl replay lofty.snapshots --connection acme --dry-run
    """
    from streams.messages import Selection
    from streams.operations.replay.semantics import refusal

    settings = settings_in_force(config)
    if lists:
        _list(settings, as_json=as_json)
        return
    named_connections(settings, connection)
    if resume:
        selection = None
    else:
        facts = _bounds_of(first, last, since, until)
        selection = Selection(topic=topic, connection=connection, contact=contact, stage=stage, reason=reason, **facts)
        if not topic:
            refuse(f"expected a topic, one of {', '.join(TOPICS)}")
        if problem := refusal(selection):
            refuse(problem)
    if dry_run:
        _dry(settings, config, selection, resume, most, as_json=as_json)
        return
    _run(settings, selection, resume, rate, anew=anew, yes=yes, as_json=as_json)


def _bounds_of(first: str, last: str, since: str, until: str) -> dict[str, Any]:
    from streams.operations.replay.selection import record_position, time_ms

    facts: dict[str, Any] = {}
    at_ms = now_ms()
    try:
        if since:
            facts["since_ms"] = time_ms(since, at_ms)
        if until:
            facts["until_ms"] = time_ms(until, at_ms)
        if first:
            facts["partition"], facts["from_offset"] = record_position(first)
        if last:
            partition, facts["to_offset"] = record_position(last)
            if facts.setdefault("partition", partition) != partition:
                raise ValueError("--from and --to must be of the same partition")
    except ValueError as error:
        refuse(str(error))
    return facts


def _list(settings: Settings, *, as_json: bool) -> None:
    from streams.cli.replay_output import table
    from streams.operations.replay.runs import Runs

    async def known() -> tuple[Replay, ...]:
        async with Runs(settings) as runs:
            return runs.all()

    found = with_kafka(settings, known)
    print_findings([one.model_dump(exclude={"v"}) for one in found], table(found), as_json=as_json)


def _dry(
    settings: Settings, config: Path, selection: Selection | None, resume: str, most: int, *, as_json: bool
) -> None:
    from streams.cli.replay_output import lines
    from streams.mapping_versions.store import settings_now
    from streams.operations.replay.dry_run import dry_run as run_dry
    from streams.operations.replay.runs import Runs

    async def work() -> Any:
        wanted = selection
        if wanted is None:
            async with Runs(settings) as runs:
                wanted = runs.get(resume).selection
        with progress_bar() as bar:
            task = bar.add_task("", total=None)

            def show(what: str, number: int) -> None:
                bar.update(task, description=what, completed=number)

            load = partial(_load_now, config, dict(os.environ))
            processes = os.cpu_count() or 1
            in_force = await settings_now(settings)
            return await run_dry(in_force, wanted, most=most, processes=processes, load=load, report=show)

    found = _try(settings, work)
    print_findings(found.as_dict(), lines(found), as_json=as_json)


def _load_now(config: Path, environ: dict[str, str]) -> Settings:
    """The same settings in another process."""
    import asyncio

    from streams.kafka.partition_count import with_found_partitions
    from streams.mapping_versions.store import settings_now
    from streams.settings import load_settings

    async def load() -> Settings:
        return await settings_now(await with_found_partitions(load_settings(config, environ)))

    return asyncio.run(load())


def _run(
    settings: Settings, selection: Selection | None, resume: str, rate: float, *, anew: bool, yes: bool, as_json: bool
) -> None:
    from streams.cli.replay_output import table
    from streams.mapping_versions.store import settings_now
    from streams.operations.replay.runner import run_replay, under_mappings
    from streams.operations.replay.runs import Runs

    cannot: dict[str, str] = {}

    async def work() -> Replay:
        async with Runs(settings) as runs:
            in_force = await settings_now(settings)
            one = _which(runs, selection, resume, anew=anew)
            if one.position and not under_mappings(in_force, one).position:
                say("the replay was interrupted under another mapping than the one in use now: it starts again")
            _ask(one, rate, yes=yes, to_stderr=as_json)
            say(f"replay {one.run}; if it is interrupted: lofty-ghl replay --resume {one.run}")
            stop = stop_on_signals()
            with progress_bar() as bar:
                task = bar.add_task("", total=None)

                def show(moved: Moved) -> None:
                    done = moved.replay.handed + moved.replay.passed + moved.replay.left
                    if moved.phase == "reading":
                        bar.update(task, description=f"reading {moved.topic}", completed=moved.number)
                    else:
                        bar.update(task, description=moved.phase, completed=done, total=moved.replay.chosen)

                return await run_replay(
                    in_force, runs, one, rate=rate, report=show, report_failed=cannot.__setitem__, stop=stop
                )

    found = _try(settings, work)
    if as_json:
        print_json({**found.model_dump(exclude={"v"}), "cannot": cannot})
    else:
        for key, why in cannot.items():
            say(f"{key} failed: {why}")
        for line in table((found,)):
            typer.echo(line)
    if found.is_open:
        say(f"not finished; continue with: lofty-ghl replay --resume {found.run}")
    raise typer.Exit(WRONG if found.is_open or found.left else 0)


def _which(runs: Runs, selection: Selection | None, resume: str, *, anew: bool) -> Replay:
    from streams.operations.replay.errors import InvalidReplay

    if selection is None:
        one = runs.get(resume)
        if not one.is_open:
            raise InvalidReplay(f"replay {resume} ended at {utc_time(one.moved_ms)}")
        return one
    known = None if anew else runs.unfinished(selection)
    if known is not None:
        say(f"replay {known.run} of {known.by} was not finished: it continues (--anew starts again)")
    return known or runs.new(selection, now_ms())


def _ask(one: Replay, rate: float, *, yes: bool, to_stderr: bool) -> None:
    from streams.operations.replay.semantics import MEANING

    chosen = ", ".join(f"{name}={value}" for name, value in one.selection.model_dump(exclude_defaults=True).items())
    say(f"{chosen}: {MEANING[one.selection.topic]}, at most {rate:g} a second")
    if not yes and not typer.confirm("Continue?", err=to_stderr):
        raise typer.Exit(WRONG)


def _try(settings: Settings, work: Callable[[], Any]) -> Any:
    from streams.operations.replay.errors import CannotReplay, InvalidReplay, OtherMapping
    from streams.operations.worker_queries.errors import CannotFinish

    with (
        refuse_on(CannotReplay, code=WRONG),
        refuse_on(InvalidReplay, OtherMapping),  # inside: these are kinds of CannotReplay
        refuse_on(CannotFinish, code=AWAY),
    ):
        return with_kafka(settings, work)
