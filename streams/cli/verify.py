"""`lofty-ghl verify`: does GHL hold what Lofty says? And mending what it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.shared import (
    DEFAULT_CONFIG,
    ConfigOption,
    ConnectionOption,
    JsonOption,
    named_connections,
    print_json,
    refuse,
    settings_or_refuse,
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
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended, through the workers.")] = False,
    as_json: JsonOption = False,
    within: Annotated[
        float | None, typer.Option("--within", help="Stop after so many minutes; what is left is unfinished.", min=0.01)
    ] = None,
) -> None:
    """Compare what GHL holds with what Lofty said last, field by field, and mend it if asked to.

    What Lofty said are our newest snapshots; Lofty is not asked again (a sweep does that: lofty-ghl backfill).
    The workers read GHL, within the rate limit and after all other work; they must be running.
    Exit code 0: all is right, or mended. 1: something is not. 2: wrong usage. 3: not everything could be looked at.

    Example: lofty-ghl verify --connection acme --repair --json
    """
    settings = settings_or_refuse(config)
    named_connections(settings, connection)
    if ":" in lead:
        refuse(f"--lead: expected a Lofty id, got {lead!r}")
    report = _run(settings, connection, lead, repair=repair, minutes=within)
    if as_json:
        print_json(report.as_dict())
    else:
        from streams.operations.verify.show import lines

        for line in lines(report):
            typer.echo(line)
    raise typer.Exit(report.exit_code)


def _run(settings: Settings, connection: str, lead: str, *, repair: bool, minutes: float | None) -> Report:
    from streams.operations.verify.report import NOT_FINISHED
    from streams.operations.verify.run import verify as run_verify
    from streams.operations.verify.show import Bars
    from streams.operations.worker_queries.errors import CannotFinish

    seconds = minutes * 60 if minutes else None
    try:
        with Bars(terminal(), settings) as bars:
            return with_kafka(
                settings,
                lambda: run_verify(
                    settings, connection=connection, lead=lead, repair=repair, within_seconds=seconds, progress=bars
                ),
            )
    except CannotFinish as error:
        refuse(str(error), NOT_FINISHED)
