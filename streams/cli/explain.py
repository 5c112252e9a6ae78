"""`lofty-ghl explain`: what happened to one contact, when and why, and what it waits for."""

from __future__ import annotations

import os
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
    say,
    settings_or_refuse,
    with_kafka,
)

if TYPE_CHECKING:
    from streams.operations.history.lookup import GatewayApi
    from streams.operations.history.sent_requests import Sent
    from streams.operations.history.story import Explanation
    from streams.settings import Settings

LONGEST_VALUE = 120
URL = "LOFTY_GHL_CONSOLE_URL"


def explain(
    who: Annotated[str, typer.Argument(help="A Lofty lead's id, a GHL contact's id, or an e-mail address.")],
    config: ConfigOption = DEFAULT_CONFIG,
    connection: ConnectionOption = "",
    gateway: Annotated[
        str, typer.Option("--gateway", help="A gateway's address, where this host has no index.", envvar=URL)
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Tell one contact's story: changes, reads, decisions, writes with what was sent and answered, what is parked and awaited.

    By the index where a gateway with a console runs on this host; else by asking a gateway, with a token of the console in
    LOFTY_GHL_CONSOLE_TOKEN; else by reading the topics through, which takes minutes for a million leads.
    Exit code 0: something is known. 1: nothing is. 2: wrong usage. 3: Kafka cannot be used.

    Example: lofty-ghl explain 600123
    """
    from dataclasses import asdict

    from streams.mapping_versions.store import settings_now
    from streams.operations.history.lookup import stories
    from streams.operations.history.via_gateway import GatewayRefused

    settings = settings_or_refuse(config)
    named_connections(settings, connection)
    way = _gateway_of(settings, gateway)

    async def look() -> list[Explanation]:
        return await stories(await settings_now(settings), who.strip(), connection, way, say)

    try:
        found = with_kafka(settings, look, writes=False)
    except GatewayRefused as error:
        refuse(f"{error}. Is the gateway running, and is LOFTY_GHL_CONSOLE_TOKEN one of its tokens?", 3)
    if as_json:
        print_json([asdict(one) for one in found])
    else:
        for one in found:
            _print(one)
    if not found:
        refuse(
            f"nothing is known of {who!r}: no topic names it. Was the lead ever announced? "
            "A backfill reads all leads: lofty-ghl backfill NAME",
            1,
        )


def _gateway_of(settings: Settings, url: str) -> GatewayApi | None:
    from streams.operations.history.lookup import GatewayApi

    token = os.environ.get("LOFTY_GHL_CONSOLE_TOKEN", "").strip()
    address = url or settings.gateway.public_url or ""
    return GatewayApi(address, token) if token and address else None


def _print(found: Explanation) -> None:
    typer.echo(found.lane)
    for event in found.events:
        about = event.entity.removeprefix(f"{found.lane}:")
        typer.echo(f"  {_time(event.at_ms)}  {event.stage:<11}{_plain(about):<31} {_plain(event.what)}")
        for field in event.sent:
            typer.echo(f"{'':<38}{'':<31}   {field.field}: {_value(field)}")
        if event.decision:
            typer.echo(f"{'':<38}{'':<31}   {_plain(event.decision)}")
    typer.echo("  now")
    for key, words in found.standing.items():
        typer.echo(f"    {key.removeprefix(f'{found.lane}:'):<38}{words}")
    for one in found.pending:
        typer.echo(f"    {one.entity.removeprefix(f'{found.lane}:'):<38}waits for {_plain(one.waits)}")
    if not found.pending:
        typer.echo("    nothing is waited for")


def _value(field: Sent) -> str:
    if not field.is_known:
        return "(a value that the mapping or the topic does not hold any more)"
    import orjson

    text = orjson.dumps(field.value).decode()
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]} …"


def _plain(text: str) -> str:
    """Without signs that would steer the terminal: names and vendors' words are written by others."""
    return "".join(one if one.isprintable() else "\ufffd" for one in text)


def _time(at_ms: int) -> str:
    from streams.core.moments import utc

    return utc(at_ms).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
