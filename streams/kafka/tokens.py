"""Tokens for Kafka's OAUTHBEARER: from a token endpoint (client credentials) or from a file that something else writes.

All clients of a process share one token. A new one is fetched before the old one ends, by the next connection that is opened;
what opens one in time is `streams/kafka/connection.py`.
"""

from __future__ import annotations

import asyncio
import base64
import datetime
import re
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from weakref import WeakKeyDictionary

import aiohttp
import orjson
from aiokafka.abc import AbstractTokenProvider

from streams.kafka.refusals import KafkaMisconfigured, NoToken
from streams.kafka.tls import context_trusting
from streams.settings import Kafka
from streams.settings.model import KafkaSecrets

FETCH_SECONDS = 5.0
"""How long the endpoint may take."""

PART_USED = 0.8
"""Of a token's life; then the next connection fetches a new one. While none can be had, the old one serves to its end."""

AGAIN_SECONDS = 1.0
"""After a failure, how long all clients get the same error without another request."""

UNKNOWN_LIFE_SECONDS = 60.0
"""How long a token is kept that says nothing of its end."""

_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")


@dataclass(frozen=True, slots=True)
class Token:
    """A token, and when it is renewed and ends (by `time.time`)."""

    text: str
    renewed_at: float
    ends_at: float


class TokenSource(AbstractTokenProvider):  # type: ignore[misc]  # aiokafka has no types
    """Gives aiokafka's connections their tokens; one for all clients of the process."""

    def __init__(self, kafka: Kafka, client_secret: str, *, now: Callable[[], float] = time.time) -> None:
        """Raises `KafkaMisconfigured` for a file of authorities that cannot be used."""
        self._kafka, self._secret, self._now = kafka, client_secret, now
        if kafka.oauth_endpoint is not None:
            _endpoint_context(kafka)
        self._token: Token | None = None
        self._failure: tuple[float, NoToken] | None = None
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()

    def extensions(self) -> dict[str, str]:
        """What is sent beside the token."""
        return dict(self._kafka.oauth_extensions)

    @property
    def claims(self) -> dict[str, Any]:
        """What the newest token says of itself, where it is a JWT; nobody has checked it."""
        return claims_of(self._token.text) if self._token is not None else {}

    async def token(self) -> str:
        """A token that has not ended. Raises `NoToken`."""
        if self._kafka.oauth_file is not None:
            self._token = self._of_file(self._kafka.oauth_file)
            return self._token.text
        async with self._locks.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
            held = self._token
            if held is not None and self._now() < held.renewed_at:
                return held.text
            try:
                self._token = held = await self._fetched()
            except NoToken:
                if held is None or self._now() >= held.ends_at:
                    raise
            return held.text

    def _of_file(self, file: str) -> Token:
        where = f"kafka.oauth_file {file!r}"
        try:
            text = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            raise NoToken(f"{where} cannot be read ({why}). What writes the token there must run first") from None
        if not _TOKEN.fullmatch(text):
            raise NoToken(f"{where} holds no token. Expected: one token, and nothing else")
        found = self._dated(text, None)
        if found.ends_at <= self._now():
            ended = datetime.datetime.fromtimestamp(found.ends_at, datetime.UTC)
            raise NoToken(
                f"the token in {where} expired at {ended:%Y-%m-%d %H:%M:%S} UTC. Does what renews it still run?"
            )
        return found

    async def _fetched(self) -> Token:
        if self._failure is not None and self._now() - self._failure[0] < AGAIN_SECONDS:
            raise NoToken(str(self._failure[1]))
        try:
            return await self._fetch()
        except NoToken as error:
            self._failure = (self._now(), error)
            raise

    async def _fetch(self) -> Token:
        kafka = self._kafka
        where = f"the token endpoint (kafka.oauth_endpoint {kafka.oauth_endpoint})"
        form = {"grant_type": "client_credentials", **({"scope": kafka.oauth_scope} if kafka.oauth_scope else {})}
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(FETCH_SECONDS), trust_env=True) as http,
                http.post(
                    str(kafka.oauth_endpoint),
                    data=form,
                    headers={"Authorization": aiohttp.encode_basic_auth(str(kafka.oauth_client_id), self._secret)},
                    ssl=_endpoint_context(kafka),
                    allow_redirects=False,
                ) as answer,
            ):
                status, body = answer.status, await answer.content.read(100_000)
        except KafkaMisconfigured as error:
            raise NoToken(str(error)) from None
        except aiohttp.ClientConnectorCertificateError as error:
            raise NoToken(
                f"the certificate of {where} is not trusted ({_verdict(error)}). kafka.oauth_cafile must hold the authority that signed it"
            ) from None
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            said = "no answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
            raise NoToken(f"{where} cannot be reached ({said}). Does it run, and is the address right?") from None
        found = _json(body)
        if status != 200:
            raise NoToken(self._refusal(where, status, found))
        text = found.get("access_token")
        if not isinstance(text, str) or not _TOKEN.fullmatch(text):
            raise NoToken(f"{where} answered without a token (access_token). Is the address that of a token endpoint?")
        return self._dated(text, found.get("expires_in"))

    def _refusal(self, where: str, status: int, found: dict[str, Any]) -> str:
        said = [str(found[key])[:200] for key in ("error", "error_description") if isinstance(found.get(key), str)]
        words = ": ".join([f"HTTP {status}", *said])
        if found.get("error") == "invalid_scope":
            fix = "Check kafka.oauth_scope"
        elif status in (400, 401, 403):
            fix = "Check kafka.oauth_client_id and LOFTY_GHL_KAFKA_CLIENT_SECRET"
        else:
            fix = "Is the address right, and is the server well?"
        return f"{where} gave the client {self._kafka.oauth_client_id!r} no token ({words}). {fix}"

    def _dated(self, text: str, seconds: object) -> Token:
        now = self._now()
        if not isinstance(seconds, (int, float)) or isinstance(seconds, bool):
            end = claims_of(text).get("exp")
            seconds = end - now if isinstance(end, (int, float)) else UNKNOWN_LIFE_SECONDS
        return Token(text, now + seconds * PART_USED, now + seconds)


_sources: dict[tuple[object, ...], TokenSource] = {}


def _place(kafka: Kafka) -> tuple[object, ...]:
    extensions = tuple(sorted(kafka.oauth_extensions.items()))
    return (
        kafka.oauth_endpoint,
        kafka.oauth_client_id,
        kafka.oauth_scope,
        kafka.oauth_cafile,
        kafka.oauth_file,
        extensions,
    )


def token_source(kafka: Kafka, secrets: KafkaSecrets) -> TokenSource:
    """The source for these settings, the same for all clients of the process. Raises `KafkaMisconfigured`."""
    secret = secrets.client_secret.get_secret_value() if secrets.client_secret else ""
    place = (*_place(kafka), secret)
    if place not in _sources:
        _sources[place] = TokenSource(kafka, secret)
    return _sources[place]


def claims_shown(kafka: Kafka) -> dict[str, Any]:
    """What the newest token under these settings says of itself."""
    place = _place(kafka)
    return next((one.claims for key, one in _sources.items() if key[:-1] == place and one.claims), {})


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a JWT, unchecked; none for another text."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        return _json(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _endpoint_context(kafka: Kafka) -> ssl.SSLContext:
    return context_trusting("oauth_cafile", kafka.oauth_cafile, "the token endpoint's certificate")


def _verdict(error: aiohttp.ClientConnectorCertificateError) -> str:
    inner = error.certificate_error
    return str(getattr(inner, "verify_message", "") or inner)
