"""Gives a connection access: the answer of the consent page becomes sealed tokens (the link: `consent_link.py`; their way: `token_records.py`)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from connectors.auth.oauth import converse, missing_scopes, read_callback
from connectors.auth.request_auth import StaticAuth
from connectors.auth.token_pair import TokenPair
from connectors.errors import CallbackRefused, ConnectorError, WrongAccount
from connectors.ghl import oauth as ghl_oauth
from connectors.http.request import Transport
from connectors.lofty import oauth as lofty_oauth
from connectors.lofty.client import LoftyClient
from streams.messages.sealed_token import SealedToken
from streams.oauth.grants import Grants, wanted_scopes
from streams.settings import Connection

log = logging.getLogger("lofty_ghl.oauth")


@dataclass(frozen=True, slots=True)
class Granted:
    """What a person granted. `missing` are scopes that the configuration needs and that were not granted."""

    connection: str
    vendor: str
    message: SealedToken
    partition: int
    scopes: tuple[str, ...]
    missing: tuple[str, ...]
    expires_at_ms: int


async def accept_ghl(
    grants: Grants, connection: Connection, query: Mapping[str, str], transport: Transport, now_ms: int
) -> Granted:
    """The tokens of the location, for the code in GHL's answer. Raises `CallbackRefused` or another `ConnectorError`."""
    client, base_url = grants.ghl_client(), connection.ghl.base_url
    code = read_callback("ghl", query, state=None)  # `connection_of` has looked at the state
    pair = await converse(ghl_oauth.exchange_code(client, code, asked_at_ms=now_ms, base_url=base_url), transport)
    wanted = connection.ghl.location_id
    if pair.user_type == "Company":
        _require_location_scope(grants, pair)
        pair = await converse(ghl_oauth.location_token(pair, wanted, asked_at_ms=now_ms, base_url=base_url), transport)
    if pair.location_id not in (None, wanted):
        why = f"access was given to location {pair.location_id}, and connection {connection.name} is location {wanted}"
        raise CallbackRefused("ghl", f"{why}: choose that one, or change the configuration")
    missing = missing_scopes(pair.scopes, wanted_scopes(connection)) if pair.scopes else ()
    return granted(grants, connection, "ghl", pair, missing, now_ms)


def _require_location_scope(grants: Grants, pair: TokenPair) -> None:
    """Refuse an agency's token that cannot be exchanged for the location's."""
    app = grants.settings.oauth.ghl
    if pair.scopes and missing_scopes(pair.scopes, ghl_oauth.LOCATION_TOKEN.scopes):
        way = (
            "add it to the app in GHL's portal"
            if app is not None and app.agency
            else "set agency = true in [oauth.ghl]"
        )
        why = "a whole agency gave access, and its token lacks the scope oauth.write that brings its locations' tokens"
        raise CallbackRefused("ghl", f"{why}: choose the location on GHL's page, or {way} and connect again")


async def accept_lofty(
    grants: Grants,
    connection: Connection,
    query: Mapping[str, str],
    transport: Transport,
    now_ms: int,
    verifier: str | None,
) -> Granted:
    """The tokens for the code in Lofty's answer."""
    code = read_callback("lofty", query, state=None)
    dialogue = lofty_oauth.exchange_code(
        grants.lofty_client(), code, asked_at_ms=now_ms, verifier=verifier, server=grants.lofty_server(connection)
    )
    pair = await converse(dialogue, transport)
    await _demand_account(connection, pair, transport)
    return granted(grants, connection, "lofty", pair, (), now_ms)


async def lofty_by_key(grants: Grants, connection: Connection, transport: Transport, now_ms: int) -> Granted:
    """The tokens for the API key of a person (client credentials with a `customer_key`): no browser is needed."""
    key = connection.secrets.lofty_api_key
    if key is None:
        raise CallbackRefused("lofty", "the connection has no LOFTY_API_KEY to be given access by")
    dialogue = lofty_oauth.client_credentials(
        grants.lofty_client(),
        key.get_secret_value(),
        asked_at_ms=now_ms,
        server=grants.lofty_server(connection, is_developer=True),
    )
    pair = await converse(dialogue, transport)
    await _demand_account(connection, pair, transport)
    return granted(grants, connection, "lofty", pair, (), now_ms)


async def _demand_account(connection: Connection, pair: TokenPair, transport: Transport) -> None:
    """Raises `CallbackRefused` when the access is to another team's account than the connection's.

    Where Lofty does not say whose it is (an app without that endpoint, no lead yet), the worker looks at each lead it reads.
    """
    auth, team = StaticAuth("Bearer", pair.access), connection.lofty.team_id
    client = LoftyClient(transport, auth, base_url=connection.lofty.base_url, team=team)
    for question in (client.who_am_i, partial(client.list_leads, limit=1)):
        try:
            await question()
        except WrongAccount as error:
            raise CallbackRefused("lofty", f"{error.message}; nothing was kept") from None
        except ConnectorError as error:
            log.info("Lofty does not say whose access was given to connection %s: %s", connection.name, error)


def granted(
    grants: Grants, connection: Connection, vendor: str, pair: TokenPair, missing: tuple[str, ...], now_ms: int
) -> Granted:
    """A pair of tokens for the worker that owns the connection's budget."""
    account = grants.ghl(connection) if vendor == "ghl" else grants.lofty(connection)
    message = SealedToken(token=account.token, sealed=grants.seal(account.token, pair), at_ms=now_ms)
    return Granted(connection.name, vendor, message, account.partition, pair.scopes, missing, pair.expires_at_ms)
