"""Connections that heal what aiokafka's leave out of SASL: a refused token, and sessions that Kafka ends.

XXX: aiokafka takes the answer that refuses a token for the end of a good handshake: its next request then finds a closed
connection, and nobody hears why. And it does not know that a broker with `connections.max.reauth.ms`, or whose token has ended,
closes the connection at the next request after that time. To be removed once aiokafka does both, as Java's client does.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable
from typing import Any

import aiokafka.conn
from aiokafka.conn import AIOKafkaConnection, CloseReason, OAuthAuthenticator
from aiokafka.protocol.admin import SaslAuthenticateRequest

PART_USED = 0.8
"""Of a session's time; then requests go over a new connection, with a token of that time."""

DRAIN_SECONDS = 0.05
"""How often a retired connection is looked at: it is closed once all its requests are answered."""


class _Authenticator(OAuthAuthenticator):  # type: ignore[misc]  # aiokafka has no types
    """After a refusal Kafka waits for one more message (RFC 7628, 3.2.3), and answers that with the error."""

    async def step(self, payload: bytes | None) -> tuple[bytes, bool] | None:
        if self._token_sent and payload:
            return b"\x01", True
        step: tuple[bytes, bool] | None = await super().step(payload)
        return step


class Connection(AIOKafkaConnection):  # type: ignore[misc]  # the same
    """A connection that is replaced before Kafka ends its session."""

    _is_retired = False

    def authenticator_oauth(self) -> OAuthAuthenticator:
        """Says our token."""
        return _Authenticator(sasl_oauth_token_provider=self._sasl_oauth_token_provider)

    def send(self, request: Any, expect_response: bool = True) -> Awaitable[Any]:
        """Send a request; the answer to that of SASL says how long the session lasts."""
        answer: Awaitable[Any] = super().send(request, expect_response)
        return self._noting(answer) if isinstance(request, SaslAuthenticateRequest) else answer

    def connected(self) -> bool:
        """Whether it may be used for more requests."""
        return not self._is_retired and bool(super().connected())

    async def _noting(self, answer: Awaitable[Any]) -> Any:
        found = await answer
        if (lasts := getattr(found, "session_lifetime_ms", 0)) > 0:
            asyncio.get_running_loop().call_later(lasts / 1000 * PART_USED, _retire, weakref.ref(self))
        return found

    def retire(self) -> None:
        """Take no more requests, and close once those that were sent are answered."""
        self._is_retired = True
        if self._requests and super().connected():
            asyncio.get_running_loop().call_later(DRAIN_SECONDS, self.retire)  # which also keeps it alive until then
        else:
            self.close(reason=CloseReason.IDLE_DROP)


def _retire(known: weakref.ref[Connection]) -> None:
    if (connection := known()) is not None:
        connection.retire()


aiokafka.conn.AIOKafkaConnection = Connection
