"""Short hashes that tell whether two values are the same."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import orjson


def fingerprint(value: Any) -> str:
    """The content hash of a JSON value, whatever the order of its keys: 32 hex digits."""
    return blake2b(orjson.dumps(value, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()


def field_hash(value: Any) -> str:
    """The hash of one field's value in a link: 12 hex digits. Two values of one field collide once in 10^14."""
    return blake2b(orjson.dumps(value, option=orjson.OPT_SORT_KEYS), digest_size=6).hexdigest()
