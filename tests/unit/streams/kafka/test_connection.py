"""Connections to Kafka are replaced before their sessions end, and a refused token is an error."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from aiokafka.abc import AbstractTokenProvider
from aiokafka.protocol.admin import SaslAuthenticateRequest

from streams.kafka import connection
from streams.kafka.connection import Connection
from tests.deadlines import within


class _Source(AbstractTokenProvider):  # type: ignore[misc]  # aiokafka has no types
    """Has one token."""

    async def token(self) -> str:
        """It."""
        return "abc"


class _Writer:
    """Takes what is sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes) -> None:
        self.sent.append(data)

    def close(self) -> None:
        self.is_closed = True


def open_connection() -> tuple[Connection, _Writer]:
    """One whose other side the test plays."""
    made = Connection(
        "127.0.0.1",
        9,
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="OAUTHBEARER",
        sasl_oauth_token_provider=_Source(),
    )
    writer = _Writer()
    made._writer, made._reader = writer, SimpleNamespace(at_eof=lambda: False)
    made._read_task = asyncio.create_task(asyncio.sleep(within(60)))
    made._closed_fut = asyncio.get_running_loop().create_future()
    made._versions = {36: (0, 1)}
    return made, writer


async def test_a_connection_is_replaced_before_its_session_ends() -> None:
    """It takes no more requests, and is closed once what was sent is answered."""
    made, writer = open_connection()
    asking = asyncio.ensure_future(made.send(SaslAuthenticateRequest(b"x")))
    await asyncio.sleep(0)
    _, _, answer = made._requests.popleft()
    answer.set_result(SimpleNamespace(session_lifetime_ms=10))
    await asking
    waiting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    made._requests.append((1, None, waiting))
    async with asyncio.timeout(within(10)):
        while made.connected():
            await asyncio.sleep(0.01)
    assert not writer.is_closed
    made._requests.popleft()
    async with asyncio.timeout(within(10)):
        while not writer.is_closed:
            await asyncio.sleep(0.01)


async def test_a_session_without_an_end_keeps_its_connection() -> None:
    """Kafka says so by 0."""
    made, writer = open_connection()
    asking = asyncio.ensure_future(made.send(SaslAuthenticateRequest(b"x")))
    await asyncio.sleep(0)
    made._requests.popleft()[2].set_result(SimpleNamespace(session_lifetime_ms=0))
    await asking
    await asyncio.sleep(2 * connection.DRAIN_SECONDS)
    assert (made.connected(), writer.is_closed) == (True, False)
    made.close()


async def test_a_refused_token_is_answered_so_that_kafka_says_why() -> None:
    """The message of RFC 7628, once; after an accepted one, nothing."""
    for answer, expected in ((b'{"status":"invalid_token"}', (b"\x01", True)), (b"", None)):
        made, _ = open_connection()
        said = made.authenticator_oauth()
        assert await said.step(None) == (b"n,,\x01auth=Bearer abc\x01\x01", True)
        assert await said.step(answer) == expected
        made.close()
