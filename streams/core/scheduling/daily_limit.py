"""A vendor's daily limit, counted on our side: what is left of the day, and when the next one begins.

Nobody says when a vendor's day begins, and the header that tells of its end is undocumented.
So a request is counted from its start until a whole day after its answer, or until an end of the day that the vendor told of.
Then no alignment of the vendor's day can see more of us than the limit, with headers or without.

An end that was told is reckoned from its answer, so it is never early; by how much it is late, we do not know.
What was answered in the last minute before it may belong to the new day already, and stays counted.

The location is shared with every other integration of the agency. So we start no more than the vendor said is left, either,
less what we started since.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from connectors.rate import RateHeaders

DAY_SECONDS = 86_400.0

MINUTES = 1440
"""An answer is at most this part of a day late; what was spent is kept in steps of it, too."""

HOURS = 24
"""What the vendor said is left, without saying for how long, is believed for this part of a day: then a request asks anew."""


@dataclass(frozen=True, slots=True)
class DayState:
    """A day on its way to another worker: `spent` are pairs of an age in seconds, the oldest first, and requests.

    `left` is what the vendor said is left, less what was started since, and for how many seconds that holds.
    `ends_in_seconds` is None when the vendor told of no end; `began_seconds_ago` is when the day that we assume began.
    """

    spent: tuple[tuple[float, int], ...] = ()
    left: tuple[int, float] | None = None
    ends_in_seconds: float | None = None
    began_seconds_ago: float = 0.0


class Day:
    """At most `limit` requests a day. Times are monotonic seconds, given by the caller."""

    def __init__(self, limit: int, seconds: float = DAY_SECONDS) -> None:
        self.seconds = seconds
        self.in_flight = 0
        self.limit = limit
        """What is configured, or what the vendor allows if that is less."""
        self._configured = limit
        self._minute = seconds / MINUTES
        self._answers: deque[tuple[float, int]] = deque()
        self._answered = 0
        self._left: int | None = None
        self._left_until = 0.0
        self._began_at: float | None = None
        self._reported_end: float | None = None
        self._turned_at = -inf

    @property
    def is_end_reported(self) -> bool:
        """Whether the vendor told of the day's end, else it is assumed."""
        return self._reported_end is not None

    def remaining(self, now: float) -> int:
        """How many requests may still start today."""
        self._forget(now)
        ours = self.limit - self.in_flight - self._answered
        return max(0, ours if self._left is None else min(ours, self._left))

    def ends_at(self, now: float) -> float:
        """When the day ends: as the vendor told, else the latest that can be, a day from its first request or its begin."""
        self._forget(now)
        if self._reported_end is not None:
            return self._reported_end
        return (now if self._began_at is None else self._began_at) + self.seconds

    def begin_request(self, now: float) -> None:
        """A request starts. The caller has asked `remaining` first."""
        self._see(now)
        self.in_flight += 1
        if self._left is not None:
            self._left -= 1

    def end(self, now: float, *, was_sent: bool = True) -> None:
        """A request was answered, or given up. One that never left is not counted."""
        self.in_flight -= 1
        if was_sent:
            self._count(now, 1)
        elif self._left is not None:
            self._left += 1

    def observe(self, rate: RateHeaders, now: float) -> None:
        """Correct ourselves by the headers of an answer that came just now, before its request is ended."""
        self._see(now)
        if rate.daily_limit is not None and rate.daily_limit > 0:
            self.limit = min(self._configured, rate.daily_limit)
        ends_at = now + self.seconds / HOURS if self._reported_end is None else self._reported_end
        if rate.daily_reset_seconds is not None and 0 <= rate.daily_reset_seconds <= self.seconds:
            ends_at = now + rate.daily_reset_seconds + self._minute / 60
            self._take_end(ends_at, now)
        if rate.daily_remaining is not None:
            # Of what is in flight only the request that was answered is surely in the vendor's count.
            self._left = max(0, rate.daily_remaining) - max(0, self.in_flight - 1)
            self._left_until = ends_at

    def add(self, number: int, at: float) -> None:
        """Count requests that another may have sent."""
        self._count(at, number)
        if self._left is not None:
            self._left -= number

    def changes_at(self, now: float) -> float | None:
        """When time alone gives something back; None when nothing was spent, or all of it is in flight."""
        self._forget(now)
        times = [self._reported_end] if self._reported_end is not None else []
        if self._answers:
            times.append(self._answers[0][0] + self.seconds)
        if self._left is not None:
            times.append(self._left_until)
        return min(times, default=None)

    def state(self, now: float) -> DayState:
        """What another worker needs to go on. What is in flight counts as answered now."""
        self._forget(now)
        spent = [(now - at, number) for at, number in self._gathered()]
        if self.in_flight:
            spent.append((0.0, self.in_flight))
        return DayState(
            tuple(spent),
            None if self._left is None else (self._left, self._left_until - now),
            None if self._reported_end is None else self._reported_end - now,
            0.0 if self._began_at is None else now - self._began_at,
        )

    def seed(self, state: DayState, now: float) -> None:
        """Begin with what another worker left."""
        for age, number in state.spent:
            self._count(now - age, number)
        if state.left is not None:
            self._left, self._left_until = state.left[0], now + state.left[1]
        self._began_at = now - state.began_seconds_ago
        self._reported_end = None if state.ends_in_seconds is None else now + state.ends_in_seconds

    def _see(self, now: float) -> None:
        self._forget(now)
        if self._began_at is None:
            self._began_at = now

    def _count(self, at: float, number: int) -> None:
        """Steps of a minute bear the time of their newest answer."""
        self._answered += number
        if self._answers and at // self._minute == self._answers[-1][0] // self._minute:
            number += self._answers.pop()[1]
        self._answers.append((at, number))

    def _take_end(self, end: float, now: float) -> None:
        """Believe an end that was told, unless it is the one that has passed: an answer may be overtaken by its day's end."""
        if end < self._turned_at + self.seconds - self.seconds / HOURS:
            return
        reported = self._reported_end
        if reported is not None and now >= reported - self._minute and end > reported + self.seconds / 2:
            self._turn(reported)
        self._reported_end = end

    def _turn(self, end: float) -> None:
        """A day has ended. What is in flight may be counted in the new one."""
        while self._answers and self._answers[0][0] <= end - self._minute:
            self._drop()
        self._turned_at = end
        self._reported_end, self._began_at = None, end

    def _forget(self, now: float) -> None:
        if self._reported_end is not None and self._reported_end <= now:
            self._turn(self._reported_end)
        while self._began_at is not None and self._began_at + self.seconds <= now:
            self._began_at += self.seconds
        while self._answers and self._answers[0][0] + self.seconds <= now:
            self._drop()
        if self._left is not None and self._left_until <= now:
            self._left = None

    def _drop(self) -> None:
        self._answered -= self._answers.popleft()[1]

    def _gathered(self) -> Iterable[tuple[float, int]]:
        """What was spent in steps of an hour, each with the time of its newest answer."""
        hour = self.seconds / HOURS
        gathered: list[tuple[float, int]] = []
        for at, number in self._answers:
            if gathered and gathered[-1][0] // hour == at // hour:
                number += gathered.pop()[1]
            gathered.append((at, number))
        return gathered
