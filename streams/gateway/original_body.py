"""Which signed bodies were accepted before. A signature never expires, so whoever has a body can send it again and again."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b

MOST = 20_000
"""Remembered by each gateway since its start; beyond it the oldest are forgotten."""


class OriginalBodies:
    """Digests of bodies that Kafka has acknowledged. Others are not noted: GHL sends those again for a reason."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._digests: OrderedDict[bytes, None] = OrderedDict()

    def knows(self, body: bytes) -> bool:
        """Whether this very body was noted."""
        return _digest(body) in self._digests

    def note(self, body: bytes) -> None:
        """Kafka has acknowledged it."""
        digest = _digest(body)
        self._digests[digest] = None
        self._digests.move_to_end(digest)
        while len(self._digests) > self._most:
            self._digests.popitem(last=False)


def _digest(body: bytes) -> bytes:
    return blake2b(body, digest_size=16).digest()
