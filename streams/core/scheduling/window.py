"""A vendor's rate limit, counted on our side: no alignment of the vendor's own window can see more than it allows.

We do not know when the vendor's window begins, nor when exactly between our send and its answer a request is counted.
So a slot is taken from the moment a request starts until one whole window after its *answer*.
Then any two requests that share a slot are at least one window apart at the vendor, whatever its alignment.
The price is one round trip per window: a fifth of a percent for GHL's ten seconds.

The vendor's headers correct us downwards, never above what was configured: others may spend from the same bucket.
What others spent is the vendor's count less ours *in the vendor's current window*. That window turned when its count fell:
our requests that were answered before still take our slots, but are not in the vendor's count, and must not be subtracted from it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from math import inf

from connectors.rate import RateHeaders

LONGEST_SECONDS = 3600.0
"""A header with a longer window is ignored: it would stop the budget for good."""


class RequestWindow:
    """At most `limit` requests in any `seconds`. Times are monotonic seconds, given by the caller."""

    def __init__(self, limit: int, seconds: float) -> None:
        self.seconds = seconds
        self.in_flight = 0
        self._configured = (limit, seconds)
        self._vendor_limit = limit
        self._answers: deque[tuple[float, int]] = deque()
        self._answered = 0
        self._foreign = 0
        self._foreign_until = 0.0
        self._counted = 0
        self._turned_at = -inf
        self._since_turn = 0

    @property
    def limit(self) -> int:
        """What is configured, or what the vendor allows if that is less."""
        return min(self._configured[0], self._vendor_limit)

    def free(self, now: float) -> int:
        """How many requests may start now."""
        self._forget(now)
        return max(0, min(self._configured[0], self._vendor_limit - self._foreign) - self._ours)

    def used(self, now: float) -> int:
        """How many slots are taken now, by us or by others."""
        self._forget(now)
        return self._ours + self._foreign

    @property
    def _ours(self) -> int:
        return self.in_flight + self._answered

    def begin_request(self, now: float) -> None:
        """A request starts. The caller has asked `free` first."""
        self._forget(now)
        self.in_flight += 1

    def end(self, now: float, *, was_sent: bool = True) -> None:
        """A request was answered, or given up. One that never left frees its slot at once."""
        self.in_flight -= 1
        if was_sent:
            self._count(now, 1)

    def seed(self, spent: Iterable[tuple[float, int]]) -> None:
        """Begin with what was spent before: times, the oldest first, and how many requests each."""
        for at, number in spent:
            self._count(at, number)

    def spent(self, now: float) -> Iterator[tuple[float, int]]:
        """What takes slots now, as `seed` takes it: what was answered, then what others spent."""
        self._forget(now)
        yield from self._answers
        if self._foreign:
            yield self._foreign_until - self.seconds, self._foreign

    def _count(self, at: float, number: int) -> None:
        self._answers.append((at, number))
        self._answered += number
        if at >= self._turned_at:
            self._since_turn += number

    def observe(self, rate: RateHeaders, now: float) -> None:
        """Correct ourselves by the vendor's own count, taken just now."""
        self._forget(now)
        if rate.limit is not None and rate.limit > 0:
            self._vendor_limit = rate.limit
        if rate.window_seconds is not None and 0 < rate.window_seconds <= LONGEST_SECONDS:
            self.seconds = max(self._configured[1], rate.window_seconds)
        if rate.remaining is None:
            return
        self._see_turn(self._vendor_limit - rate.remaining, now)
        # What the vendor counted beyond ours is somebody else's; it leaves with the vendor's window at the latest.
        self._foreign = max(0, self._vendor_limit - rate.remaining - self.in_flight - self._since_turn)
        if self._foreign:
            left = self.seconds if rate.reset_seconds is None else min(rate.reset_seconds, self.seconds)
            self._foreign_until = now + left
            if now < self._turned_at + self.seconds:
                self._foreign_until = min(self._foreign_until, self._turned_at + self.seconds)

    def _see_turn(self, counted: int, now: float) -> None:
        """The vendor's window turned if its count fell by more than answers that overtook one another can explain."""
        if counted < self._counted - self.in_flight:
            self._turned_at = now
            self._since_turn = 0
        self._counted = counted

    def next_free(self, now: float) -> float | None:
        """The time at which a slot becomes free without any answer, or None when only an answer can free one."""
        return now if self.free(now) else self.next_expiry(now)

    def next_expiry(self, now: float) -> float | None:
        """When the next slot becomes free without any answer; None when none does."""
        self._forget(now)
        times = []
        if self._answers:
            times.append(self._answers[0][0] + self.seconds)
        if self._foreign:
            times.append(self._foreign_until)
        return min(times) if times else None

    def _forget(self, now: float) -> None:
        while self._answers and self._answers[0][0] + self.seconds <= now:
            at, number = self._answers.popleft()
            self._answered -= number
            if at >= self._turned_at:
                self._since_turn -= number
        if self._foreign and self._foreign_until <= now:
            self._foreign = 0
