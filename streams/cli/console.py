"""`lofty-ghl console`: passwords and tokens for the console."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from streams.cli.shared import refuse

console = typer.Typer(name="console", help="People and programs that use the console.", no_args_is_help=True)

NameOption = Annotated[str, typer.Option("--name", help="The name of the person or program.")]
RoleOption = Annotated[
    str, typer.Option("--role", help="viewer (may read), operator (may act) or admin (also says who has access).")
]


@console.command("hash-password")
def hash_password(name: NameOption = "ann", role: RoleOption = "operator") -> None:
    """Ask for a password, and print its hash for the configuration. From a pipe, the first line is the password.

    Example: lofty-ghl console hash-password --name ann --role operator
    """
    from streams.console.auth.passwords import hash_password as hashed_password
    from streams.settings.password_hashes import SHORTEST

    _check_role(role)
    if sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if len(password) < SHORTEST:
        refuse(f"expected a password of at least {SHORTEST} characters, got {len(password)}")
    hashed = hashed_password(password)
    typer.echo(f'[[console.users]]\nname = "{name}"\nrole = "{role}"\npassword_hash = "{hashed}"')


@console.command("new-token")
def new_token(name: NameOption = "nightly", role: RoleOption = "viewer") -> None:
    """Make a token for a program that uses the API. Prints the token once, on standard error, and its hash for the configuration.

    Example: lofty-ghl console new-token --name nightly --role viewer
    """
    import secrets

    from streams.settings.password_hashes import TOKEN_PREFIX, token_hash

    _check_role(role)
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    typer.echo(f"the token, shown only now: {token}", err=True)
    typer.echo(f'[[console.tokens]]\nname = "{name}"\nrole = "{role}"\nhash = "{token_hash(token)}"')


def _check_role(role: str) -> None:
    if role not in ("viewer", "operator", "admin"):
        refuse(f"--role: expected viewer, operator or admin, got {role!r}")
