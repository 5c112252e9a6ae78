"""Opens the credentials of edited connections. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import SecretStr

from connectors.auth.keyring import KeyRing
from connectors.errors import BrokenKeys, SealError
from streams.messages.connection_edit import SealedCredential, about_credential
from streams.settings import Settings

NAMES = {"lofty_api_key": "Lofty's API key", "ghl_token": "GHL's private token", "webhook_secret": "the webhook secret"}
"""Each credential in words."""


@dataclass(frozen=True, slots=True)
class OpenedCredentials:
    """The credentials of each connection, and why some could not be opened. Nothing of it shows in a `repr`."""

    secrets: Mapping[str, Mapping[str, SecretStr]] = field(default_factory=dict, repr=False)
    trouble: Mapping[str, str] = field(default_factory=dict)


def open_credentials(settings: Settings, sealed: Mapping[str, Mapping[str, SealedCredential]]) -> OpenedCredentials:
    """Open all credentials with the keys of this process."""
    if not any(sealed.values()):
        return OpenedCredentials()
    secrets: dict[str, dict[str, SecretStr]] = {}
    trouble: dict[str, str] = {}
    ring = _ring(settings)
    for connection, kept in sealed.items():
        for secret, one in kept.items():
            if ring is None:
                trouble[connection] = "this process has no LOFTY_GHL_TOKEN_KEYS to open its credentials with"
                continue
            try:
                plain = ring.open(one.sealed, about=about_credential(connection, secret))
            except SealError as error:
                trouble[connection] = f"{NAMES.get(secret, secret)} cannot be opened: {error}"
                continue
            secrets.setdefault(connection, {})[secret] = SecretStr(plain.decode())
    return OpenedCredentials(secrets, trouble)


def _ring(settings: Settings) -> KeyRing | None:
    try:
        return settings.key_ring
    except BrokenKeys:
        return None
