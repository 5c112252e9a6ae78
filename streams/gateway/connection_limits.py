"""Limits what a client may use of the gateway: connections, time and bytes, whoever it is and whatever it sends.

The limits apply beneath aiohttp, between the socket and its protocol, because a request without an end never reaches a handler.

| what is limited | what happens beyond |
| --- | --- |
| connections, over all and of one address | the connection that has waited longest for its sender is closed, and the new one is accepted |
| time until a request's headers or its body have come, or its answer is read | the connection is closed, after a 408 where nothing was answered |
| time between requests of a connection | the connection is closed |
| bytes of requests that are not answered, over all connections | the connection that has waited longest for its sender is answered 429 and closed |

A client that sends its request at once is not refused as long as others can be closed: the vendors' deliveries arrive within
milliseconds, and a complete request is never cut off.
The answer is 429 and not 503, because GHL retries after no other answer.
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

from streams.gateway.client_address import Network, client_address, networks, within
from streams.gateway.rejection_log import RejectionLog
from streams.settings.model import GatewaySettings

log = logging.getLogger("lofty_ghl.gateway")

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """`connections_of_address` does not apply to `proxies`, behind which all clients are. Times are in seconds."""

    connections: int = 500
    connections_of_address: int = 250
    header_seconds: float = 10.0
    body_seconds: float = 30.0
    answer_seconds: float = 30.0
    keepalive_seconds: float = 75.0
    held_bytes: int = 64 * MIB
    proxies: tuple[Network, ...] = ()
    check_seconds: float = 1.0

    @classmethod
    def of(cls, gateway: GatewaySettings) -> ConnectionLimits:
        """The limits of a gateway with these settings."""
        return cls(
            connections=gateway.max_connections,
            connections_of_address=max(1, gateway.max_connections // 2),
            keepalive_seconds=gateway.keepalive_seconds,
            held_bytes=max(64 * MIB, 8 * gateway.max_body_bytes),
            proxies=networks(gateway.trusted_proxies),
        )


class ConnectionGuard:
    """Enforces the limits of one server. `middleware` belongs to the application, outermost."""

    def __init__(
        self, limits: ConnectionLimits, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    ) -> None:
        self.limits = limits
        self.held = 0
        self.open: dict[Any, _Guarded] = {}
        """By aiohttp's protocol, the oldest first."""
        self._of_address: Counter[str] = Counter()
        self._rejections = RejectionLog(log, now_ms)
        self._checking: asyncio.Task[None] | None = None

    async def listen(self, app: web.Application, host: str, port: int) -> tuple[web.AppRunner, str]:
        """Serve an application; port 0 takes a free one. Returns what must be cleaned up, and the address."""
        runner = web.AppRunner(app, access_log=None, keepalive_timeout=self.limits.keepalive_seconds)
        await runner.setup()
        site = _Site(runner, host, port, self)
        await site.start()
        self._checking = asyncio.create_task(self._check_regularly(), name="connection limits")
        bound = runner.addresses[0][1]
        return runner, f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{bound}"

    async def aclose(self) -> None:
        """Stop checking."""
        if self._checking is not None:
            self._checking.cancel()
            with suppress(asyncio.CancelledError):
                await self._checking

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
                _free_broken_body(request)

        return noted

    # -- connections --------------------------------------------------------------------------------------

    def accepts(self, connection: _Guarded) -> bool:
        """Whether a new connection is accepted, at the cost of another where there are too many."""
        limits = self.limits
        if within(client_address(connection.address, (), ()), limits.proxies):
            connection.address = ""
        elif self._of_address[connection.address] >= limits.connections_of_address and not self._make_room(
            connection.address
        ):
            self._rejections.record(
                "too many connections", f"from {connection.address}, which has {self._of_address[connection.address]}"
            )
            return False
        if len(self.open) >= limits.connections and not self._make_room():
            self._rejections.record(
                "too many connections", f"from {connection.address or 'a proxy'}: all connections are in use"
            )
            return False
        self.open[connection.inner] = connection
        self._of_address[connection.address] += 1
        return True

    def remove(self, connection: _Guarded) -> None:
        """A connection is closed."""
        if self.open.pop(connection.inner, None) is not None:
            self.hold(connection, 0)
            self._of_address[connection.address] -= 1
            if not self._of_address[connection.address]:
                del self._of_address[connection.address]

    def hold(self, connection: _Guarded, held: int) -> None:
        """Count the bytes that a connection holds now; others may be closed to make room."""
        self.held += held - connection.held
        connection.held = held
        while self.held > self.limits.held_bytes:
            oldest = min((each for each in self._waiting() if each.held), key=lambda each: each.since, default=None)
            if oldest is None:
                return
            self._rejections.record(
                "too much unfinished",
                f"from {oldest.address or 'a proxy'}: {oldest.held} bytes of an incomplete request",
            )
            oldest.close(_BUSY)

    def _make_room(self, address: str | None = None) -> bool:
        waiting = (one for one in self._waiting() if address is None or one.address == address)
        oldest = min(waiting, key=lambda one: one.since, default=None)
        if oldest is None:
            return False
        self._rejections.record(
            "too many connections", f"from {oldest.address or 'a proxy'}: closed the oldest connection that waits"
        )
        oldest.close(_BUSY if oldest.has_begun else b"")
        return True

    def _waiting(self) -> Iterator[_Guarded]:
        return (one for one in self.open.values() if one.waits_for_sender)

    async def _check_regularly(self) -> None:
        while True:
            await asyncio.sleep(self.limits.check_seconds)
            now = time.monotonic()
            for one in [each for each in self.open.values() if each.is_late(now, self.limits)]:
                if one.has_begun:
                    self._rejections.record(
                        "too slow",
                        f"from {one.address or 'a proxy'}: sending its request or reading our answer took too long",
                    )
                one.close(_SLOW if one.has_begun else b"")


class _Guarded(asyncio.Protocol):
    """One connection: aiohttp's protocol, with what passes through counted."""

    def __init__(self, guard: ConnectionGuard, inner: Any) -> None:
        self.inner = inner
        self.address = ""
        self.held = 0
        self.since = time.monotonic()
        """When it began to wait for its sender: since then nothing, or not all, of a request has come."""
        self._guard = guard
        self._transport: asyncio.Transport | None = None
        self._request: web.Request | None = None
        self._received = 0
        self._answered = 0
        self._paused: float | None = None

    # -- called by the middleware -----------------------------------------------------------------------------

    def begins(self, request: web.Request) -> None:
        """A request's headers have come."""
        self._request, self.since = request, time.monotonic()

    def ends(self) -> None:
        """The request is answered."""
        self._request, self.since, self._received = None, time.monotonic(), 0
        self._answered += 1
        self._count()

    @property
    def has_begun(self) -> bool:
        """Whether a part of a request has come."""
        return bool(self._received) or self._request is not None

    @property
    def waits_for_sender(self) -> bool:
        """Whether the rest of a request is missing, or there is no request, or our answer is not read."""
        if self._paused is not None:
            return True
        return self._request is None or not self._request.content.is_eof()

    def is_late(self, now: float, limits: ConnectionLimits) -> bool:
        """Whether it has waited too long for its sender."""
        if self._paused is not None:
            return now - self._paused > limits.answer_seconds
        if not self.waits_for_sender:
            return False
        if self._request is not None:
            return now - self.since > limits.body_seconds
        is_idle = not self._received and self._answered
        return now - self.since > (limits.keepalive_seconds if is_idle else limits.header_seconds)

    def close(self, words: bytes) -> None:
        """End the connection, with an answer where one may still be given."""
        transport = self._transport
        self._guard.remove(self)
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
        if not self._guard.accepts(self):
            transport.abort()  # type: ignore[attr-defined]  # a TCP server's
            return
        self.inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self.inner not in self._guard.open:
            return
        if not self._received and self._request is None:
            self.since = time.monotonic()
        self._received += len(data)
        self.inner.data_received(data)
        self._count()

    def _count(self) -> None:
        transport = self._transport
        unsent = transport.get_write_buffer_size() if self._paused is not None and transport is not None else 0
        if self.inner in self._guard.open:
            self._guard.hold(self, self._received + unsent)

    def eof_received(self) -> bool | None:
        found: bool | None = self.inner.eof_received()
        return found

    def connection_lost(self, exc: Exception | None) -> None:
        is_known = self._transport is not None and self.inner.transport is not None
        self._guard.remove(self)
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


def _free_broken_body(request: web.Request) -> None:
    """Free what was read of a body that broke off.

    aiohttp keeps the error in the stream that raised it. Error, traceback, the frame with the bytes and the request refer to
    each other, and hundreds of bodies would wait for the garbage collector.
    """
    if (broken := request.content.exception()) is not None:
        broken.__traceback__ = None


class _Site(web.TCPSite):
    """aiohttp's site, whose connections pass the guard."""

    def __init__(self, runner: web.AppRunner, host: str, port: int, guard: ConnectionGuard) -> None:
        super().__init__(runner, host, port)
        self._guard = guard

    async def start(self) -> None:
        await web.BaseSite.start(self)
        server = self._runner.server
        assert server is not None  # the runner was set up
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Guarded(self._guard, server()), self._host, self._port, backlog=self._backlog
        )
        self._bound_port = self._server.sockets[0].getsockname()[1]


def _answer(status: str, result: str) -> bytes:
    body = f'{{"result": "{result}"}}'
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"Retry-After: 10\r\nConnection: close\r\n\r\n{body}"
    ).encode()


_BUSY = _answer("429 Too Many Requests", "busy")
_SLOW = _answer("408 Request Timeout", "too slow")
