"""What Lofty says to each key, asked once for all connections that have it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Self

from pydantic import SecretStr

from connectors.auth.request_auth import StaticAuth
from connectors.errors import VendorError, WrongAccount
from connectors.http.request import Transport
from connectors.lofty.client import LoftyClient
from connectors.lofty.wire import Subscription
from streams.operations.doctor.check_result import CheckResult
from streams.operations.doctor.clock import ClockTransport, Now
from streams.operations.doctor.tokens import retrieved
from streams.settings import Connection


@dataclass(frozen=True, slots=True)
class LoftyAnswers:
    """What Lofty says to a key: whose it is in words, its subscriptions, and how our clocks compare."""

    owner: str
    subscriptions: Sequence[Subscription]
    clock: Sequence[CheckResult]


class LoftyKeys:
    """What Lofty says to each key: it is asked once, however many connections have it. `async with LoftyKeys(transport) as keys`."""

    def __init__(self, transport: Transport, now: Now = time.time) -> None:
        self.transport = transport
        self._now = now
        self._asked: dict[Hashable, asyncio.Future[LoftyAnswers]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """End what is still asked, as nobody waits for it."""
        for asking in self._asked.values():
            asking.cancel()
        await asyncio.gather(*self._asked.values(), return_exceptions=True)

    async def of(self, connection: Connection, key: SecretStr) -> LoftyAnswers:
        """Those of a connection's key. A check whose time is over does not end the others'. Raises the connector's errors."""
        about = key_of(connection)
        if about not in self._asked:
            self._asked[about] = asyncio.ensure_future(self._ask(connection, key))
            self._asked[about].add_done_callback(retrieved)
        return await asyncio.shield(self._asked[about])

    async def _ask(self, connection: Connection, key: SecretStr) -> LoftyAnswers:
        transport = ClockTransport(self.transport, self._now)
        client = LoftyClient(
            transport,
            StaticAuth("token", key.get_secret_value()),
            base_url=connection.lofty.base_url,
            team=connection.lofty.team_id,
            on_answer=transport.note_rate,
        )
        owner = await _owner(client)
        return LoftyAnswers(owner, await client.list_subscriptions(), transport.clock("Lofty"))


def key_of(connection: Connection) -> Hashable:
    """What connections have in common whose key is asked once; None for a connection whose key is not asked."""
    key = connection.secrets.lofty_api_key
    if connection.lofty.auth == "oauth" or key is None:
        return None
    return connection.lofty.base_url, connection.lofty.team_id, key.get_secret_value()


async def _owner(client: LoftyClient) -> str:
    """Whose key it is; empty where the key may not ask. Raises `WrongAccount` for a key of another team."""
    try:
        me = await client.who_am_i()
    except WrongAccount:
        raise
    except VendorError as error:
        if error.status in (401, 429) or error.status >= 500:
            raise
        await client.list_leads(limit=1)
        return ""
    name = (
        " ".join(str(me[part]) for part in ("firstName", "lastName") if me.get(part)) or me.get("email") or "its owner"
    )
    return f": it is the key of {name}, team {me.get('teamId')}"
