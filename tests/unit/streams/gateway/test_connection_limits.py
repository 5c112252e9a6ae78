"""What strangers may hold of the gateway, seen through real sockets."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web

from streams.gateway.connection_limits import ConnectionGuard, ConnectionLimits
from tests.deadlines import within

WITHIN = within(60)
"""Seconds, for anything that must happen."""
LONG = {"header_seconds": WITHIN, "body_seconds": WITHIN, "answer_seconds": WITHIN, "keepalive_seconds": WITHIN}
"""What a test sets no time for ends none of its connections, however slow the machine is."""


@dataclass
class Server:
    """A server behind a doorkeeper: POST / answers with the length of its body, GET /slow once it may, GET /big much."""

    keeper: ConnectionGuard
    url: str
    may: asyncio.Event
    is_slow: asyncio.Event
    clients: list[Client] = field(default_factory=list)

    def bound(self, **times: float) -> None:
        """From now on these times are set, and no others."""
        self.keeper.limits = replace(self.keeper.limits, **{**LONG, **times})

    async def open(self, first: bytes = b"") -> Client:
        parts = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        client = Client(reader, writer)
        self.clients.append(client)
        await client.send(first)
        return client

    async def until_open(self, number: int) -> None:
        async with asyncio.timeout(WITHIN):
            while len(self.keeper.open) != number:
                await asyncio.sleep(0.01)

    async def until_held(self, number: int) -> None:
        async with asyncio.timeout(WITHIN):
            while self.keeper.held != number:
                await asyncio.sleep(0.01)

    async def answers(self, body: bytes = b"abc") -> bool:
        """Whether a proper delivery is taken now."""
        async with aiohttp.ClientSession() as session, session.post(f"{self.url}/", data=body) as answer:
            return answer.status == 200 and await answer.text() == str(len(body))


@dataclass
class Client:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        with suppress(ConnectionError):
            await self.writer.drain()

    async def end(self) -> bytes:
        """All that the server says until it closes the connection."""
        async with asyncio.timeout(WITHIN):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""


@asynccontextmanager
async def serving(**bounds: object) -> AsyncIterator[Server]:
    keeper = ConnectionGuard(ConnectionLimits(check_seconds=0.02, **{**LONG, **bounds}))  # type: ignore[arg-type]  # each test gives its own kinds
    may, is_slow = asyncio.Event(), asyncio.Event()

    async def length(request: web.Request) -> web.Response:
        return web.Response(text=str(len(await request.read())))

    async def slow(request: web.Request) -> web.Response:
        is_slow.set()
        await may.wait()
        return web.Response(text="late")

    async def big(request: web.Request) -> web.Response:
        return web.Response(body=b"x" * 30_000_000)

    app = web.Application(client_max_size=2**20, middlewares=[keeper.middleware])
    app.router.add_post("/", length)
    app.router.add_get("/slow", slow)
    app.router.add_get("/big", big)
    runner, url = await keeper.listen(app, "127.0.0.1", 0)
    try:
        yield (server := Server(keeper, url, may, is_slow))
    finally:
        may.set()
        for client in server.clients:
            client.writer.close()
            with suppress(ConnectionError):
                await client.writer.wait_closed()
        await runner.cleanup()
        await keeper.aclose()


def head(length: int) -> bytes:
    return b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % length


@pytest.mark.parametrize(
    ("first", "then", "said"),
    [
        (b"", b"", b""),
        (b"P", b"", b"HTTP/1.1 408"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nX-A: b", b"a", b""),  # what was sent after the answer may have destroyed it
    ],
)
async def test_headers_have_a_time(first: bytes, then: bytes, said: bytes) -> None:
    """Who sends nothing, or not all, or a byte now and then, is sent away."""
    async with serving(header_seconds=0.3) as server:
        client = await server.open(first)
        trickle = asyncio.create_task(_trickle(client, then))
        assert (await client.end()).startswith(said)
        trickle.cancel()
        server.bound()
        assert await server.answers()


async def _trickle(client: Client, byte: bytes) -> None:
    while byte:
        await client.send(byte)
        await asyncio.sleep(0.02)


async def test_a_body_has_a_time() -> None:
    """However steadily it comes."""
    async with serving(body_seconds=0.3) as server:
        client = await server.open(head(100_000) + b"x")
        trickle = asyncio.create_task(_trickle(client, b"x"))
        assert b"200 OK" not in await client.end()
        trickle.cancel()
        await server.until_open(0)
        server.bound()
        assert (server.keeper.held, await server.answers()) == (0, True)


async def test_an_idle_connection_is_kept_for_the_time_that_is_set() -> None:
    """And no longer; the time of headers is not its."""
    async with serving(keepalive_seconds=0.6) as server:
        began = asyncio.get_running_loop().time()
        client = await server.open(head(1) + b"x")
        async with asyncio.timeout(WITHIN):
            assert (await client.reader.readuntil(b"\r\n\r\n1")).startswith(b"HTTP/1.1 200")
        server.bound(header_seconds=0.1, keepalive_seconds=0.6)
        assert await client.end() == b""
        assert asyncio.get_running_loop().time() - began > 0.3


async def test_a_connection_is_used_again() -> None:
    """Each of its requests is answered, also those that were sent before the answer."""
    async with serving() as server:
        client = await server.open(b"".join(head(n) + b"y" * n for n in (1, 20, 300)))
        await client.send(head(4000)[:-10])
        await client.send(head(4000)[-10:] + b"z" * 4000)
        said = b""
        async with asyncio.timeout(WITHIN):
            while not said.endswith(b"4000"):
                said += await client.reader.read(1000)
        assert said.count(b"200 OK") == 4
        client.writer.close()
        await server.until_held(0)


async def test_what_is_complete_is_never_cut_off() -> None:
    """Neither by time nor by those who come after it."""
    async with serving(connections=3, connections_of_address=3) as server:
        slow = await server.open(b"GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        await asyncio.wait_for(server.is_slow.wait(), WITHIN)
        server.bound(header_seconds=0.05, body_seconds=0.05)
        for _ in range(5):
            await (await server.open()).end()
        server.may.set()
        assert (await slow.end()).endswith(b"late")


async def test_of_too_many_connections_the_one_that_waits_longest_goes() -> None:
    """So that who comes with a whole request is always answered."""
    async with serving(connections=10, connections_of_address=10) as server:
        clients = [await server.open(b"POST / HTTP/1.1\r\n") for _ in range(10)]
        await server.until_open(10)
        for number in range(10):
            assert await server.answers()
            assert len(server.keeper.open) <= 10, number
        assert (await clients[0].end()).startswith(b"HTTP/1.1 429")


async def test_one_address_has_a_part_of_the_connections_and_a_proxy_all() -> None:
    """Behind a proxy that is trusted all have its address."""
    async with serving(connections=10, connections_of_address=4) as server:
        clients = [await server.open() for _ in range(8)]
        await clients[0].end()
        await server.until_open(4)
    async with serving(connections=10, connections_of_address=4, proxies=(ip_network("127.0.0.0/8"),)) as server:
        clients = [await server.open() for _ in range(8)]
        await server.until_open(8)


async def test_a_new_connection_is_refused_where_all_others_are_being_answered() -> None:
    """There is nobody to send away."""
    async with serving(connections=2, connections_of_address=2) as server:
        slow = [await server.open(b"GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") for _ in range(2)]
        await server.until_open(2)
        async with asyncio.timeout(WITHIN):
            while any(one.waits_for_sender for one in server.keeper.open.values()):
                await asyncio.sleep(0.01)
        assert await (await server.open()).end() == b""
        server.may.set()
        assert all([(await one.end()).endswith(b"late") for one in slow])


async def test_unfinished_requests_hold_a_bounded_number_of_bytes_together() -> None:
    """The one that waits longest is answered 429; proper deliveries are taken all the while."""
    async with serving(held_bytes=1_000_000) as server:
        clients = [await server.open(head(200_000) + b"x" * 199_999) for _ in range(20)]
        assert (await clients[0].end()).startswith(b"HTTP/1.1 429")
        for _ in range(5):
            assert await server.answers(b"y" * 150_000)
            assert server.keeper.held <= 1_000_000
        for client in clients[1:]:
            client.writer.close()
        await server.until_held(0)


async def test_what_was_read_of_a_broken_body_is_freed_at_once() -> None:
    """Without the collector of circles, which comes late: bodies of many connections would be held until then."""
    gc.collect()
    gc.disable()
    try:
        async with serving(held_bytes=1_000_000) as server:
            tracemalloc.start()
            for _ in range(60):
                client = await server.open(head(700_000) + b"x" * 699_999)
                client.writer.close()
            await server.until_open(0)
            await server.until_held(0)
            async with asyncio.timeout(WITHIN):
                while tracemalloc.get_traced_memory()[0] > 5_000_000:
                    await asyncio.sleep(0.02)
    finally:
        gc.enable()
        tracemalloc.stop()


async def test_headers_count_as_well() -> None:
    """A hundred headers of 8 kB are as much as a body."""
    async with serving(held_bytes=500_000) as server:
        many = b"POST / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"h" * 8000) for n in range(50))
        clients = [await server.open(many) for _ in range(5)]
        assert (await clients[0].end())[:12] in (b"HTTP/1.1 429", b"")
        assert server.keeper.held <= 500_000
        assert await server.answers()


async def test_who_does_not_take_the_answer_is_sent_away() -> None:
    """What is not taken is held, too."""
    async with serving() as server:
        client = await server.open(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
        await server.until_open(1)
        server.bound(answer_seconds=0.3)
        await server.until_open(0)
        assert server.keeper.held == 0
        client.writer.close()
        assert await server.answers()


async def test_broken_http_is_answered_and_closed() -> None:
    """By aiohttp, as before."""
    async with serving() as server:
        for broken in (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 10,
            b"GET\r\n\r\n",
            b"\r\n" * 100 + b"X\r\n\r\n",
        ):
            client = await server.open(broken)
            assert (await client.end()).startswith(b"HTTP/1.")
        await server.until_open(0)
