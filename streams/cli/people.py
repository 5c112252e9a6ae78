"""`lofty-ghl people`: who has access to the console and its API; the way in for the first admin, and out of a lost password."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from streams.cli.shared import (
    AWAY,
    DEFAULT_CONFIG,
    WRONG,
    ConfigOption,
    JsonOption,
    login_name,
    print_findings,
    refuse,
    say,
    settings_in_force,
    with_kafka,
)

if TYPE_CHECKING:
    from streams.operations.people.editor import PeopleEditor
    from streams.operations.people.store import PeopleStore
    from streams.settings import Settings

T = TypeVar("T")

people = typer.Typer(name="people", help="Who has access to the console and its API.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The person or program.", show_default=False)]
RoleOption = Annotated[str, typer.Option("--role", help="viewer, operator or admin.")]
ScopeOption = Annotated[
    list[str] | None,
    typer.Option("--connection", help="Sees only this connection; may be repeated. Without it: all of them."),
]
DaysOption = Annotated[int, typer.Option("--days", min=0, max=3650, help="For how many days; 0 is for ever.")]


@people.command("list")
def list_(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """List the people and programs whom admins gave access. Those of the configuration file are in the file.

    Example: lofty-ghl people list
    """

    async def read(store: PeopleStore, _: PeopleEditor) -> list[dict[str, Any]]:
        return [
            {
                "kind": one.kind,
                "name": one.name,
                "role": one.role,
                "connections": one.connections,
                "state": _state(one),
                "until_ms": one.expires_ms or one.link_until_ms or None,
            }
            for kind in ("person", "program")
            for one in store.log.all(kind)
        ]

    rows = _with_people(settings_in_force(config), read)
    lines = (
        f"{row['name']}  {row['kind']}  {row['role']}  sees {', '.join(row['connections'] or ['all connections'])}  {row['state']}"
        for row in rows
    )
    print_findings(rows, lines, as_json=as_json)


@people.command()
def invite(
    name: NameArgument,
    role: RoleOption = "viewer",
    connection: ScopeOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Invite a person. Prints a link once, by which they set their password within three days.

    Example: lofty-ghl people invite ann@example.com --role admin
    """
    settings = settings_in_force(config)
    chosen = _access(settings, role, connection)
    link = _with_people(settings, lambda _, editor: editor.invite(name, *chosen, login_name()))
    _print_link(settings, link)


@people.command()
def reset(name: NameArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Make another link for a person who forgot the password. It is printed once.

    Example: lofty-ghl people reset ann@example.com
    """
    settings = settings_in_force(config)
    _print_link(settings, _with_people(settings, lambda _, editor: editor.reset(name, login_name())))


@people.command()
def disable(name: NameArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Let a person in no more. Their sessions end at once.

    Example: lofty-ghl people disable ann@example.com
    """
    _with_people(settings_in_force(config), lambda _, editor: editor.disable(name, login_name()))
    typer.echo(f"{name} is disabled")


@people.command()
def enable(name: NameArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Let a person in again.

    Example: lofty-ghl people enable ann@example.com
    """
    _with_people(settings_in_force(config), lambda _, editor: editor.enable(name, login_name()))
    typer.echo(f"{name} can sign in again")


@people.command()
def token(
    name: NameArgument,
    role: RoleOption = "viewer",
    connection: ScopeOption = None,
    days: DaysOption = 90,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Make a token for a program that uses the API. It is printed once.

    Example: lofty-ghl people token nightly-report --connection acme
    """
    settings = settings_in_force(config)
    chosen = _access(settings, role, connection)
    typer.echo(_with_people(settings, lambda _, editor: editor.new_token(name, *chosen, days, login_name())))


@people.command()
def revoke(name: NameArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Take a program's token away. It works no more.

    Example: lofty-ghl people revoke nightly-report
    """
    _with_people(settings_in_force(config), lambda _, editor: editor.remove("program", name, login_name()))
    typer.echo(f"the token of {name} works no more")


def _access(settings: Settings, role: str, connections: list[str] | None) -> tuple[Any, list[str] | None]:
    if role not in ("viewer", "operator", "admin"):
        refuse(f"--role: expected viewer, operator or admin, got {role!r}")
    unknown = sorted({*(connections or ())} - settings.connections.keys())
    if unknown:
        refuse(f"--connection: expected one of {', '.join(sorted(settings.connections)) or 'none'}, got {unknown[0]!r}")
    return role, connections or None


def _print_link(settings: Settings, link: str) -> None:
    base = settings.gateway.public_url or "https://YOUR-HOST"
    typer.echo(f"{base}/console/welcome?link={link}")


def _state(account: Any) -> str:
    if account.is_disabled:
        return "disabled"
    return "in use" if account.password_hash or account.token_hash else "invited"


def _with_people(settings: Settings, do: Callable[[PeopleStore, PeopleEditor], Awaitable[T]]) -> T:
    """Do something with the accounts, or say in one line why it cannot be done."""
    from streams.operations.people.editor import PeopleEditor
    from streams.operations.people.errors import PeopleError, PeopleUnavailable
    from streams.operations.people.store import PeopleStore

    async def run() -> T:
        store = PeopleStore(settings)
        await store.start()
        try:
            store.check_read()
            return await do(store, PeopleEditor(store, settings))
        finally:
            await store.stop()

    try:
        return with_kafka(settings, run)
    except PeopleUnavailable as error:
        say(str(error))
        raise typer.Exit(AWAY) from None
    except PeopleError as error:
        say(str(error))
        raise typer.Exit(WRONG) from None
