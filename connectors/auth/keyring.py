"""Seals secrets with AES-256-GCM under keys that have ids, so that a key can be changed without losing what it sealed.

A sealed text is `v1.KEYID.NONCE.CIPHERTEXT`, the last two in base64 (URL alphabet, no padding).
The version, the key's id and `about` are authenticated with it: what was sealed about one budget opens for no other.

To change a key: put the new one first and keep the old one behind it, seal again whatever is not `is_current`, and then
remove the old one.
"""

from __future__ import annotations

import re
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from connectors.errors import BrokenKeys, Tampered, UnknownKey

KEY_BYTES = 32
NONCE_BYTES = 12
"""What `seal` takes: random for each call. One key seals 2**32 times before two of them are likely to be equal."""

_VERSION = "v1"
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_HOW = 'make one with: echo "$(date +%Y%m):$(openssl rand -base64 32)"'


class KeyRing:
    """Keys by id. The first one seals, all of them open."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        """`keys` are of 32 bytes each, in order. From text: `KeyRing.of`."""
        if not keys:
            raise BrokenKeys(f"expected at least one key ID:BASE64, got none; {_HOW}")
        self._ciphers = {name: AESGCM(key) for name, key in keys.items()}
        self.current_id = next(iter(keys))

    @classmethod
    def of(cls, text: str) -> KeyRing:
        """Read `ID:BASE64` entries, separated by commas or white space.

        Raises `BrokenKeys`, which names the entry by its number (by its id, once that is known not to be a key) and what
        was expected; never anything of a key.
        """
        keys: dict[str, bytes] = {}
        for number, entry in enumerate(re.split(r"[,\s]+", text.strip(", \t\r\n")), 1):
            if not entry:
                break
            name, colon, encoded = entry.partition(":")
            if not colon or not _KEY_ID.fullmatch(name):
                raise BrokenKeys(
                    f"key {number}: expected ID:BASE64, the id of 1 to 32 letters, digits, dashes and underscores,"
                    f" got {len(entry)} characters without; {_HOW}"
                )
            if name in keys:
                raise BrokenKeys(f"key {number}: expected an id of its own, got {name!r} a second time")
            keys[name] = _key(encoded, f"key {number} ({name})")
        return cls(keys)

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self._ciphers)})"

    def seal(self, plain: bytes, *, about: str, nonce: bytes) -> str:
        """Seal under the first key. `about` says what it belongs to, `nonce` is `NONCE_BYTES` random bytes, used once."""
        if len(nonce) != NONCE_BYTES:
            raise ValueError(f"expected a nonce of {NONCE_BYTES} bytes, got {len(nonce)}")
        name = self.current_id
        return (
            f"{_VERSION}.{name}.{_text(nonce)}.{_text(self._ciphers[name].encrypt(nonce, plain, _bound(name, about)))}"
        )

    def open(self, sealed: str, *, about: str) -> bytes:
        """What was sealed about the same.

        Raises `UnknownKey` when its key is not in the ring, `Tampered` when anything of it is not as it was sealed.
        """
        parts = sealed.split(".")
        if len(parts) != 4 or parts[0] != _VERSION:
            raise Tampered(
                about, f"expected {_VERSION}.KEYID.NONCE.CIPHERTEXT, got {len(sealed)} characters of another form"
            )
        _, name, nonce, ciphertext = parts
        cipher = self._ciphers.get(name)
        if cipher is None:
            raise UnknownKey(about, name if _KEY_ID.fullmatch(name) else "?", tuple(self._ciphers))
        try:
            return cipher.decrypt(_bytes(nonce), _bytes(ciphertext), _bound(name, about))
        except (ValueError, InvalidTag):
            why = f"it was changed, or sealed about something else, or the key {name!r} is not the one that sealed it"
            raise Tampered(about, why) from None

    def is_current(self, sealed: str) -> bool:
        """Whether it is sealed under the first key. It may still be tampered with: `open` checks that."""
        return sealed.startswith(f"{_VERSION}.{self.current_id}.")


def _key(encoded: str, which: str) -> bytes:
    try:
        key = b64decode(encoded.translate(str.maketrans("-_", "+/")), validate=True)
    except ValueError:
        raise BrokenKeys(f"{which}: expected base64 of {KEY_BYTES} bytes, got another text; {_HOW}") from None
    if len(key) != KEY_BYTES:
        raise BrokenKeys(f"{which}: expected base64 of {KEY_BYTES} bytes, got {len(key)} bytes; {_HOW}")
    return key


def _bound(name: str, about: str) -> bytes:
    return f"{_VERSION}.{name}.{about}".encode()


def _text(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode("ascii")


def _bytes(text: str) -> bytes:
    """The bytes of a text that `_text` made. Base64 can write the same bytes in several ways; only ours is taken."""
    content = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    if _text(content) != text:
        raise ValueError("not as it was written")
    return content
