"""`lofty-ghl parked`: the dead-letter topic: records that failed, by cause, and how to retry them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli.shared import (
    DEFAULT_CONFIG,
    WRONG,
    ConfigOption,
    ConnectionOption,
    JsonOption,
    YesOption,
    count_of,
    named_connections,
    now_ms,
    print_json,
    say,
    settings_in_force,
    utc_time,
    with_kafka,
)

if TYPE_CHECKING:
    from streams.messages.parked_decision import Decision
    from streams.operations.parked.open_records import ParkedItem, RecordFilter, RetryRecord
    from streams.settings import Settings

parked = typer.Typer(
    name="parked", help="Records that failed: show them by cause, retry or discard them.", no_args_is_help=True
)

STAGES = (
    *("intake", "dedupe", "fetch", "deliver", "record", "inspect", "sweep"),
    *("ghl intake", "respond", "write back", "tokens", "replay"),
)
"""The stages of `streams.messages.parked.Stage`, for the shell's completion."""

StageOption = Annotated[
    str,
    typer.Option(
        "--stage",
        help="Only this stage: intake, dedupe, fetch, deliver, record, …",
        autocompletion=lambda incomplete: [one for one in STAGES if one.startswith(incomplete)],
    ),
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Only this reason, as `list` names it.")]
EntityOption = Annotated[
    str, typer.Option("--entity", help="Only this lead, or what matches this pattern: 'acme:600123:*'.")
]
IdOption = Annotated[str, typer.Option("--id", help="Only this record, as `show` names it: 3@17.")]


@parked.command("list")
def list_(
    config: ConfigOption = DEFAULT_CONFIG,
    connection: ConnectionOption = "",
    stage: StageOption = "",
    reason: ReasonOption = "",
    entity: EntityOption = "",
    as_json: JsonOption = False,
) -> None:
    """List what is parked, grouped by cause. Exit code 1 when anything is.

    Example: lofty-ghl parked list --connection acme
    """
    from streams.operations.parked.open_records import RecordFilter, by_cause

    settings = settings_in_force(config)
    groups = by_cause(_chosen(settings, RecordFilter(connection, stage, reason, entity)))
    if as_json:
        rows = [
            {
                "connection": name,
                "stage": stage_,
                "reason": why,
                "number": len(some),
                "oldest": utc_time(some[0].parked.at_ms),
                "newest": utc_time(some[-1].parked.at_ms),
                "for_example": some[-1].parked.message,
            }
            for (name, stage_, why), some in groups
        ]
        print_json(rows)
    else:
        for (name, stage_, why), some in groups:
            last = some[-1].parked
            typer.echo(f"{len(some):>6}  {name}  {stage_}: {why}   since {utc_time(some[0].parked.at_ms)}")
            typer.echo(f"        for example {last.entity or last.source}: {last.message[:300]}")
        typer.echo("nothing is parked" if not groups else "details: lofty-ghl parked show --reason …")
    raise typer.Exit(1 if groups else 0)


@parked.command()
def show(
    config: ConfigOption = DEFAULT_CONFIG,
    connection: ConnectionOption = "",
    stage: StageOption = "",
    reason: ReasonOption = "",
    entity: EntityOption = "",
    record: IdOption = "",
    most: Annotated[int, typer.Option("--most", help="The largest number of records to print.", min=1)] = 20,
    as_json: JsonOption = False,
) -> None:
    """Show parked records in full: the vendor's message and the original bytes.

    Example: lofty-ghl parked show --entity 600123
    """
    from streams.operations.parked.open_records import RecordFilter

    settings = settings_in_force(config)
    chosen = _chosen(settings, RecordFilter(connection, stage, reason, entity, record))
    rows = [{"id": item.id, **_whole(item)} for item in chosen[:most]]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        for name, value in row.items():
            if value not in (None, ""):
                typer.echo(f"{name:<12}{value}")
        typer.echo("")
    if len(chosen) > most:
        typer.echo(f"{len(chosen) - most} more; --most {len(chosen)} shows all")
    if not chosen:
        typer.echo("no such record is parked")


@parked.command()
def retry(
    config: ConfigOption = DEFAULT_CONFIG,
    connection: ConnectionOption = "",
    stage: StageOption = "",
    reason: ReasonOption = "",
    entity: EntityOption = "",
    record: IdOption = "",
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Retry parked records: entities are read from Lofty again, deliveries are processed again.

    Safe to repeat, to interrupt and to run twice at a time: nothing is written twice. What fails again is parked again.
    Exit code 1: some records stay parked; the output says why.

    Example: lofty-ghl parked retry --connection acme --reason refused
    """
    from streams.operations.parked.open_records import RecordFilter
    from streams.operations.parked.queue import ParkedQueue

    settings = settings_in_force(config)
    at_ms = now_ms()
    chosen = _chosen(settings, RecordFilter(connection, stage, reason, entity, record))
    ready, left = ParkedQueue(settings).ready(chosen, at_ms)
    for item_id, why in left.items():
        say(f"{item_id} stays parked: {why}")
    _decide(settings, ready, "retried", "retry", at_ms, left, yes=yes, as_json=as_json)


@parked.command()
def discard(
    config: ConfigOption = DEFAULT_CONFIG,
    connection: ConnectionOption = "",
    stage: StageOption = "",
    reason: ReasonOption = "",
    entity: EntityOption = "",
    record: IdOption = "",
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Discard parked records: they are no longer listed. The entity's next change is still processed.

    Example: lofty-ghl parked discard --stage intake --reason "unknown shape"
    """
    from streams.operations.parked.open_records import RecordFilter

    settings = settings_in_force(config)
    chosen = _chosen(settings, RecordFilter(connection, stage, reason, entity, record))
    nothing: list[RetryRecord] = []
    records = [(item, nothing) for item in chosen]
    _decide(settings, records, "discarded", "discard", now_ms(), {}, yes=yes, as_json=as_json)


def _chosen(settings: Settings, wanted: RecordFilter) -> list[ParkedItem]:
    from streams.operations.parked.queue import ParkedQueue

    named_connections(settings, wanted.connection)
    return [item for item in with_kafka(settings, ParkedQueue(settings).open, writes=False) if wanted.takes(item)]


def _decide(
    settings: Settings,
    ready: list[tuple[ParkedItem, list[RetryRecord]]],
    decision: Decision,
    what: str,
    at_ms: int,
    left: dict[str, str],
    *,
    yes: bool,
    as_json: bool,
) -> None:
    import getpass

    from streams.messages import ParkedDecision
    from streams.operations.parked.queue import ParkedQueue

    if ready:
        if not yes and not typer.confirm(f"{what} {count_of(len(ready), 'record')}?", err=as_json):
            raise typer.Exit(WRONG)
        resolution = ParkedDecision(record="", decision=decision, at_ms=at_ms, by=getpass.getuser())
        with_kafka(settings, lambda: ParkedQueue(settings).decide(ready, resolution))
    if as_json:
        print_json({"decision": decision, "records": [item.id for item, _ in ready], "left": left})
    else:
        typer.echo(f"{count_of(len(ready), 'record')} {decision}" if ready or left else "no such record is parked")
    raise typer.Exit(WRONG if left else 0)


def _whole(item: ParkedItem) -> dict[str, Any]:
    one = item.parked
    facts = one.model_dump(exclude={"v", "original", "at_ms"})
    return {"at": utc_time(one.at_ms), **facts, "original": one.original_bytes().decode(errors="replace")}
