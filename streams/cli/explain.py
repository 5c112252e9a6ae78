"""`lofty-ghl explain`: what happened to one contact, when and why, and what it waits for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.shared import (
    DEFAULT_CONFIG,
    ConfigOption,
    ConnectionOption,
    JsonOption,
    named_connections,
    plain,
    print_findings,
    refuse,
    say,
    settings_in_force,
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
        str, typer.Option("--gateway", help="The address of a gateway, for a host without an index.", envvar=URL)
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Print one contact's history: changes, reads, decisions, writes with request and answer, what is parked, what it waits for.

    Reads the index where a gateway with a console runs on this host. Otherwise asks a gateway, with a token of the console in
    LOFTY_GHL_CONSOLE_TOKEN; otherwise reads the topics, which takes minutes for a million leads.
    Exit code 0: something is known. 1: nothing is known. 2: wrong usage. 3: Kafka cannot be used.

    Example: lofty-ghl explain 600123
    """
    from dataclasses import asdict

    from streams.mapping_versions.store import settings_now
    from streams.operations.history.lookup import stories
    from streams.operations.history.via_gateway import GatewayRefused

    settings = settings_in_force(config)
    named_connections(settings, connection)
    way = _gateway_of(settings, gateway)

    async def look() -> list[Explanation]:
        return await stories(await settings_now(settings), who.strip(), connection, way, say)

    try:
        found = with_kafka(settings, look, writes=False)
    except GatewayRefused as error:
        refuse(f"{error}. Is the gateway running, and is LOFTY_GHL_CONSOLE_TOKEN one of its tokens?", 3)
    print_findings([asdict(one) for one in found], (line for one in found for line in _lines(one)), as_json=as_json)
    if not found:
        refuse(
            f"nothing is known of {who!r}: no topic names it. Has Lofty ever reported the lead? "
            "A backfill reads all leads: lofty-ghl backfill NAME",
            1,
        )


def _gateway_of(settings: Settings, url: str) -> GatewayApi | None:
    from streams.operations.history.lookup import GatewayApi

    token = os.environ.get("LOFTY_GHL_CONSOLE_TOKEN", "").strip()
    address = url or settings.gateway.public_url or ""
    return GatewayApi(address, token) if token and address else None


def _lines(found: Explanation) -> Iterator[str]:
    yield found.lane
    for event in found.events:
        about = event.entity.removeprefix(f"{found.lane}:")
        yield f"  {_time(event.at_ms)}  {event.stage:<11}{plain(about):<31} {plain(event.what)}"
        for field in event.sent:
            yield f"{'':<38}{'':<31}   {field.field}: {_value(field)}"
        for flag in event.flags:
            yield f"{'':<38}{'':<31}   not carried: {plain(flag)}"
        if event.decision:
            yield f"{'':<38}{'':<31}   {plain(event.decision)}"
    yield "  now"
    for key, words in found.standing.items():
        yield f"    {key.removeprefix(f'{found.lane}:'):<38}{words}"
    for one in found.pending:
        yield f"    {one.entity.removeprefix(f'{found.lane}:'):<38}waits for {plain(one.waits)}"
    if not found.pending:
        yield "    nothing is waited for"


def _value(field: Sent) -> str:
    if not field.is_known:
        return "(the mapping or the topic no longer holds this value)"
    import orjson

    text = orjson.dumps(field.value).decode()
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]} …"


def _time(at_ms: int) -> str:
    from streams.core.moments import utc

    return utc(at_ms).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
