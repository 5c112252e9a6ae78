"""`lofty-ghl connections`: the connections with their ids; adds and removes those that are managed in the console.

Connections of the configuration file are changed there; `rename` gives one of them a new name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from streams.cli.connection_versions import with_versions
from streams.cli.connections_import import import_, template
from streams.cli.shared import (
    AWAY,
    DEFAULT_CONFIG,
    WRONG,
    ConfigOption,
    JsonOption,
    YesOption,
    login_name,
    named_connections,
    print_findings,
    refuse,
    refuse_on,
    say,
    settings_in_force,
    with_kafka,
)
from streams.cli.whole_file import whole_file

if TYPE_CHECKING:
    from streams.console.auth.audit_actions import Action
    from streams.mapping_versions.store import MappingVersions
    from streams.operations.connection_edits.editor import ConnectionEditor

T = TypeVar("T")

connections = typer.Typer(
    name="connections",
    help="List, add, pause, rename and remove connections, and take over their locations.",
    no_args_is_help=True,
)

connections.command("import")(import_)
connections.command()(template)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The connection.", show_default=False)]


@connections.command("list")
def list_(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """List the connections: name, id, Lofty team and GHL location.

    Example: lofty-ghl connections list
    """
    settings = settings_in_force(config)
    rows = [
        {
            "name": one.label,
            "id": one.name,
            "team_id": one.lofty.team_id,
            "location_id": one.ghl.location_id,
            "managed": one.managed,
        }
        for one in settings.connections.values()
    ]
    lines = (
        f"{row['name']}  id {row['id']}  Lofty team {row['team_id']}  GHL location {row['location_id']}"
        + ("  managed in the console" if row["managed"] == "console" else "")
        for row in rows
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
    name: NameArgument,
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

    settings = settings_in_force(config)
    chosen = named_connections(settings, name)
    with refuse_on(CannotFinish, code=AWAY):
        answers = with_kafka(settings, lambda: ask_directories(settings, chosen, takes_over=True))
    found = {one: list(answer.taken_over) for one, answer in answers.items()}
    lines = (f"{one}: {', '.join(gone) or 'no other deployment was known'}" for one, gone in found.items())
    print_findings(found, lines, as_json=as_json)


@connections.command()
def add(
    name: NameArgument,
    team_id: Annotated[str, typer.Option("--team-id", help="The Lofty team's id.")] = "",
    location_id: Annotated[str, typer.Option("--location-id", help="The GHL location's id.")] = "",
    settings_file: Annotated[
        Path | None,
        typer.Option("--settings", help="A TOML file with [connections.NAME] and its tables.", show_default=False),
    ] = None,
    api_key_file: Annotated[
        Path | None, typer.Option("--lofty-api-key-file", help="A file with Lofty's API key.", show_default=False)
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option("--ghl-token-file", help="A file with GHL's private token.", show_default=False)
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Add a connection while everything runs. It works within seconds, once it has its credentials.

    Credentials that no file holds are asked for, and can be left out and pasted in the console. They are stored sealed, under
    LOFTY_GHL_TOKEN_KEYS, and never shown. Exit code 2: refused, with every problem.

    Example: lofty-ghl connections add west --team-id 123456 --location-id abc123 --ghl-token-file token.txt
    """
    table = _table(name, settings_file)
    for side, key, value in (("lofty", "team_id", team_id), ("ghl", "location_id", location_id)):
        if value:
            table[side] = {**table.get(side, {}), key: value}
    wanted = [
        (secret, file, what)
        for secret, file, side, auth, what in (
            ("lofty_api_key", api_key_file, "lofty", "api_key", "Lofty's API key"),
            ("ghl_token", token_file, "ghl", "token", "GHL's private token"),
        )
        if table.get(side, {}).get("auth", auth) == auth
    ]
    credentials = {secret: value for secret, file, what in wanted if (value := _credential(file, what))}
    about = {"connection": name, "credentials": ", ".join(sorted(credentials))}
    found = _edit(
        *(config, "connection add", about),
        lambda editor: editor.add(name, table, by=login_name(), credentials=credentials),
    )
    missing = [what for secret, _, what in wanted if secret not in credentials]
    needs = [f"It waits for {' and '.join(missing)}: paste them in the console."] if missing else []
    lines = [f"Connection {name} is added.", *needs]
    print_findings({"id": name, "version": found.number, "credentials": sorted(credentials)}, lines, as_json=as_json)


@connections.command()
def pause(
    name: NameArgument,
    direction: Annotated[
        str, typer.Option("--direction", help="Only to_ghl or to_lofty; both by default.", show_default=False)
    ] = "",
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Pause a connection that is managed in the console: no request is made, and what comes in waits.

    Example: lofty-ghl connections pause west
    """
    _pause(config, name, [direction] if direction else True)
    typer.echo(f"Connection {name} is paused.")


@connections.command()
def resume(name: NameArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Let a paused connection go on: what waited is written.

    Example: lofty-ghl connections resume west
    """
    _pause(config, name, False)
    typer.echo(f"Connection {name} goes on.")


@connections.command()
def remove(
    name: NameArgument,
    config: ConfigOption = DEFAULT_CONFIG,
    yes: YesOption = False,
) -> None:
    """Remove a connection that is managed in the console: its subscriptions at Lofty, its tokens and credentials.

    What is in GHL stays. Run it again when it was interrupted; a gateway with a console finishes it, too.
    Exit code 1: removed, but something could not be taken away.

    Example: lofty-ghl connections remove west
    """
    from connectors.errors import ConnectorError
    from streams.operations.connection_edits.editor import ConnectionEditor
    from streams.operations.connection_edits.follow_up import finish_removal

    if not yes:
        typer.confirm(f"Remove connection {name}? Its contacts stay in GHL.", abort=True)

    async def work(versions: MappingVersions) -> str:
        newest = versions.connection_log.newest(name)
        if newest is None or newest.phase != "removing":
            editor = ConnectionEditor(versions)
            newest = await editor.remove(name, expected_version=editor.current(name).number, by=login_name())
        return await finish_removal(versions, newest)

    try:
        words = with_versions(config, work, "connection remove", {"connection": name})
    except ConnectorError as error:
        refuse(
            f"connection {name} works no more, but Lofty did not remove its subscriptions: {error}. Run it again.", AWAY
        )
    typer.echo(f"Connection {name} is removed.")
    if words:
        refuse(words, WRONG)


def _pause(config: Path, name: str, paused: Any) -> None:
    async def work(editor: ConnectionEditor) -> None:
        version = editor.current(name).number
        await editor.pause(name, paused, expected_version=version, by=login_name())

    action: Action = "connection pause" if paused else "connection resume"
    about = {"connection": name, **({"directions": "all" if paused is True else paused[0]} if paused else {})}
    _edit(config, action, about, work)


def _table(name: str, file: Path | None) -> dict[str, Any]:
    import tomllib

    if file is None:
        return {}
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # ValueError: not TOML, or not UTF-8
        refuse(f"{file} cannot be read: {error}")
    found = tables.get("connections", {})
    table = found.get(name) if isinstance(found, dict) else None
    if not isinstance(table, dict):
        refuse(f"{file}: expected a table [connections.{name}], found none")
    return table


def _credential(file: Path | None, what: str) -> str:
    """A credential from its file, or typed; empty when it is left out."""
    import sys

    if file is not None:
        try:
            return file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            refuse(f"{file} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}")
    if not sys.stdin.isatty():
        return ""
    return str(
        typer.prompt(f"{what} (Enter: later)", default="", hide_input=True, show_default=False, err=True)
    ).strip()


def _edit(
    config: Path, action: Action, about: Mapping[str, str], edit: Callable[[ConnectionEditor], Awaitable[T]]
) -> T:
    from streams.operations.connection_edits.editor import ConnectionEditor

    return with_versions(config, lambda versions: edit(ConnectionEditor(versions)), action, about)
