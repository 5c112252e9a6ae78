"""How a request gets its credential, without any I/O."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from connectors.auth import Flow, StaticAuth, exchange
from connectors.errors import Unanswered
from connectors.http import Request, Response

REQUEST = Request("GET", "https://x.test/leads", {"Version": "1"})


class RefreshingAuth:
    """The flow that the generator form exists for: refresh once on a 401, retry once."""

    def __init__(self) -> None:
        self.token = "old"

    def flow(self, request: Request) -> Flow:
        """Request, and after a 401 a refresh and the request again."""
        response = yield Request(request.method, request.url, {"Authorization": self.token})
        if response.status == 401:
            refreshed = yield Request("POST", "https://x.test/oauth/token")
            if refreshed.status != 200:
                return
            self.token = refreshed.body.decode()
            yield Request(request.method, request.url, {"Authorization": self.token})


def vendor(*statuses: int) -> tuple[Callable[[Request], Awaitable[Response]], list[Request]]:
    """A transport that answers with these statuses, and what it was sent."""
    sent: list[Request] = []
    answers = iter(statuses)

    async def send(request: Request) -> Response:
        sent.append(request)
        return Response(next(answers), {}, b"new")

    return send, sent


@pytest.mark.parametrize(("scheme", "value"), [("token", "token k3y"), ("Bearer", "Bearer k3y")])
async def test_a_static_credential_travels_in_its_scheme(scheme: str, value: str) -> None:
    """Lofty's API keys want the lower-case word `token`; other headers stay."""
    send, sent = vendor(200)
    await exchange(StaticAuth(scheme, "k3y"), REQUEST, send)
    assert [request.headers for request in sent] == [{"Version": "1", "Authorization": value}]
    assert (sent[0].method, sent[0].url) == (REQUEST.method, REQUEST.url)


async def test_a_static_credential_is_not_tried_twice() -> None:
    """Nothing can be refreshed: the 401 is the answer."""
    send, sent = vendor(401, 200)
    response = await exchange(StaticAuth("token", "k3y"), REQUEST, send)
    assert response.status == 401
    assert len(sent) == 1


async def test_the_last_response_is_the_answer() -> None:
    """Refresh and retry are plain sequential code."""
    send, sent = vendor(401, 200, 204)
    auth = RefreshingAuth()
    response = await exchange(auth, REQUEST, send)
    assert response.status == 204
    assert [request.headers.get("Authorization") for request in sent] == ["old", None, "new"]


async def test_a_refresh_that_fails_ends_the_flow() -> None:
    """Its answer is what the caller sees, and nothing more is sent."""
    send, sent = vendor(401, 400)
    response = await exchange(RefreshingAuth(), REQUEST, send)
    assert response.status == 400
    assert len(sent) == 2


async def test_an_error_of_the_transport_reaches_the_caller() -> None:
    """A flow does not see it, and swallows nothing."""

    async def fail(request: Request) -> Response:
        raise Unanswered(request.method, request.url, "TimeoutError")

    with pytest.raises(Unanswered, match="GET /leads: TimeoutError"):
        await exchange(StaticAuth("token", "k3y"), REQUEST, fail)


def test_no_credential_is_in_a_repr() -> None:
    """Neither of the auth nor of the request that bears it."""
    auth = StaticAuth("token", "k3y")
    bearing = next(auth.flow(REQUEST))
    assert "k3y" not in f"{auth!r} {bearing!r}"
