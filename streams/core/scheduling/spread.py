"""Spreads less urgent work evenly over a vendor's window, so that it leaves no gap in which nothing at all may start.

A slot comes back one window after it was used. A backfill that uses all slots of a minute in its first ten seconds makes everything
wait for fifty, however urgent it is: priorities decide who gets a slot, and there is none. Slots that are used evenly come back evenly.

So what is less urgent than live changes starts only while all requests together are not ahead of an even line, which ends at the
limit after one window. Live changes and opt-outs start whenever there is a slot, and count. Because the line is as steep as the
vendor's limit, nothing is slower in the long run. While the window is nearly empty nothing has to wait for the line.
"""

from __future__ import annotations

from math import inf

from streams.core.scheduling.window import RequestWindow

PARTS = 10
"""Up to this part of a window's requests may start at once. It is also the longest gap, as a part of the window."""

LATE_PARTS = 60
"""A start that is late by at most this part of a window is made up for: the loop's clock is not exact."""

LEAST_LATE_SECONDS = 0.5
"""The same for short windows."""


class Spread:
    """The line of one budget. Times are monotonic seconds, given by the caller."""

    def __init__(self, window: RequestWindow) -> None:
        self._window = window
        self._next_at = -inf

    def allows(self, now: float) -> bool:
        """Whether less urgent work may start."""
        return now >= self._next_at or self._window.used(now) < max(1, self._window.limit // PARTS)

    def begin_request(self, now: float) -> None:
        """A request starts, of whatever priority."""
        late = max(LEAST_LATE_SECONDS, self._window.seconds / LATE_PARTS)
        # A gap in which nothing started is not made up for, or it would be repeated one window later.
        self._next_at = max(self._next_at, now - late) + self._step

    def end(self, *, was_sent: bool) -> None:
        """A request was answered, or given up. One that never left was none."""
        if not was_sent:
            self._next_at -= self._step

    def next_at(self, now: float) -> float:
        """Nothing less urgent starts before."""
        if self.allows(now):
            return now
        freed_at = self._window.next_expiry(now)
        return self._next_at if freed_at is None else min(self._next_at, freed_at)

    @property
    def _step(self) -> float:
        return self._window.seconds / max(1, self._window.limit)
