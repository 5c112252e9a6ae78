"""Giving a connection access by OAuth: the links, and Lofty's answer, which is pasted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from connectors.errors import CallbackRefused, ConnectorError
from connectors.http.transport import AiohttpTransport
from streams.console.auth.audit_log import Actor
from streams.console.errors import NotFound, Unavailable, WrongInput
from streams.console.services.dependencies import ServiceDependencies
from streams.console.services.kafka_errors import on_kafka
from streams.oauth.authorization import accept_lofty
from streams.oauth.consent_link import SENT_MINUTES, ghl_link, lofty_link, query_of
from streams.oauth.grants import Grants
from streams.oauth.token_records import send_token
from streams.oauth.token_states import TokenStates
from streams.settings import Connection, Settings

TICKET_MINUTES = 30


@dataclass(frozen=True, slots=True)
class ConnectLink:
    """Where access is given. `pastes_answer`: the address that the browser shows afterwards must be pasted, with the ticket."""

    url: str
    pastes_answer: bool
    ticket: str


@dataclass(frozen=True, slots=True)
class ConsentInvitation:
    """A link to GHL's page of consent, for the owner of location `account`, who needs no access here. It ends at `until_ms`."""

    url: str
    connection: str
    account: str
    until_ms: int


@dataclass(frozen=True, slots=True)
class GrantedAccess:
    """What was given."""

    connection: str
    vendor: str
    scopes: tuple[str, ...]
    missing: tuple[str, ...]
    expires_ms: int


class ConnectionAccess:
    """Of all connections that use OAuth. `tokens` follows what was given."""

    def __init__(self, deps: ServiceDependencies, settings: Callable[[], Settings], tokens: TokenStates) -> None:
        self._settings = settings
        self._tokens = tokens
        self._audit = deps.audit
        self._seal = deps.seal
        self._batching_producer = deps.batching_producer
        self._now_ms = deps.now_ms

    async def connect_link(self, by: Actor, connection: str, vendor: str) -> ConnectLink:
        """The link at which somebody gives access."""
        chosen, grants = self._by_oauth(connection, vendor)
        async with self._audit.acting(by, "connect", {"connection": connection, "vendor": vendor}) as result:
            result.detail = "the link was made"
            if vendor == "ghl":
                return ConnectLink(ghl_link(grants, chosen, self._now_ms()).url, False, "")
            link = lofty_link(grants)
            until = self._now_ms() + TICKET_MINUTES * 60_000
            kept = {"connection": connection, "verifier": link.verifier or "", "until": until, "by": by.name}
            return ConnectLink(link.url, True, self._seal.sign("connect", kept))

    async def invite_to_consent(self, by: Actor, connection: str) -> ConsentInvitation:
        """A link that can be sent to the location's owner: GHL's answer finds its way to the gateway by itself."""
        chosen, grants = self._by_oauth(connection, "ghl")
        async with self._audit.acting(by, "connect", {"connection": connection, "vendor": "ghl"}) as result:
            result.detail = "a link to send was made"
            now_ms, account = self._now_ms(), chosen.ghl.location_id
            link = ghl_link(grants, chosen, now_ms, SENT_MINUTES)
            return ConsentInvitation(link.url, connection, account, now_ms + SENT_MINUTES * 60_000)

    async def connect_by_answer(
        self, by: Actor, connection: str, vendor: str, answer: str, ticket: str
    ) -> GrantedAccess:
        """Take Lofty's answer, pasted, since Lofty says nothing of whose it is."""
        chosen, grants = self._by_oauth(connection, vendor)
        if vendor != "lofty":
            raise WrongInput("GHL's answer comes to the gateway by itself.")
        kept = self._seal.open("connect", ticket)
        if kept is None or kept["connection"] != connection or kept["until"] < self._now_ms() or kept["by"] != by.name:
            raise WrongInput("The link is too old, or was made for another connection: start again.")
        async with self._audit.acting(by, "connect", {"connection": connection, "vendor": vendor}) as result:
            try:
                async with AiohttpTransport() as transport:
                    granted = await accept_lofty(
                        grants, chosen, query_of(answer), transport, self._now_ms(), str(kept["verifier"]) or None
                    )
            except CallbackRefused as error:
                raise WrongInput(str(error)) from error
            except ConnectorError as error:
                raise Unavailable(f"Lofty does not give the tokens: {error}") from error
            offset = await on_kafka(lambda: send_token(grants, granted, self._batching_producer()))
            await self._tokens.until_granted(granted.partition, offset)
            result.detail = "access was given"
        return GrantedAccess(connection, vendor, granted.scopes, granted.missing, granted.expires_at_ms)

    def _by_oauth(self, connection: str, vendor: str) -> tuple[Connection, Grants]:
        chosen = self._settings().connections.get(connection)
        if chosen is None:
            raise NotFound(f"There is no connection {connection!r}.")
        if vendor not in ("lofty", "ghl"):
            raise NotFound(f"There is no vendor {vendor!r}: expected lofty or ghl.")
        auth = chosen.ghl.auth if vendor == "ghl" else chosen.lofty.auth
        settings = self._settings()
        grants = Grants.of(settings) if settings.oauth_secrets.token_keys is not None else None
        if auth != "oauth" or grants is None:
            where = f"[connections.{connection}.{vendor}]"
            raise WrongInput(
                f'Connection {connection} has a fixed credential there; for OAuth set auth = "oauth" in {where}.'
            )
        return chosen, grants
