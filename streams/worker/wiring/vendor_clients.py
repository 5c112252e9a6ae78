"""A connection's two clients, with what reading and writing need to know of its sides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from pydantic import SecretStr

from connectors.auth.request_auth import Auth, StaticAuth
from connectors.ghl.client import GhlClient
from connectors.http.call_record import CallRecord
from connectors.http.request import Transport
from connectors.lofty.client import LoftyClient
from streams.core.to_ghl.rules import rules_of
from streams.oauth.grants import Grants
from streams.settings import Connection
from streams.settings.partitions import ConnectionPartitions
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.lofty_team import LoftyTeam
from streams.worker.dispatch.oauth_tokens import OAuthTokens
from streams.worker.parts import WorkerParts

OnAnswer = Callable[[str, CallRecord], None]
"""Called with a budget and with what a vendor answered to one of its requests."""


@dataclass(frozen=True, slots=True)
class VendorClients:
    """Makes the clients. `grants` and `tokens` are None where no connection can have access by OAuth.

    `search_lag_ms` takes the place of what each connection has configured.
    """

    partitions: ConnectionPartitions
    transport: Transport
    grants: Grants | None
    tokens: OAuthTokens | None
    on_lofty_answer: OnAnswer
    on_ghl_answer: OnAnswer
    visibility_ms: int
    search_lag_ms: int | None

    def team(self, c: Connection) -> LoftyTeam:
        """The Lofty side of a connection."""
        return LoftyTeam(
            connection=c.name,
            budget=c.lofty_budget,
            partition=self.partitions.lofty(c),
            snapshots_partition=self.partitions.ghl(c),
            client=LoftyClient(
                self.transport,
                self._lofty_auth(c),
                base_url=c.lofty.base_url,
                team=c.lofty.team_id,
                on_answer=partial(self.on_lofty_answer, c.lofty_budget),
            ),
            visibility_ms=self.visibility_ms,
        )

    def location(self, c: Connection) -> Location:
        """The GHL side of a connection."""
        return Location(
            connection=c.name,
            location_id=c.ghl.location_id,
            budget=c.ghl_budget,
            partition=self.partitions.ghl(c),
            client=GhlClient(
                self.transport,
                self._ghl_auth(c),
                base_url=c.ghl.base_url,
                on_answer=partial(self.on_ghl_answer, c.ghl_budget),
            ),
            rules=rules_of(c, self.search_lag_ms),
            window_seconds=c.ghl.window_seconds,
            contact_deleted_in_ghl=c.policies.contact_deleted_in_ghl,
            creates_custom_fields=c.policies.create_custom_fields,
            mapping_fingerprint=c.mapping_fingerprint,
        )

    def _lofty_auth(self, connection: Connection) -> Auth:
        if connection.lofty.auth == "oauth" and self.grants is not None and self.tokens is not None:
            return self.tokens.auth(self.grants.lofty(connection))
        return StaticAuth("token", _secret(connection.secrets.lofty_api_key))

    def _ghl_auth(self, connection: Connection) -> Auth:
        if connection.ghl.auth == "oauth" and self.grants is not None and self.tokens is not None:
            return self.tokens.auth(self.grants.ghl(connection))
        return StaticAuth("Bearer", _secret(connection.secrets.ghl_token))


class Sides:
    """`teams` and `locations` are by connection; everything that needs one looks it up there each time."""

    def __init__(self, clients: VendorClients, connections: Mapping[str, Connection]) -> None:
        self._clients = clients
        self.teams: dict[str, LoftyTeam] = {}
        self.locations: dict[str, Location] = {}
        for name, one in connections.items():
            self.put(name, one)

    def put(self, connection: str, now: Connection | None) -> None:
        """The connection is as `now` from here on; None: it is no longer served."""
        if now is None:
            self.teams.pop(connection, None)
            self.locations.pop(connection, None)
            return
        team, location = self._clients.team(now), self._clients.location(now)
        self.teams[connection], self.locations[connection] = team, location


def new_tokens(
    parts: WorkerParts, transport: Transport, resume: Callable[[str], None]
) -> tuple[Grants | None, OAuthTokens | None]:
    """The grants and tokens of all connections; None where none has access by OAuth, nor could be given it."""
    settings, deps = parts.settings, parts.deps
    grants = Grants.of(settings)
    if grants is None and settings.oauth_secrets.token_keys is not None:
        grants = Grants(settings, settings.key_ring)  # a connection that is added later may have it
    if grants is None:
        return None, None
    return grants, OAuthTokens(grants, parts.tables.tokens, transport, resume, deps.now_ms, deps.metrics)


def _secret(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""
