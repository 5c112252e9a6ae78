"""Tells of refused deliveries without letting a flood of them fill the disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from logging import Logger
from typing import Any

EACH_MS = 10_000
"""One line for each kind of refusal in this time; what came beside it is counted in the next."""


class Refusals:
    """Log lines of refusals, bounded in number."""

    def __init__(self, log: Logger | Any, now_ms: Callable[[], int]) -> None:
        self._log = log
        self._now_ms = now_ms
        self._last: dict[str, int] = {}
        self._unsaid: Counter[str] = Counter()

    def tell(self, kind: str, why: str) -> None:
        """A delivery was refused."""
        now_ms = self._now_ms()
        if now_ms - self._last.get(kind, -EACH_MS) < EACH_MS:
            self._unsaid[kind] += 1
            return
        self._last[kind] = now_ms
        more = f" (and {self._unsaid.pop(kind)} more like it)" if self._unsaid[kind] else ""
        self._log.warning("a delivery was refused (%s): %s%s", kind, why, more)
