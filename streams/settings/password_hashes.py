"""The form of password hashes (Argon2id) and the hashes of API tokens. Pure: `streams.console.auth.passwords` makes and verifies hashes.

A token is 32 random bytes: its SHA-256 cannot be reversed, and needs no salt and no work.
"""

from __future__ import annotations

import hashlib
import re

MEMORY_KIB = (1024, 80 * 1024)
TIME_COST = (1, 10)
PARALLELISM = (1, 16)
"""The lowest and the highest cost that a configuration may ask for: below they protect nothing, above they stop the gateway."""
SHORTEST = 10
"""Characters of a password that `hash-password` accepts."""
TOKEN_PREFIX = "lgt_"

_ARGON2 = re.compile(r"\$argon2id\$v=19\$m=(\d{1,9}),t=(\d{1,9}),p=(\d{1,9})\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{22,}")
_TOKEN_HASH = re.compile(r"sha256:[0-9a-f]{64}")


def password_hash_problem(text: str) -> str:
    """Why a text is no password hash that the console accepts; empty when it is one. The text itself is not shown."""
    if text.startswith("scrypt:"):
        return "got an scrypt hash of an older version: set the password again"
    found = _ARGON2.fullmatch(text)
    if found is None:
        return "it begins with $argon2id$"
    costs = (int(cost) for cost in found.groups())
    for name, cost, (least, most) in zip("mtp", costs, (MEMORY_KIB, TIME_COST, PARALLELISM), strict=True):
        if not least <= cost <= most:
            return f"expected {name} between {least} and {most}, got {cost}"
    return ""


def token_hash(token: str) -> str:
    """The hash of an API token, for the configuration."""
    return f"sha256:{hashlib.sha256(token.encode()).hexdigest()}"


def is_token_hash(text: str) -> bool:
    """Whether a text is a token's hash."""
    return _TOKEN_HASH.fullmatch(text) is not None
