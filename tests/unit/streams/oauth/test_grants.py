"""Lofty's tokens live on: whichever of its two servers granted them, and by whichever grant, that server renews them."""

from __future__ import annotations

from base64 import b64encode
from urllib.parse import urlsplit

import pytest

from connectors.auth.oauth import converse
from connectors.auth.token_pair import TokenPair
from connectors.errors import CallbackRefused, GrantRefused
from connectors.http.request import Request, Response
from connectors.lofty import oauth as lofty_oauth
from connectors.lofty.oauth import DEVELOPER, HELP_CENTRE, TokenServer
from connectors.sandbox.lofty import LoftyClientSettings, LoftySandbox, LoftySandboxSettings, TeamSettings
from streams.oauth.authorization import accept_lofty, lofty_by_key
from streams.oauth.grants import Grants
from streams.settings import parse_settings

CONFIG = """
[oauth.lofty]
client_id = "app"
redirect_uri = "https://x.test/callback"
server = "{server}"
[connections.acme]
lofty = {{ team_id = "{team}", auth = "oauth" }}
ghl = {{ location_id = "loc1" }}
"""
ENVIRON = {
    "LOFTY_GHL_OAUTH_LOFTY_CLIENT_SECRET": "client-secret",
    "LOFTY_GHL_TOKEN_KEYS": "k1:" + b64encode(b"k" * 32).decode("ascii"),
    "LOFTY_GHL_ACME_LOFTY_API_KEY": "the-key",
    "LOFTY_GHL_ACME_GHL_TOKEN": "pit-1",
    "LOFTY_GHL_ACME_WEBHOOK_SECRET": "s" * 32,
}
ACCESS_SECONDS = 7_200.0
LIVES = 5


class Vendor:
    """Lofty's sandbox without a socket, at a time of our choosing; it keeps the paths of the token servers that were asked."""

    def __init__(self, *, rotates: bool) -> None:
        self.now = 1_777_570_412.0
        self.asked: list[str] = []
        settings = LoftySandboxSettings(
            teams=(TeamSettings(123456, ("the-key",)),),
            clients=(LoftyClientSettings("app", "client-secret", "https://x.test/callback"),),
            access_seconds=ACCESS_SECONDS,
            rotates_refresh=rotates,
        )
        self.sandbox = LoftySandbox(settings, now=lambda: self.now)

    @property
    def now_ms(self) -> int:
        return int(self.now * 1000)

    async def __call__(self, request: Request) -> Response:
        """A transport."""
        parts = urlsplit(request.url)
        if parts.path in (DEVELOPER.path, HELP_CENTRE.path):
            self.asked.append(parts.path)
        visit = self.sandbox.arrive(request.method, parts.path, parts.query, request.headers, request.body or b"")
        self.sandbox.apply(visit)
        self.sandbox.finish(visit, is_answered=True)
        return Response(visit.status, visit.headers, visit.content)

    async def takes(self, pair: TokenPair) -> bool:
        """Whether the API answers to an access token."""
        headers = {"Authorization": f"Bearer {pair.access}", "Content-Type": "application/json"}
        answer = await self(Request("GET", "https://api.lofty.com/v1.0/teamFeatures/listTag", headers))
        assert answer.status in (200, 401), answer
        return answer.status == 200

    def lead(self) -> None:
        """A lead of the team."""
        headers = {"Authorization": "token the-key", "Content-Type": "application/json"}
        visit = self.sandbox.arrive("POST", "/v1.0/leads", "", headers, b'{"firstName": "Jane"}')
        self.sandbox.apply(visit)
        self.sandbox.finish(visit, is_answered=True)
        assert visit.status == 200
        self.now += 3600  # it is not visible at once

    def consent(self) -> dict[str, str]:
        """What a person's consent brings to the redirect URI."""
        oauth = self.sandbox.oauth
        return {"code": oauth.approve("app", "https://x.test/callback", "123456", None, self.now)}


def grants_at(server: str, team: str = "123456") -> Grants:
    """The OAuth of a deployment whose app is at one of the servers."""
    grants = Grants.of(parse_settings(CONFIG.format(server=server, team=team), ENVIRON))
    assert grants is not None
    return grants


async def granted(vendor: Vendor, grants: Grants, by: str) -> TokenPair:
    """The first pair of a connection."""
    connection = grants.settings.connections["acme"]
    if by == "key":
        given = await lofty_by_key(grants, connection, vendor, vendor.now_ms)
    else:
        given = await accept_lofty(grants, connection, vendor.consent(), vendor, vendor.now_ms, None)
    return grants.open(given.message.token, given.message.sealed)


@pytest.mark.parametrize("rotates", [True, False])
@pytest.mark.parametrize("by", ["key", "consent"])
@pytest.mark.parametrize("server", ["help_centre", "developer"])
async def test_a_token_is_renewed_for_several_lives_by_the_server_that_gave_it(
    server: str, by: str, rotates: bool
) -> None:
    """With the default server, access by key was granted at one endpoint and renewed at the other, which refuses it."""
    vendor, grants = Vendor(rotates=rotates), grants_at(server)
    pair = await granted(vendor, grants, by)
    for _ in range(LIVES):
        assert await vendor.takes(pair)
        vendor.now += ACCESS_SECONDS + 1
        assert not await vendor.takes(pair)
        pair = await converse(grants.lofty(grants.settings.connections["acme"]).renew(pair, vendor.now_ms), vendor)
    assert await vendor.takes(pair)
    expected = DEVELOPER if server == "developer" or by == "key" else HELP_CENTRE
    assert vendor.asked == [expected.path] * (LIVES + 1)


@pytest.mark.parametrize(("before", "after"), [("help_centre", "developer"), ("developer", "help_centre")])
async def test_another_server_in_the_configuration_does_not_move_the_tokens_that_there_are(
    before: str, after: str
) -> None:
    """They are renewed where they were granted, until somebody connects again."""
    vendor = Vendor(rotates=True)
    pair = await granted(vendor, grants_at(before), "consent")
    later = grants_at(after)
    for _ in range(LIVES):
        pair = await converse(later.lofty(later.settings.connections["acme"]).renew(pair, vendor.now_ms), vendor)
    assert await vendor.takes(pair)
    assert len(set(vendor.asked)) == 1


async def test_a_pair_kept_before_pairs_named_their_server_is_renewed() -> None:
    """By the grant: without a refresh token it came by key, from the developer site."""
    for by in ("key", "consent"):
        vendor, grants = Vendor(rotates=True), grants_at("help_centre")
        pair = (await granted(vendor, grants, by)).model_copy(update={"server": None})
        renewed = await converse(grants.lofty(grants.settings.connections["acme"]).renew(pair, vendor.now_ms), vendor)
        assert await vendor.takes(renewed)


@pytest.mark.parametrize(("granting", "other"), [(HELP_CENTRE, DEVELOPER), (DEVELOPER, HELP_CENTRE)])
async def test_the_sandbox_refuses_a_renewal_at_the_other_server(granting: TokenServer, other: TokenServer) -> None:
    """The stand-in is strict: no document says that the two servers know each other's tokens."""
    vendor, grants = Vendor(rotates=True), grants_at("help_centre")
    code = vendor.consent()["code"]
    client = grants.lofty_client()
    pair = await converse(lofty_oauth.exchange_code(client, code, asked_at_ms=0, server=granting), vendor)
    with pytest.raises(GrantRefused, match="refresh token is invalid"):
        await converse(lofty_oauth.refresh(client, pair, asked_at_ms=0, server=other), vendor)


@pytest.mark.parametrize("by", ["key", "consent"])
async def test_access_to_another_team_is_refused_and_nothing_of_it_is_kept(by: str) -> None:
    """It was called "Connected, works", and one agency's leads went into another's GHL."""
    for team in ("123457", "654321", "1234567"):
        vendor, grants = Vendor(rotates=True), grants_at("help_centre", team)
        with pytest.raises(
            CallbackRefused, match=f"belongs to Lofty team 123456, and the connection is for team {team}"
        ):
            await granted(vendor, grants, by)


async def test_where_lofty_does_not_say_who_it_is_the_first_lead_does() -> None:
    """An app has the endpoints of its page in the portal, and the one that names its owner may not be among them."""
    vendor, grants = Vendor(rotates=True), grants_at("help_centre", "654321")
    vendor.sandbox.oauth.allow("app", ("list-leads",))
    assert await granted(vendor, grants, "consent")
    vendor.lead()
    with pytest.raises(CallbackRefused, match="belongs to Lofty team 123456"):
        await granted(vendor, grants, "consent")
