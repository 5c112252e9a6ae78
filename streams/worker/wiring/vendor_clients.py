"""Each connection's two clients, with what reading and writing need to know of its sides."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from pydantic import SecretStr

from connectors.auth.request_auth import Auth, StaticAuth
from connectors.ghl import GhlClient
from connectors.http.call_record import CallRecord
from connectors.http.request import Transport
from connectors.lofty import LoftyClient
from streams.core.to_ghl.rules import rules_of
from streams.oauth.grants import Grants
from streams.settings import Connection, Settings
from streams.settings.partitions import Places
from streams.worker.dispatch.ghl_writer import Location
from streams.worker.dispatch.lofty_reader import LoftyTeam
from streams.worker.dispatch.oauth_tokens import OAuthTokens

OnAnswer = Callable[[str, CallRecord], None]
"""Is told a budget and what a vendor answered to one of its requests."""


def teams_of(
    settings: Settings,
    places: Places,
    transport: Transport,
    on_answer: OnAnswer,
    visibility_ms: int,
    grants: Grants | None = None,
    tokens: OAuthTokens | None = None,
) -> dict[str, LoftyTeam]:
    """The Lofty side of each connection."""
    return {
        c.name: LoftyTeam(
            connection=c.name,
            budget=c.lofty_budget,
            partition=places.lofty(c),
            snapshots_partition=places.ghl(c),
            client=LoftyClient(
                transport,
                lofty_auth(c, grants, tokens),
                base_url=c.lofty.base_url,
                on_answer=partial(on_answer, c.lofty_budget),
            ),
            visibility_ms=visibility_ms,
        )
        for c in settings.connections.values()
    }


def locations_of(
    settings: Settings,
    places: Places,
    transport: Transport,
    on_answer: OnAnswer,
    search_lag_ms: int,
    grants: Grants | None = None,
    tokens: OAuthTokens | None = None,
) -> dict[str, Location]:
    """The GHL side of each connection."""
    return {
        c.name: Location(
            connection=c.name,
            location_id=c.ghl.location_id,
            budget=c.ghl_budget,
            partition=places.ghl(c),
            client=GhlClient(
                transport,
                ghl_auth(c, grants, tokens),
                base_url=c.ghl.base_url,
                on_answer=partial(on_answer, c.ghl_budget),
            ),
            rules=rules_of(c, search_lag_ms),
            window_seconds=c.ghl.window_seconds,
            contact_deleted_in_ghl=c.policies.contact_deleted_in_ghl,
            creates_custom_fields=c.policies.create_custom_fields,
            mapping_fingerprint=c.mapping_fingerprint,
        )
        for c in settings.connections.values()
    }


def lofty_auth(connection: Connection, grants: Grants | None, tokens: OAuthTokens | None) -> Auth:
    """How a connection's requests to Lofty get their credential."""
    if connection.lofty.auth == "oauth" and grants is not None and tokens is not None:
        return tokens.auth(grants.lofty(connection))
    return StaticAuth("token", _secret(connection.secrets.lofty_api_key))


def ghl_auth(connection: Connection, grants: Grants | None, tokens: OAuthTokens | None) -> Auth:
    """How a connection's requests to GHL get their credential."""
    if connection.ghl.auth == "oauth" and grants is not None and tokens is not None:
        return tokens.auth(grants.ghl(connection))
    return StaticAuth("Bearer", _secret(connection.secrets.ghl_token))


def _secret(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""
