"""`lofty-ghl verify`: compares GHL with Lofty, and repairs what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.shared import (
    DEFAULT_CONFIG,
    ConfigOption,
    ConnectionOption,
    JsonOption,
    login_name,
    named_connections,
    now_ms,
    print_findings,
    refuse,
    refuse_on,
    say,
    settings_in_force,
    terminal,
    with_kafka,
)

if TYPE_CHECKING:
    from streams.operations.verify.report import Report
    from streams.settings import Settings


def verify(
    config: ConfigOption = DEFAULT_CONFIG,
    connection: ConnectionOption = "",
    lead: Annotated[str, typer.Option("--lead", help="Only this lead, by its Lofty id.")] = "",
    repair: Annotated[bool, typer.Option("--repair", help="Repair what can be repaired, through the workers.")] = False,
    as_json: JsonOption = False,
    within: Annotated[
        float | None,
        typer.Option("--within", help="Stop after so many minutes; the rest counts as unfinished.", min=0.01),
    ] = None,
) -> None:
    """Compare GHL with the latest state of Lofty, field by field, and repair it on request.

    The state of Lofty is that of our newest snapshots; Lofty is not read again (lofty-ghl backfill does that).
    The workers read GHL, within the rate limit and after all other work; they must be running.
    Exit code 0: all is right, or repaired. 1: something is wrong. 2: wrong usage. 3: not everything could be
    compared. 4: nothing is wrong, but conflicts wait for a decision (lofty-ghl conflicts).

    Example: lofty-ghl verify --connection acme --repair --json
    """
    from streams.operations.verify.show import lines

    settings = settings_in_force(config)
    named_connections(settings, connection)
    if ":" in lead:
        refuse(f"--lead: expected a Lofty id, got {lead!r}")
    report = _run(settings, connection, lead, repair=repair, minutes=within)
    print_findings(report.as_dict(), lines(report), as_json=as_json)
    raise typer.Exit(report.exit_code)


def _run(settings: Settings, connection: str, lead: str, *, repair: bool, minutes: float | None) -> Report:
    from streams.operations.verify.report import NOT_FINISHED
    from streams.operations.verify.run import verify as run_verify
    from streams.operations.verify.show import Bars
    from streams.operations.worker_queries.errors import CannotFinish

    seconds = minutes * 60 if minutes else None
    with refuse_on(CannotFinish, code=NOT_FINISHED), Bars(terminal(), settings) as bars:

        async def run() -> Report:
            began_ms = now_ms()
            report = await run_verify(
                settings, connection=connection, lead=lead, repair=repair, within_seconds=seconds, progress=bars
            )
            await _keep(settings, report, began_ms, lead, repair=repair)
            return report

        return with_kafka(settings, run)


async def _keep(settings: Settings, report: Report, began_ms: int, lead: str, *, repair: bool) -> None:
    """Write it to the history of runs. What was found counts, whether that succeeds or not."""
    from streams.console.services.process_runs import new_id
    from streams.console.services.run_records import record_of
    from streams.console.services.verifications import Verification, result_from
    from streams.operations.runs.run_log import write_runs

    runs = [
        Verification(
            id=new_id(),
            connection=name,
            lead=lead,
            is_repair=repair,
            by=login_name(),
            began_ms=began_ms,
            ended_ms=now_ms(),
            result=result_from(found),
        )
        for name, found in report.as_dict()["connections"].items()
    ]
    try:
        await write_runs(settings, map(record_of, runs))
    except Exception as error:
        say(f"this comparison is not in the history of runs: {error}")
