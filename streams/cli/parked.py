"""`lofty-ghl parked`: what cannot go on, by cause, and sending it on its way again."""

from __future__ import annotations

import asyncio
import getpass
import time
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import orjson
import typer
from aiokafka.errors import KafkaError

from streams.cli.running import DEFAULT_CONFIG, ConfigOption, err, refuse, settings_or_refuse
from streams.parked.desk import Desk
from streams.parked.judge import Filter, Output, Place, again, by_cause
from streams.places import Places
from streams.settings import Settings
from streams.topics import TopicNames
from streams.words import Resolution

parked = typer.Typer(help="What cannot go on: show it by cause, try it again, or give it up.", no_args_is_help=True)

T = TypeVar("T")

ConnectionOption = Annotated[str, typer.Option("--connection", help="Only of this connection.")]
StageOption = Annotated[
    str, typer.Option("--stage", help="Only of this stage: intake, dedupe, fetch, deliver, record, …")
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Only for this reason, as `list` names it.")]
EntityOption = Annotated[
    str, typer.Option("--entity", help="Only of this lead, or of what this pattern takes: 'acme:600123:*'.")
]
IdOption = Annotated[str, typer.Option("--id", help="Only this record, as `show` names it: 3@17.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@parked.command("list")
def list_(
    config: ConfigOption = DEFAULT_CONFIG,
    connection: ConnectionOption = "",
    stage: StageOption = "",
    reason: ReasonOption = "",
    entity: EntityOption = "",
    as_json: JsonOption = False,
) -> None:
    """Say what is parked, grouped by cause. Exit code 1 when anything is.

    Example: lofty-ghl parked list --connection acme
    """
    settings = settings_or_refuse(config)
    groups = by_cause(_chosen(settings, Filter(connection, stage, reason, entity)))
    if as_json:
        rows = [
            {
                "connection": name,
                "stage": stage_,
                "reason": why,
                "number": len(some),
                "oldest": _time(some[0].parked.at_ms),
                "newest": _time(some[-1].parked.at_ms),
                "for_example": some[-1].parked.message,
            }
            for (name, stage_, why), some in groups
        ]
        typer.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
    else:
        for (name, stage_, why), some in groups:
            last = some[-1].parked
            typer.echo(f"{len(some):>6}  {name}  {stage_}: {why}   since {_time(some[0].parked.at_ms)}")
            typer.echo(f"        for example {last.entity or last.source}: {last.message[:300]}")
        typer.echo("nothing is parked" if not groups else "look closer: lofty-ghl parked show --reason …")
    raise typer.Exit(1 if groups else 0)


@parked.command()
def show(
    config: ConfigOption = DEFAULT_CONFIG,
    connection: ConnectionOption = "",
    stage: StageOption = "",
    reason: ReasonOption = "",
    entity: EntityOption = "",
    record: IdOption = "",
    most: Annotated[int, typer.Option("--most", help="At most so many records.", min=1)] = 20,
    as_json: JsonOption = False,
) -> None:
    """Show parked records whole: the vendor's words and the original bytes.

    Example: lofty-ghl parked show --entity 600123
    """
    settings = settings_or_refuse(config)
    chosen = _chosen(settings, Filter(connection, stage, reason, entity, record))
    rows = [{"id": place.id, **_whole(place)} for place in chosen[:most]]
    if as_json:
        typer.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
        return
    for row in rows:
        for name, value in row.items():
            if value not in (None, ""):
                typer.echo(f"{name:<12}{value}")
        typer.echo("")
    if len(chosen) > most:
        typer.echo(f"{len(chosen) - most} more; --most {len(chosen)} shows all")
    if not chosen:
        typer.echo("nothing of that kind is parked")


@parked.command()
def retry(
    config: ConfigOption = DEFAULT_CONFIG,
    connection: ConnectionOption = "",
    stage: StageOption = "",
    reason: ReasonOption = "",
    entity: EntityOption = "",
    record: IdOption = "",
    yes: YesOption = False,
) -> None:
    """Send parked records on their way again: entities are read from Lofty anew, deliveries are taken in once more.

    Safe to repeat and to interrupt: nothing is written twice. What fails again is parked again.

    Example: lofty-ghl parked retry --connection acme --reason refused
    """
    settings = settings_or_refuse(config)
    names, now_ms = TopicNames(settings.kafka.topic_prefix), time.time_ns() // 1_000_000
    teams = {one.name: one.lofty.team_id for one in settings.connections.values()}
    places = Places(settings)
    partitions = {one.ghl.location_id: places.ghl(one) for one in settings.connections.values()}
    ready: list[tuple[Place, list[Output]]] = []
    for place in _chosen(settings, Filter(connection, stage, reason, entity, record)):
        outputs = again(place, teams, names, now_ms, partitions)
        if isinstance(outputs, str):
            err.print(f"{place.id} stays parked: {outputs}", markup=False, soft_wrap=True)
        else:
            ready.append((place, outputs))
    _decide(settings, ready, "retried", "try again", now_ms, yes=yes)


@parked.command()
def discard(
    config: ConfigOption = DEFAULT_CONFIG,
    connection: ConnectionOption = "",
    stage: StageOption = "",
    reason: ReasonOption = "",
    entity: EntityOption = "",
    record: IdOption = "",
    yes: YesOption = False,
) -> None:
    """Give parked records up: they are not listed any more. What an entity's next change brings is carried all the same.

    Example: lofty-ghl parked discard --stage intake --reason "unknown shape"
    """
    settings = settings_or_refuse(config)
    chosen = _chosen(settings, Filter(connection, stage, reason, entity, record))
    nothing: list[Output] = []
    _decide(
        settings, [(place, nothing) for place in chosen], "discarded", "give up", time.time_ns() // 1_000_000, yes=yes
    )


def _chosen(settings: Settings, wanted: Filter) -> list[Place]:
    return [place for place in _run(settings, Desk(settings).open()) if wanted.takes(place)]


def _decide(
    settings: Settings, ready: list[tuple[Place, list[Output]]], decision: Any, what: str, now_ms: int, *, yes: bool
) -> None:
    if not ready:
        typer.echo("nothing of that kind is parked")
        return
    if not yes and not typer.confirm(f"{what} {len(ready)} records?"):
        raise typer.Exit(1)
    resolution = Resolution(record="", decision=decision, at_ms=now_ms, by=getpass.getuser())
    _run(settings, Desk(settings).decide(ready, resolution))
    typer.echo(f"{len(ready)} records {decision}")


def _run(settings: Settings, work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except KafkaError as error:
        refuse(
            f"Kafka at {settings.kafka.bootstrap_servers} cannot be used: {error or type(error).__name__}. "
            "Is it running, and are kafka.bootstrap_servers and the credentials right?",
            3,
        )


def _whole(place: Place) -> dict[str, Any]:
    one = place.parked
    facts = one.model_dump(exclude={"v", "original", "at_ms"})
    return {"at": _time(one.at_ms), **facts, "original": one.original_bytes().decode(errors="replace")}


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
