"""How a request gets its credential, without any I/O."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from connectors.auth.request_auth import Flow, OAuthAuth, StaticAuth, exchange
from connectors.auth.token_pair import TokenPair
from connectors.errors import ConnectorError, GrantRefused, TokenUnavailable, Unanswered
from connectors.http.transport import Request, Response

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
    """Neither of the auth nor of the request with it."""
    auth = StaticAuth("token", "k3y")
    bearing = next(auth.flow(REQUEST))
    assert "k3y" not in f"{auth!r} {bearing!r}"


class Tokens:
    """Tokens that are renewed on demand, or fail to be."""

    def __init__(self, *failures: ConnectorError | None) -> None:
        self.number = 1
        self.refused: list[str] = []
        self.failures = iter(failures)

    async def current(self) -> TokenPair:
        """The tokens there are."""
        if failure := next(self.failures, None):
            raise failure
        return TokenPair(access=f"acc-s3cret-{self.number}", obtained_at_ms=0, expires_at_ms=1)

    async def refresh(self, used_access: str) -> TokenPair:
        """The next ones."""
        self.refused.append(used_access)
        self.number += 1
        return await self.current()


def is_401(response: Response) -> bool:
    """The simplest of rules."""
    return response.status == 401


REFUSED = GrantRefused(is_final=True, vendor="ghl", operation="get-access-token", status=400, messages=("no",))
UNAVAILABLE = TokenUnavailable("ghl:loc1", "TimeoutError")


async def test_an_access_token_travels_as_bearer() -> None:
    """Other headers stay."""
    send, sent = vendor(200)
    await exchange(OAuthAuth(Tokens(), is_401), REQUEST, send)
    assert [one.headers for one in sent] == [{"Version": "1", "Authorization": "Bearer acc-s3cret-1"}]


async def test_a_refused_token_is_renewed_and_tried_again_once() -> None:
    """The second answer is the answer, even if it is the same refusal."""
    for last in (200, 401):
        send, sent = vendor(401, last, 500)
        tokens = Tokens()
        response = await exchange(OAuthAuth(tokens, is_401), REQUEST, send)
        assert response.status == last
        assert [one.headers["Authorization"][-1] for one in sent] == ["1", "2"]
        assert tokens.refused == ["acc-s3cret-1"]


async def test_another_refusal_is_the_answer() -> None:
    """A new token does not help against a missing scope."""
    send, sent = vendor(403)
    tokens = Tokens()
    assert (await exchange(OAuthAuth(tokens, is_401), REQUEST, send)).status == 403
    assert (len(sent), tokens.refused) == (1, [])


async def test_without_a_token_nothing_is_sent() -> None:
    """The error says that the vendor cannot have seen it, or that a person is needed."""
    for failure in (UNAVAILABLE, REFUSED):
        send, sent = vendor()
        with pytest.raises(type(failure)):
            await exchange(OAuthAuth(Tokens(failure), is_401), REQUEST, send)
        assert sent == []


async def test_a_refusal_that_cannot_be_mended_for_now_is_the_answer() -> None:
    """The request was seen and refused: that is no `NotSent`."""
    send, _ = vendor(401)
    response = await exchange(OAuthAuth(Tokens(None, UNAVAILABLE), is_401), REQUEST, send)
    assert response.status == 401


async def test_a_refusal_that_cannot_be_mended_at_all_is_raised() -> None:
    """With what to do."""
    send, _ = vendor(401)
    with pytest.raises(GrantRefused, match="lofty-ghl connect"):
        await exchange(OAuthAuth(Tokens(None, REFUSED), is_401), REQUEST, send)


def test_no_access_token_is_in_a_repr() -> None:
    """Neither of the auth nor of its dependency."""
    assert repr(OAuthAuth(Tokens(), is_401)) == "OAuthAuth(***)"
