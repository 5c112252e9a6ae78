"""Tokens for Kafka: one for all clients, renewed in time, and each reason that there is none."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from streams.kafka.refusals import NoToken
from streams.kafka.tokens import TokenSource, claims_of
from streams.settings.model import Kafka
from tests.kafka.token_server import TokenServer, token_server


class Clock:
    """The time, as the test has it."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def server() -> Iterator[TokenServer]:
    with token_server() as running:
        yield running


def source(server: TokenServer, clock: Clock, secret: str = "secret-of-app", **more: Any) -> TokenSource:
    """One for the client `app`."""
    return TokenSource(Kafka(oauth_endpoint=f"{server.url}/token", oauth_client_id="app", **more), secret, now=clock)


async def test_all_clients_share_a_token_until_most_of_its_life_is_over(server: TokenServer) -> None:
    """Then the next connection has a new one."""
    clock = Clock()
    tokens = source(server, clock)
    first = {await tokens.token() for _ in range(3)} | set(await asyncio.gather(tokens.token(), tokens.token()))
    assert (len(first), server.asked) == (1, 1)
    assert tokens.claims["sub"] == "app"
    clock.now += 0.85 * server.seconds
    assert await tokens.token() not in first
    assert server.asked == 2


async def test_while_the_endpoint_is_away_a_token_serves_to_its_end(server: TokenServer) -> None:
    """After that there is none, and the endpoint is asked once a second at most; when it is back, there is one."""
    clock = Clock()
    tokens = source(server, clock)
    first = await tokens.token()
    server.is_broken = True
    clock.now += 0.9 * server.seconds
    assert await tokens.token() == first
    clock.now += 0.2 * server.seconds
    for _ in range(3):
        with pytest.raises(NoToken, match="HTTP 503"):
            await tokens.token()
    assert server.asked == 3
    server.is_broken = False
    clock.now += 2
    assert await tokens.token() != first


@pytest.mark.parametrize(
    ("secret", "more", "words"),
    [
        ("another", {}, "invalid_client.*Check kafka.oauth_client_id and LOFTY_GHL_KAFKA_CLIENT_SECRET"),
        ("secret-of-app", {"oauth_scope": "other"}, "invalid_scope.*Check kafka.oauth_scope"),
    ],
)
async def test_a_refusal_says_what_to_check(server: TokenServer, secret: str, more: dict[str, str], words: str) -> None:
    """And never the secret."""
    with pytest.raises(NoToken, match=words) as caught:
        await source(server, Clock(), secret, **more).token()
    assert secret not in str(caught.value)


async def test_an_answer_that_is_none_is_named(server: TokenServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page, or a token that is none."""
    for body in ({}, {"access_token": ""}, {"access_token": "a b"}, {"access_token": 1}):
        monkeypatch.setattr(server, "answer", lambda *_, body=body: (200, body))
        with pytest.raises(NoToken, match="answered without a token"):
            await source(server, Clock()).token()


async def test_a_token_file_is_read_each_time(server: TokenServer, tmp_path: Path) -> None:
    """What is not a token, or has expired, is named."""
    clock, file = Clock(), tmp_path / "token"
    tokens = TokenSource(Kafka(oauth_file=str(file)), "", now=clock)
    for content, words in (
        (None, "cannot be read .No such file"),
        ("", "holds no token"),
        ("two words", "holds no token"),
        (server.token("app", seconds=-1), "expired at .* Does what renews it still run"),
    ):
        if content is not None:
            file.write_text(content)
        with pytest.raises(NoToken, match=words):
            await tokens.token()
    for content in (server.token("app"), "an-opaque-token"):
        file.write_text(content + "\n")
        assert await tokens.token() == content


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "a.e30.c", "a.MQ.c", "a.é.c"])
def test_what_is_no_jwt_claims_nothing(text: str) -> None:
    """Whatever it is."""
    assert claims_of(text) == {}
