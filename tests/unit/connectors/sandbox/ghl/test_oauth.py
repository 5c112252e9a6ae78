"""The sandbox as GHL's OAuth server: what is given, to whom, how often, and in which words it is refused."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from connectors.auth.oauth import OAuthClient, converse
from connectors.auth.request_auth import OAuthAuth
from connectors.auth.token_pair import TokenPair
from connectors.errors import GrantRefused, VendorError
from connectors.ghl import oauth as ghl_oauth
from connectors.ghl.client import GhlClient
from connectors.ghl.oauth import InstalledLocation, exchange_code, installed_locations, location_token, refresh
from connectors.http.request import Request, Response
from connectors.sandbox.ghl import GhlClientSettings, LocationSettings
from connectors.sandbox.shared.faults import SandboxFault
from tests.unit.connectors.sandbox.ghl.stage import ANN, HERE, SETTINGS, THERE, Stage

CLIENT = OAuthClient("app1-xyz", "client-s3cret", "https://x.test/callback")
SCOPES = ("contacts.readonly", "contacts.write", "locations/tags.readonly")
BASE = "http://sandbox"


class OAuthStage(Stage):
    """A sandbox with a client."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"clients": (GhlClientSettings(CLIENT.id, CLIENT.secret),), **settings})

    @property
    def now_ms(self) -> int:
        """The clock as our side reads it."""
        return int(self.now * 1000)

    def code(self, choice: str = HERE, scopes: tuple[str, ...] = SCOPES) -> str:
        """A person has approved."""
        return self.sandbox.oauth.approve(CLIENT.id, CLIENT.redirect_uri, scopes, choice, self.now)

    async def connect(self, choice: str = HERE, scopes: tuple[str, ...] = SCOPES) -> TokenPair:
        """The tokens of a new grant."""
        return await self.exchange(self.code(choice, scopes))

    async def exchange(self, code: str, client: OAuthClient = CLIENT) -> TokenPair:
        """The tokens for a code."""
        return await converse(exchange_code(client, code, asked_at_ms=self.now_ms, base_url=BASE), self.send)

    async def refresh(self, pair: TokenPair, client: OAuthClient = CLIENT) -> TokenPair:
        """The next tokens."""
        return await converse(refresh(client, pair, asked_at_ms=self.now_ms, base_url=BASE), self.send)

    async def post(self, form: dict[str, str]) -> tuple[int, Any]:
        """Send what no client of ours would."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer: Response = await self.send(Request("POST", f"{BASE}/oauth/token", headers, urlencode(form).encode()))
        return answer.status, orjson.loads(answer.body)

    async def call(self, pair: TokenPair, location: str = HERE) -> VendorError | None:
        """Use an access token: None when it is taken, else the refusal."""
        try:
            await self.client(pair.access).list_location_tags(location)
        except VendorError as error:
            return error
        return None


@pytest.fixture
def stage() -> OAuthStage:
    """Two locations, one client."""
    return OAuthStage()


async def test_a_code_brings_a_locations_tokens(stage: OAuthStage) -> None:
    """With whose they are, for how long and for what; they authorize the API."""
    pair = await stage.connect()
    assert (pair.user_type, pair.location_id, pair.company_id) == ("Location", HERE, "sandbox-company")
    assert (pair.scopes, pair.expires_at_ms - pair.obtained_at_ms) == (SCOPES, 86_399_000)
    assert await stage.call(pair) is None
    assert stage.ledger[-1].budget == HERE


async def test_a_code_is_good_once(stage: OAuthStage) -> None:
    """And not forever."""
    code, old = stage.code(), stage.code()
    await stage.exchange(code)
    with pytest.raises(GrantRefused, match="401 Authorization code not found"):
        await stage.exchange(code)
    stage.now += 3_600
    with pytest.raises(GrantRefused, match="401 Authorization code not found"):
        await stage.exchange(old)


async def test_a_code_is_looked_up_before_the_client(stage: OAuthStage) -> None:
    """As measured: a wrong client with a wrong code hears of the code; a wrong secret spends nothing."""
    code = stage.code()
    with pytest.raises(GrantRefused, match="Authorization code not found"):
        await stage.exchange("bogus", OAuthClient("nobody", "wrong", CLIENT.redirect_uri))
    with pytest.raises(GrantRefused, match="Invalid client credentials"):
        await stage.exchange(code, OAuthClient(CLIENT.id, "wrong", CLIENT.redirect_uri))
    with pytest.raises(GrantRefused, match="Redirect URI mismatch"):
        await stage.exchange(code, OAuthClient(CLIENT.id, CLIENT.secret, "https://other.test"))
    assert (await stage.exchange(code)).location_id == HERE


async def test_a_form_that_lacks_something_is_refused(stage: OAuthStage) -> None:
    """422 with a list, as everywhere; JSON is no form."""
    status, body = await stage.post({"grant_type": "magic"})
    missing, words = await stage.post({"grant_type": "refresh_token"})
    assert (status, body["message"][0].startswith("grant_type must be one of")) == (422, True)
    assert (missing, words["message"]) == (422, ["client_id should not be empty", "client_secret should not be empty"])


async def test_a_refresh_token_rotates_with_a_grace(stage: OAuthStage) -> None:
    """Once; for thirty seconds it gives the same pair; then it is refused, and its successor is not."""
    first = await stage.connect()
    second = await stage.refresh(first)
    stage.now += 29.9
    again = await stage.refresh(first)
    stage.now += 0.1
    with pytest.raises(GrantRefused, match="refresh token is invalid") as caught:
        await stage.refresh(first)
    third = await stage.refresh(second)
    assert (again.access, again.refresh) == (second.access, second.refresh)
    assert len({one.refresh for one in (first, second, third)}) == 3
    assert caught.value.is_final


async def test_a_refresh_whose_answer_is_lost_can_be_repeated_in_time(stage: OAuthStage) -> None:
    """The token is spent, and nobody has its successor but the sandbox."""
    first = await stage.connect()
    lost = stage.sandbox.arrive(
        "POST",
        "/oauth/token",
        "",
        {"Content-Type": "application/x-www-form-urlencoded"},
        urlencode(
            {
                "grant_type": "refresh_token",
                "refresh_token": first.refresh or "",
                "client_id": CLIENT.id,
                "client_secret": CLIENT.secret,
            }
        ).encode(),
    )
    stage.sandbox.apply(lost)
    stage.sandbox.finish(lost, is_answered=False)
    got = await stage.refresh(first)
    assert orjson.loads(lost.content)["refresh_token"] == got.refresh


async def test_an_access_token_ends_by_the_sandboxs_clock(stage: OAuthStage) -> None:
    """And GHL's words ask for a refresh."""
    pair = await stage.connect()
    stage.now += 86_399
    error = await stage.call(pair)
    assert error is not None
    assert (error.status, error.message) == (401, "Invalid token: access token is invalid")
    assert await stage.call(await stage.refresh(pair)) is None


async def test_what_is_expired_on_request_refreshes(stage: OAuthStage) -> None:
    """Only the location that was named."""
    here, there = await stage.connect(HERE), await stage.connect(THERE)
    stage.sandbox.oauth.issuer.expire(lambda grant: grant.subject == HERE, stage.now)
    assert await stage.call(here) is not None
    assert await stage.call(there, THERE) is None
    assert await stage.call(await stage.refresh(here)) is None


async def test_what_is_revoked_does_not_refresh(stage: OAuthStage) -> None:
    """The app was uninstalled."""
    pair = await stage.connect()
    stage.sandbox.oauth.issuer.revoke(lambda grant: grant.subject == HERE)
    with pytest.raises(GrantRefused, match="lofty-ghl connect"):
        await stage.refresh(pair)
    error = await stage.call(pair)
    assert error is not None
    assert error.status == 401


async def test_a_suspended_location_does_not_refresh(stage: OAuthStage) -> None:
    """Nothing is spent: it does when it is active again."""
    pair = await stage.connect()
    stage.sandbox.oauth.suspend(HERE, is_active=False)
    with pytest.raises(GrantRefused, match="400 Location is not active") as caught:
        await stage.refresh(pair)
    stage.sandbox.oauth.suspend(HERE, is_active=True)
    assert (await stage.refresh(pair)).location_id == HERE
    assert caught.value.is_final


async def test_a_token_may_do_what_was_granted(stage: OAuthStage) -> None:
    """In its own location only; a refresh does not help with either."""
    pair = await stage.connect(scopes=("contacts.readonly", "contacts.write"))
    client = stage.client(pair.access)
    made = await client.upsert_contact({"locationId": HERE, **ANN})
    scope = await stage.call(pair)
    with pytest.raises(VendorError, match="does not have access to this location") as caught:
        await client.upsert_contact({"locationId": THERE, **ANN})
    assert made.is_new
    assert scope is not None
    assert (scope.status, scope.message) == (401, "The token is not authorized for this scope.")
    assert caught.value.status == 403


async def test_the_scopes_of_the_location_hold_for_grants_too() -> None:
    """The setting narrows what was granted."""
    stage = OAuthStage(locations=(LocationSettings(HERE, ("pit-here",), scopes=("contacts.readonly",)),))
    error = await stage.call(await stage.connect())
    assert error is not None
    assert error.message == "The token is not authorized for this scope."


async def test_an_agency_takes_tokens_of_its_locations(stage: OAuthStage) -> None:
    """Its own token is none of a location's; the new one has the grant's scopes but those of OAuth, and refreshes."""
    agency = await stage.connect("sandbox-company", (*SCOPES, "oauth.readonly", "oauth.write"))
    error = await stage.call(agency)
    installed = await converse(installed_locations(agency, ghl_oauth.app_id_of(CLIENT.id), base_url=BASE), stage.send)
    pair = await converse(location_token(agency, THERE, asked_at_ms=stage.now_ms, base_url=BASE), stage.send)
    created = stage.ledger[-1]
    assert (agency.user_type, agency.location_id, agency.approved_locations) == ("Company", None, (HERE, THERE))
    assert error is not None
    assert (error.status, error.message.startswith("This authClass type is not allowed")) == (401, True)
    assert [one.id for one in installed] == [HERE, THERE]
    assert installed[0] == InstalledLocation(HERE, f"Location {HERE}", True)
    assert (created.status, pair.location_id, pair.scopes) == (201, THERE, SCOPES)
    assert await stage.call(await stage.refresh(pair), THERE) is None


async def test_who_may_not_take_a_locations_token_is_told_why(stage: OAuthStage) -> None:
    """The wrong kind of token, no scope, a location of nobody, a suspended one, an expired token."""
    location = await stage.connect()
    narrow = await stage.connect("sandbox-company", SCOPES)
    agency = await stage.connect("sandbox-company", (*SCOPES, "oauth.write"))
    stage.sandbox.oauth.suspend(THERE, is_active=False)
    cases = [
        (location, HERE, 401, "Token's user type mismatch!"),
        (narrow, HERE, 401, "The token is not authorized for this scope."),
        (agency, "nowhere", 403, "The token does not have access to this location."),
        (agency, THERE, 400, "Location is not active"),
        (TokenPair(access="eyJ.x", obtained_at_ms=0, expires_at_ms=0), HERE, 401, "Invalid JWT"),
    ]
    for pair, wanted, status, words in cases:
        dialogue = location_token(pair, wanted, asked_at_ms=0, base_url=BASE)
        with pytest.raises(VendorError) as caught:
            await converse(dialogue, stage.send)
        assert (caught.value.status, caught.value.message) == (status, words)


async def test_installed_locations_come_in_pages() -> None:
    """`skip` and `limit` hold; our side reads all."""
    places = tuple(LocationSettings(f"loc{n}", (f"pit-{n}",)) for n in range(130))
    stage = OAuthStage(locations=places)
    agency = await stage.connect("sandbox-company", ("oauth.readonly",))
    found = await converse(installed_locations(agency, "app1", base_url=BASE), stage.send)
    assert [one.id for one in found] == [one.id for one in places]


async def test_nothing_secret_stays_in_the_ledger(stage: OAuthStage) -> None:
    """What was asked for does, and whose it was."""
    pair = await stage.connect()
    await stage.refresh(pair)
    rows = stage.sandbox.ledger.rows()
    assert [(row["operation"], row["budget"], row["body"], row["applied"]) for row in rows] == [
        ("get-access-token", HERE, {"grant_type": "authorization_code"}, True),
        ("get-access-token", HERE, {"grant_type": "refresh_token"}, True),
    ]
    assert all(secret not in str(rows) for secret in (CLIENT.secret, pair.access, pair.refresh or "?"))


async def test_the_oauth_server_misbehaves_on_request(stage: OAuthStage) -> None:
    """By operation and location; a 5xx that has applied has spent the token."""
    pair = await stage.connect()
    stage.sandbox.faults.add(SandboxFault("status", "get-access-token", HERE, times=1, status=503, applies=True))
    with pytest.raises(VendorError, match="503") as caught:
        await stage.refresh(pair)
    assert not isinstance(caught.value, GrantRefused)
    assert (await stage.refresh(pair)).access


async def test_a_private_token_stays_what_it_was(stage: OAuthStage) -> None:
    """Beside OAuth; a refused one never asks for a refresh."""
    assert await stage.call(TokenPair(access="pit-here", obtained_at_ms=0, expires_at_ms=0)) is None
    stage.sandbox.faults.add(SandboxFault("revoke", budget=HERE, times=1))
    error = await stage.call(TokenPair(access="pit-here", obtained_at_ms=0, expires_at_ms=0))
    assert error is not None
    assert error.message == "Invalid Private Integration token"


async def test_a_reset_forgets_grants(stage: OAuthStage) -> None:
    """Also with other clients."""
    pair = await stage.connect()
    stage.sandbox.reset(SETTINGS)
    error = await stage.call(pair)
    assert error is not None
    assert error.message == "Invalid JWT"
    assert stage.sandbox.oauth.client(CLIENT.id) is None


async def test_a_client_of_ours_refreshes_and_goes_on(stage: OAuthStage) -> None:
    """The whole way, without a socket: refused, refreshed once, done."""
    pairs = [await stage.connect()]

    class Tokens:
        async def current(self) -> TokenPair:
            return pairs[-1]

        async def refresh(self, used_access: str) -> TokenPair:
            pairs.append(await stage.refresh(pairs[-1]))
            return pairs[-1]

    stage.now += 86_399
    client = GhlClient(stage.send, OAuthAuth(Tokens(), ghl_oauth.asks_for_refresh), base_url=BASE)
    assert (await client.upsert_contact({"locationId": HERE, **ANN})).is_new
    assert len(pairs) == 2
    assert [entry.status for entry in stage.ledger] == [200, 401, 200, 200]
