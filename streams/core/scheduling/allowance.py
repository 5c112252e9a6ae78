"""Writes a budget's usage to Kafka before it happens, so that the next owner of the budget knows what the vendor has counted.

A vendor's window goes on when its budget moves to another worker, or when a worker is killed and started again.
So before requests start, a *grant* (`BudgetRow`) is written to Kafka: what was used in the window until now, and how many
requests may be sent in the next moments. The next owner counts all of them as sent.
One grant covers a tenth of the window: one record serves many requests, and the next owner overestimates by a tenth at most.
"""

from __future__ import annotations

from collections.abc import Iterable

from streams.core.scheduling.budget_row import BudgetRow
from streams.core.scheduling.daily_limit import Day
from streams.core.scheduling.window import RequestWindow

PARTS = 10
"""A grant is this part of a window, in requests and in time."""

LEAST_SECONDS = 0.5
"""A grant lasts at least so long, however short the window."""

SLACK_SECONDS = 1.0
"""How far the clocks of two workers may be apart, plus the time that a request takes to reach the vendor."""


class Allowance:
    """The grants of one budget. If not `is_needed`, there is no next owner to think of: nothing is written, and every request may start."""

    def __init__(self, window: RequestWindow, *, is_needed: bool, day: Day | None = None) -> None:
        self._window = window
        self._day = day
        self._is_needed = is_needed
        self._left = 0
        self._until = 0.0
        self._asked: tuple[int, float] | None = None

    def left(self, now: float) -> int | None:
        """How many requests the grant still allows; None for any number."""
        if not self._is_needed:
            return None
        return self._left if now < self._until else 0

    def begin_request(self) -> None:
        """A request starts."""
        if self._is_needed:
            self._left = max(0, self._left - 1)
            if self._asked is not None:
                slots, until = self._asked
                self._asked = (max(0, slots - 1), until)

    def is_short(self, now: float) -> bool:
        """Whether a new grant should be asked for, given that work is waiting."""
        if not self._is_needed or self._asked is not None:
            return False
        left = self.left(now) or 0
        return left <= self._slots // 2 and self._window.free(now) > left

    def is_awaited(self, now: float) -> bool:
        """Whether nothing may start until the requested grant is in Kafka."""
        return self._asked is not None and self.left(now) == 0

    def ask(self, now: float, now_ms: int) -> BudgetRow:
        """A new grant, to be written to Kafka. Then call `granted`, or `failed`."""
        slots = min(self._slots, self._window.free(now))
        seconds = max(LEAST_SECONDS, self._window.seconds / PARTS)
        self._asked = (slots, now + seconds)
        return note(self._window, now, now_ms, slots=slots, seconds=seconds, day=self._day)

    def granted(self) -> None:
        """The requested grant is in Kafka."""
        if self._asked is not None:
            self._left, self._until = self._asked
            self._asked = None

    def failed(self) -> None:
        """The requested grant could not be written."""
        self._asked = None

    @property
    def _slots(self) -> int:
        return max(1, self._window.limit // PARTS)


def note(
    window: RequestWindow, now: float, now_ms: int, *, slots: int = 0, seconds: float = 0.0, day: Day | None = None
) -> BudgetRow:
    """The usage of a budget, and what it may use in the next `seconds`. The last row of an owner grants nothing."""
    used = ((int(1000 * (now - at)), number) for at, number in window.spent(now))
    return BudgetRow(
        at_ms=now_ms,
        used=tuple(_gathered(used, step_ms=int(1000 * window.seconds / PARTS))),
        slots=slots + window.in_flight,
        slots_ms=int(1000 * seconds),
        day=None if day is None else day.state(now),
    )


def seed(window: RequestWindow, row: BudgetRow, now: float, now_ms: int, day: Day | None = None) -> None:
    """Start a window, and a day, with the usage that the former owner wrote.

    Granted requests count as sent at the last possible moment. The day counts requests in flight twice: a few of thousands.
    """
    since = max(0.0, (now_ms - row.at_ms) / 1000)
    spent = [(now - since - age_ms / 1000, number) for age_ms, number in row.used]
    granted_at = now - since + row.slots_ms / 1000
    if row.slots:
        spent.append((granted_at, row.slots))
    window.seed((at + SLACK_SECONDS, number) for at, number in sorted(spent))
    if day is not None and row.day is not None:
        day.seed(row.day, now - since)
        if row.slots:
            day.add(row.slots, granted_at + SLACK_SECONDS)


def _gathered(used: Iterable[tuple[int, int]], *, step_ms: int) -> Iterable[tuple[int, int]]:
    """Merge ages, sorted from the oldest to the newest, into few pairs; each pair has its youngest age."""
    current: tuple[int, int] | None = None
    for age, number in used:
        if current is not None and current[0] // max(1, step_ms) == age // max(1, step_ms):
            current = (age, current[1] + number)
            continue
        if current is not None:
            yield current
        current = (age, number)
    if current is not None:
        yield current
