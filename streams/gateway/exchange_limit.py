"""How many codes of GHL's marketplace a gateway exchanges: anybody can open the callback with a code, and each one is a request to GHL. Pure."""

from __future__ import annotations

from collections import deque

MOST_AT_ONCE = 2
MOST_A_MINUTE = 30
MINUTE_MS = 60_000


class ExchangeLimit:
    """Ask `wait_ms` first; then `begin`, and `end` once GHL has answered or not."""

    def __init__(self, most_at_once: int = MOST_AT_ONCE, most_a_minute: int = MOST_A_MINUTE) -> None:
        self._most_at_once = most_at_once
        self._running = 0
        self._begun_ms: deque[int] = deque(maxlen=most_a_minute)
        """When the newest exchanges began: with the oldest of them, a minute's share is used."""

    def wait_ms(self, now_ms: int) -> int:
        """How long to wait before another exchange; 0 when it may begin."""
        wait = MINUTE_MS if self._running >= self._most_at_once else 0
        if len(self._begun_ms) == self._begun_ms.maxlen:
            # A clock that was set back must not close the callback for longer than a minute.
            wait = max(wait, min(self._begun_ms[0] + MINUTE_MS - now_ms, MINUTE_MS))
        return max(wait, 0)

    def begin(self, now_ms: int) -> None:
        """An exchange begins."""
        self._running += 1
        self._begun_ms.append(now_ms)

    def end(self) -> None:
        """An exchange has ended."""
        self._running -= 1
