"""`lofty-ghl connect`: grant a connection access by OAuth."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli.shared import (
    DEFAULT_CONFIG,
    ConfigOption,
    JsonOption,
    complete_connections,
    now_ms,
    print_json,
    refuse,
    settings_in_force,
    with_kafka,
)

if TYPE_CHECKING:
    from connectors.http.transport import AiohttpTransport
    from streams.oauth.authorization import Granted
    from streams.oauth.consent_link import ConsentLink
    from streams.oauth.grants import Grants
    from streams.settings import Connection

connect = typer.Typer(name="connect", help="Grant a connection access to GHL or Lofty by OAuth.", no_args_is_help=True)

ConnectionOption = Annotated[
    str,
    typer.Option(
        "--connection", help="The connection; required where there are several.", autocompletion=complete_connections
    ),
]
CodeOption = Annotated[
    str,
    typer.Option(
        "--code", help="The address that the browser showed after consent, or its code; then the command does not wait."
    ),
]
WaitOption = Annotated[float, typer.Option("--wait", help="How many minutes to wait for consent.", min=0)]
DEFAULT_WAIT = 15.0


@connect.command()
def ghl(
    config: ConfigOption = DEFAULT_CONFIG,
    connection: ConnectionOption = "",
    code: CodeOption = "",
    wait: WaitOption = DEFAULT_WAIT,
    as_json: JsonOption = False,
) -> None:
    """Print the link to GHL's consent page, and wait until the gateway has received the answer.

    Exit code 0: connected. 1: connected, but scopes are missing, or nobody granted access in time. 2: wrong usage or
    refused. 3: Kafka cannot be used. Run it again to connect again: the new tokens replace the old ones.

    Example: lofty-ghl connect ghl --connection acme
    """
    from connectors.errors import CallbackRefused
    from connectors.ghl.oauth import redirect_problem
    from streams.oauth.authorization import accept_ghl
    from streams.oauth.consent_link import asked_scopes, connection_of, ghl_link, query_of
    from streams.oauth.token_records import wait_for_grant

    grants, chosen = _open(config, "ghl_token", connection, lambda one: one.ghl.auth)
    if code:
        query = query_of(code)

        async def accept(transport: AiohttpTransport) -> Granted:
            if "state" in query and connection_of(grants, query, now_ms()).name != chosen.name:
                raise CallbackRefused("ghl", "this is the answer to another connection's link")
            return await accept_ghl(grants, chosen, query, transport, now_ms())

        _print(_accepted(grants, accept), as_json=as_json)
        return
    redirect = grants.ghl_client().redirect_uri
    is_sandbox = chosen.ghl.base_url.startswith("http://")
    if not grants.settings.gateway.public_url or (not is_sandbox and redirect_problem(redirect)):
        problem = redirect_problem(redirect) or ""
        refuse(
            f"gateway.public_url must be the address at which GHL reaches the gateway: {problem}. Enter {redirect} in GHL's portal"
        )
    since = now_ms()
    _show(ghl_link(grants, chosen, since), as_json=as_json)
    typer.echo(f"It asks for these scopes: {' '.join(asked_scopes(grants, chosen))}", err=as_json)
    typer.echo(
        f"Waiting for the gateway to receive the answer, {wait:g} minutes at most (Ctrl-C ends the wait; the link stays valid) ...",
        err=True,
    )
    found = with_kafka(grants.settings, lambda: wait_for_grant(grants, chosen, since, wait * 60))
    if found is None:
        refuse(
            f"nobody granted access within {wait:g} minutes, or the gateway did not receive the answer: does it run at {redirect}?",
            1,
        )
    _print(found, as_json=as_json)


@connect.command()
def lofty(
    config: ConfigOption = DEFAULT_CONFIG,
    connection: ConnectionOption = "",
    code: CodeOption = "",
    by_key: Annotated[
        bool, typer.Option("--by-key", help="Use the API key of the connection (customer_key); needs no browser.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Print the link to Lofty's consent page, and ask for the address that the browser shows afterwards.

    Exit code 0: connected. 2: wrong usage or refused. 3: Kafka cannot be used.

    Example: lofty-ghl connect lofty --connection acme --by-key
    """
    from streams.oauth.authorization import accept_lofty, lofty_by_key
    from streams.oauth.consent_link import lofty_link, query_of

    grants, chosen = _open(config, "lofty_api_key", connection, lambda one: one.lofty.auth)
    if by_key:
        accepted = _accepted(grants, lambda transport: lofty_by_key(grants, chosen, transport, now_ms()))
        _print(accepted, as_json=as_json)
        return
    link = lofty_link(grants)
    if code and link.verifier is not None:
        refuse(
            'with server = "developer", paste the code into the command that printed the link: run it without --code'
        )
    if not code:
        _show(link, as_json=as_json)
        code = typer.prompt("Paste the address that the browser shows afterwards", err=True)
    query, verifier = query_of(code), link.verifier
    _print(
        _accepted(grants, lambda transport: accept_lofty(grants, chosen, query, transport, now_ms(), verifier)),
        as_json=as_json,
    )


def _open(config: Any, secret: str, name: str, auth: Callable[[Connection], str]) -> tuple[Grants, Connection]:
    from streams.oauth.grants import Grants

    settings = settings_in_force(config, secret)
    labels = sorted(one.label for one in settings.connections.values())
    if not name and len(labels) == 1:
        name = labels[0]
    chosen = settings.connection(name)
    if chosen is None:
        refuse(f"--connection: expected one of {', '.join(labels) or 'none is configured'}, got {name!r}")
    side = "ghl" if secret == "ghl_token" else "lofty"
    if auth(chosen) != "oauth":
        table = f"[connections.{chosen.label}.{side}]"
        refuse(f'connection {name} uses a fixed credential; for OAuth set auth = "oauth" in {table}')
    grants = Grants.of(settings)
    assert grants is not None  # this connection has OAuth
    return grants, chosen


def _accepted(grants: Grants, accept: Callable[[AiohttpTransport], Coroutine[Any, Any, Granted]]) -> Granted:
    from connectors.errors import ConnectorError
    from connectors.http.transport import AiohttpTransport
    from streams.kafka.clients import open_batching_producer
    from streams.oauth.token_records import send_token

    async def run() -> Granted:
        async with AiohttpTransport() as transport:
            granted = await accept(transport)
        async with open_batching_producer(grants.settings) as batching_producer:
            await send_token(grants, granted, batching_producer)
        return granted

    try:
        return with_kafka(grants.settings, run)
    except ConnectorError as error:
        refuse(f"not connected: {error}")


def _show(link: ConsentLink, *, as_json: bool) -> None:
    typer.echo("Open this link, signed in as the account's owner:", err=True)
    typer.echo(link.url, err=as_json)


def _print(granted: Granted, *, as_json: bool) -> None:
    until = datetime.fromtimestamp(granted.expires_at_ms / 1000, UTC).isoformat(timespec="seconds")
    if as_json:
        facts = {
            "connection": granted.connection,
            "vendor": granted.vendor,
            "scopes": list(granted.scopes),
            "missing": list(granted.missing),
            "renewed_before": until,
        }
        print_json(facts)
    else:
        typer.echo(f"Connection {granted.connection} has access to {'GHL' if granted.vendor == 'ghl' else 'Lofty'}.")
        typer.echo(f"granted  {' '.join(granted.scopes) or '(the vendor does not list them)'}")
        typer.echo(f"The worker renews it before {until}.")
    if granted.missing:
        refuse(f"missing  {' '.join(granted.missing)}: add them to the app in GHL's portal, and connect again", 1)
