"""The OAuth tokens of the budgets that are ours: renewed by one request at a time, and kept before they are used.

The table `tokens` is the truth: a pair is opened from it when it is first needed, and a renewed one is put there, sealed,
before anyone is given it. So a worker that takes the partition over goes on with the newest pair that was kept.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Literal

from connectors.auth.oauth import converse
from connectors.auth.refresh import SingleFlight
from connectors.auth.request_auth import Auth, OAuthAuth
from connectors.auth.token_pair import TokenPair
from connectors.errors import GrantRefused, SealError
from connectors.http.request import Transport
from streams.core.rows import TokenRow
from streams.kafka.tables import Table
from streams.oauth.grants import Grants, OAuthAccount
from streams.settings import Connection
from streams.telemetry.metrics import Metrics

log = logging.getLogger("lofty_ghl.tokens")


class OAuthTokens:
    """All tokens of a worker. `resume(budget)` is called when a budget has been given access."""

    def __init__(
        self,
        grants: Grants,
        table: Table[TokenRow],
        transport: Transport,
        resume: Callable[[str], None],
        now_ms: Callable[[], int],
        metrics: Metrics,
    ) -> None:
        self._grants = grants
        self._table = table
        self._transport = transport
        self._resume = resume
        self._now_ms = now_ms
        self._metrics = metrics
        self._flights: dict[str, SingleFlight] = {}
        self._sides: dict[str, OAuthAccount] = {}

    def auth(self, side: OAuthAccount) -> Auth:
        """The credential of one side of a connection."""
        self._sides[side.token] = side
        return OAuthAuth(_OfSide(self, side), side.asks_for_refresh)

    def flight(self, side: OAuthAccount) -> SingleFlight:
        """The tokens of a side. Raises `GrantRefused` when nobody has given access yet, or no key opens what was given."""
        flight = self._flights.get(side.token)
        if flight is None:
            pair = self._read(side)
            flight = SingleFlight(
                pair,
                partial(self._renew, side),
                partial(self._persist, side),
                about=side.about,
                now_ms=self._now_ms,
            )
            self._flights[side.token] = flight
        return flight

    def adopt(self, partition: int, token: str) -> None:
        """Use the token that is in the table from now on: a person has authorized the app (again), or the keys were rotated."""
        side = self._sides.get(token)
        if side is None:
            return
        flight = self._flights.get(token)
        if flight is not None:
            try:
                flight.adopt(self._read(side))
            except GrantRefused as error:
                log.error("%s", error)
                return
        log.info("%s has been given access", side.about)
        self._resume(side.budget)

    def expires_ms(self, connection: Connection, vendor: Literal["lofty", "ghl"]) -> int | None:
        """When the access token in use ends (epoch milliseconds); None for a side by key, or whose token is not in use."""
        is_oauth = (connection.lofty if vendor == "lofty" else connection.ghl).auth == "oauth"
        if not is_oauth:
            return None
        side = self._grants.lofty(connection) if vendor == "lofty" else self._grants.ghl(connection)
        flight = self._flights.get(side.token)
        return flight.expires_ms if flight is not None else None

    async def release(self, partitions: set[int]) -> None:
        """The partitions go to another worker: a refresh under way ends first, and is kept."""
        for token, flight in list(self._flights.items()):
            if self._sides[token].partition in partitions:
                await flight.aclose()
                del self._flights[token]

    async def forget(self, connection: Connection) -> None:
        """The connection is another from now on: a refresh under way ends and is kept, and the next request opens the stored token."""
        is_by = {"lofty": connection.lofty.auth == "oauth", "ghl": connection.ghl.auth == "oauth"}
        sides = [self._grants.lofty(connection)] * is_by["lofty"] + [self._grants.ghl(connection)] * is_by["ghl"]
        for side in sides:
            if (flight := self._flights.get(side.token)) is not None:
                await flight.aclose()
                self._flights.pop(side.token, None)

    def _read(self, side: OAuthAccount) -> TokenPair:
        row = self._table.get(side.partition, side.token)
        if row is None:
            raise _refusal(side, f"nobody has given access to {side.about} yet")
        try:
            return self._grants.open(side.token, row.sealed)
        except SealError as error:
            raise _refusal(side, f"the tokens of {side.about} cannot be opened: {error}") from None

    async def _renew(self, side: OAuthAccount, pair: TokenPair) -> TokenPair:
        try:
            renewed = await converse(side.renew(pair, self._now_ms()), self._transport)
        except Exception as error:
            self._metrics.refreshes.labels(
                _vendor(side), "refused" if isinstance(error, GrantRefused) else "failed"
            ).inc()
            raise
        self._metrics.refreshes.labels(_vendor(side), "renewed").inc()
        return renewed

    async def _persist(self, side: OAuthAccount, pair: TokenPair) -> None:
        row = TokenRow(sealed=self._grants.seal(side.token, pair), at_ms=pair.obtained_at_ms)
        self._table.put(side.partition, side.token, row)
        await self._table.flush()


class _OfSide:
    """Looks up the flight for each request: a partition may have come back meanwhile with other tokens."""

    def __init__(self, tokens: OAuthTokens, side: OAuthAccount) -> None:
        self._tokens = tokens
        self._side = side

    async def current(self) -> TokenPair:
        return await self._tokens.flight(self._side).current()

    async def refresh(self, used_access: str) -> TokenPair:
        return await self._tokens.flight(self._side).refresh(used_access)


def _vendor(side: OAuthAccount) -> str:
    return "ghl" if side.token.startswith("ghl:") else "lofty"


def _refusal(side: OAuthAccount, why: str) -> GrantRefused:
    return GrantRefused(is_final=False, vendor=_vendor(side), operation="tokens", status=0, messages=(why,))
