"""The errors that the transport distinguishes, against a server of this process that misbehaves on request."""

from __future__ import annotations

import asyncio
import gzip
import socket
import tracemalloc
import zlib
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from connectors.errors import AnswerTooLarge, NotSent, Unanswered
from connectors.http.transport import LONGEST_HEADER, MOST_REFUSAL_BYTES, AiohttpTransport, Request, Response
from tests.deadlines import within

DEADLINE_SECONDS = within(60)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-RateLimit-Remaining: 99\r\n\r\nhi"


class Server:
    """Answers each request on a connection with the next of `answers`; None drops the connection, `...` is silence."""

    def __init__(self) -> None:
        self.answers: list[bytes | None] = []
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.silent = asyncio.Event()
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                length = next(
                    (
                        int(line.split(b":")[1])
                        for line in head.lower().split(b"\r\n")
                        if line.startswith(b"content-length")
                    ),
                    0,
                )
                self.bodies.append(await reader.readexactly(length))
                answer = self.answers.pop(0) if self.answers else OK
                if answer is None:
                    return
                if answer == b"...":
                    self.silent.set()
                    await reader.read()
                    return
                writer.write(answer)
                await writer.drain()
                if answer.endswith(b"cut"):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A server on a port of this machine's own."""
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    host, port = listening.sockets[0].getsockname()
    server.url = f"http://{host}:{port}/contacts/"
    async with listening:
        yield server


@pytest.fixture
async def transport() -> AsyncIterator[AiohttpTransport]:
    """A transport that does not wait long."""
    async with AiohttpTransport(total_seconds=DEADLINE_SECONDS, connect_seconds=DEADLINE_SECONDS) as transport:
        yield transport


async def test_the_exact_bytes_leave_and_the_answer_comes_back(server: Server, transport: AiohttpTransport) -> None:
    """Body and headers as given, our own User-Agent, header names of the answer in lower case."""
    request = Request("POST", server.url, {"Authorization": "Bearer s3cret", "Version": "2021-07-28"}, b'{"a": 1}')
    response = await transport(request)
    head = server.heads[0].decode()
    assert (response.status, response.body) == (200, b"hi")
    assert response.headers["x-ratelimit-remaining"] == "99"
    assert server.bodies == [b'{"a": 1}']
    assert "User-Agent: lofty-ghl/" in head
    assert "Version: 2021-07-28" in head
    assert "Content-Type" not in head


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
async def test_a_body_travels_with_any_method(server: Server, transport: AiohttpTransport, method: str) -> None:
    """GHL removes tags by a DELETE with a body."""
    await transport(Request(method, server.url, {}, b'{"tags":[]}'))
    assert server.heads[0].startswith(method.encode())
    assert server.bodies == [b'{"tags":[]}']


@pytest.mark.parametrize("status", [302, 400, 404, 429, 500, 503])
async def test_any_status_is_an_answer(server: Server, transport: AiohttpTransport, status: int) -> None:
    """Turning a status into an error is the client's work; a redirect is not followed."""
    server.answers = [b"HTTP/1.1 %d X\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n" % status]
    response = await transport(Request("GET", server.url))
    assert response.status == status
    assert len(server.heads) == 1


async def test_a_refused_connection_was_not_sent(transport: AiohttpTransport) -> None:
    """Nobody listens: the vendor cannot have seen the request."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/contacts/abc"
        with pytest.raises(NotSent) as raised:
            await transport(Request("POST", url, {"Authorization": "Bearer s3cret"}, b"{}"))
    assert (raised.value.method, raised.value.path, raised.value.cause) == (
        "POST",
        "/contacts/abc",
        "ClientConnectorError",
    )
    assert "s3cret" not in str(raised.value)


async def test_a_host_that_does_not_resolve_was_not_sent(transport: AiohttpTransport) -> None:
    """`.invalid` never resolves (RFC 6761)."""
    with pytest.raises(NotSent):
        await transport(Request("GET", "http://nowhere.invalid/"))


@pytest.mark.parametrize(
    "answer",
    [None, b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\ncut", b"this is no HTTP\r\n\r\ncut"],
    ids=["dropped", "cut in the body", "not HTTP"],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_lost_answer_is_in_doubt(
    server: Server, transport: AiohttpTransport, answer: bytes | None, method: str
) -> None:
    """The request left: the vendor may have acted on it, and it is not repeated in silence."""
    server.answers = [answer]
    with pytest.raises(Unanswered):
        await transport(Request(method, server.url, {}, b"{}"))
    assert len(server.heads) == 1


async def test_a_connection_that_drops_while_it_is_kept_is_not_repeated_in_silence(
    server: Server, transport: AiohttpTransport
) -> None:
    """One call is one request, also for the methods that clients like to repeat."""
    server.answers = [OK, None]
    await transport(Request("GET", server.url))
    with pytest.raises(Unanswered):
        await transport(Request("GET", server.url))
    assert len(server.heads) == 2


async def test_silence_is_in_doubt(server: Server) -> None:
    """The request was read and no answer comes in time. On a busy machine the time may end before it was read: then more is given."""
    server.answers = [b"..."]
    for seconds in (0.2, 2, 20):
        async with AiohttpTransport(total_seconds=within(seconds)) as transport:
            with pytest.raises((Unanswered, NotSent)) as failure:
                await transport(Request("POST", server.url, {}, b"{}"))
        if server.silent.is_set():
            break
    assert server.silent.is_set()
    assert failure.type is Unanswered


async def test_a_cancelled_call_stays_cancelled(server: Server, transport: AiohttpTransport) -> None:
    """Stopping is not a network error."""
    server.answers = [b"..."]
    call = asyncio.create_task(transport(Request("GET", server.url)))
    await asyncio.wait_for(server.silent.wait(), DEADLINE_SECONDS)
    call.cancel()
    await asyncio.wait([call])
    assert call.cancelled()


async def test_a_closed_transport_may_be_used_again(server: Server, transport: AiohttpTransport) -> None:
    """Closing is idempotent and not final."""
    await transport.aclose()
    await transport.aclose()
    response = await transport(Request("GET", server.url))
    assert response.status == 200


def test_no_secret_is_in_a_repr() -> None:
    """Headers and bodies stay out of logs."""
    request = Request("GET", "https://x.test/", {"Authorization": "Bearer s3cret"}, b"s3cret")
    response = Response(200, {"set-cookie": "s3cret"}, b"s3cret")
    assert "s3cret" not in f"{request!r} {response!r}"


async def test_a_guard_that_says_no_when_the_connection_stands_keeps_the_request_back() -> None:
    """A process may be frozen between its decision and the send; whoever sends is asked once more."""
    came: list[str] = []
    answers = iter([True, False, True])

    async def answer(request: web.Request) -> web.Response:
        came.append(request.path)
        return web.Response(text="{}")

    app = web.Application()
    app.router.add_get("/{what}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with AiohttpTransport(may_send=lambda: next(answers)) as transport:
        await transport(Request("GET", f"{url}/first"))
        with pytest.raises(NotSent, match="may not be sent"):
            await transport(Request("GET", f"{url}/second"))
        await transport(Request("GET", f"{url}/third"))
    await runner.cleanup()
    assert came == ["/first", "/third"]


def answer_of(body: bytes, *headers: str, status: int = 200) -> bytes:
    """An answer as it is on the wire."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + body


def bomb(megabytes: int) -> bytes:
    """Gzip of zeros, a thousandth of what it unpacks to."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(bytes(1024**2)) for _ in range(megabytes)) + packer.flush()


async def test_what_unpacks_to_a_thousandfold_is_not_unpacked(server: Server) -> None:
    """The answer is too large, which is in doubt; what is held of it stays near the bound, and the next call goes well."""
    server.answers = [answer_of(bomb(256), "Content-Encoding: gzip")]
    most = 4 * 1024**2
    async with AiohttpTransport(most_bytes=most) as transport:
        tracemalloc.start()
        try:
            with pytest.raises(AnswerTooLarge) as raised:
                await transport(Request("POST", server.url, {}, b"{}"))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        after = await transport(Request("GET", server.url))
    assert (raised.value.status, raised.value.most_bytes) == (200, most)
    assert isinstance(raised.value, Unanswered)
    assert peak < 5 * most
    assert after.body == b"hi"


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"x" * 200_001, ()),
        (gzip.compress(b"x" * 200_001), ("Content-Encoding: gzip",)),
        (zlib.compress(b"x" * 200_001), ("Content-Encoding: deflate",)),
        (b"%x\r\n" % 200_001 + b"x" * 200_001 + b"\r\n0\r\n\r\n", ("Transfer-Encoding: chunked",)),
    ],
    ids=["plain", "gzip", "deflate", "chunked"],
)
async def test_an_answer_is_bounded_however_it_comes(server: Server, body: bytes, headers: tuple[str, ...]) -> None:
    """One byte too much is too much; the bound itself is not."""
    raw = answer_of(body, *headers)
    if "Transfer-Encoding: chunked" in headers:
        raw = raw.replace(b"Content-Length: %d\r\n" % len(body), b"")
    server.answers = [raw, raw]
    async with AiohttpTransport(most_bytes=200_000) as transport:
        with pytest.raises(AnswerTooLarge):
            await transport(Request("GET", server.url))
    async with AiohttpTransport(most_bytes=200_001) as transport:
        response = await transport(Request("GET", server.url))
    assert len(response.body) == 200_001


@pytest.mark.parametrize("status", [302, 400, 401, 404, 422, 429, 500, 503])
@pytest.mark.parametrize("is_packed", [False, True])
async def test_a_refusal_stays_a_refusal_however_long_it_is(server: Server, status: int, is_packed: bool) -> None:
    """Its status decides; of its words the first are enough."""
    body = b"no " * 1_000_000
    packed = (gzip.compress(body), "Content-Encoding: gzip") if is_packed else (body,)
    server.answers = [answer_of(*packed, status=status)]
    async with AiohttpTransport(most_bytes=1024**2) as transport:
        response = await transport(Request("GET", server.url))
        assert (response.status, response.body) == (status, body[:MOST_REFUSAL_BYTES])
        assert (await transport(Request("GET", server.url))).status == 200


@pytest.mark.parametrize(
    "answer",
    [
        answer_of(b"hi", "X-Long: " + "x" * 100_000),
        answer_of(b"hi", *(f"X-{number}: x" for number in range(2000))),
        answer_of(b"no gzip", "Content-Encoding: gzip"),
        answer_of(gzip.compress(b"x" * 1000)[:-20], "Content-Encoding: gzip"),
        answer_of(b"hi", "Content-Encoding: unheard-of"),
        answer_of(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked") + b"5\r\nab" + b"cut",
        answer_of(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked") + b"zz\r\nab\r\n" + b"cut",
        answer_of(b"").replace(b"Content-Length: 0", b"Content-Length: -1") + b"cut",
        b"HTTP/1.1 99999 X\r\n\r\ncut",
    ],
    ids=[
        *("a long header", "many headers", "no gzip", "half a gzip", "an unknown encoding"),
        *("half a chunk", "no chunk", "a negative length", "no status"),
    ],
)
async def test_a_broken_answer_is_in_doubt_or_read_and_nothing_else(server: Server, answer: bytes) -> None:
    """Never an exception that no row of the table knows; the next call goes well."""
    server.answers = [answer]
    async with AiohttpTransport(total_seconds=within(5)) as transport:
        try:
            response = await transport(Request("POST", server.url, {}, b"{}"))
        except Unanswered:
            response = Response(200)
        assert response.status == 200
        assert (await transport(Request("GET", server.url))).body == b"hi"


async def test_headers_can_be_kept_and_written(server: Server, transport: AiohttpTransport) -> None:
    """Bytes that are no UTF-8 come from aiohttp as half characters; a trace id goes into records."""
    server.answers = [answer_of(b"hi", "X-Trace-Id: a\udcffb", f"X-Long: {'x' * 5000}")]
    headers = (await transport(Request("GET", server.url))).headers
    assert headers["x-trace-id"] == "a\ufffdb"
    assert len(headers["x-long"]) == LONGEST_HEADER
    "".join(headers.values()).encode()
