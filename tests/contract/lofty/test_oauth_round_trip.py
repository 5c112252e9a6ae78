"""Lofty's OAuth as a user lives it, over a real socket, at both servers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest

from connectors.auth.oauth import Dialogue, OAuthClient, converse, pkce_challenge, read_callback
from connectors.auth.refresh import SingleFlight
from connectors.auth.request_auth import OAuthAuth
from connectors.auth.token_pair import TokenPair
from connectors.errors import CallbackRefused, GrantRefused, VendorError
from connectors.http.transport import AiohttpTransport
from connectors.lofty import oauth as lofty_oauth
from connectors.lofty.client import LoftyClient
from connectors.lofty.oauth import DEVELOPER, HELP_CENTRE
from connectors.outcome import Disposition, classify
from connectors.sandbox.lofty import LoftyClientSettings, LoftySandbox, LoftySandboxSettings, TeamSettings, serve

CLIENT = OAuthClient("vendor-1", "client-s3cret", "https://x.test/callback")
VERIFIER = "v" * 64


@dataclass(slots=True)
class Stage:
    """A sandbox on a socket, and a clock that only moves when a test moves it."""

    sandbox: LoftySandbox
    transport: AiohttpTransport
    url: str
    now: float = 1_777_570_412.0
    kept: list[TokenPair] = field(default_factory=list)

    def now_ms(self) -> int:
        """The clock as our side reads it."""
        return int(self.now * 1000)

    def link(self, challenge: str | None = None) -> str:
        """The link that we print."""
        base = f"{self.url}/page/vendor-auth.html"
        return lofty_oauth.authorize_url(CLIENT, code_challenge=challenge, base_url=base)

    async def decide(self, link: str, decision: str) -> dict[str, str]:
        """A person opens the link and presses a button; returns what comes to the redirect URI."""
        async with aiohttp.ClientSession() as session:
            async with session.get(link) as answer:
                page = await answer.text()
                assert answer.status == 200
            found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page)
            form = {unescape(name): unescape(value) for name, value in found}
            form |= {"decision": decision, "choice": "123456"}
            async with session.post(link.partition("?")[0], data=form, allow_redirects=False) as answer:
                target = answer.headers["Location"]
        assert target.startswith("https://x.test/callback?")
        return dict(parse_qsl(urlsplit(target).query))

    async def say(self, dialogue: Dialogue[TokenPair]) -> TokenPair:
        """Carry a dialogue over the socket."""
        return await converse(dialogue, self.transport)

    async def connect(self) -> TokenPair:
        """From the link to the tokens."""
        code = read_callback("lofty", await self.decide(self.link(), "approve"), state=None)
        server = HELP_CENTRE.at(self.url)
        return await self.say(lofty_oauth.exchange_code(CLIENT, code, asked_at_ms=self.now_ms(), server=server))

    async def renew(self, pair: TokenPair) -> TokenPair:
        """Ask for the next pair."""
        server = HELP_CENTRE.at(self.url)
        return await self.say(lofty_oauth.refresh(CLIENT, pair, asked_at_ms=self.now_ms(), server=server))

    async def keep(self, pair: TokenPair) -> None:
        """Persist a pair."""
        self.kept.append(pair)

    def client(self, flight: SingleFlight) -> LoftyClient:
        """A client that renews its tokens."""
        return LoftyClient(self.transport, OAuthAuth(flight, lofty_oauth.asks_for_refresh), base_url=self.url)

    def flight(self, pair: TokenPair) -> SingleFlight:
        """The tokens of one team."""
        return SingleFlight(pair, self.renew, self.keep, about="lofty:123456", now_ms=self.now_ms, hold_ms=0)

    async def control(self, path: str, body: object) -> None:
        """One request of the control API."""
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.url}/_sandbox/{path}", json=body) as answer,
        ):
            assert answer.status == 200


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """One team, one client."""
    settings = LoftySandboxSettings(
        teams=(TeamSettings(123456, ("key",)),),
        clients=(LoftyClientSettings(CLIENT.id, CLIENT.secret, CLIENT.redirect_uri),),
        window_limit=0,
    )
    sandbox = LoftySandbox(settings, now=lambda: one.now)
    async with await serve(sandbox) as served, AiohttpTransport() as transport:
        one = Stage(sandbox, transport, served.url)
        yield one


async def test_a_person_approves_and_the_tokens_work(stage: Stage) -> None:
    """At the help centre's server, with a code."""
    client = stage.client(stage.flight(await stage.connect()))
    lead_id = await client.create_lead({"firstName": "Jane"})
    assert str((await client.get_lead(lead_id))["leadId"]) == lead_id


async def test_a_person_denies(stage: Stage) -> None:
    """As documented: `error=access_denied`."""
    with pytest.raises(CallbackRefused, match="access_denied"):
        read_callback("lofty", await stage.decide(stage.link(), "deny"), state=None)


async def test_pkce_needs_no_secret(stage: Stage) -> None:
    """At the developer site's server."""
    code = read_callback("lofty", await stage.decide(stage.link(pkce_challenge(VERIFIER)), "approve"), state=None)
    public = OAuthClient(CLIENT.id, "", CLIENT.redirect_uri)
    server = DEVELOPER.at(stage.url)
    pair = await stage.say(
        lofty_oauth.exchange_code(public, code, asked_at_ms=stage.now_ms(), verifier=VERIFIER, server=server)
    )
    assert await stage.client(stage.flight(pair)).list_tags() == []


async def test_client_credentials_are_asked_for_again(stage: Stage) -> None:
    """They have no refresh token: to renew one is to ask for another."""

    async def renew(_: TokenPair | None = None) -> TokenPair:
        server = DEVELOPER.at(stage.url)
        return await stage.say(lofty_oauth.client_credentials(CLIENT, "key", asked_at_ms=stage.now_ms(), server=server))

    first = await renew()
    flight = SingleFlight(first, renew, stage.keep, about="lofty:123456", now_ms=stage.now_ms)
    stage.now += 7_200
    await stage.client(flight).list_tags()
    assert first.refresh is None
    assert [one.refresh for one in stage.kept] == [None]


async def test_a_hundred_concurrent_refusals_cause_one_refresh(stage: Stage) -> None:
    """And all succeed."""
    client = stage.client(stage.flight(await stage.connect()))
    await stage.control("oauth/expire?team=123456", {})
    await asyncio.gather(*(client.list_tags() for _ in range(100)))
    operations = [(one.operation, one.status) for one in stage.sandbox.ledger.after()]
    assert operations.count(("oauth-token", 200)) == 2  # the code, one refresh
    assert operations.count(("list-tags", 200)) == 100
    assert len(stage.kept) == 1


async def test_a_scope_that_lacks_pauses_and_one_that_is_added_ends_all_tokens(stage: Stage) -> None:
    """403 without a refresh; then a person has to connect again."""
    await stage.control("oauth/operations", {"client": CLIENT.id, "operations": ["list-leads"]})
    client = stage.client(stage.flight(await stage.connect()))
    with pytest.raises(VendorError, match="does not have permission") as lacking:
        await client.list_tags()
    await stage.control("oauth/operations", {"client": CLIENT.id, "operations": ["list-leads", "list-tags"]})
    with pytest.raises(GrantRefused, match="lofty-ghl connect") as ended:
        await client.list_tags()
    await stage.client(stage.flight(await stage.connect())).list_tags()
    assert (lacking.value.status, lacking.value.code) == (403, 200100)
    assert {classify(one.value).disposition for one in (lacking, ended)} == {Disposition.PAUSE}
    assert stage.kept == []


async def test_access_that_was_revoked_is_told(stage: Stage) -> None:
    """Asked once, remembered."""
    client = stage.client(stage.flight(await stage.connect()))
    await stage.control("oauth/revoke", {})
    for _ in range(3):
        with pytest.raises(GrantRefused, match="lofty-ghl connect"):
            await client.list_tags()
    operations = [one.operation for one in stage.sandbox.ledger.after()]
    assert operations.count("oauth-token") == 2


@pytest.mark.parametrize(
    ("query", "words"),
    [("clientId=nobody", "there is no client"), ("", "there is no client"),
     (f"clientId={CLIENT.id}&code_challenge=x&code_challenge_method=plain", "must be S256")],
)  # fmt: skip
async def test_a_wrong_link_leads_nowhere(stage: Stage, query: str, words: str) -> None:
    """With what there is."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{stage.url}/page/vendor-auth.html?{query}") as answer,
    ):
        assert answer.status == 400
        assert words in await answer.text()
