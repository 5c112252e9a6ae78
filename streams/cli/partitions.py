"""`lofty-ghl partitions`: moves a deployment to more partitions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli.shared import (
    DEFAULT_CONFIG,
    WRONG,
    ConfigOption,
    JsonOption,
    count_of,
    login_name,
    now_ms,
    print_findings,
    refuse,
    refuse_on,
    say,
    settings_in_force,
    settings_or_refuse,
    with_kafka,
)

if TYPE_CHECKING:
    from streams.messages.growth import Growth
    from streams.operations.growing.plan import GrowthPlan
    from streams.settings import Settings

partitions = typer.Typer(
    name="partitions", help="Move a deployment to more partitions, for more worker processes.", no_args_is_help=True
)

ToOption = Annotated[
    int, typer.Option("--to", min=2, max=1000, help="The new number of partitions, a multiple of the present one.")
]


@partitions.command()
def plan(to: ToOption, config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Say what a move copies, how much room it takes, how long that lasts, and how long the workers pause. Changes nothing.

    Exit code 1: the copy does not fit on Kafka's disks.

    Example: lofty-ghl partitions plan --to 24
    """
    from dataclasses import asdict

    from streams.operations.growing.plan import no_room, plan_growth

    settings = settings_in_force(config)
    _multiple_or_refuse(settings, to)
    found = with_kafka(settings, lambda: plan_growth(settings, to), writes=False, group=True)
    print_findings(asdict(found), list(_plan_lines(found)), as_json=as_json)
    if problem := no_room(found.disks):
        refuse(problem, WRONG)


@partitions.command()
def grow(
    to: ToOption,
    config: ConfigOption = DEFAULT_CONFIG,
    wait: Annotated[
        float, typer.Option("--wait", min=0, help="So many seconds it waits for processes to be stopped, each time.")
    ] = 600.0,
    ignore_disks: Annotated[
        bool, typer.Option("--ignore-disks", help="Begin although Kafka's disks seem to have too little room.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Move to more partitions: copy beside the running workers, then say when to stop workers and restart gateways.

    Killed at any moment, it goes on when it is run again. Until it says to restart the gateways, `partitions abandon` gives it up,
    and everything goes on as before: it never writes to the topics of before, but for lines of the audit log.

    Example: lofty-ghl partitions grow --to 24
    """
    from streams.operations.growing.grow import Growing

    settings = settings_or_refuse(config)
    last = [0.0]

    def report(done: int, of: int) -> None:
        import time

        if time.monotonic() - last[0] >= PROGRESS_SECONDS:
            last[0] = time.monotonic()
            say(f"copied {done} of {of}")

    growing = Growing(settings, to, say=say, report=report, wait_seconds=wait, checks_disks=not ignore_disks)
    growth = _audited(settings, "deployment grow", to, growing.run)
    took = {part: round(seconds, 1) for part, seconds in growing.took.items()}
    document = {**growth.model_dump(mode="json"), "took_seconds": took}
    parts = ", ".join(f"{part} {seconds} s" for part, seconds in took.items())
    lines = [
        f"{growth.words}{f' ({parts})' if parts else ''}",
        f"every configuration now says kafka.topic_prefix = {growth.to_prefix!r} and kafka.partitions = {growth.to_partitions}: start the "
        "workers",
    ]
    print_findings(document, lines, as_json=as_json)


PROGRESS_SECONDS = 5.0


@partitions.command()
def abandon(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Give a move up before the gateways were restarted: the deployment goes on as it was. The copy stays until the next move.

    Example: lofty-ghl partitions abandon
    """
    from streams.operations.growing.grow import Growing

    settings = settings_or_refuse(config)
    growth = _audited(settings, "deployment abandon", 0, Growing(settings, 0).abandon)
    lines = [f"{growth.words}: workers and gateways run with kafka.topic_prefix = {growth.from_prefix!r}, as before"]
    print_findings(growth.model_dump(mode="json"), lines, as_json=as_json)


@partitions.command()
def show(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Show whether a move is under way, and what it waits for. Exit code 1 while one is.

    Example: lofty-ghl partitions show
    """
    from streams.kafka.growth import read_growth

    settings = settings_or_refuse(config)
    growth = with_kafka(settings, lambda: read_growth(settings), checks_topics=False, writes=False)
    line = "there was never a move to more partitions" if growth is None else growth.words
    print_findings(growth.model_dump(mode="json") if growth else None, [line], as_json=as_json)
    raise typer.Exit(1 if growth is not None and growth.is_open else 0)


def _audited(settings: Settings, action: Any, to: int, work: Any) -> Growth:
    """Do it, with a line of the audit before and after. The one after is where the deployment is then."""
    from streams.console.auth.audit_log import Actor, AuditWriter
    from streams.console.errors import ConsoleError
    from streams.kafka.clients import open_batching_producer
    from streams.kafka.growth import read_growth, with_topics
    from streams.operations.growing.grow import CannotGrow

    by, about = Actor(login_name(), via="command"), {"to": str(to)} if to else {}

    async def note(outcome: Any, detail: str = "") -> None:
        growth = await read_growth(settings)
        here = settings
        if growth is not None:
            is_new = growth.state in ("switching", "done")
            prefix = growth.to_prefix if is_new else growth.from_prefix
            here = with_topics(settings, prefix, growth.to_partitions if is_new else growth.from_partitions)
        async with open_batching_producer(here) as producer:
            await AuditWriter(here.kafka, lambda: producer, now_ms).note(by, action, about, outcome, detail)

    async def run() -> Growth:
        await note("begun")
        try:
            growth: Growth = await work()
        except CannotGrow as error:
            await note("failed", str(error))
            raise
        await note("done", growth.words)
        return growth

    with refuse_on(CannotGrow, ConsoleError):
        return with_kafka(settings, run, checks_topics=False)


def _multiple_or_refuse(settings: Settings, to: int) -> None:
    now = settings.kafka.partitions
    if to <= now or to % now:
        refuse(f"--to {to}: expected a multiple of {now} (kafka.partitions), and more than that, such as {2 * now}")


def _plan_lines(found: GrowthPlan) -> Any:
    from streams.operations.growing.plan import in_bytes

    yield f"from {found.from_partitions} to {found.to_partitions} partitions, into topics with the prefix {found.to_prefix!r}"
    yield f"copies {count_of(found.records, 'record')}, about {found.megabytes:.0f} MB before compression"
    if found.disks:
        free = ", ".join(f"{in_bytes(one.usable_bytes)} (broker {one.broker})" for one in found.disks)
        yield f"takes about {in_bytes(found.disks[0].needed_bytes)} on the disks of each broker; free: {free}"
    else:
        yield (
            "the room on Kafka's disks is unknown: brokers say it from Kafka 3.3 on, to whoever has the right Describe on the cluster; "
            "the copy takes as much as the topics of now, so look before you begin"
        )
    for part in found.topics[:8]:
        yield f"  {part.records:>10}  {part.topic}"
    yield f"beside the running workers: about {found.copy_seconds:.0f} s"
    yield (
        f"then the workers pause for about {found.pause_seconds:.0f} s and the time that you need to stop them, to restart the gateways, and "
        "to start them; webhooks are accepted and wait"
    )
    yield f"workers now: {', '.join(found.workers) or 'none'}; gateways: {', '.join(found.gateways) or 'none'}"
    if found.left:
        yield f"{count_of(len(found.left), 'topic')} of an earlier copy are there already: an unfinished one goes on, another is deleted first"
