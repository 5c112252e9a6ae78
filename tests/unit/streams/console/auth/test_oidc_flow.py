"""Sign-in at a provider of OpenID Connect: a small real one, with keys, a page of consent and PKCE."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from streams.console.auth.sessions import Session
from streams.telemetry.endpoints import listen
from tests.unit.streams.console.stage import ConsoleStage, console_stage, settings_of

CLIENT, SECRET = "lofty-ghl", "secret-of-the-oidc-client"


@dataclass(slots=True)
class Provider:
    """A provider. What it claims, and with which key it signs, can be turned."""

    url: str = ""
    keys: dict[str, rsa.RSAPrivateKey] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    published: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    sign_with: str = "k1"
    forge: str = ""
    asked_for_keys: int = 0

    async def describe(self, _: web.Request) -> web.Response:
        """The discovery document."""
        endpoints = {"authorization_endpoint": "/auth", "token_endpoint": "/token", "jwks_uri": "/keys"}
        found = {name: self.url + path for name, path in endpoints.items()}
        return web.json_response({"issuer": self.url, **found})

    async def in_pieces(self, request: web.Request) -> web.StreamResponse:
        """The discovery document, a piece at a time, as a network may bring it."""
        whole = (await self.describe(request)).body
        assert isinstance(whole, bytes)
        answer = web.StreamResponse(headers={"Content-Type": "application/json"})
        await answer.prepare(request)
        for at in range(0, len(whole), 20):
            await answer.write(whole[at : at + 20])
            await asyncio.sleep(0)
        await answer.write_eof()
        return answer

    async def jwks(self, _: web.Request) -> web.Response:
        """The public keys."""
        self.asked_for_keys += 1
        found = [
            {
                **RSAAlgorithm.to_jwk(self.keys[name].public_key(), as_dict=True),
                "kid": name,
                "alg": "RS256",
                "use": "sig",
            }
            for name in self.published
        ]
        return web.json_response({"keys": found})

    async def authorize(self, request: web.Request) -> web.Response:
        """The person says yes at once."""
        query = dict(request.query)
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        back = urlencode({"code": code, "state": query["state"]})
        raise web.HTTPFound(f"{query['redirect_uri']}?{back}")

    async def token(self, request: web.Request) -> web.Response:
        """The code for an id token, once, for the client that can prove itself and the start."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        basic = request.headers.get("Authorization", "Basic ").removeprefix("Basic ")
        client = base64.b64decode(basic).decode()
        asked = self.codes.pop(form["code"], None)
        challenge = (
            base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
        )
        if asked is None or client != f"{CLIENT}:{SECRET}" or asked["code_challenge"] != challenge:
            return web.json_response({"error": "invalid_grant"}, status=400)
        assert asked["redirect_uri"] == form["redirect_uri"]
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": "s1",
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.forge == "none":
            id_token = jwt.encode(claims, None, algorithm="none")
        elif self.forge == "hmac":
            id_token = jwt.encode(claims, "x" * 32, algorithm="HS256", headers={"kid": "k1"})
        else:
            id_token = jwt.encode(
                claims, self.keys[self.sign_with], algorithm="RS256", headers={"kid": self.forge or self.sign_with}
            )
        return web.json_response({"access_token": "a", "token_type": "Bearer", "id_token": id_token})


@cache
def key(name: str) -> rsa.RSAPrivateKey:
    """A key by its name. Making one takes longer than a test."""
    return rsa.generate_private_key(65537, 2048)


@asynccontextmanager
async def provided(more: str = "") -> AsyncIterator[tuple[ConsoleStage, Provider]]:
    """A provider, and a console that sends people there."""
    provider = Provider()
    for name in ("k1", "k2"):
        provider.keys[name] = key(name)
    provider.published = ["k1"]
    provider.claims = {"email": "ann@example.com", "email_verified": True, "groups": ["crm-operators"]}
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", provider.in_pieces)
    app.router.add_get("/keys", provider.jwks)
    app.router.add_get("/auth", provider.authorize)
    app.router.add_post("/token", provider.token)
    runner, provider.url = await listen(app, "127.0.0.1", 0)
    oidc = f"""
[console.oidc]
issuer = "{provider.url}"
client_id = "{CLIENT}"
name = "Example"
operators = ["crm-operators"]
viewers = ["crm-viewers"]
{more}"""
    settings = settings_of(oidc, {"LOFTY_GHL_CONSOLE_OIDC_CLIENT_SECRET": SECRET})
    try:
        async with console_stage(settings) as on:
            yield on, provider
    finally:
        await runner.cleanup()


async def sign_in(on: ConsoleStage, *, change: Mapping[str, str] | None = None) -> tuple[int, dict[str, Any], str]:
    """A browser goes to the provider and back; returns the last status, who it is then, and where it was sent."""
    browser = on.browser()
    status, _, headers = await browser.ask("GET", "/console/oidc/start?go_on=/console/parked")
    assert status == 303
    async with browser.http.get(headers["Location"], allow_redirects=False) as answer:
        back = urlsplit(answer.headers["Location"])
    query = {**dict(parse_qsl(back.query)), **(change or {})}
    status, _, headers = await browser.ask("GET", f"{back.path}?{urlencode(query)}")
    _, me, _ = await browser.ask("GET", "/api/v1/session")
    return status, me, headers.get("Location", "")


async def test_somebody_signs_in_at_the_provider() -> None:
    """In the role that the configuration gives to their group, and goes on where they wanted to."""
    async with provided() as (on, _):
        status, me, location = await sign_in(on)
        assert (status, location) == (303, "/console/parked")
        assert (me["name"], me["role"], me["via"]) == ("ann@example.com", "operator", "oidc")
        assert [(one.who, one.via, one.outcome) for one in on.acts()] == [("ann@example.com", "oidc", "done")]


GROUPS = """admins = ["crm-admins"]
[console.oidc.connections]
crm-north = ["acme", "beta"]
crm-south = ["gamma"]
crm-all = ["*"]
"""


@pytest.mark.parametrize(
    ("groups", "role", "connections"),
    [
        (["crm-viewers", "crm-north"], "viewer", ["acme", "beta"]),
        (["crm-operators", "crm-north", "crm-south"], "operator", ["acme", "beta", "gamma"]),
        (["crm-viewers", "crm-all"], "viewer", None),
        (["crm-viewers", "crm-north", "crm-all"], "viewer", None),
        (["crm-admins"], "admin", None),
        (["crm-viewers"], None, None),
    ],
)
async def test_groups_of_the_provider_give_connections(
    groups: list[str], role: str | None, connections: list[str] | None
) -> None:
    """Together, where somebody is in several; whoever is in none has no access, but for admins."""
    async with provided(GROUPS) as (on, provider):
        provider.claims |= {"groups": groups}
        status, me, _ = await sign_in(on)
        assert (status, me["role"], me["connections"]) == (303 if role else 401, role, connections)


async def test_a_session_from_before_groups_gave_connections_has_ended() -> None:
    """It says nothing of connections, and must not mean all of them."""
    async with provided(GROUPS) as (on, _):
        now_ms = on.clock_ms[0]
        session = Session("id", "ann@example.com", "operator", "oidc", now_ms, now_ms + 60_000)
        assert on.console.guard.accounts.of_session(session) is None
        assert on.console.guard.accounts.of_session(replace(session, connections=["acme"])) is not None
        assert on.console.guard.accounts.of_session(replace(session, role="admin")) is not None


@pytest.mark.parametrize(
    ("claims", "role"),
    [
        ({"groups": "crm-viewers"}, "viewer"),
        ({"groups": ["crm-viewers", "crm-operators"]}, "operator"),
        ({"groups": ["others"]}, None),
        ({"groups": None}, None),
        ({"groups": {"crm-operators": True}}, None),
        ({"email": None}, None),
        ({"email_verified": False}, None),
        ({"aud": "another-client"}, None),
        ({"aud": [CLIENT, "another"], "azp": "another"}, None),
        ({"iss": "https://evil.example"}, None),
        ({"exp": 1}, None),
        ({"nonce": "another"}, None),
        ({"nonce": None}, None),
    ],
)
async def test_what_the_provider_says_is_checked(claims: dict[str, Any], role: str | None) -> None:
    """Whom it is for, from whom, for how long, for which sign-in; and who is in no group has no access."""
    async with provided() as (on, provider):
        provider.claims |= claims
        status, me, _ = await sign_in(on)
        assert me["role"] == role
        assert status == (303 if role else 401)


@pytest.mark.parametrize("forge", ["none", "hmac", "unknown-key", "wrong-key"])
async def test_forged_id_tokens_are_refused(forge: str) -> None:
    """Without a signature, signed with a guess, or by a key that the provider does not publish."""
    async with provided() as (on, provider):
        if forge == "wrong-key":
            provider.sign_with, provider.forge = "k2", "k1"
        else:
            provider.forge = forge
        status, me, _ = await sign_in(on)
        assert (status, me["role"]) == (401, None)


async def test_a_provider_may_change_its_keys() -> None:
    """They are looked at again, and not for each forged token."""
    async with provided() as (on, provider):
        assert (await sign_in(on))[0] == 303
        provider.sign_with, provider.published = "k2", ["k2"]
        flow = on.console.oidc
        assert flow is not None
        flow._looked -= 31.0
        assert (await sign_in(on))[0] == 303
        asked = provider.asked_for_keys
        provider.forge = "unknown"
        for _ in range(5):
            assert (await sign_in(on))[0] == 401
        assert provider.asked_for_keys == asked


@pytest.mark.parametrize("change", [{"state": "made-up"}, {"code": "made-up"}, {"error": "access_denied"}])
async def test_an_answer_that_is_not_ours_is_refused(change: dict[str, str]) -> None:
    async with provided() as (on, _):
        status, me, _ = await sign_in(on, change=change)
        assert (status, me["role"]) == (401, None)


async def test_an_answer_without_its_beginning_is_refused() -> None:
    """Somebody's code in somebody else's browser: nobody is signed in as another."""
    async with provided() as (on, _):
        first, victim = on.browser(), on.browser()
        _, _, headers = await first.ask("GET", "/console/oidc/start")
        async with first.http.get(headers["Location"], allow_redirects=False) as answer:
            back = urlsplit(answer.headers["Location"])
        assert parse_qs(back.query)["code"]
        status, _, _ = await victim.ask("GET", f"{back.path}?{back.query}")
        assert status == 401
        assert (await victim.ask("GET", "/api/v1/session"))[1]["role"] is None


async def test_a_provider_that_is_away_is_told_in_words() -> None:
    async with provided() as (on, provider):
        provider.url = "http://elsewhere.example"
        status, text, _ = await on.browser().ask("GET", "/console/oidc/start")
        assert status == 503
        assert "does not describe itself" in text
