"""One HTTP exchange, as values: a request goes in, a response comes out. No I/O here; `connectors.http.transport` does it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent. `body` is the exact bytes.

    Headers, body and query may hold a credential (Lofty's OAuth server takes them in the query): `repr` shows none.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None

    def __repr__(self) -> str:
        return f"Request({self.method} {urlsplit(self.url)._replace(query='', fragment='').geturl()})"


@dataclass(frozen=True, slots=True)
class Response:
    """What came back. Header names are lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


Transport = Callable[[Request], Awaitable[Response]]
"""Carries one request. Every vendor client takes one as a parameter: tests pass a function."""
