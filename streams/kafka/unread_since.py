"""Since when something that a process follows cannot be read: what it knows of it may be older than that."""

from __future__ import annotations

import time
from collections.abc import Callable


class UnreadSince:
    """`fails` at each failure, `reads` once it is read again. `since_ms` is 0 while it can be read."""

    def __init__(self, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        self._now_ms = now_ms
        self.since_ms = 0

    def fails(self) -> None:
        """It cannot be read now; the first of several failures counts."""
        self.since_ms = self.since_ms or self._now_ms()

    def reads(self) -> None:
        """It was read."""
        self.since_ms = 0
