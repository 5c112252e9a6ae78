"""OAuth for connections: the name of each token, and how it is sealed, renewed and requested. Keeps no state."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from connectors.auth.keyring import NONCE_BYTES, KeyRing
from connectors.auth.oauth import Dialogue, OAuthClient
from connectors.auth.token_pair import TokenPair
from connectors.ghl import oauth as ghl_oauth
from connectors.http.request import Response
from connectors.lofty import oauth as lofty_oauth
from streams.messages.partitioning import ghl_budget
from streams.settings import Connection, Settings
from streams.settings.partitions import ConnectionPartitions

CALLBACK = "/oauth/{vendor}/callback"
"""The gateway's path to which a vendor's consent page leads back."""

READS = (
    "get-contact",
    "get-all-notes",
    "get-all-tasks",
    "search-contacts-advanced",
    "get-location",
    "get-custom-fields",
    "get-user-by-location",
)
WRITES = ("create-contact",)
MARKS = ("get-custom-values", "create-custom-value")
"""By these two deployments on one location notice each other; without them everything else works."""
OPPORTUNITIES = ("get-pipelines", "search-opportunity", "create-opportunity")
CALENDAR = ("get-calendar", "get-calendar-events", "create-appointment")


@dataclass(frozen=True, slots=True)
class OAuthAccount:
    """A connection's account at one vendor: the name of its token, the partition that owns it, and how it is renewed."""

    token: str
    partition: int
    budget: str
    client: OAuthClient
    renew: Callable[[TokenPair, int], Dialogue[TokenPair]]
    asks_for_refresh: Callable[[Response], bool]
    about: str


@dataclass(frozen=True, slots=True)
class Grants:
    """The OAuth accounts of a deployment."""

    settings: Settings
    ring: KeyRing

    @classmethod
    def of(cls, settings: Settings) -> Grants | None:
        """None where no connection has OAuth, and none could be given it: without keys no token can be kept."""
        uses_oauth = settings.uses_oauth("ghl_token") or settings.uses_oauth("lofty_api_key")
        if settings.oauth_secrets.token_keys is None and not uses_oauth:
            return None
        return cls(settings, settings.key_ring)

    def ghl(self, connection: Connection) -> OAuthAccount:
        """The GHL account of a connection: the tokens are the location's."""
        base_url, client = connection.ghl.base_url, self.ghl_client()
        return OAuthAccount(
            token=ghl_budget(connection.ghl_budget),
            partition=ConnectionPartitions(self.settings).ghl(connection),
            budget=connection.ghl_budget,
            client=client,
            renew=lambda pair, now_ms: ghl_oauth.refresh(client, pair, asked_at_ms=now_ms, base_url=base_url),
            asks_for_refresh=ghl_oauth.asks_for_refresh,
            about=f"location {connection.ghl.location_id}",
        )

    def lofty(self, connection: Connection) -> OAuthAccount:
        """The Lofty account of a connection: the tokens are those of the person who gave access."""
        client, app = self.lofty_client(), self.settings.oauth.lofty
        key = connection.secrets.lofty_api_key

        def renew(pair: TokenPair, now_ms: int) -> Dialogue[TokenPair]:
            server = lofty_oauth.granting_server(pair, self.lofty_server(connection))
            server = server.at(app.server_url) if app is not None and app.server_url else server
            if pair.refresh is None and key is not None:
                # Client credentials have no refresh token: a new access token is requested.
                return lofty_oauth.client_credentials(client, key.get_secret_value(), asked_at_ms=now_ms, server=server)
            return lofty_oauth.refresh(client, pair, asked_at_ms=now_ms, server=server)

        return OAuthAccount(
            token=f"lofty-connection:{connection.name}",
            partition=ConnectionPartitions(self.settings).lofty(connection),
            budget=connection.lofty_budget,
            client=client,
            renew=renew,
            asks_for_refresh=lofty_oauth.asks_for_refresh,
            about=f"Lofty of connection {connection.name}",
        )

    def ghl_client(self) -> OAuthClient:
        """Our app at GHL."""
        app, secret = self.settings.oauth.ghl, self.settings.oauth_secrets.ghl_client_secret
        public_url = self.settings.gateway.public_url or ""
        return OAuthClient(
            app.client_id if app else "",
            secret.get_secret_value() if secret else "",
            public_url + CALLBACK.format(vendor="ghl"),
        )

    def lofty_client(self) -> OAuthClient:
        """Our app at Lofty."""
        app, secret = self.settings.oauth.lofty, self.settings.oauth_secrets.lofty_client_secret
        redirect = app.redirect_uri if app else None
        public_url = self.settings.gateway.public_url or ""
        return OAuthClient(
            app.client_id if app else "",
            secret.get_secret_value() if secret else "",
            redirect or public_url + CALLBACK.format(vendor="lofty"),
        )

    def lofty_server(self, connection: Connection, *, is_developer: bool = False) -> lofty_oauth.TokenServer:
        """The token server of the configuration, or the developer site's, which alone supports client credentials."""
        app = self.settings.oauth.lofty
        key_only = app is not None and app.server == "developer"
        server = lofty_oauth.DEVELOPER if is_developer or key_only else lofty_oauth.HELP_CENTRE
        return server.at(app.server_url) if app is not None and app.server_url else server

    def seal(self, token: str, pair: TokenPair) -> str:
        """A token pair, sealed for a topic."""
        return self.ring.seal(pair.to_json(), about=token, nonce=os.urandom(NONCE_BYTES))

    def open(self, token: str, sealed: str) -> TokenPair:
        """The token pair that was sealed. Raises `SealError` when none of our keys opens it."""
        return TokenPair.from_json(self.ring.open(sealed, about=token))


def wanted_scopes(connection: Connection) -> tuple[str, ...]:
    """The scopes that a connection's configuration needs in GHL, and no more."""
    names = [*READS, *WRITES]
    if connection.policies.create_custom_fields:
        names.append("create-custom-field")
    if connection.appointments.calendar is not None:
        names += CALENDAR
    if connection.stages:
        names += OPPORTUNITIES
    if "TaskCreate" in connection.back.types:
        names.append("task-search")
    return ghl_oauth.scopes_of(names)
