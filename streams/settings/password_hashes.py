"""Hashes of passwords (scrypt, RFC 7914) and of API tokens. Pure: salts are given.

A hash is `scrypt:LOG2N:R:P:SALT:KEY` in Base64, so that it stands in a configuration file without quotes of its own.
A token is 32 random bytes: its SHA-256 cannot be guessed back, and needs no salt and no work.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Self

LOG2N, R, P = 15, 8, 3
"""32 MiB and about a quarter of a second a try: one of the rows of OWASP's cheat sheet on storing passwords."""
SALT_BYTES, KEY_BYTES = 16, 32
MOST_MEMORY = 160 * 1024 * 1024
SHORTEST = 10
"""Characters of a password that `hash-password` takes."""
TOKEN_PREFIX = "lgt_"

_TOKEN_HASH = re.compile(r"sha256:[0-9a-f]{64}")


class NotAHash(ValueError):
    """A text that `lofty-ghl console hash-password` did not make."""


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """What is kept of a password."""

    log2n: int
    r: int
    p: int
    salt: bytes
    key: bytes

    @classmethod
    def of(cls, password: str, salt: bytes) -> Self:
        """Hash a password. `salt` are `SALT_BYTES` random bytes."""
        return cls(LOG2N, R, P, salt, _scrypt(password, salt, LOG2N, R, P, KEY_BYTES))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a hash. Raises `NotAHash`."""
        parts = text.split(":")
        if len(parts) != 6 or parts[0] != "scrypt" or not all(part.isascii() and part.isdigit() for part in parts[1:4]):
            raise NotAHash("expected scrypt:LOG2N:R:P:SALT:KEY")
        log2n, r, p = (int(part) for part in parts[1:4])
        if not (10 <= log2n <= 20 and 1 <= r <= 32 and 1 <= p <= 16) or 128 * r * 2**log2n > MOST_MEMORY // 2:
            raise NotAHash("its parameters are out of bounds")
        try:
            salt, key = (base64.b64decode(part, validate=True) for part in parts[4:])
        except (binascii.Error, ValueError):
            raise NotAHash("its salt or key is no Base64") from None
        if len(salt) < 8 or len(key) < 16:
            raise NotAHash("its salt or key is too short")
        return cls(log2n, r, p, salt, key)

    def __str__(self) -> str:
        salt, key = (base64.b64encode(one).decode() for one in (self.salt, self.key))
        return f"scrypt:{self.log2n}:{self.r}:{self.p}:{salt}:{key}"

    def takes(self, password: str) -> bool:
        """Whether this is the password. As slow as scrypt is; the comparison takes the same time for all."""
        return hmac.compare_digest(self.key, _scrypt(password, self.salt, self.log2n, self.r, self.p, len(self.key)))


NOBODY = PasswordHash(LOG2N, R, P, bytes(SALT_BYTES), bytes(KEY_BYTES))
"""What the password of an unknown name is compared with, so that it takes as long as that of a known one."""


def token_hash(token: str) -> str:
    """What is kept of an API token."""
    return f"sha256:{hashlib.sha256(token.encode()).hexdigest()}"


def is_token_hash(text: str) -> bool:
    """Whether a text is one."""
    return _TOKEN_HASH.fullmatch(text) is not None


def _scrypt(password: str, salt: bytes, log2n: int, r: int, p: int, length: int) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=2**log2n, r=r, p=p, maxmem=MOST_MEMORY, dklen=length)
