"""Reconciles Lofty's webhook subscriptions with what a connection needs.

This is the one command that asks a vendor itself: it must work before any worker runs.
It makes a dozen requests at most, one after another, and waits when Lofty says that few are left.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pydantic import SecretStr

from connectors.auth.request_auth import StaticAuth
from connectors.http.call_record import CallRecord
from connectors.http.transport import AiohttpTransport
from connectors.lofty.client import LoftyClient
from connectors.rate import RateHeaders
from streams.oauth.grants import Grants
from streams.oauth.token_records import read_access_token
from streams.operations.subscriptions.plan import SubscriptionStep, reconcile, removal
from streams.settings import Connection, Settings

FEW = 10
"""So many requests of Lofty's window are left to the workers."""
LONGEST_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class WebhookAddresses:
    """Where a connection's deliveries go. `base` is the part before the secret, `others` our other connections' addresses."""

    url: str
    base: str
    others: frozenset[str]


def addresses_of(settings: Settings, connection: Connection, public_url: str) -> WebhookAddresses:
    """The addresses of one connection at a gateway that is reached at `public_url`."""
    base = f"{public_url}/lofty/"
    others = {
        f"{base}{_plain(one.secrets.webhook_secret)}"
        for one in settings.connections.values()
        if one.name != connection.name and one.secrets.webhook_secret is not None
    }
    return WebhookAddresses(f"{base}{_plain(connection.secrets.webhook_secret)}", base, frozenset(others))


class Subscriptions:
    """One connection's subscriptions: `plan`, then `carry_out` each step."""

    def __init__(
        self, connection: Connection, addresses: WebhookAddresses, transport: AiohttpTransport, credential: StaticAuth
    ) -> None:
        self._addresses = addresses
        self._rate: RateHeaders | None = None
        self._client = LoftyClient(
            transport,
            credential,
            base_url=connection.lofty.base_url,
            team=connection.lofty.team_id,
            on_answer=self._answered,
        )

    async def plan(self, *, removes: bool = False) -> list[SubscriptionStep]:
        """The steps to the subscriptions that the connection needs; with `removes`, to none."""
        existing = await self._client.list_subscriptions()
        decide = removal if removes else reconcile
        return decide(existing, self._addresses.url, self._addresses.base, self._addresses.others)

    async def carry_out(self, steps: Sequence[SubscriptionStep]) -> AsyncIterator[SubscriptionStep]:
        """Do each step that changes something; yields it when Lofty has done it."""
        for step in steps:
            if step.action == "keep":
                continue
            await self._wait_while_few_are_left()
            if step.subscription is None:
                await self._client.create_subscription(step.list_id, self._addresses.url)
            else:
                await self._client.delete_subscription(step.subscription.subscribe_id)
            yield step

    def _answered(self, answer: CallRecord) -> None:
        self._rate = answer.rate

    async def _wait_while_few_are_left(self) -> None:
        rate = self._rate
        if rate is not None and rate.remaining is not None and rate.remaining <= FEW:
            await asyncio.sleep(min(rate.reset_seconds or LONGEST_SECONDS, LONGEST_SECONDS))


@asynccontextmanager
async def subscriptions(settings: Settings, connection: Connection, public_url: str) -> AsyncIterator[Subscriptions]:
    """The subscriptions of one connection, with a client of its own."""
    credential = await _credential(settings, connection)
    async with AiohttpTransport(instance="subscriptions") as transport:
        yield Subscriptions(connection, addresses_of(settings, connection, public_url), transport, credential)


async def _credential(settings: Settings, connection: Connection) -> StaticAuth:
    grants = Grants.of(settings)
    if connection.lofty.auth != "oauth" or grants is None:
        return StaticAuth("token", _plain(connection.secrets.lofty_api_key))
    return StaticAuth("Bearer", await read_access_token(grants, grants.lofty(connection), time.time_ns() // 1_000_000))


def _plain(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""
