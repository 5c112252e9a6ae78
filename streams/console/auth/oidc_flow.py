"""Sign-in at a provider of OpenID Connect: the code flow with PKCE, the id token checked by the provider's own keys.

What must survive until the provider sends the browser back (state, nonce, verifier) is in a signed cookie, so that any gateway
can take the answer. The access token is not kept: only who somebody is, and their role.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import jwt
import orjson

from streams.console.auth.sessions import Seal
from streams.console.errors import SignInRefused, Unavailable
from streams.settings.console import Oidc

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""Signatures by a key pair only: `none` and HMAC with a guessable key are how id tokens are forged."""
FLOW_SECONDS = 600
KEYS_SECONDS = 3600.0
REFETCH_SECONDS = 30.0
LEEWAY_SECONDS = 60
TIMEOUT = aiohttp.ClientTimeout(total=10)
MOST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Claimed:
    """Who the provider says somebody is, and what that is here."""

    name: str
    role: str
    connections: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Started:
    """Where the browser goes, and what it must bring back in a cookie."""

    url: str
    cookie: str


class OidcFlow:
    """The flow with one provider."""

    def __init__(self, oidc: Oidc, client_secret: str | None, seal: Seal, now_ms: Callable[[], int]) -> None:
        self._oidc = oidc
        self._secret = client_secret
        self._seal = seal
        self._now_ms = now_ms
        self._found: dict[str, Any] = {}
        self._keys: jwt.PyJWKSet | None = None
        self._looked = -KEYS_SECONDS
        self._looking = asyncio.Lock()

    async def start(self, redirect_uri: str, go_on: str) -> Started:
        """The link to the provider. Raises `Unavailable` when it cannot be reached."""
        found, _ = await self._provider()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        query = {
            "response_type": "code",
            "client_id": self._oidc.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(self._oidc.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        until = self._now_ms() + FLOW_SECONDS * 1000
        kept = {"state": state, "nonce": nonce, "verifier": verifier, "go_on": go_on, "until": until}
        endpoint = str(found["authorization_endpoint"])
        return Started(f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}", self._seal.sign("oidc", kept))

    async def finish(self, redirect_uri: str, query: Mapping[str, str], cookie: str) -> tuple[Claimed, str]:
        """Who has signed in, and where they wanted to go. Raises `SignInRefused` or `Unavailable`."""
        kept = self._seal.open("oidc", cookie)
        if kept is None or kept["until"] < self._now_ms():
            raise SignInRefused("This sign-in was not begun in this browser, or too long ago: start again.")
        if not hmac.compare_digest(str(kept["state"]).encode(), query.get("state", "").encode()):
            raise SignInRefused("The answer belongs to another sign-in: start again.")
        if "error" in query:
            why = query.get("error_description") or query["error"]
            raise SignInRefused(f"The provider says: {why[:200]}")
        id_token = await self._exchange(redirect_uri, query.get("code", ""), str(kept["verifier"]))
        return self._claimed(await self._verified(id_token, str(kept["nonce"]))), str(kept["go_on"])

    async def _exchange(self, redirect_uri: str, code: str, verifier: str) -> str:
        found, _ = await self._provider()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "client_id": self._oidc.client_id,
            "code_verifier": verifier,
        }
        headers: dict[str, str] = {}
        if self._secret is not None:
            methods = found.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
            if not isinstance(methods, list) or "client_secret_basic" in methods:
                pair = f"{quote(self._oidc.client_id, safe='')}:{quote(self._secret, safe='')}"  # RFC 6749, 2.3.1
                headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
            else:
                form["client_secret"] = self._secret
        status, value = await _ask("POST", str(found["token_endpoint"]), data=form, headers=headers)
        if status != 200 or not isinstance(value.get("id_token"), str):
            raise SignInRefused(f"The provider did not take the code: {str(value.get('error', status))[:100]}.")
        return str(value["id_token"])

    async def _verified(self, id_token: str, nonce: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(id_token)
            key = await self._key(header.get("kid"))
            claims: dict[str, Any] = jwt.decode(
                id_token,
                key,
                algorithms=list(ALGORITHMS),
                audience=self._oidc.client_id,
                issuer=str(self._found["issuer"]),
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        except (jwt.PyJWTError, TypeError, ValueError, AttributeError) as error:
            raise SignInRefused(f"The provider's id token is not good: {error}.") from None
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise SignInRefused("The provider's id token belongs to another sign-in.")
        if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != self._oidc.client_id:
            raise SignInRefused("The provider's id token is for another client.")
        return claims

    def _claimed(self, claims: Mapping[str, Any]) -> Claimed:
        oidc = self._oidc
        name = claims.get(oidc.name_claim)
        if not isinstance(name, str) or not name.strip():
            raise SignInRefused(f"The provider does not say who you are: its id token has no {oidc.name_claim!r}.")
        if oidc.name_claim == "email" and claims.get("email_verified") is False:
            raise SignInRefused("The provider has not verified your e-mail address.")
        values = _texts(claims.get(oidc.role_claim))
        for role, wanted in (("admin", oidc.admins), ("operator", oidc.operators), ("viewer", oidc.viewers)):
            if "*" in wanted or values & set(wanted):
                return Claimed(name.strip()[:100], role, self._connections(name, role, claims))
        raise SignInRefused(f"{name[:100]} is known to the provider, and has no role here.")

    def _connections(self, name: str, role: str, claims: Mapping[str, Any]) -> list[str] | None:
        """The connections that somebody's groups give; None where the configuration does not limit anybody."""
        oidc = self._oidc
        if not oidc.connections or role == "admin":
            return None
        values = {*_texts(claims.get(oidc.connections_claim or oidc.role_claim)), "*"}
        found = sorted({one for group, given in oidc.connections.items() if group in values for one in given})
        if not found:
            raise SignInRefused(f"{name[:100]} is known to the provider, and no connection is given to their groups.")
        return found

    async def _key(self, kid: str | None) -> jwt.PyJWK:
        for is_fresh in (False, True):
            _, keys = await self._provider(is_fresh=is_fresh)
            usable = [one for one in keys.keys if kid is None or one.key_id == kid]
            if usable:
                return usable[0]
        raise jwt.InvalidKeyError("it is signed by a key that the provider does not publish")

    async def _provider(self, *, is_fresh: bool = False) -> tuple[dict[str, Any], jwt.PyJWKSet]:
        """What the provider publishes of itself. A key that is not known makes us look again, not more than twice a minute."""
        async with self._looking:
            age = time.monotonic() - self._looked
            if self._keys is not None and age < (REFETCH_SECONDS if is_fresh else KEYS_SECONDS):
                return self._found, self._keys
            status, found = await _ask("GET", f"{self._oidc.issuer}/.well-known/openid-configuration")
            if status != 200 or str(found.get("issuer", "")).rstrip("/") != self._oidc.issuer:
                raise Unavailable(f"{self._oidc.issuer} does not describe itself as a provider of OpenID Connect.")
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                if not isinstance(found.get(name), str):
                    raise Unavailable(f"{self._oidc.issuer} does not say its {name}.")
            status, keys = await _ask("GET", str(found["jwks_uri"]))
            try:
                self._keys = jwt.PyJWKSet.from_dict(keys)
            except (jwt.PyJWTError, TypeError, ValueError, AttributeError, KeyError) as error:
                raise Unavailable(f"The provider publishes no usable keys: {error}.") from None
            self._found, self._looked = found, time.monotonic()
            return self._found, self._keys


def _texts(held: Any) -> set[str]:
    """The values of a claim that is a text or a list."""
    return {held} if isinstance(held, str) else {str(one) for one in held} if isinstance(held, list) else set()


async def _ask(method: str, url: str, **options: Any) -> tuple[int, dict[str, Any]]:
    try:
        async with (
            aiohttp.ClientSession(timeout=TIMEOUT) as session,
            session.request(method, url, allow_redirects=False, **options) as answer,
        ):
            body = bytearray()
            async for piece in answer.content.iter_any():
                body += piece
                if len(body) > MOST_BYTES:
                    raise ValueError(f"more than {MOST_BYTES} bytes")
            value = orjson.loads(body)
            return answer.status, value if isinstance(value, dict) else {}
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise Unavailable(
            f"The provider of the sign-in cannot be reached or understood ({type(error).__name__})."
        ) from error
