"""The daily quota, planned over the rest of the day instead of hit: live changes last until the reset, whatever else waits.

GHL allows 200,000 requests a day, which is two and a third a second: at the speed of its ten-second window, they last
five and a half hours. So what may start depends on what is left and on how long it must last:

- **plenty**: everything may start;
- **low**: what is left is kept for live changes: `live_reserve` of the limit for a whole day, less as the day goes by.
  Sweep, backfill and verification wait, and go on as soon as the reserve has shrunk below what is left;
- **scarce**: less than a fifth of that reserve is left. Live changes start at even distances, the last of them just before
  the reset. Changes coalesce while they wait, so each request carries the newest state;
- **used up**: nothing starts until the reset.

What is left and when the day ends is counted in `core/scheduling/daily_limit.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from connectors.rate import RateHeaders
from streams.core.scheduling.daily_limit import Day

LIVE_RESERVE = 0.25
"""The part of the limit that a whole day of live changes may need."""

SCARCE = 0.2
"""The part of the reserve below which live changes are paced."""

LIVE = 1
"""The priority of live changes; every greater number is less urgent, and waits first. Opt-outs are more urgent, and are never paced."""


class Regime(Enum):
    """How much of the day's quota is left for how long, in an operator's words."""

    PLENTY = "plenty"
    LOW = "low: only live changes"
    SCARCE = "scarce: live changes are paced"
    USED_UP = "used up: waiting for the reset"


@dataclass(frozen=True, slots=True)
class QuotaView:
    """A quota as an operator sees it. If the vendor reported no reset, `reset_seconds` is the longest possible wait."""

    limit: int
    remaining: int
    reset_seconds: float
    is_reset_reported: bool
    regime: Regime


class Quota:
    """Plans one day's requests. Times are monotonic seconds, given by the caller."""

    def __init__(self, day: Day, live_reserve: float = LIVE_RESERVE) -> None:
        self.day = day
        self._live_reserve = live_reserve
        self._last_start: float | None = None

    def allows(self, priority: int, now: float) -> bool:
        """Whether a request of this priority may start now."""
        remaining = self.day.remaining(now)
        return remaining > 0 and self._at(priority, remaining, now) <= now

    def next_at(self, priority: int, now: float) -> float | None:
        """When to ask again. Nothing of this priority may start before; None: only an answer can change that."""
        remaining = self.day.remaining(now)
        if remaining > 0 and (at := self._at(priority, remaining, now)) <= now:
            return now
        changes_at = self.day.changes_at(now)
        if not remaining:
            return changes_at
        return at if changes_at is None else min(at, changes_at)

    def begin_request(self, now: float) -> None:
        """A request starts. The caller has asked `allows` first."""
        self.day.begin_request(now)
        self._last_start = now

    def end(self, now: float, *, was_sent: bool = True) -> None:
        """A request was answered, or given up."""
        self.day.end(now, was_sent=was_sent)

    def observe(self, rate: RateHeaders, now: float) -> None:
        """Correct ourselves by the headers of an answer that came just now."""
        self.day.observe(rate, now)

    def view(self, now: float) -> QuotaView:
        """What is left, until when, and what that means."""
        remaining, ends_at = self.day.remaining(now), self.day.ends_at(now)
        if not remaining:
            regime = Regime.USED_UP
        elif self._reserve_falls_to(remaining, 1.0, now) <= now:
            regime = Regime.PLENTY
        elif self._reserve_falls_to(remaining, SCARCE, now) <= now:
            regime = Regime.LOW
        else:
            regime = Regime.SCARCE
        return QuotaView(self.day.limit, remaining, max(0.0, ends_at - now), self.day.is_end_reported, regime)

    def _at(self, priority: int, remaining: int, now: float) -> float:
        """When a request of this priority may start, if nothing but time changes."""
        if remaining > self._live_reserve * self.day.limit:
            return now
        if priority < LIVE:
            return now
        if priority > LIVE:
            return self._reserve_falls_to(remaining, 1.0, now)
        is_ample_at = self._reserve_falls_to(remaining, SCARCE, now)
        if self._last_start is None:
            return min(is_ample_at, now)
        # The rest of the day, seen from the last start, in equal parts with a request between each two.
        paced_at = self._last_start + (self.day.ends_at(now) - self._last_start) / (remaining + 1)
        return min(is_ample_at, paced_at)

    def _reserve_falls_to(self, remaining: int, part: float, now: float) -> float:
        """When a part of the reserve has shrunk to what is left: it is in proportion to the time left."""
        reserve_per_second = part * self._live_reserve * self.day.limit / self.day.seconds
        return self.day.ends_at(now) - (remaining / reserve_per_second if reserve_per_second else float("inf"))
