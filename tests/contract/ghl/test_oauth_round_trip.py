"""OAuth as a user lives it, over a real socket: consent in a browser, codes, tokens that end, refreshes that get lost."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest

from connectors.auth.oauth import OAuthClient, converse, missing_scopes, read_callback
from connectors.auth.refresh import SingleFlight
from connectors.auth.request_auth import OAuthAuth
from connectors.auth.token_pair import TokenPair
from connectors.errors import CallbackRefused, GrantRefused, NotSent, TokenUnavailable, VendorError
from connectors.ghl import oauth as ghl_oauth
from connectors.ghl.client import GhlClient
from connectors.http.transport import AiohttpTransport
from connectors.outcome import Disposition, classify
from connectors.sandbox.ghl import GhlClientSettings, GhlSandbox, GhlSandboxSettings, LocationSettings, serve
from connectors.sandbox.shared.faults import SandboxFault

CLIENT = OAuthClient("app1-xyz", "client-s3cret", "https://x.test/callback?a=1")
SCOPES = ("contacts.readonly", "contacts.write", "locations/tags.readonly")


@dataclass(slots=True)
class Browser:
    """A person at the page of consent."""

    url: str

    async def open(self, link: str) -> tuple[int, str]:
        """Status and text of a page."""
        async with aiohttp.ClientSession() as session, session.get(link) as answer:
            return answer.status, await answer.text()

    async def decide(self, link: str, decision: str, choice: str) -> dict[str, str]:
        """Press a button; returns what comes to the redirect URI."""
        _, page = await self.open(link)
        form = {
            unescape(name): unescape(value)
            for name, value in re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page)
        }
        form |= {"decision": decision, "choice": choice}
        async with (
            aiohttp.ClientSession() as session,
            session.post(link.partition("?")[0], data=form, allow_redirects=False) as answer,
        ):
            target = answer.headers["Location"]
            assert answer.status == 302
            assert target.startswith("https://x.test/callback?a=1&")
            return dict(parse_qsl(urlsplit(target).query))


@dataclass(slots=True)
class Stage:
    """A sandbox on a socket, a person, and a clock that only moves when a test moves it."""

    sandbox: GhlSandbox
    transport: AiohttpTransport
    url: str
    now: float = 1_800_000_000.0
    kept: list[TokenPair] = field(default_factory=list)

    @property
    def browser(self) -> Browser:
        """Where consent is given."""
        return Browser(self.url)

    def now_ms(self) -> int:
        """The clock as our side reads it."""
        return int(self.now * 1000)

    def link(self, scopes: tuple[str, ...] = SCOPES, client: OAuthClient = CLIENT) -> str:
        """The link that we print."""
        base = f"{self.url}/v2/oauth/chooselocation"
        return ghl_oauth.authorize_url(client, scopes, state="st4te", base_url=base)

    async def connect(self, scopes: tuple[str, ...] = SCOPES, choice: str = "loc1") -> TokenPair:
        """The whole way, from the link to the tokens."""
        query = await self.browser.decide(self.link(scopes), "approve", choice)
        code = read_callback("ghl", query, state="st4te")
        dialogue = ghl_oauth.exchange_code(CLIENT, code, asked_at_ms=self.now_ms(), base_url=self.url)
        return await converse(dialogue, self.transport)

    async def renew(self, pair: TokenPair) -> TokenPair:
        """Ask for the next pair."""
        dialogue = ghl_oauth.refresh(CLIENT, pair, asked_at_ms=self.now_ms(), base_url=self.url)
        return await converse(dialogue, self.transport)

    async def keep(self, pair: TokenPair) -> None:
        """Persist a pair."""
        await asyncio.sleep(0)
        self.kept.append(pair)

    def flight(self, pair: TokenPair) -> SingleFlight:
        """The tokens of one location."""
        return SingleFlight(pair, self.renew, self.keep, about="ghl:loc1", now_ms=self.now_ms, hold_ms=0)

    def client(self, flight: SingleFlight) -> GhlClient:
        """A client that renews its tokens."""
        return GhlClient(self.transport, OAuthAuth(flight, ghl_oauth.asks_for_refresh), base_url=self.url)

    async def control(self, path: str, body: Any) -> Any:
        """One request of the control API."""
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.url}/_sandbox/{path}", json=body) as answer,
        ):
            return answer.status, await answer.json()

    def asked(self, operation: str = "get-access-token") -> int:
        """How often the sandbox was asked for something."""
        return sum(entry.operation == operation for entry in self.sandbox.ledger.after())


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """Two locations, one client."""
    settings = GhlSandboxSettings(
        locations=(LocationSettings("loc1", ("pit-one",)), LocationSettings("loc2", ("pit-two",))),
        clients=(GhlClientSettings(CLIENT.id, CLIENT.secret, (CLIENT.redirect_uri,)),),
        window_limit=0,
        daily_limit=0,
    )
    sandbox = GhlSandbox(settings, now=lambda: one.now)
    async with await serve(sandbox) as served, AiohttpTransport() as transport:
        one = Stage(sandbox, transport, served.url)
        yield one


async def test_a_person_approves_and_the_tokens_work(stage: Stage) -> None:
    """The page names the client, the scopes and the locations; what is missing is known at once."""
    status, page = await stage.browser.open(stage.link())
    pair = await stage.connect(("contacts.readonly", "locations/tags.readonly"))
    await stage.client(stage.flight(pair)).list_location_tags("loc1")
    assert status == 200
    for words in (CLIENT.id, *SCOPES, "Location loc1", "Location loc2", "The whole agency", "Approve", "Deny"):
        assert words in page
    assert (pair.user_type, pair.location_id) == ("Location", "loc1")
    assert missing_scopes(pair.scopes, SCOPES) == ("contacts.write",)


async def test_a_person_denies(stage: Stage) -> None:
    """The state comes back too."""
    query = await stage.browser.decide(stage.link(), "deny", "loc1")
    with pytest.raises(CallbackRefused, match="access_denied"):
        read_callback("ghl", query, state="st4te")


@pytest.mark.parametrize(
    ("client", "words"),
    [
        (OAuthClient("<script>", "x", CLIENT.redirect_uri), "there is no client &#x27;&lt;script&gt;&#x27;"),
        (OAuthClient(CLIENT.id, "x", "https://evil.test"), "is not one of this client"),
        (OAuthClient(CLIENT.id, "x", "javascript:alert(1)"), "is not one of this client"),
    ],
)
async def test_a_wrong_link_leads_nowhere(stage: Stage, client: OAuthClient, words: str) -> None:
    """Nobody is sent to an address that is not the client's, and what came in the link is not markup."""
    status, page = await stage.browser.open(stage.link(client=client))
    assert status == 400
    assert words in page
    assert "<script>" not in page


async def test_a_hundred_concurrent_refusals_cause_one_refresh(stage: Stage) -> None:
    """All hundred requests succeed, and the pair was kept before any was sent again."""
    pair = await stage.connect()
    flight = stage.flight(pair)
    client = stage.client(flight)
    await stage.control("oauth/expire", {"location": "loc1"})
    await asyncio.gather(*(client.list_location_tags("loc1") for _ in range(100)))
    entries = stage.sandbox.ledger.after()
    refused = [one for one in entries if one.operation == "get-location-tags" and one.status == 401]
    assert stage.asked() == 2  # the code, one refresh
    assert len(stage.kept) == 1
    assert len(refused) >= 1
    assert sum(one.operation == "get-location-tags" and one.status == 200 for one in entries) == 100


async def test_tokens_are_renewed_before_they_end(stage: Stage) -> None:
    """No request is refused: ten days of them."""
    client = stage.client(stage.flight(await stage.connect()))
    for _ in range(40):
        stage.now += 6 * 3_600
        await client.list_location_tags("loc1")
    statuses = {one.status for one in stage.sandbox.ledger.after()}
    assert statuses == {200}
    assert 10 <= len(stage.kept) <= 40


async def test_a_refresh_whose_answer_is_lost_is_repeated_within_the_grace(stage: Stage) -> None:
    """The refresh token is spent, and the pair that nobody saw comes again."""
    pair = await stage.connect()
    flight = stage.flight(pair)
    stage.sandbox.faults.add(SandboxFault("drop_after_apply", "get-access-token", times=1))
    with pytest.raises(TokenUnavailable):
        await flight.refresh(pair.access)
    stage.now += 20
    renewed = await flight.refresh(pair.access)
    assert renewed.access != pair.access
    await stage.client(flight).list_location_tags("loc1")


async def test_a_refresh_whose_answer_is_lost_for_longer_is_told(stage: Stage) -> None:
    """Beyond the grace the access is lost, and the error says what to do; asking again asks nobody."""
    pair = await stage.connect()
    flight = stage.flight(pair)
    stage.sandbox.faults.add(SandboxFault("drop_after_apply", "get-access-token", times=1))
    with pytest.raises(TokenUnavailable):
        await flight.refresh(pair.access)
    stage.now += 31
    for _ in range(3):
        with pytest.raises(GrantRefused, match=r"refresh token is invalid.*lofty-ghl connect"):
            await flight.refresh(pair.access)
    assert stage.asked() == 3


async def test_who_dies_between_refreshed_and_kept_leaves_access_to_the_next(stage: Stage) -> None:
    """Two owners in turn with the same kept pair: the second gets, within the grace, what the first had."""
    pair = await stage.connect()
    lost = await stage.renew(pair)
    stage.now += 25
    successor = stage.flight(pair)
    renewed = await successor.refresh(pair.access)
    assert (renewed.access, renewed.refresh) == (lost.access, lost.refresh)
    assert stage.kept == [renewed]


async def test_connecting_again_mends_a_lost_access(stage: Stage) -> None:
    """Uninstalled, refused for good, installed again: the same client goes on."""
    pair = await stage.connect()
    flight = stage.flight(pair)
    client = stage.client(flight)
    await stage.control("oauth/revoke", {"location": "loc1"})
    with pytest.raises(GrantRefused) as caught:
        await client.list_location_tags("loc1")
    flight.adopt(await stage.connect())
    await client.list_location_tags("loc1")
    assert classify(caught.value).disposition is Disposition.PAUSE


async def test_a_missing_scope_or_another_location_refreshes_nothing(stage: Stage) -> None:
    """New tokens would have no more rights."""
    client = stage.client(stage.flight(await stage.connect(("contacts.readonly", "locations/tags.readonly"))))
    for call, status in (
        (client.upsert_contact({"locationId": "loc1"}), 401),
        (client.list_location_tags("loc2"), 403),
    ):
        with pytest.raises(VendorError) as caught:
            await call
        assert (caught.value.status, classify(caught.value).disposition) == (status, Disposition.PAUSE)
    assert stage.asked() == 1


async def test_a_suspended_location_is_told(stage: Stage) -> None:
    """In GHL's words; a location that there is not cannot be suspended."""
    pair = await stage.connect()
    await stage.control("oauth/suspend", {"location": "loc1"})
    status, answer = await stage.control("oauth/suspend", {"location": "nowhere"})
    with pytest.raises(GrantRefused, match="400 Location is not active"):
        await stage.flight(pair).refresh(pair.access)
    assert (status, "no location 'nowhere'" in answer["message"]) == (400, True)


async def test_a_server_that_is_down_is_no_lost_access(stage: Stage) -> None:
    """Nothing was sent: the request is safe to repeat."""
    pair = await stage.connect()
    served = await serve(GhlSandbox(GhlSandboxSettings()))
    await served.aclose()
    stage.now += 86_399

    async def renew(old: TokenPair) -> TokenPair:
        dialogue = ghl_oauth.refresh(CLIENT, old, asked_at_ms=stage.now_ms(), base_url=served.url)
        return await converse(dialogue, stage.transport)

    flight = SingleFlight(pair, renew, stage.keep, about="ghl:loc1", now_ms=stage.now_ms)
    with pytest.raises(NotSent, match="ghl:loc1 has no access token for now: POST /oauth/token"):
        await stage.client(flight).list_location_tags("loc1")


async def test_clients_can_be_set_by_the_control_api(stage: Stage) -> None:
    """With a reset, as all settings."""
    client = {"id": "app2-x", "secret": "s", "redirect_uris": [CLIENT.redirect_uri]}
    status, _ = await stage.control("reset", {"settings": {"clients": [client], "access_seconds": 60}})
    page_status, _ = await stage.browser.open(stage.link(client=OAuthClient("app2-x", "s", CLIENT.redirect_uri)))
    assert (status, page_status) == (200, 200)
