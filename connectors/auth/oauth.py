"""OAuth 2.0, what both vendors' servers share. Their own words are in `connectors/ghl/oauth.py`, `connectors/lofty/oauth.py`.

A dialogue is a generator that yields requests and receives responses, and returns what they amount to: no I/O.
`converse` carries one over a transport.
No error holds a credential: what we sent is struck out of the vendor's words.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, TypeVar

from connectors.auth.token_pair import TokenPair
from connectors.errors import CallbackRefused, GrantRefused, VendorError
from connectors.http.json_reader import UnreadableJson, read
from connectors.http.request import Request, Response, Transport

Result = TypeVar("Result")
Dialogue = Generator[Request, Response, Result]
"""Yields requests, is sent their responses, returns the result or raises a `ConnectorError`."""

FORM = "application/x-www-form-urlencoded"
DEFAULT_LIFE_SECONDS = 3600
"""How long an access token is taken to live when the server does not say."""

_ASK_LATER = (408, 425, 429)
_FINAL = (400, 401)
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_SHORTEST_SECRET = 6


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """An app as the vendor's portal knows it. `secret` is empty for a public one (PKCE)."""

    id: str
    secret: str = field(default="", repr=False)
    redirect_uri: str = ""


async def converse(dialogue: Dialogue[Result], transport: Transport) -> Result:
    """Carry a dialogue over a transport and return its result."""
    outgoing = next(dialogue)
    while True:
        response = await transport(outgoing)
        try:
            outgoing = dialogue.send(response)
        except StopIteration as end:
            result: Result = end.value
            return result


def missing_scopes(granted: Iterable[str], wanted: Iterable[str]) -> tuple[str, ...]:
    """Those of `wanted` that were not granted, in their order, each once."""
    there = set(granted)
    return tuple(one for one in dict.fromkeys(wanted) if one not in there)


def pkce_challenge(verifier: str) -> str:
    """The `code_challenge` (S256) of a verifier: 43 to 128 random letters, digits and `-._~` (RFC 7636)."""
    if not _VERIFIER.fullmatch(verifier):
        raise ValueError(f"expected 43 to 128 letters, digits and -._~, got {len(verifier)} characters")
    return urlsafe_b64encode(sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode("ascii")


def read_callback(vendor: str, query: Mapping[str, str], *, state: str | None) -> str:
    """The authorization code that came to the redirect URI. `state` is what we sent, None where the vendor takes none.

    Raises `CallbackRefused`: access was denied, the state is another one, or there is no code.
    """
    if state is not None and not hmac.compare_digest(query.get("state", "").encode(), state.encode()):
        raise CallbackRefused(vendor, "the answer is to another request (its state differs); start again")
    if error := query.get("error"):
        words = re.sub(r"[^\x20-\x7e]", "?", query.get("error_description") or error)[:200]
        raise CallbackRefused(vendor, f"it says {words!r}")
    if not (code := query.get("code")):
        raise CallbackRefused(vendor, "the answer holds no code; start again")
    return code


def read_tokens(content: Any, *, asked_at_ms: int, before: TokenPair | None = None) -> TokenPair | None:
    """The tokens in a server's JSON, None when there are none that could be sent.

    The access token lives from the time at which it was asked for.
    What a refresh does not repeat is as it was `before`: the refresh token where it does not rotate, whose it is.
    """
    access = _text(content, "access_token") if isinstance(content, dict) else None
    if access is None:
        return None
    scope, approved = content.get("scope"), content.get("approvedLocations")
    said = {
        "refresh": _text(content, "refresh_token"),
        "scopes": tuple(scope.split()) if isinstance(scope, str) else None,
        "user_type": _text(content, "userType"),
        "location_id": _text(content, "locationId"),
        "company_id": _text(content, "companyId"),
        "user_id": _text(content, "userId"),
        "approved_locations": tuple(map(str, approved)) if isinstance(approved, list) else None,
    }
    facts = (before.model_dump() if before else {}) | {name: value for name, value in said.items() if value is not None}
    life_ms = int(_seconds(content.get("expires_in")) * 1000)
    times = {"obtained_at_ms": asked_at_ms, "expires_at_ms": asked_at_ms + life_ms}
    return TokenPair(**facts | times | {"access": access})


def refused(error: VendorError, response: Response) -> VendorError:
    """A refusal of a token request: `GrantRefused`, or as it is when asking later may help.

    The server's judgement is JSON; a page is a firewall's.
    """
    if error.status in _ASK_LATER or error.status >= 500:
        return error
    return GrantRefused(
        is_final=error.status in _FINAL and _is_object(response.body),
        vendor=error.vendor,
        operation=error.operation,
        status=error.status,
        messages=error.messages,
        code=error.code,
        trace_id=error.trace_id,
        rate=error.rate,
    )


def nothing_to_refresh(vendor: str, operation: str) -> GrantRefused:
    """There is no refresh token."""
    words = ("the access token has expired, and no refresh token was granted with it",)
    return GrantRefused(is_final=True, vendor=vendor, operation=operation, status=0, messages=words)


def without(response: Response, *hidden: str | None) -> Response:
    """A response whose body does not repeat these secrets, which were sent. Vendors' words end in errors and logs."""
    body = response.body
    for secret in hidden:
        if secret and len(secret) >= _SHORTEST_SECRET:
            body = body.replace(secret.encode(), b"***")
    return replace(response, body=body)


def _is_object(body: bytes) -> bool:
    try:
        return isinstance(read(body).value, dict)
    except UnreadableJson:
        return False


def _text(content: Mapping[str, Any], name: str) -> str | None:
    """A text that a header can hold, None for anything else."""
    found = content.get(name)
    if not isinstance(found, str) or not found or not found.isascii() or not found.isprintable() or " " in found:
        return None
    return found


def _seconds(value: Any) -> float:
    """A life in seconds, as a number or as text."""
    if isinstance(value, str) and re.fullmatch(r"\d{1,10}(\.\d+)?", value):
        return float(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e10:
        return float(value)
    return float(DEFAULT_LIFE_SECONDS)
