"""`lofty-ghl connections`: the connections of the file with their ids, a new name for one, and whose location it is."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.cli.shared import (
    AWAY,
    DEFAULT_CONFIG,
    ConfigOption,
    JsonOption,
    named_connections,
    print_findings,
    refuse,
    refuse_on,
    say,
    settings_or_refuse,
    whole_file,
    with_kafka,
)

connections = typer.Typer(
    name="connections",
    help="List the connections with their ids, rename one, and take over its GHL location.",
    no_args_is_help=True,
)


@connections.command("list")
def list_(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """List the connections: name, id, Lofty team and GHL location.

    Example: lofty-ghl connections list
    """
    settings = settings_or_refuse(config)
    rows = [
        {"name": one.label, "id": one.name, "team_id": one.lofty.team_id, "location_id": one.ghl.location_id}
        for one in settings.connections.values()
    ]
    lines = (
        f"{row['name']}  id {row['id']}  Lofty team {row['team_id']}  GHL location {row['location_id']}" for row in rows
    )
    print_findings(rows, lines, as_json=as_json)


@connections.command()
def rename(
    old: Annotated[str, typer.Argument(metavar="OLD", help="Its name until now.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Its new name; the file may use it already.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Rename a connection in the configuration file and keep its id, so that it keeps its memory.

    Only the names of its tables and the line `id` change. Its credentials take the new name, too.

    Example: lofty-ghl connections rename acme acme-realty
    """
    import tomllib

    from streams.settings.rename import CannotRename, rename_connection
    from streams.settings.secrets import PREFIX

    try:
        text = config.read_bytes().decode()  # with its own line ends
    except (OSError, UnicodeDecodeError) as error:
        refuse(f"{config} cannot be read: {error}")
    with refuse_on(CannotRename, tomllib.TOMLDecodeError):
        after = rename_connection(text, old, new)
    if after != text:
        try:
            with whole_file(config) as file:
                file.write(after.encode())
        except OSError as error:
            say(
                f'{config} cannot be written: {error.strerror}. Add the line id = "{old}" to [connections.{new}] by hand.'
            )
            raise typer.Exit(2) from None
    typer.echo(f"{config}: connection {new} has the id {old}")
    before, now = (f"{PREFIX}{name.upper().replace('-', '_')}_" for name in (old, new))
    typer.echo(f"Rename its credentials {before}... to {now}..., then restart gateways and workers.")


@connections.command("take-over")
def take_over(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The connection.")],
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Say that the other deployments which `status` names have stopped: the worker deletes their marks from the GHL location.

    For a deployment that was restored into another Kafka, or under another topic prefix. One that still writes is named again
    within an hour and a half. Exit code 3: the worker did not answer.

    Example: lofty-ghl connections take-over acme
    """
    from streams.operations.worker_queries.directories import ask_directories
    from streams.operations.worker_queries.errors import CannotFinish

    settings = settings_or_refuse(config)
    chosen = named_connections(settings, name)
    with refuse_on(CannotFinish, code=AWAY):
        answers = with_kafka(settings, lambda: ask_directories(settings, chosen, takes_over=True))
    found = {one: list(answer.taken_over) for one, answer in answers.items()}
    lines = (f"{one}: {', '.join(gone) or 'no other deployment was known'}" for one, gone in found.items())
    print_findings(found, lines, as_json=as_json)
