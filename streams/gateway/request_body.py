"""Reads the body of a delivery, whatever is wrong with it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError


class UnreadableBody(Exception):
    """A body that is not accepted: the result in metrics, the status to answer with, and why."""

    def __init__(self, result: str, status: int, why: str) -> None:
        self.result = result
        self.status = status
        super().__init__(why)


async def read_body(request: web.Request) -> bytes:
    """The bytes as they were sent. Raises `UnreadableBody`.

    Compressed bodies are refused: neither vendor sends any. They are unpacked to `max_body_bytes` at most.
    """
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    try:
        raw = (
            await request.read()
        )  # also of what is refused: aiohttp reads on after an answer, and its errors have no handler
    except web.HTTPRequestEntityTooLarge as error:
        raise UnreadableBody("too large", 413, error.text or "too large") from None
    except (web.RequestPayloadError, HttpProcessingError, ConnectionError) as error:
        raise UnreadableBody("broken body", 400, type(error).__name__) from None
    if encoding not in ("", "identity"):
        raise UnreadableBody("encoded", 415, f"expected an uncompressed body, got Content-Encoding {encoding[:40]!r}")
    return raw


class BrokenRequests(logging.Filter):
    """For aiohttp's own log: a broken request is one line, without a stack trace. Our own errors keep theirs.

    It logs one line in `EACH_SECONDS` and counts the others: a client can send any number.
    """

    EACH_SECONDS = 10.0

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._last = -self.EACH_SECONDS
        self._unsaid = 0

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, (HttpProcessingError, web.RequestPayloadError, ConnectionError)):
            if self._clock() - self._last < self.EACH_SECONDS:
                self._unsaid += 1
                return False
            more = f" (and {self._unsaid} more)" if self._unsaid else ""
            self._last, self._unsaid = self._clock(), 0
            record.msg, record.args = f"a client sent invalid HTTP: {type(error).__name__}{more}", ()
            record.exc_info = record.exc_text = None
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True
