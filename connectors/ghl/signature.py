"""Is a webhook GHL's? Ed25519 over the raw body, in `X-GHL-Signature`; the older RSA header only where it is switched on.

It fails closed: no header, `N/A`, bad Base64, a wrong length or an unknown key are all refusals.
Source: GHL's webhook authentication guide; the announced end of `X-WH-Signature` (2026-09-01) has passed.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

HEADER = "X-GHL-Signature"
LEGACY_HEADER = "X-WH-Signature"

ED25519_BYTES = 64

GHL_PUBLIC_KEY = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg=
-----END PUBLIC KEY-----
"""
"""The key that GHL publishes in its guide. It announces a change of it by e-mail: then it goes into the configuration."""


class BadSignature(ValueError):
    """A body that GHL did not sign, as far as we can tell; `reason` in words."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class NotAKey(ValueError):
    """A text that is no public key of the kind that is needed."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The public keys that are taken: one is enough that fits. `rsa` is empty where the older header is refused."""

    ed25519: tuple[Ed25519PublicKey, ...]
    rsa: tuple[RSAPublicKey, ...] = ()

    @classmethod
    def of(cls, ed25519: Iterable[str], rsa: Iterable[str] = ()) -> Keys:
        """Read keys from their PEM texts. Raises `NotAKey`."""
        return cls(tuple(map(_ed25519, ed25519)), tuple(map(_rsa, rsa)))


def verify(raw: bytes, headers: Mapping[str, str], keys: Keys) -> None:
    """Raise `BadSignature` unless one of the keys signed exactly these bytes. Names of headers in any case.

    Where the current header is there, only that counts.
    """
    by_name = {name.lower(): value for name, value in headers.items()}
    given = by_name.get(HEADER.lower())
    if given is not None:
        _check_ed25519(raw, _decoded(given, HEADER), keys.ed25519)
        return
    legacy = by_name.get(LEGACY_HEADER.lower())
    if legacy is not None and keys.rsa:
        _check_rsa(raw, _decoded(legacy, LEGACY_HEADER), keys.rsa)
        return
    if legacy is not None:
        raise BadSignature(f"only {LEGACY_HEADER} is there, and the older signature is switched off")
    raise BadSignature(f"no {HEADER}")


def _ed25519(text: str) -> Ed25519PublicKey:
    key = _read(text, "Ed25519")
    if not isinstance(key, Ed25519PublicKey):
        raise NotAKey("expected a public key in PEM (Ed25519), got another kind of key")
    return key


def _rsa(text: str) -> RSAPublicKey:
    key = _read(text, "RSA")
    if not isinstance(key, RSAPublicKey):
        raise NotAKey("expected a public key in PEM (RSA), got another kind of key")
    return key


def _read(text: str, kind: str) -> object:
    try:
        return load_pem_public_key(text.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise NotAKey(f"expected a public key in PEM ({kind})") from error


def _decoded(value: str, header: str) -> bytes:
    try:
        return base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise BadSignature(f"{header} is no Base64") from None


def _check_ed25519(raw: bytes, signature: bytes, keys: Iterable[Ed25519PublicKey]) -> None:
    if len(signature) != ED25519_BYTES:
        raise BadSignature(f"{HEADER} has {len(signature)} bytes, an Ed25519 signature has {ED25519_BYTES}")
    for key in keys:
        try:
            key.verify(signature, raw)
        except InvalidSignature:
            continue
        return
    raise BadSignature(f"{HEADER} fits none of the keys")


def _check_rsa(raw: bytes, signature: bytes, keys: Iterable[RSAPublicKey]) -> None:
    for key in keys:
        try:
            key.verify(signature, raw, PKCS1v15(), SHA256())
        except InvalidSignature:
            continue
        return
    raise BadSignature(f"{LEGACY_HEADER} fits none of the keys")
