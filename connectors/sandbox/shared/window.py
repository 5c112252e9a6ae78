"""A rate limit as the vendors count it: a fixed window that starts with the first request after the last one ended."""

from __future__ import annotations


class FixedWindow:
    """At most `limit` requests in `seconds`; a limit of 0 is none. What is refused is not counted."""

    __slots__ = ("_limit", "_seconds", "ends_at", "used")

    def __init__(self, limit: int, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds
        self.ends_at = 0.0
        self.used = 0

    def take(self, now: float) -> bool:
        """Count a request; False when it is one too many."""
        if not self.admits(now):
            return False
        self.count(now)
        return True

    def admits(self, now: float) -> bool:
        """Whether one more request fits in."""
        if now >= self.ends_at:
            self.used = 0
            self.ends_at = 0.0
        return self._limit == 0 or self.used < self._limit

    def count(self, now: float) -> None:
        """One request more."""
        if self.ends_at == 0.0:
            self.ends_at = now + self._seconds
        self.used += 1

    def leave(self, left: int, now: float) -> None:
        """So many requests are left in it: others have made the rest. Without a limit nothing changes."""
        if self.ends_at == 0.0:
            self.ends_at = now + self._seconds
        self.used = max(0, self._limit - left)

    @property
    def remaining(self) -> int:
        """How many requests are left in it."""
        return max(0, self._limit - self.used) if self._limit else 1_000_000
