"""Sessions without memory: a signed cookie is the session, so any gateway accepts what another issued. Pure.

`itsdangerous` signs with HMAC-SHA256. The first key signs and all keys are accepted, so a key can be changed without signing
anybody out. The purpose is the salt: what was signed for one purpose is not accepted for another.
A session is bound to the person's entry in the configuration: a changed password, a changed role or a removed name end it.
A sign-out ends it too, with every copy of the cookie: see `ended_sessions`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from itsdangerous import BadData, Signer, URLSafeSerializer

Via = Literal["password", "oidc", "token"]

_SIGNING: dict[str, Any] = {"key_derivation": "hmac", "digest_method": hashlib.sha256}


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who has signed in. Times are epoch milliseconds.

    `id` is that of one sign-in. `stamp` is a short hash of the password hash at that time; empty for `oidc`.
    `connections` are those that a provider's groups gave, `*` for all; None where somebody else says it.
    """

    id: str
    name: str
    role: str
    via: Via
    began_ms: int
    ends_ms: int
    stamp: str = ""
    connections: list[str] | None = None


class Seal:
    """Signs small values for cookies and links, and reads them back. Everybody can read them; only we can make them."""

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise ValueError("expected at least one key to sign with, got none")
        self._keys = list(reversed(keys))  # itsdangerous signs with the last

    def sign(self, purpose: str, value: Mapping[str, Any]) -> str:
        """The value as a signed text."""
        return str(self._serializer(purpose).dumps(value))

    def open(self, purpose: str, text: str) -> dict[str, Any] | None:
        """The value that was signed for this purpose; None for any other text."""
        try:
            value = self._serializer(purpose).loads(text)
        except BadData:
            return None
        return value if isinstance(value, dict) else None

    def token(self, purpose: str, about: str) -> str:
        """A token bound to something, such as a session's id."""
        return Signer(self._keys, salt=purpose, **_SIGNING).get_signature(about).decode()

    def _serializer(self, purpose: str) -> URLSafeSerializer:
        return URLSafeSerializer(self._keys, salt=purpose, signer_kwargs=_SIGNING)


def write_session(seal: Seal, session: Session) -> str:
    """The cookie of a session."""
    return seal.sign("session", asdict(session))


def read_session(seal: Seal, cookie: str, now_ms: int) -> Session | None:
    """The session of a cookie; None when it is not ours or has ended."""
    value = seal.open("session", cookie)
    try:
        session = Session(**value) if value is not None else None
    except TypeError:  # signed by another version
        return None
    return session if session is not None and session.began_ms - 60_000 <= now_ms < session.ends_ms else None


def stamp_of(password_hash: str) -> str:
    """What a session remembers of the password hash, so that a new password ends it."""
    return hashlib.sha256(password_hash.encode()).hexdigest()[:16]
