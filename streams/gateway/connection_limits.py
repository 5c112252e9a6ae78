"""What strangers may hold of the gateway: connections, time and bytes, whoever they are and whatever they send.

The bounds lie beneath aiohttp, between the socket and its protocol, as a request without an end never reaches a handler.

| what is bounded | what happens beyond |
| --- | --- |
| connections, over all and of one address | the one that has waited longest for its sender is closed, and the new one is taken |
| time until a request's headers are there, or its body, or its answer is taken | the connection is closed, after a 408 where nothing was answered |
| time between requests of a connection | it is closed |
| bytes of requests that are not answered, over all connections | the one that has waited longest for its sender is answered 429 and closed |

Nobody who sends a request at once is refused, as long as others can be sent away: the vendors' deliveries are there within
milliseconds, and a request that is complete is never cut off.
429 and not 503, as GHL tries again after no other answer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from streams.gateway.client_address import Network, client_address, within
from streams.gateway.refusal_log import Refusals

log = logging.getLogger("lofty_ghl.gateway")

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """`connections_of_address` does not count for `proxies`, behind which all are. Times in seconds."""

    connections: int = 500
    connections_of_address: int = 250
    header_seconds: float = 10.0
    body_seconds: float = 30.0
    answer_seconds: float = 30.0
    keepalive_seconds: float = 75.0
    held_bytes: int = 64 * MIB
    proxies: tuple[Network, ...] = ()
    look_seconds: float = 1.0


class ConnectionGuard:
    """Holds the connections of one server to its bounds. `middleware` belongs to the application, outermost."""

    def __init__(
        self, bounds: ConnectionLimits, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    ) -> None:
        self.bounds = bounds
        self.held = 0
        self.open: dict[Any, _Guarded] = {}
        """By aiohttp's protocol, the oldest first."""
        self._of_address: Counter[str] = Counter()
        self._refusals = Refusals(log, now_ms)
        self._looking: asyncio.Task[None] | None = None

    async def listen(self, app: web.Application, host: str, port: int) -> tuple[web.AppRunner, str]:
        """Serve an application; port 0 takes a free one. Returns what must be cleaned up, and the address."""
        runner = web.AppRunner(app, access_log=None, keepalive_timeout=self.bounds.keepalive_seconds)
        await runner.setup()
        site = _Site(runner, host, port, self)
        await site.start()
        self._looking = asyncio.create_task(self._look(), name="bounds of connections")
        bound = runner.addresses[0][1]
        return runner, f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{bound}"

    async def aclose(self) -> None:
        """Stop looking."""
        if self._looking is not None:
            self._looking.cancel()
            with suppress(asyncio.CancelledError):
                await self._looking

    @property
    def middleware(self) -> Any:
        """Notes which connections have a request that is being answered."""

        @web.middleware
        async def noted(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            guarded = self.open.get(request.protocol)
            if guarded is None:
                return await handler(request)
            guarded.begins(request)
            try:
                return await handler(request)
            finally:
                guarded.ends()
                _let_go(request)

        return noted

    # -- connections --------------------------------------------------------------------------------------

    def takes(self, one: _Guarded) -> bool:
        """Whether a new connection is taken, at the cost of another where there are too many."""
        bounds = self.bounds
        if within(client_address(one.address, (), ()), bounds.proxies):
            one.address = ""
        elif self._of_address[one.address] >= bounds.connections_of_address and not self._make_room(one.address):
            self._refusals.tell(
                "too many connections", f"from {one.address}, which has {self._of_address[one.address]}"
            )
            return False
        if len(self.open) >= bounds.connections and not self._make_room():
            self._refusals.tell("too many connections", f"from {one.address or 'a proxy'}: all are being answered")
            return False
        self.open[one.inner] = one
        self._of_address[one.address] += 1
        return True

    def gone(self, one: _Guarded) -> None:
        """A connection is closed."""
        if self.open.pop(one.inner, None) is not None:
            self.hold(one, 0)
            self._of_address[one.address] -= 1
            if not self._of_address[one.address]:
                del self._of_address[one.address]

    def hold(self, one: _Guarded, held: int) -> None:
        """So many bytes belong to a connection now; others may have to go for them."""
        self.held += held - one.held
        one.held = held
        while self.held > self.bounds.held_bytes:
            oldest = min((each for each in self._waiting() if each.held), key=lambda each: each.since, default=None)
            if oldest is None:
                return
            self._refusals.tell(
                "too much unfinished", f"from {oldest.address or 'a proxy'}: {oldest.held} bytes, not complete"
            )
            oldest.close(_BUSY)

    def _make_room(self, address: str | None = None) -> bool:
        waiting = (one for one in self._waiting() if address is None or one.address == address)
        oldest = min(waiting, key=lambda one: one.since, default=None)
        if oldest is None:
            return False
        self._refusals.tell(
            "too many connections", f"from {oldest.address or 'a proxy'}: the oldest that waits was closed"
        )
        oldest.close(_BUSY if oldest.has_begun else b"")
        return True

    def _waiting(self) -> Iterator[_Guarded]:
        return (one for one in self.open.values() if one.waits_for_sender)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(self.bounds.look_seconds)
            now = time.monotonic()
            for one in [each for each in self.open.values() if each.is_late(now, self.bounds)]:
                if one.has_begun:
                    self._refusals.tell(
                        "too slow", f"from {one.address or 'a proxy'}: its request or our answer took too long"
                    )
                one.close(_SLOW if one.has_begun else b"")


class _Guarded(asyncio.Protocol):
    """One connection: aiohttp's protocol, with what passes through counted."""

    def __init__(self, keeper: ConnectionGuard, inner: Any) -> None:
        self.inner = inner
        self.address = ""
        self.held = 0
        self.since = time.monotonic()
        """When it began to wait for its sender: since then nothing, or not all, of a request has come."""
        self._keeper = keeper
        self._transport: asyncio.Transport | None = None
        self._request: web.Request | None = None
        self._received = 0
        self._answered = 0
        self._paused: float | None = None

    # -- what the application tells -------------------------------------------------------------------------

    def begins(self, request: web.Request) -> None:
        """A request's headers are there."""
        self._request, self.since = request, time.monotonic()

    def ends(self) -> None:
        """It is answered."""
        self._request, self.since, self._received = None, time.monotonic(), 0
        self._answered += 1
        self._count()

    @property
    def has_begun(self) -> bool:
        """A part of a request is there."""
        return bool(self._received) or self._request is not None

    @property
    def waits_for_sender(self) -> bool:
        """The rest of a request is missing, or there is none, or our answer is not taken."""
        if self._paused is not None:
            return True
        return self._request is None or not self._request.content.is_eof()

    def is_late(self, now: float, bounds: ConnectionLimits) -> bool:
        """Whether it has waited too long for its sender."""
        if self._paused is not None:
            return now - self._paused > bounds.answer_seconds
        if not self.waits_for_sender:
            return False
        if self._request is not None:
            return now - self.since > bounds.body_seconds
        is_idle = not self._received and self._answered
        return now - self.since > (bounds.keepalive_seconds if is_idle else bounds.header_seconds)

    def close(self, words: bytes) -> None:
        """End the connection, with an answer where one may still be given."""
        transport = self._transport
        self._keeper.gone(self)
        if transport is None or transport.is_closing():
            return
        if words and self._paused is None:
            transport.write(words)
            transport.close()
        else:
            transport.abort()

    # -- asyncio.Protocol -------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a TCP server's
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        if not self._keeper.takes(self):
            transport.abort()  # type: ignore[attr-defined]  # a TCP server's
            return
        self.inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self.inner not in self._keeper.open:
            return
        if not self._received and self._request is None:
            self.since = time.monotonic()
        self._received += len(data)
        self.inner.data_received(data)
        self._count()

    def _count(self) -> None:
        transport = self._transport
        unsent = transport.get_write_buffer_size() if self._paused is not None and transport is not None else 0
        if self.inner in self._keeper.open:
            self._keeper.hold(self, self._received + unsent)

    def eof_received(self) -> bool | None:
        found: bool | None = self.inner.eof_received()
        return found

    def connection_lost(self, exc: Exception | None) -> None:
        is_known = self._transport is not None and self.inner.transport is not None
        self._keeper.gone(self)
        if is_known:
            self.inner.connection_lost(exc)

    def pause_writing(self) -> None:
        self._paused = time.monotonic()
        self.inner.pause_writing()
        self._count()

    def resume_writing(self) -> None:
        self._paused = None
        self.inner.resume_writing()
        self._count()


def _let_go(request: web.Request) -> None:
    """Free what was read of a body that broke off.

    aiohttp keeps the error in the stream that raised it: error, traceback, the frame with the bytes and the request are a
    circle, and hundreds of bodies would wait for the collector of circles.
    """
    if (broken := request.content.exception()) is not None:
        broken.__traceback__ = None


class _Site(web.TCPSite):
    """aiohttp's site, whose connections pass the doorkeeper."""

    def __init__(self, runner: web.AppRunner, host: str, port: int, keeper: ConnectionGuard) -> None:
        super().__init__(runner, host, port)
        self._keeper = keeper

    async def start(self) -> None:
        await web.BaseSite.start(self)
        server = self._runner.server
        assert server is not None  # the runner was set up
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Guarded(self._keeper, server()), self._host, self._port, backlog=self._backlog
        )
        self._bound_port = self._server.sockets[0].getsockname()[1]


def _said(status: str, result: str) -> bytes:
    body = f'{{"result": "{result}"}}'
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"Retry-After: 10\r\nConnection: close\r\n\r\n{body}"
    ).encode()


_BUSY = _said("429 Too Many Requests", "busy")
_SLOW = _said("408 Request Timeout", "too slow")
