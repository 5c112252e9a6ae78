"""`lofty-ghl backfill`: bring everything that a Lofty team already holds to GHL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.shared import (
    DEFAULT_CONFIG,
    ConfigOption,
    JsonOption,
    complete_connections,
    connection_or_refuse,
    login_name,
    now_ms,
    print_json,
    progress_bar,
    refuse,
    say,
    settings_in_force,
    with_kafka,
)

if TYPE_CHECKING:
    from streams.core.rows import SweepRow
    from streams.settings import Connection, Settings


def backfill(
    connection: Annotated[
        str, typer.Argument(help="The connection whose leads are read.", autocompletion=complete_connections)
    ],
    config: ConfigOption = DEFAULT_CONFIG,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only print what would be done, and how long it would take.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Read all leads of a connection, with notes, tasks and appointments, and bring GHL up to date with them.

    The workers do it, within Lofty's limit and after all other work; they must be running. The backfill goes on when this
    command is stopped, and when workers restart. A second call shows the progress of a running backfill.
    Exit code 0: all leads were read, and the changes are on their way. 2: wrong usage. 3: not finished.

    Example: lofty-ghl backfill acme --dry-run
    """
    from streams.operations.worker_queries.errors import NoWorker

    settings = settings_in_force(config)
    chosen = connection_or_refuse(settings, connection)
    try:
        found = with_kafka(settings, lambda: _run(settings, chosen, dry_run=dry_run))
    except NoWorker as error:
        refuse(str(error), 3)
    except KeyboardInterrupt:
        refuse(f"stopped watching; the backfill goes on. Watch it again with: lofty-ghl backfill {connection}", 3)
    if as_json:
        print_json(found)
    elif dry_run:
        typer.echo(str(found["plan"]))
    else:
        typer.echo(
            f"{found['leads']} leads were read, {found['changes']} leads, notes, tasks and appointments are on their way."
        )


async def _run(settings: Settings, connection: Connection, *, dry_run: bool) -> dict[str, object]:
    import uuid

    from streams.operations.backfill import Backfill

    async with Backfill(settings, connection) as one:
        if dry_run:
            words = "a backfill is running; " if one.is_under_way else ""
            minutes = one.estimate.minutes
            return {
                "plan": f"{connection.name}: {words}{one.estimate}. Nothing was started.",
                "leads": one.estimate.leads,
                "minutes": None if minutes is None else round(minutes, 1),
                "is_under_way": one.is_under_way,
            }
        if one.is_under_way:
            order_id = one.row.ordered
            say("a backfill is running already; its progress:")
        else:
            order_id = uuid.uuid4().hex[:12]
            await one.order(order_id, now_ms(), login_name())
        with progress_bar() as progress:
            bar = progress.add_task("leads", total=None)
            is_estimate_shown = False

            def show(row: SweepRow) -> None:
                nonlocal is_estimate_shown
                if row.kind != "backfill":
                    return
                progress.update(bar, total=row.total, completed=row.leads)
                if row.total is not None and not is_estimate_shown:
                    progress.console.print(str(one.estimate), markup=False, highlight=False)
                    is_estimate_shown = True

            row = await one.follow(order_id, show)
        return {"connection": connection.name, "order": order_id, "leads": row.leads, "changes": row.changes}
