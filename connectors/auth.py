"""How a request gets its credential: a generator that yields requests and receives responses.

A flow yields the request with its credential and is sent the response; it may yield another (a refresh, a retry).
The last response it was sent is the answer. So refresh-and-retry is plain sequential code, without I/O.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from dataclasses import replace
from typing import Protocol

from connectors.request import Request, Response

Flow = Generator[Request, Response, None]


class Auth(Protocol):
    """Gives a request its credential."""

    def flow(self, request: Request) -> Flow:
        """Yield what is to be sent, receive what came back."""
        ...


class StaticAuth:
    """A credential that never changes: GHL's private integration token, Lofty's API key.

    Lofty wants the lower-case scheme `token` for API keys; `Bearer` gets 400/200058.
    """

    def __init__(self, scheme: str, credential: str) -> None:
        self._value = f"{scheme} {credential}"

    def __repr__(self) -> str:
        return "StaticAuth(***)"

    def flow(self, request: Request) -> Flow:
        """Yield the request once, with `Authorization`."""
        yield replace(request, headers={**request.headers, "Authorization": self._value})


async def exchange(auth: Auth, request: Request, send: Callable[[Request], Awaitable[Response]]) -> Response:
    """Drive a flow over a transport and return the last response."""
    flow = auth.flow(request)
    outgoing = next(flow)
    while True:
        response = await send(outgoing)
        try:
            outgoing = flow.send(response)
        except StopIteration:
            return response
