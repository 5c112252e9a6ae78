"""Logs rejected deliveries without letting a flood of them fill the disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from logging import Logger

EACH_MS = 10_000
"""One line for each kind of rejection in this time; the others are counted in the next line."""


class RejectionLog:
    """Log lines of rejections, bounded in number."""

    def __init__(self, log: Logger, now_ms: Callable[[], int]) -> None:
        self._log = log
        self._now_ms = now_ms
        self._last: dict[str, int] = {}
        self._unsaid: Counter[str] = Counter()

    def record(self, kind: str, why: str) -> None:
        """Log a rejection, or count it for the next line."""
        now_ms = self._now_ms()
        if now_ms - self._last.get(kind, -EACH_MS) < EACH_MS:
            self._unsaid[kind] += 1
            return
        self._last[kind] = now_ms
        more = f" (and {self._unsaid.pop(kind)} more)" if self._unsaid[kind] else ""
        self._log.warning("rejected a delivery (%s): %s%s", kind, why, more)
