"""HTTP as nobody should send it: raw bytes, any header, any address."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.deadlines import within

ANSWER_SECONDS = 40.0
MOST_BYTES = 2 * 1024**2


@dataclass(frozen=True, slots=True)
class Sent:
    """A request, and the status of its answer; 0 when the connection was closed without one, or nothing came in time."""

    method: str
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    status: int
    answer: bytes


async def send(
    url: str, method: str, target: bytes, headers: Iterable[tuple[bytes, bytes]] = (), body: bytes = b""
) -> Sent:
    """Send one request on a connection of its own. A `Host` among the headers replaces the right one."""
    parts = urlsplit(url)
    given = tuple(headers)
    names = {name.lower() for name, _ in given}
    lines = [b"%s %s HTTP/1.1" % (method.encode(), target)]
    if b"host" not in names:
        lines.append(b"Host: " + parts.netloc.encode())
    if b"transfer-encoding" not in names and (body or method not in ("GET", "HEAD")):
        lines.append(b"Content-Length: %d" % len(body))
    if b"connection" not in names:
        lines.append(b"Connection: close")
    lines += [name + b": " + value for name, value in given]
    answer = b""
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(within(ANSWER_SECONDS)):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            try:
                writer.write(b"\r\n".join(lines) + b"\r\n\r\n" + body)
                with suppress(ConnectionError):  # it may be answered before it is taken
                    await writer.drain()
                while len(answer) < MOST_BYTES and (part := await reader.read(65536)):
                    answer += part
                    if _is_whole(answer):
                        break
            finally:
                writer.close()
    first = answer.split(b"\r\n", 1)[0].split(b" ")
    status = int(first[1]) if len(first) > 1 and first[1].isdigit() else 0
    if status == 100:
        rest = answer.partition(b"\r\n\r\n")[2].split(b"\r\n", 1)[0].split(b" ")
        status = int(rest[1]) if len(rest) > 1 and rest[1].isdigit() else 0
    return Sent(method, target, given, body, status, answer)


def _is_whole(answer: bytes) -> bool:
    """Whether an answer with a length is all there."""
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return False
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return len(body) >= int(value)
    return False
