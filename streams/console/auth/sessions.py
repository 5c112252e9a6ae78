"""Sessions without memory: what a signed cookie says is the session, so any gateway takes what another gave. Pure.

`PURPOSE.PAYLOAD.SIGNATURE`: the payload is JSON in Base64, the signature an HMAC-SHA256 over purpose and payload.
The first key signs and all are believed, so a key is changed without signing anybody out.
It is bound to the person's entry in the configuration: a changed password, a changed role or a removed name end it.
A sign-out ends it too, with every copy of the cookie: `ended` has the memory of that, shared by all gateways.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

Via = Literal["password", "oidc", "token"]


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who has signed in. Times are epoch milliseconds.

    `id` tells one sign-in from another. `stamp` is a short hash of the password's hash that was good then; empty for `oidc`.
    """

    id: str
    name: str
    role: str
    via: Via
    began_ms: int
    ends_ms: int
    stamp: str = ""


class Seal:
    """Signs small values for cookies and links, and reads them back."""

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise ValueError("a seal needs a key")
        self._keys = [key.encode() for key in keys]

    def sign(self, purpose: str, value: Mapping[str, Any]) -> str:
        """A text that only we can make; everybody can read it."""
        payload = _encode(orjson.dumps(value))
        return f"{purpose}.{payload}.{_encode(self._mac(self._keys[0], purpose, payload))}"

    def open(self, purpose: str, text: str) -> dict[str, Any] | None:
        """What was signed for this purpose; None when it was not."""
        parts = text.split(".")
        if len(parts) != 3 or parts[0] != purpose:
            return None
        _, payload, signature = parts
        try:
            given = _decode(signature)
        except (binascii.Error, ValueError):
            return None
        if not any(hmac.compare_digest(given, self._mac(key, purpose, payload)) for key in self._keys):
            return None
        value = orjson.loads(_decode(payload))
        return value if isinstance(value, dict) else None

    def token(self, purpose: str, about: str) -> str:
        """A token bound to something, such as a session's id."""
        return _encode(self._mac(self._keys[0], purpose, about))

    def takes(self, purpose: str, about: str, token: str) -> bool:
        """Whether a token is bound to it."""
        if not token.isascii():
            return False
        wanted = [_encode(self._mac(key, purpose, about)).encode() for key in self._keys]
        return any(hmac.compare_digest(one, token.encode()) for one in wanted)

    def _mac(self, key: bytes, purpose: str, text: str) -> bytes:
        return hmac.new(key, f"{purpose}.{text}".encode(), hashlib.sha256).digest()


def write_session(seal: Seal, session: Session) -> str:
    """The cookie of a session."""
    return seal.sign(
        "session",
        {
            "id": session.id,
            "name": session.name,
            "role": session.role,
            "via": session.via,
            "began": session.began_ms,
            "ends": session.ends_ms,
            "stamp": session.stamp,
        },
    )


def read_session(seal: Seal, cookie: str, now_ms: int) -> Session | None:
    """The session of a cookie; None when it is none of ours or has ended."""
    value = seal.open("session", cookie)
    if value is None:
        return None
    try:
        session = Session(
            value["id"], value["name"], value["role"], value["via"], value["began"], value["ends"], value["stamp"]
        )
    except KeyError:
        return None
    return session if session.began_ms - 60_000 <= now_ms < session.ends_ms else None


def stamp_of(password_hash: str) -> str:
    """What a session remembers of the password's hash, so that a new password ends it."""
    return hashlib.sha256(password_hash.encode()).hexdigest()[:16]


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
