"""`lofty-ghl rehearse`: what an import of a connection's leads would do, on real data, without writing anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.shared import (
    AWAY,
    DEFAULT_CONFIG,
    ConfigOption,
    JsonOption,
    complete_connections,
    connection_or_refuse,
    print_findings,
    progress_bar,
    refuse_on,
    settings_in_force,
    with_kafka,
)

if TYPE_CHECKING:
    from streams.operations.rehearsal.report import RehearsalReport
    from streams.settings import Settings


def rehearse(
    connection: Annotated[
        str, typer.Argument(help="The connection, by its name.", autocompletion=complete_connections)
    ],
    config: ConfigOption = DEFAULT_CONFIG,
    sample: Annotated[
        int | None, typer.Option("--sample", help="Read only so many leads, the oldest; all by default.", min=1)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what an import of all leads would do in GHL, without writing anything.

    Counts of new, matching, conflicting and refused leads; whose e-mail or name is somebody else's; new custom fields and tags; the time that
    the import takes. The workers read both sides, within the limits and after all other work, also of a paused connection.
    Exit code 0: no questions. 1: some leads conflict or are refused. 2: wrong usage. 3: not everything could be read.

    Example: lofty-ghl rehearse acme --sample 500
    """
    from dataclasses import asdict

    from streams.operations.rehearsal.show import lines

    settings = settings_in_force(config)
    chosen = connection_or_refuse(settings, connection)
    report = _run(settings, chosen.name, sample)
    print_findings(asdict(report), lines(report), as_json=as_json)
    raise typer.Exit(1 if report.has_questions else 0)


def _run(settings: Settings, connection: str, sample: int | None) -> RehearsalReport:
    from streams.operations.rehearsal.rehearse import rehearse as run_rehearsal
    from streams.operations.worker_queries.errors import CannotFinish

    with refuse_on(CannotFinish, code=AWAY), progress_bar() as progress:
        bar = progress.add_task("starting", total=None)

        def show(doing: str, done: int, of: int) -> None:
            progress.update(bar, description=doing, completed=done, total=of or None)

        return with_kafka(settings, lambda: run_rehearsal(settings, connection, sample=sample, progress=show))
