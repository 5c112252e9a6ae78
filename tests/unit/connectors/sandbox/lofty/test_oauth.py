"""The sandbox as Lofty's two OAuth servers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from connectors.auth.oauth import Dialogue, OAuthClient, converse, pkce_challenge
from connectors.auth.token_pair import TokenPair
from connectors.errors import GrantRefused, VendorError
from connectors.http.request import Request, Response
from connectors.lofty.oauth import (
    DEVELOPER,
    HELP_CENTRE,
    TokenServer,
    asks_for_refresh,
    client_credentials,
    exchange_code,
    refresh,
)
from connectors.sandbox.lofty import LoftyClientSettings
from connectors.sandbox.shared.faults import SandboxFault
from tests.unit.connectors.sandbox.lofty.stage import HERE, SETTINGS, THERE, Stage

CLIENT = OAuthClient("vendor-1", "client-s3cret", "https://x.test/callback")
WRONG = OAuthClient("vendor-1", "wrong-s3cret", "https://x.test/callback")
VERIFIER = "v" * 43
HELP, DEV = HELP_CENTRE.at("http://sandbox"), DEVELOPER.at("http://sandbox")


class OAuthStage(Stage):
    """A sandbox with a client."""

    def __init__(self, operations: tuple[str, ...] | None = None, **changes: Any) -> None:
        client = LoftyClientSettings(CLIENT.id, CLIENT.secret, CLIENT.redirect_uri, operations)
        super().__init__(replace(SETTINGS, clients=(client,), **changes))

    async def send(self, request: Request) -> Response:
        """Answer at once, as the server does."""
        url = urlsplit(request.url)
        visit = self.sandbox.arrive(request.method, url.path, url.query, request.headers, request.body or b"")
        self.sandbox.apply(visit)
        self.sandbox.finish(visit, is_answered=True)
        return Response(visit.status, {name.lower(): value for name, value in visit.headers.items()}, visit.content)

    def code(self, team: int = HERE, challenge: str | None = None) -> str:
        """A person has approved."""
        return self.sandbox.oauth.approve(CLIENT.id, CLIENT.redirect_uri, str(team), challenge, self.now)

    async def tokens(self, dialogue: Dialogue[TokenPair]) -> TokenPair:
        """What a dialogue brings."""
        return await converse(dialogue, self.send)

    async def connect(self, team: int = HERE, server: TokenServer = HELP) -> TokenPair:
        """The tokens of a new grant."""
        return await self.tokens(exchange_code(CLIENT, self.code(team), asked_at_ms=0, server=server))

    async def refresh(self, pair: TokenPair, client: OAuthClient = CLIENT, server: TokenServer = HELP) -> TokenPair:
        """The next tokens."""
        return await self.tokens(refresh(client, pair, asked_at_ms=0, server=server))

    def use(self, access: str, method: str = "GET", target: str = "/v1.0/leads") -> tuple[int, Any]:
        """Call the API with an access token."""
        headers = {"Authorization": f"Bearer {access}", "Content-Type": "application/json"}
        return self.ask(method, target, headers=headers)


@pytest.fixture
def stage() -> OAuthStage:
    """Two teams, one client."""
    return OAuthStage()


@pytest.mark.parametrize("server", [HELP, DEV], ids=["help centre", "developer site"])
async def test_a_code_brings_a_teams_tokens(stage: OAuthStage, server: TokenServer) -> None:
    """At either server; they authorize the API of that team, as `Bearer` only."""
    lead = stage.lead()
    pair = await stage.connect(HERE, server)
    other = await stage.connect(THERE, server)
    assert (pair.expires_at_ms, pair.scopes) == (7_200_000, ("openApi",))
    assert [one["leadId"] for one in stage.use(pair.access)[1]["leads"]] == [lead]
    assert stage.use(other.access)[1]["leads"] == []
    headers = {"Authorization": f"token {pair.access}", "Content-Type": "application/json"}
    assert stage.ask("GET", "/v1.0/leads", headers=headers)[0] == 401


@pytest.mark.parametrize("server", [HELP, DEV], ids=["help centre", "developer site"])
async def test_a_code_is_good_once_for_its_own_client(stage: OAuthStage, server: TokenServer) -> None:
    """With the right secret, and the redirect URI that it came to."""
    code = stage.code()
    elsewhere = OAuthClient(CLIENT.id, CLIENT.secret, "https://other.test")
    for client, words in ((WRONG, "401 Bad credentials"), (elsewhere, "400 The authorization code is invalid")):
        with pytest.raises(GrantRefused, match=words):
            await stage.tokens(exchange_code(client, code, asked_at_ms=0, server=server))
    assert (await stage.tokens(exchange_code(CLIENT, code, asked_at_ms=0, server=server))).access
    with pytest.raises(GrantRefused, match="400 The authorization code is invalid"):
        await stage.tokens(exchange_code(CLIENT, code, asked_at_ms=0, server=server))


async def test_with_pkce_the_verifier_is_what_counts(stage: OAuthStage) -> None:
    """No secret is sent; another verifier, or none, is refused and spends nothing."""
    code = stage.code(challenge=pkce_challenge(VERIFIER))
    for wrong in ("w" * 43, ""):
        with pytest.raises(GrantRefused, match="The code verifier is invalid"):
            await stage.tokens(exchange_code(CLIENT, code, asked_at_ms=0, verifier=wrong, server=DEV))
    pair = await stage.tokens(exchange_code(CLIENT, code, asked_at_ms=0, verifier=VERIFIER, server=DEV))
    assert stage.use(pair.access)[0] == 200


async def test_a_verifier_does_not_replace_the_secret_of_a_code_without_challenge(stage: OAuthStage) -> None:
    """Else a stolen code were enough."""
    with pytest.raises(GrantRefused, match="Bad credentials"):
        await stage.tokens(exchange_code(CLIENT, stage.code(), asked_at_ms=0, verifier=VERIFIER, server=DEV))


async def test_client_credentials_are_limited_to_the_keys_team(stage: OAuthStage) -> None:
    """At the developer site; an unknown key or secret is refused."""
    pair = await stage.tokens(client_credentials(CLIENT, "key-there", asked_at_ms=0, server=DEV))
    stage.lead()
    assert pair.refresh is None
    assert stage.use(pair.access)[1]["leads"] == []
    for client, key in ((CLIENT, "key-nowhere"), (WRONG, "key-there")):
        with pytest.raises(GrantRefused, match="401 Bad credentials"):
            await stage.tokens(client_credentials(client, key, asked_at_ms=0, server=DEV))
    with pytest.raises(GrantRefused, match="grant_type is not supported"):
        await stage.tokens(client_credentials(CLIENT, "key-there", asked_at_ms=0, server=HELP))


async def test_the_developer_sites_server_takes_json_too(stage: OAuthStage) -> None:
    """As some clients send it."""
    given = {"grant_type": "client_credentials", "client_id": CLIENT.id, "client_secret": CLIENT.secret}
    status, answer = stage.ask("POST", "/oauth/token", {**given, "customer_key": "key-here"})
    broken, _ = stage.ask("POST", "/oauth/token", [given])
    assert (status, answer["token_type"]) == (200, "Bearer")
    assert broken == 401


async def test_the_help_centres_server_takes_a_form_too(stage: OAuthStage) -> None:
    """As some clients send it; `Basic` all the same."""
    code = stage.code()
    query = next(exchange_code(CLIENT, code, asked_at_ms=0, server=HELP))
    url, _, form = query.url.partition("?")
    answer = await stage.send(Request("POST", url, query.headers, form.encode()))
    assert answer.status == 200


async def test_a_refresh_token_rotates_or_stays() -> None:
    """Nobody knows which Lofty does: both can be rehearsed."""
    rotating, staying = OAuthStage(), OAuthStage(rotates_refresh=False)
    first, kept = await rotating.connect(), await staying.connect()
    second, same = await rotating.refresh(first), await staying.refresh(kept)
    with pytest.raises(GrantRefused, match="The refresh token is invalid"):
        await rotating.refresh(first)
    assert (await rotating.refresh(second)).refresh != second.refresh
    assert same.refresh == kept.refresh
    assert (await staying.refresh(kept)).access != same.access
    with pytest.raises(GrantRefused, match="The refresh token is invalid"):
        await staying.refresh(kept, server=DEV)  # it was granted by the other server


async def test_tokens_end_by_the_sandboxs_clock(stage: OAuthStage) -> None:
    """The access token after two hours, the refresh token after 180 days."""
    pair = await stage.connect()
    stage.now += 7_200
    status, _ = stage.use(pair.access)
    again = await stage.refresh(pair)
    stage.now += 180 * 86_400
    with pytest.raises(GrantRefused):
        await stage.refresh(again)
    assert status == 401


async def test_what_is_revoked_is_over(stage: OAuthStage) -> None:
    """For the team that was named; the refusal asks for a refresh, which is refused for good."""
    here, there = await stage.connect(HERE), await stage.connect(THERE)
    stage.sandbox.oauth.issuer.revoke(lambda grant: grant.subject == str(HERE))
    status, body = stage.use(here.access)
    with pytest.raises(GrantRefused, match="lofty-ghl connect") as caught:
        await stage.refresh(here)
    assert (status, body["code"]) == (401, 20004)
    assert asks_for_refresh(Response(status, {}, b""))
    assert caught.value.is_final
    assert stage.use(there.access)[0] == 200


async def test_an_endpoint_that_was_not_granted_is_refused() -> None:
    """403 with 200100; the API key of the team knows no such bounds."""
    stage = OAuthStage(operations=("list-leads",))
    pair = await stage.connect()
    status, body = stage.use(pair.access, target="/v1.0/members")
    words = "Sorry, the vendor does not have permission for this API."
    assert (status, body) == (403, {"code": 200100, "message": words})
    assert stage.use(pair.access)[0] == 200
    assert stage.ask("GET", "/v1.0/members")[0] == 200


async def test_a_new_scope_ends_all_tokens(stage: OAuthStage) -> None:
    """As documented: people have to give access again."""
    pair = await stage.connect()
    stage.sandbox.oauth.allow(CLIENT.id, ("list-leads", "list-members"))
    with pytest.raises(GrantRefused):
        await stage.refresh(pair)
    assert stage.use(pair.access)[0] == 401
    assert stage.use((await stage.connect()).access, target="/v1.0/members")[0] == 200
    with pytest.raises(ValueError, match="no client 'nobody'; there are vendor-1"):
        stage.sandbox.oauth.allow("nobody", None)


async def test_the_limit_is_the_apps(stage: OAuthStage) -> None:
    """All its teams share it; an API key has one of its own."""
    stage = OAuthStage(window_limit=2)
    here, there = await stage.connect(HERE), await stage.connect(THERE)
    statuses = [stage.use(one.access)[0] for one in (here, there, here)]
    assert statuses == [200, 200, 429]
    assert stage.ask("GET", "/v1.0/leads")[0] == 200


@pytest.mark.parametrize("basic", ["Basic !!!", "Basic //8=", "Basic", "Bearer x", ""])
async def test_a_client_that_cannot_be_read_is_refused(stage: OAuthStage, basic: str) -> None:
    """Never an internal error."""
    headers = {"Authorization": basic, "Content-Type": "application/x-www-form-urlencoded"}
    target = f"{HELP.path}?grant_type=authorization_code&code={stage.code()}&client_id=vendor-1"
    target += "&redirect_uri=https%3A%2F%2Fx.test%2Fcallback"
    assert stage.ask("POST", target, headers=headers)[0] == 401


async def test_nothing_secret_stays_in_the_ledger(stage: OAuthStage) -> None:
    """What was asked for does, and whose it was."""
    pair = await stage.connect()
    await stage.tokens(client_credentials(CLIENT, "key-here", asked_at_ms=0, server=DEV))
    rows = stage.sandbox.ledger.rows()
    assert [(row["operation"], row["budget"], row["body"]) for row in rows] == [
        ("oauth-token", str(HERE), {"grant_type": "authorization_code"}),
        ("developer-oauth-token", str(HERE), {"grant_type": "client_credentials"}),
    ]
    assert all(one not in str(rows) for one in (CLIENT.secret, pair.access, pair.refresh or "?", "key-here"))


async def test_an_unknown_refusal_is_none_of_the_grant(stage: OAuthStage) -> None:
    """A 503 says nothing about it."""
    pair = await stage.connect()
    stage.sandbox.faults.add(SandboxFault("status", "oauth-token", str(HERE), times=1, status=503))
    with pytest.raises(VendorError, match="503") as caught:
        await stage.refresh(pair)
    assert not isinstance(caught.value, GrantRefused)
    assert (await stage.refresh(pair)).access
