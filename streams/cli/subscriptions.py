"""`lofty-ghl subscriptions`: Lofty's webhooks, as the connections need them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli.shared import (
    AWAY,
    DEFAULT_CONFIG,
    ConfigOption,
    ConnectionOption,
    JsonOption,
    named_connections,
    print_findings,
    refuse,
    settings_in_force,
    settings_or_refuse,
)

if TYPE_CHECKING:
    from streams.operations.subscriptions.plan import SubscriptionStep
    from streams.settings import Connection, Settings

subscriptions = typer.Typer(
    name="subscriptions", help="Show, make and remove Lofty's webhook subscriptions.", no_args_is_help=True
)

UrlOption = Annotated[
    str, typer.Option("--url", help="The public address of the gateway; gateway.public_url by default.")
]


@subscriptions.command()
def show(
    config: ConfigOption = DEFAULT_CONFIG,
    connection: ConnectionOption = "",
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show which subscriptions are right, missing or surplus. Changes nothing. Exit code 1 when anything is not right.

    Example: lofty-ghl subscriptions show
    """
    found = _for_each(config, connection, url, removes=False, acts=False)
    _print(found, as_json=as_json)
    raise typer.Exit(1 if any(step.action != "keep" for _, step in found) else 0)


@subscriptions.command()
def apply(
    config: ConfigOption = DEFAULT_CONFIG,
    connection: ConnectionOption = "",
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Create missing subscriptions, and remove our own that are wrong or surplus. Never touches those of other vendors.

    Run it again after the webhook secret was changed, and whenever it was interrupted.

    Example: lofty-ghl subscriptions apply --connection acme
    """
    _print(_for_each(config, connection, url, removes=False, acts=True), as_json=as_json)


@subscriptions.command()
def remove(
    config: ConfigOption = DEFAULT_CONFIG,
    connection: ConnectionOption = "",
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Remove all our subscriptions: Lofty sends no more webhooks. Never touches those of other vendors.

    Example: lofty-ghl subscriptions remove --connection acme
    """
    _print(_for_each(config, connection, url, removes=True, acts=True), as_json=as_json)


def _for_each(config: Any, name: str, url: str, *, removes: bool, acts: bool) -> list[tuple[str, SubscriptionStep]]:
    import asyncio

    from connectors.errors import ConnectorError

    try:
        settings = settings_in_force(config, "lofty_api_key", "webhook_secret")
    except typer.Exit:
        if acts:
            raise  # the subscriptions of connections that are not known would count as ours and surplus
        settings = settings_or_refuse(config, "lofty_api_key", "webhook_secret")
    connections = named_connections(settings, name)
    public_url = (url or settings.gateway.public_url or "").rstrip("/")
    if not public_url.startswith(("https://", "http://")):
        refuse(
            "the public address of the gateway is missing: set gateway.public_url, or give --url https://hooks.example.com"
        )
    found: list[tuple[str, SubscriptionStep]] = []
    for one in connections:
        try:
            steps = asyncio.run(_one(settings, one, public_url, removes=removes, acts=acts))
        except ConnectorError as error:
            refuse(f"connection {one.name}: Lofty did not do it: {error}. Earlier steps are done; run it again.", AWAY)
        found += [(one.name, step) for step in steps]
    return found


async def _one(
    settings: Settings, connection: Connection, url: str, *, removes: bool, acts: bool
) -> list[SubscriptionStep]:
    from streams.operations.subscriptions.reconcile import subscriptions as open_subscriptions

    async with open_subscriptions(settings, connection, url) as at_lofty:
        steps = await at_lofty.plan(removes=removes)
        if acts:
            async for _ in at_lofty.carry_out(steps):
                pass
        return steps


def _print(found: list[tuple[str, SubscriptionStep]], *, as_json: bool) -> None:
    rows = [
        {"connection": name, "list": step.list_id, "action": step.action, "because": step.because}
        for name, step in found
    ]
    lines = [f"{name}  list {step.list_id:<3} {step.action:<7} {step.because}" for name, step in found]
    print_findings(rows, lines or ["no subscription of this deployment exists"], as_json=as_json)
