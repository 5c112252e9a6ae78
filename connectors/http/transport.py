"""One HTTP exchange: a request goes in, a response or an error comes out (the values: `connectors.http.request`).

The transport is a parameter of every vendor client: tests pass a function, production passes `AiohttpTransport`.
A transport answers with *any* status; turning a status into an error is the client's work.

What a transport must distinguish, because writing once depends on it:

- `NotSent`: the vendor cannot have seen the request (no connection). Safe to repeat.
- `Unanswered`: the vendor may have acted on it (timeout, connection lost after sending). In doubt.
- `AnswerTooLarge`, one of these: it has acted, and says so in more bytes than are read.

The limit applies to the unpacked body: a megabyte of gzip can hold a gigabyte.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any, Self

import aiohttp

from connectors.errors import AnswerTooLarge, NotSent, Unanswered
from connectors.http.error_texts import printable
from connectors.http.request import Request, Response, Transport

__all__ = ["AiohttpTransport", "Request", "Response", "Transport"]

USER_AGENT = "lofty-ghl/0.1 (+https://github.com/lofty-ghl)"
"""Sent with every request: GHL's proxy refuses the default agents of some clients with `Error 1010`."""

MOST_ANSWER_BYTES = 16 * 1024**2
"""How much of an answer is read. A page of 100 leads has 2 MiB at most; a note may hold pictures."""

MOST_REFUSAL_BYTES = 64 * 1024
"""How much is read of an answer that is no success: its status decides, and of its words the first are kept."""

LONGEST_HEADER = 1000
"""How much of a header's value is kept."""


class _MayNotSend(Exception):
    """`may_send` said no."""


class _GuardedRequest(aiohttp.ClientRequest):
    def __init__(self, *args: Any, may_send: Callable[[], bool], **options: Any) -> None:
        super().__init__(*args, **options)
        self._may_send = may_send

    async def send(self, conn: Any) -> aiohttp.ClientResponse:
        if not self._may_send():
            raise _MayNotSend
        return await super().send(conn)


class AiohttpTransport:
    """The real transport, over one pooled `aiohttp.ClientSession`.

    `total_seconds` bounds a whole exchange, `connect_seconds` the part before anything is sent.
    `instance` names the process in the `User-Agent`, for the vendor's support and for the sandboxes' ledgers.
    `most_bytes` bounds the body of an answer, unpacked; of an answer that is no 2xx the rest is left unread.
    `may_send` is asked once the connection is open, last before a request is sent; a no is `NotSent`.
    `may_connect` is asked for each IP address before a connection to it is opened; a no is as if nobody were there.
    Connections are not bounded here: who calls bounds what is in flight, and a vendor that hangs must not hold back others.
    """

    def __init__(
        self,
        *,
        total_seconds: float = 30.0,
        connect_seconds: float = 10.0,
        instance: str = "",
        may_send: Callable[[], bool] = lambda: True,
        may_connect: Callable[[str], bool] | None = None,
        most_bytes: int = MOST_ANSWER_BYTES,
    ) -> None:
        self._most_bytes = most_bytes
        self._timeout = aiohttp.ClientTimeout(total=total_seconds, sock_connect=connect_seconds)
        self._may_send = may_send
        self._may_connect = may_connect
        self._agent = f"{USER_AGENT} {instance}".rstrip()
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, request: Request) -> Response:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=self._timeout,
                connector=aiohttp.TCPConnector(limit=0, socket_factory=self._sockets()),
                headers={"User-Agent": self._agent},
                skip_auto_headers=("Content-Type",),
                request_class=partial(_GuardedRequest, may_send=self._may_send),  # type: ignore[arg-type]  # makes one
            )
            # XXX: aiohttp repeats GET, PUT and DELETE by itself when a kept connection drops, so one planned request
            # would cost two of the vendor's limit, unseen. To be removed when aiohttp has a public switch for it.
            self._session._retry_connection = False
        try:
            async with self._session.request(
                request.method, request.url, headers=request.headers, data=request.body, allow_redirects=False
            ) as answer:
                body = await self._read(request, answer)
                # aiohttp gives bytes that are not UTF-8 as half characters, which nobody can write.
                headers = {name.lower(): printable(value, LONGEST_HEADER) for name, value in answer.headers.items()}
                return Response(answer.status, headers, body)
        except _MayNotSend as error:
            raise NotSent(
                request.method, request.url, "it may not be sent: this process has lost the right to send"
            ) from error
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotSent(request.method, request.url, type(error).__name__) from error
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise Unanswered(request.method, request.url, type(error).__name__) from error

    def _sockets(self) -> Callable[[aiohttp.AddrInfoType], socket.socket] | None:
        """What makes the sockets: here names were looked up, and the address is the one that is connected to."""
        if self._may_connect is None:
            return None
        may_connect = self._may_connect

        def made(found: aiohttp.AddrInfoType) -> socket.socket:
            family, kind, proto, _, address = found
            if not may_connect(str(address[0])):
                raise OSError("no connection may be opened to this address")
            return socket.socket(family, kind, proto)

        return made

    async def _read(self, request: Request, answer: aiohttp.ClientResponse) -> bytes:
        """The body, as far as it is read. What is left makes the connection useless: it is closed, not read to its end."""
        is_success = 200 <= answer.status < 300
        most = self._most_bytes if is_success else min(MOST_REFUSAL_BYTES, self._most_bytes)
        parts: list[bytes] = []
        length = 0
        async for part in answer.content.iter_any():
            parts.append(part)
            length += len(part)
            if length > most:
                answer.close()
                if is_success:
                    raise AnswerTooLarge(request.method, request.url, answer.status, most)
                break
        return parts[0][:most] if len(parts) == 1 else b"".join(parts)[:most]

    async def aclose(self) -> None:
        """Close the pooled connections. The transport may be used again afterwards."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
