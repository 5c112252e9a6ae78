"""Which signed bodies were kept already. A signature is good for ever, so whoever has seen a body may send it again and again."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b

MOST = 20_000
"""Remembered by each gateway since its start; beyond it the oldest are forgotten."""


class OriginalBodies:
    """Digests of bodies that Kafka has. A body that it did not take is not noted: GHL sends that again for a reason."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[bytes, None] = OrderedDict()

    def knows(self, body: bytes) -> bool:
        """Whether this very body was noted."""
        return _digest(body) in self._kept

    def note(self, body: bytes) -> None:
        """Kafka has it."""
        digest = _digest(body)
        self._kept[digest] = None
        self._kept.move_to_end(digest)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)


def _digest(body: bytes) -> bytes:
    return blake2b(body, digest_size=16).digest()
