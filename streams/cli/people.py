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
    YesOption,
    login_name,
    now_ms,
    print_findings,
    refuse,
    settings_in_force,
    with_kafka,
)

if TYPE_CHECKING:
    from streams.console.auth.audit_log import Actor
    from streams.console.auth.people_access import AccountSeen, MadeLink, PeopleAccess
    from streams.settings import Settings

T = TypeVar("T")

people = typer.Typer(name="people", help="Who has access to the console and its API.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The person or program.", show_default=False)]
RoleOption = Annotated[str, typer.Option("--role", help="viewer, operator or admin.")]
ScopeOption = Annotated[
    list[str] | None,
    typer.Option("--connection", help="Sees only this connection; may be repeated. Without it: all of them."),
]
MailOption = Annotated[bool, typer.Option("--mail", help="Send the link by e-mail, too; the name is the address.")]
DaysOption = Annotated[int, typer.Option("--days", min=0, max=3650, help="For how many days; 0 is for ever.")]


@people.command("list")
def list_(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """List the people and programs whom admins gave access. Those of the configuration file are in the file.

    Example: lofty-ghl people list
    """

    async def read(access: PeopleAccess, _: Actor) -> list[dict[str, Any]]:
        found = access.all()
        return [
            {
                "kind": kind,
                "name": one.name,
                "role": one.role,
                "connections": one.connections,
                "state": one.state,
                "until_ms": one.until_ms,
            }
            for kind, accounts in (("person", found.people), ("program", found.programs))
            for one in accounts
            if one.managed == "console"
        ]

    rows = _with_access(settings_in_force(config), read)
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
    mail: MailOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Invite a person. Prints a link once, by which they set their password within three days.

    Example: lofty-ghl people invite ann@example.com --role admin --mail
    """
    settings = settings_in_force(config)
    chosen, known = _chosen(settings, role, connection), settings.connections
    _print_link(settings, _with_access(settings, lambda access, by: access.invite(by, name, *chosen, known, mail=mail)))


@people.command()
def reset(name: NameArgument, mail: MailOption = False, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Make another link for a person who forgot the password. It is printed once.

    Example: lofty-ghl people reset ann@example.com
    """
    settings = settings_in_force(config)
    _print_link(settings, _with_access(settings, lambda access, by: access.reset(by, name, mail=mail)))


@people.command()
def change(
    name: NameArgument,
    role: Annotated[str, typer.Option("--role", help="viewer, operator or admin.", show_default=False)] = "",
    connection: Annotated[
        list[str] | None, typer.Option("--connection", help="Sees only this connection; may be repeated.")
    ] = None,
    all_connections: Annotated[bool, typer.Option("--all-connections", help="Sees all connections.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Give a person another role or other connections. What is not named stays. It counts from their next request on.

    Example: lofty-ghl people change ann@example.com --role operator --connection acme
    """
    if connection and all_connections:
        refuse("expected --connection or --all-connections, got both")
    if not (role or connection or all_connections):
        refuse("expected --role, --connection or --all-connections, got none of them")
    settings = settings_in_force(config)
    _chosen(settings, role or "viewer", connection)

    async def edit(access: PeopleAccess, by: Actor) -> AccountSeen:
        now = access.find_person(name)
        sees = None if all_connections else connection or now.connections
        as_role: Any = role or now.role
        return await access.change(by, name, as_role, sees, now.version, settings.connections)

    done = _with_access(settings, edit)
    typer.echo(f"{name} is now {done.role}, and sees {', '.join(done.connections or ['all connections'])}")


@people.command()
def sign_out(name: NameArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """End all sessions of a person. They can sign in again.

    Example: lofty-ghl people sign-out ann@example.com
    """
    _with_access(settings_in_force(config), lambda access, by: access.act(by, name, "sign-out"))
    typer.echo(f"{name} is signed out")


@people.command()
def disable(name: NameArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Let a person in no more. Their sessions end at once.

    Example: lofty-ghl people disable ann@example.com
    """
    _with_access(settings_in_force(config), lambda access, by: access.act(by, name, "disable"))
    typer.echo(f"{name} is disabled")


@people.command()
def enable(name: NameArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Let a person in again.

    Example: lofty-ghl people enable ann@example.com
    """
    _with_access(settings_in_force(config), lambda access, by: access.act(by, name, "enable"))
    typer.echo(f"{name} can sign in again")


@people.command()
def remove(name: NameArgument, config: ConfigOption = DEFAULT_CONFIG, yes: YesOption = False) -> None:
    """Take a person's access away for good. Their sessions end at once; what they did stays in the audit. The last admin stays.

    Example: lofty-ghl people remove ann@example.com
    """
    if not yes:
        typer.confirm(f"Remove {name}? They cannot sign in any longer.", abort=True)
    _with_access(settings_in_force(config), lambda access, by: access.act(by, name, "remove"))
    typer.echo(f"{name} is removed")


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
    chosen, known = _chosen(settings, role, connection), settings.connections
    made = _with_access(settings, lambda access, by: access.new_token(by, name, *chosen, days, known))
    typer.echo(made.token)


@people.command()
def revoke(name: NameArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Take a program's token away. It works no more.

    Example: lofty-ghl people revoke nightly-report
    """
    _with_access(settings_in_force(config), lambda access, by: access.revoke(by, name))
    typer.echo(f"the token of {name} works no more")


def _chosen(settings: Settings, role: str, connections: list[str] | None) -> tuple[Any, list[str] | None]:
    if role not in ("viewer", "operator", "admin"):
        refuse(f"--role: expected viewer, operator or admin, got {role!r}")
    unknown = sorted({*(connections or ())} - settings.connections.keys())
    if unknown:
        refuse(f"--connection: expected one of {', '.join(sorted(settings.connections)) or 'none'}, got {unknown[0]!r}")
    return role, connections or None


def _print_link(settings: Settings, made: MadeLink) -> None:
    typer.echo((settings.gateway.public_url or "https://YOUR-HOST") + made.path)
    if made.is_mailed:
        typer.echo(f"sent to {made.name}", err=True)
    if made.not_mailed:
        refuse(f"not sent to {made.name}: {made.not_mailed}. Send the link yourself", WRONG)


def _with_access(settings: Settings, do: Callable[[PeopleAccess, Actor], Awaitable[T]]) -> T:
    """Do something with the accounts as an admin does it in the console, or say in one line why it cannot be done."""
    from streams.console.auth.accounts import Accounts
    from streams.console.auth.audit_log import Actor, AuditWriter
    from streams.console.auth.people_access import PeopleAccess
    from streams.console.errors import ConsoleError, Unavailable
    from streams.kafka.clients import open_batching_producer
    from streams.operations.people.errors import PeopleUnavailable

    async def run() -> T:
        accounts = Accounts(settings, now_ms)
        await accounts.people.start()
        try:
            accounts.people.check_read()
            async with open_batching_producer(settings) as batching_producer:
                audit = AuditWriter(settings.kafka, lambda: batching_producer, now_ms)
                access = PeopleAccess(settings, accounts, audit, now_ms)
                return await do(access, Actor(login_name(), via="command"))
        finally:
            await accounts.people.stop()

    try:
        return with_kafka(settings, run)
    except (PeopleUnavailable, Unavailable) as error:
        refuse(str(error), AWAY)
    except ConsoleError as error:
        refuse(error.words, WRONG)
