"""A vendor's daily limit, counted on our side: what is left of the day, and when the next one begins.

The vendors do not say when their day begins, and the header with the time until its end is undocumented.
So a request counts from its start until a whole day after its answer, or until the end of the day that the vendor reported.
Then the vendor never counts more than the limit in one of its days, whenever these begin, with headers or without.

A reported end is computed from the time of its answer, so it is never too early; how much too late it is, we do not know.
A request that was answered in the last minute before it may already belong to the new day, and stays counted.

All integrations of the agency share the location. So we also start no more requests than the vendor said are left, minus those
that we have started since.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from connectors.rate import RateHeaders

DAY_SECONDS = 86_400.0

MINUTES = 1440
"""A minute as a part of a day: an answer is at most this late, and usage is stored in steps of it."""

HOURS = 24
"""An hour as a part of a day: so long we believe what the vendor said is left, if it did not say for how long. Then we try again."""


@dataclass(frozen=True, slots=True)
class DayState:
    """A day on its way to another worker: `spent` are pairs of an age in seconds, the oldest first, and requests.

    `left` is what the vendor said is left, minus what was started since, and for how many seconds that holds.
    `ends_in_seconds` is None if the vendor reported no end; `began_seconds_ago` is when the day began that we assume.
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
        """Whether the vendor reported the day's end; otherwise it is assumed."""
        return self._reported_end is not None

    def remaining(self, now: float) -> int:
        """How many requests may still start today."""
        self._forget(now)
        ours = self.limit - self.in_flight - self._answered
        return max(0, ours if self._left is None else min(ours, self._left))

    def ends_at(self, now: float) -> float:
        """When the day ends: as the vendor reported, otherwise the latest possible time, a day after its first request or its beginning."""
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
        """When the passing of time frees a request; None when nothing was used, or all of it is in flight."""
        self._forget(now)
        times = [self._reported_end] if self._reported_end is not None else []
        if self._answers:
            times.append(self._answers[0][0] + self.seconds)
        if self._left is not None:
            times.append(self._left_until)
        return min(times, default=None)

    def state(self, now: float, *, with_in_flight: bool = True) -> DayState:
        """The state that another worker needs to continue. Requests in flight count as answered now, unless they are left out."""
        self._forget(now)
        spent = [(now - at, number) for at, number in self._gathered()]
        if self.in_flight and with_in_flight:
            spent.append((0.0, self.in_flight))
        return DayState(
            tuple(spent),
            None if self._left is None else (self._left, self._left_until - now),
            None if self._reported_end is None else self._reported_end - now,
            0.0 if self._began_at is None else now - self._began_at,
        )

    def seed(self, state: DayState, now: float) -> None:
        """Start with the state of another worker."""
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
        """Count requests in steps of a minute; a step has the time of its newest answer."""
        self._answered += number
        if self._answers and at // self._minute == self._answers[-1][0] // self._minute:
            number += self._answers.pop()[1]
        self._answers.append((at, number))

    def _take_end(self, end: float, now: float) -> None:
        """Take a reported end of the day, unless that end has passed already: an answer may arrive after the end of its day."""
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
