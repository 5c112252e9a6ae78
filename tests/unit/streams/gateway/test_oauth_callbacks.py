"""Callbacks that anybody can open: how many codes are exchanged, and how many installations are kept."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request

from connectors.errors import CallbackRefused
from streams.gateway import oauth_callbacks
from streams.gateway.exchange_limit import ExchangeLimit
from streams.gateway.live_connections import LiveConnections
from streams.gateway.oauth_callbacks import OAuthCallbacks
from streams.messages.installation import MOST_INSTALLATIONS, Installation
from streams.telemetry.metrics import Metrics
from tests.unit.streams.console.stage import settings_of

KEYS = {"LOFTY_GHL_TOKEN_KEYS": "one:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}


class Producer:
    """Takes every record."""

    def __init__(self) -> None:
        self.keys: list[bytes] = []

    async def produce(self, records: list[Any], **_: Any) -> list[int]:
        """Take records."""
        self.keys += [one.key for one in records]
        return list(range(len(records)))


class Clock:
    """A time that a test sets."""

    now_ms = 1_000_000

    def __call__(self) -> int:
        return self.now_ms


class Bench:
    """The callbacks with a GHL that answers when it may, and counts who asks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked, self.subject, self.answers = 0, "", asyncio.Event()
        self.answers.set()
        self.clock, self.producer = Clock(), Producer()
        self.connections = LiveConnections(settings_of(environ=KEYS))
        metrics = Metrics("gateway")
        self.callbacks = OAuthCallbacks(self.connections, self.producer, metrics, self.shown, self.clock)  # type: ignore[arg-type]  # only what it calls
        monkeypatch.setattr(oauth_callbacks, "accept_installation", self._accept)

    async def shown(self, _partition: int, _offset: int) -> None:
        """No console follows what is granted."""

    async def _accept(self, *_: Any) -> Installation:
        self.asked += 1
        await self.answers.wait()
        if not self.subject:
            raise CallbackRefused("ghl", "made up")
        return installation(self.subject)

    async def open(self) -> Any:
        """Somebody opens the callback with a code and without our state."""
        return await self.callbacks.ghl(make_mocked_request("GET", "/oauth/ghl/callback?code=x"))


def installation(subject: str) -> Installation:
    """One of a single location."""
    return Installation(subject=subject, kind="location", sealed="s", locations={subject: ""}, at_ms=1)


@pytest.fixture
async def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    """The callbacks."""
    return Bench(monkeypatch)


def test_thirty_a_minute_begin_and_each_makes_room_a_minute_later() -> None:
    """A minute is the last sixty seconds; a clock that is set back closes it for no longer than that."""
    limit = ExchangeLimit()
    for second in range(30):
        assert limit.wait_ms(second * 1000) == 0
        limit.begin(second * 1000)
        limit.end()
    assert (limit.wait_ms(30_000), limit.wait_ms(59_999), limit.wait_ms(60_000)) == (30_000, 1, 0)
    assert limit.wait_ms(-3_600_000) == 60_000


def test_two_run_at_once() -> None:
    """The third waits until one has ended."""
    limit = ExchangeLimit()
    limit.begin(0)
    limit.begin(0)
    assert limit.wait_ms(1) > 0
    limit.end()
    assert limit.wait_ms(1) == 0


async def test_beyond_thirty_a_minute_ghl_is_not_asked(bench: Bench) -> None:
    """The page says how long to wait; a minute later it is asked."""
    statuses = [(await bench.open()).status for _ in range(30)]
    refused = await bench.open()
    asked = bench.asked
    bench.clock.now_ms += 60_000
    later = await bench.open()

    assert (set(statuses), asked) == ({400}, 30)
    assert (refused.status, refused.headers["Retry-After"]) == (429, "60")
    assert "again in a minute" in refused.text
    assert (later.status, bench.asked) == (400, 31)


async def test_beyond_two_at_once_ghl_is_not_asked(bench: Bench) -> None:
    """Whatever an exchange ends with, it makes room."""
    bench.answers.clear()
    two = [asyncio.create_task(bench.open()) for _ in range(2)]
    await asyncio.sleep(0)
    third = await bench.open()
    two[0].cancel()
    bench.answers.set()
    await asyncio.gather(*two, return_exceptions=True)
    again = await bench.open()

    assert (third.status, again.status, bench.asked) == (429, 400, 3)


async def test_no_more_than_the_most_installations_are_kept(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """One that is known may be installed once more."""
    bench.connections.installed = {f"loc-{n}": installation(f"loc-{n}") for n in range(MOST_INSTALLATIONS)}
    bench.subject = "loc-new"
    refused = await bench.open()
    bench.subject = "loc-7"
    known = await bench.open()

    assert (refused.status, "discards some" in refused.text) == (503, True)
    assert "loc-new was refused, as 500 are kept already" in caplog.text
    assert (known.status, bench.producer.keys) == (200, [b"installation:loc-7"])
