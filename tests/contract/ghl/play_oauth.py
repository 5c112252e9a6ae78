"""The conversation of our OAuth dialogues with the sandbox over a real socket: every operation, and the refusals."""

from __future__ import annotations

from typing import Any

from connectors.auth.oauth import OAuthClient, converse
from connectors.auth.token_pair import TokenPair
from connectors.errors import VendorError
from connectors.ghl.oauth import app_id_of, exchange_code, installed_locations, location_token, refresh
from connectors.http.transport import AiohttpTransport
from connectors.sandbox.ghl import GhlClientSettings, GhlSandbox, GhlSandboxSettings, LocationSettings, serve
from connectors.sandbox.shared.faults import SandboxFault
from tests.contract.ghl.play import Exchange, Recorder

CLIENT = OAuthClient("app1-xyz", "client-s3cret", "https://x.test/callback")
SCOPES = ("contacts.readonly", "oauth.readonly", "oauth.write")


async def play_oauth() -> tuple[Exchange, ...]:
    """Play it, and return all that was said."""
    settings = GhlSandboxSettings(
        locations=(LocationSettings("loc1", ("pit-one",)),), clients=(GhlClientSettings(CLIENT.id, CLIENT.secret),)
    )
    sandbox = GhlSandbox(settings)
    async with await serve(sandbox) as served, AiohttpTransport() as transport:
        recorder, to = Recorder(transport), {"asked_at_ms": 0, "base_url": served.url}

        def code(choice: str) -> str:
            return sandbox.oauth.approve(CLIENT.id, CLIENT.redirect_uri, SCOPES, choice, sandbox.now())

        async def say(dialogue: Any) -> Any:
            return await converse(dialogue, recorder)

        async def refused(dialogue: Any) -> None:
            try:
                await say(dialogue)
            except VendorError:
                return
            raise AssertionError("the sandbox did not refuse")

        location: TokenPair = await say(exchange_code(CLIENT, code("loc1"), **to))
        location = await say(refresh(CLIENT, location, **to))
        agency: TokenPair = await say(exchange_code(CLIENT, code("sandbox-company"), user_type="Company", **to))
        agency = await say(refresh(CLIENT, agency, **to))
        await say(location_token(agency, "loc1", **to))
        await say(installed_locations(agency, app_id_of(CLIENT.id), base_url=served.url))

        await refused(exchange_code(CLIENT, "bogus", **to))
        await refused(exchange_code(OAuthClient(CLIENT.id, "wrong"), code("loc1"), **to))
        await refused(exchange_code(OAuthClient("", ""), "bogus", **to))
        await refused(refresh(CLIENT, location.model_copy(update={"refresh": "bogus"}), **to))
        await refused(location_token(location, "loc1", **to))
        await refused(location_token(agency, "elsewhere", **to))
        await refused(location_token(agency.model_copy(update={"company_id": None}), "loc1", **to))
        await refused(installed_locations(location, "app1", base_url=served.url))
        await refused(installed_locations(agency, "app2", base_url=served.url))
        await refused(installed_locations(agency, "", base_url=served.url))
        sandbox.oauth.suspend("loc1", is_active=False)
        await refused(refresh(CLIENT, location, **to))
        await refused(location_token(agency, "loc1", **to))
        sandbox.faults.add(SandboxFault("status", times=1, status=503))
        await refused(refresh(CLIENT, location, **to))
    return tuple(recorder.exchanges)
