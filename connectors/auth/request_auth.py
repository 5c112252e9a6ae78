"""How a request gets its credential: a generator that yields requests and receives responses.

A flow yields the request with its credential and is sent the response; it may yield another (a refresh, a retry).
The last response it was sent is the answer. So refresh-and-retry is plain sequential code, without I/O.

Where a credential has to be waited for, the flow yields a `TokenRequest` instead of a request, and is sent the tokens.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from connectors.auth.token_pair import TokenPair
from connectors.errors import TokenUnavailable
from connectors.http.request import Request, Response

TokenRequest = Callable[[], Awaitable[TokenPair]]
"""Gets tokens. Its error is raised in the flow."""

Flow = Generator[Request | TokenRequest, Any, None]
"""Is sent a `Response` for each `Request`, a `TokenPair` for each `TokenRequest`."""


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


class TokenSource(Protocol):
    """Where access tokens come from: `connectors.auth.refresh.SingleFlight`."""

    async def current(self) -> TokenPair:
        """The tokens to send a request with."""
        ...

    async def refresh(self, used_access: str) -> TokenPair:
        """Newer tokens than those with this access token, which was refused."""
        ...


class OAuthAuth:
    """Access tokens that expire. `asks_for_refresh` says whether an answer means that; it is each vendor's own.

    A request whose token is refused is sent again with a newer one, once. Then, or when there is none to be had for now,
    the refusal is the answer. `GrantRefused` is raised: no request can succeed.
    """

    def __init__(self, tokens: TokenSource, asks_for_refresh: Callable[[Response], bool]) -> None:
        self._tokens = tokens
        self._asks_for_refresh = asks_for_refresh

    def __repr__(self) -> str:
        return "OAuthAuth(***)"

    def flow(self, request: Request) -> Flow:
        """Yield the request with the current token, and again with a newer one."""
        pair: TokenPair = yield self._tokens.current
        response: Response = yield _bearing(request, pair)
        if not self._asks_for_refresh(response):
            return
        try:
            pair = yield partial(self._tokens.refresh, pair.access)
        except TokenUnavailable:
            return
        yield _bearing(request, pair)


def _bearing(request: Request, pair: TokenPair) -> Request:
    return replace(request, headers={**request.headers, "Authorization": f"Bearer {pair.access}"})


async def exchange(auth: Auth, request: Request, send: Callable[[Request], Awaitable[Response]]) -> Response:
    """Drive a flow over a transport and return the last response. A flow that sends no request is a programming error."""
    flow = auth.flow(request)
    response: Response | None = None
    outgoing = next(flow)
    while True:
        try:
            if isinstance(outgoing, Request):
                response = await send(outgoing)
                outgoing = flow.send(response)
                continue
            try:
                pair = await outgoing()
            except Exception as error:
                outgoing = flow.throw(error)
            else:
                outgoing = flow.send(pair)
        except StopIteration:
            if response is None:
                raise RuntimeError(f"{auth!r} sent nothing") from None
            return response
