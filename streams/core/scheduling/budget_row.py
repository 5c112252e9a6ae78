"""The row of the table `budgets`: the usage of a budget, for its next owner."""

from __future__ import annotations

from streams.core.scheduling.daily_limit import DayState
from streams.messages.message import Message


class BudgetRow(Message):
    """`budgets`: the usage of a budget's window until `at_ms`, and what it was granted after that.

    `used` are pairs of an age in milliseconds at `at_ms`, the oldest first, and a number of requests.
    `slots` requests may have been sent until `slots_ms` after `at_ms`. `epoch` is that of the owner who wrote it.
    `day` is what was spent of the daily quota; None for a budget without one.
    """

    at_ms: int
    used: tuple[tuple[int, int], ...] = ()
    slots: int = 0
    slots_ms: int = 0
    epoch: int = 0
    day: DayState | None = None
