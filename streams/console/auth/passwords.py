"""Makes and verifies password hashes: Argon2id (RFC 9106), as `argon2-cffi` does it."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

MEMORY_KIB, TIME_COST, PARALLELISM = 32 * 1024, 3, 1
"""32 MiB and about a quarter of a second for each attempt, more than OWASP's cheat sheet on storing passwords asks for."""
UNKNOWN_USER = f"$argon2id$v=19$m={MEMORY_KIB},t={TIME_COST},p={PARALLELISM}${'A' * 22}${'A' * 43}"
"""The password of an unknown name is compared with this hash, so that it takes as long as that of a known one."""

_HASHER = PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=PARALLELISM)


def hash_password(password: str) -> str:
    """The hash of a password, with a new random salt."""
    return _HASHER.hash(password)


def is_password(hashed: str, password: str) -> bool:
    """Whether a hash is that of a password. It takes as long as its parameters ask for."""
    try:
        return _HASHER.verify(hashed, password)
    except (Argon2Error, InvalidHashError):
        return False
