"""One budget: what a vendor limits, and all that must be free before a request of it may start.

The window (`core/scheduling/window.py`), the number in flight, the day's quota (`core/scheduling/quota.py`), the grant (`core/scheduling/allowance.py`), a pause.
Less urgent work also keeps to an even line (`core/scheduling/spread.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import inf
from typing import Any

from connectors.rate import RateHeaders
from streams.core.scheduling.allowance import Allowance
from streams.core.scheduling.daily_limit import DAY_SECONDS, Day
from streams.core.scheduling.items import PRIORITIES, Priority
from streams.core.scheduling.quota import LIVE_RESERVE, Quota
from streams.core.scheduling.spread import Spread
from streams.core.scheduling.window import RequestWindow

NOTHING = -1
"""As the result of `least_urgent`: nothing may start, not even the most urgent."""


@dataclass(frozen=True, slots=True)
class BudgetPolicy:
    """What a budget allows: `limit` requests in `window_seconds`, at most `in_flight` at a time.

    `is_noted`: usage is written to Kafka before it happens, for the next owner (`core/scheduling/allowance.py`).
    `daily_limit` requests are allowed a day, None for a vendor without such a quota.
    `live_reserve` is the part of it that a whole day of live changes may need.
    `is_spread`: what is less urgent than live changes is spread evenly over the window (`core/scheduling/spread.py`).
    """

    limit: int
    window_seconds: float
    in_flight: int
    is_noted: bool = False
    daily_limit: int | None = None
    live_reserve: float = LIVE_RESERVE
    day_seconds: float = DAY_SECONDS
    is_spread: bool = False

    def new_quota(self) -> Quota | None:
        """The plan of a day of which nothing is spent; None for a vendor without such a quota."""
        return None if self.daily_limit is None else Quota(Day(self.daily_limit, self.day_seconds), self.live_reserve)


class Budget:
    """Times are monotonic seconds, passed in by the caller. `before` is this budget when we last owned it: its pause still holds."""

    def __init__(
        self,
        policy: BudgetPolicy,
        *,
        window: RequestWindow | None = None,
        quota: Quota | None = None,
        before: Budget | None = None,
    ) -> None:
        self.policy = policy
        self.window = window or RequestWindow(policy.limit, policy.window_seconds)
        self.quota = quota or policy.new_quota()
        self.allowance = Allowance(self.window, is_needed=policy.is_noted, day=self.day)
        self._spread = Spread(self.window) if policy.is_spread else None
        self._paused_until: float = before._paused_until if before else 0.0
        self._pause_cause: str = before._pause_cause if before else ""

    def revised(self, policy: BudgetPolicy, now: float) -> Budget:
        """This budget under other limits: what is in flight, what was used and a pause count under the new ones."""
        window = RequestWindow(policy.limit, policy.window_seconds)
        window.seed(sorted(self.window.spent(now)))
        window.in_flight = self.window.in_flight
        quota = policy.new_quota()
        if quota is not None and self.day is not None:
            quota.day.seed(self.day.state(now, with_in_flight=False), now)
            quota.day.in_flight = self.day.in_flight
        return Budget(policy, window=window, quota=quota, before=self)

    @property
    def day(self) -> Day | None:
        """What was spent of the daily quota; None without one."""
        return self.quota.day if self.quota is not None else None

    # -- what happens -------------------------------------------------------------------------------------

    def pause(self, until: float, cause: str) -> None:
        """Start nothing before `until`. A longer pause stays as it is."""
        if self._paused_until < until:
            self._paused_until, self._pause_cause = until, cause

    def resume(self) -> None:
        """End a pause."""
        self._paused_until, self._pause_cause = 0.0, ""

    def observe(self, rate: RateHeaders, now: float) -> None:
        """Take the vendor's own count into account."""
        self.window.observe(rate, now)
        if self.quota is not None:
            self.quota.observe(rate, now)

    def begin_request(self, now: float) -> None:
        """A request starts."""
        self.window.begin_request(now)
        self.allowance.begin_request()
        if self._spread is not None:
            self._spread.begin_request(now)
        if self.quota is not None:
            self.quota.begin_request(now)

    def end(self, now: float, *, was_sent: bool) -> None:
        """A request was answered, or given up."""
        self.window.end(now, was_sent=was_sent)
        if self._spread is not None:
            self._spread.end(was_sent=was_sent)
        if self.quota is not None:
            self.quota.end(now, was_sent=was_sent)

    # -- what is asked ------------------------------------------------------------------------------------

    def pause_cause(self, now: float) -> str:
        """Why the budget pauses; empty when it does not."""
        return self._pause_cause if now < self._paused_until else ""

    def least_urgent(self, now: float) -> int:
        """The least urgent priority that a pause, the quota and the even line let start, or `NOTHING`."""
        planned = self._least_planned(now)
        is_ahead = planned > Priority.LIVE and self._spread is not None and not self._spread.allows(now)
        return Priority.LIVE if is_ahead else planned

    def _least_planned(self, now: float) -> int:
        if now < self._paused_until:
            return NOTHING
        if self.quota is None or self.quota.allows(Priority.SWEEP, now):
            return PRIORITIES[-1]
        return next((one for one in (Priority.LIVE, Priority.OPT_OUT) if self.quota.allows(one, now)), NOTHING)

    def slots(self, now: float) -> int:
        """How many requests the window, the flight and the grant let start."""
        granted = self.allowance.left(now)
        return self._free(now) if granted is None else min(self._free(now), granted)

    def is_short(self, now: float) -> bool:
        """Whether more could start with a new grant."""
        return self._free(now) > 0 and self.allowance.is_short(now)

    def next_at(self, priority: int, now: float) -> float | None:
        """Nothing of this priority starts before; None when only an event can change that, infinity for a dead budget."""
        if self.window.in_flight >= self.policy.in_flight or self.allowance.is_awaited(now):
            return None
        free_at = self.window.next_free(now)
        planned_at = now if self.quota is None else self.quota.next_at(priority, now)
        if free_at is None or planned_at is None:
            return None
        if self._spread is not None and priority > Priority.LIVE:
            free_at = max(free_at, self._spread.next_at(now))
        return max(self._paused_until, free_at, planned_at)

    def view(self, name: str, now: float, waiting: Mapping[Priority, int], blocked: int) -> BudgetView:
        """The budget's state, for operators."""
        quota = None if self.quota is None else self.quota.view(now)
        held_back = 0
        if quota is not None and not self.pause_cause(now):
            least = self._least_planned(now)
            held_back = sum(number for priority, number in waiting.items() if priority > least)
        return BudgetView(
            budget=name,
            limit=self.window.limit,
            used=self.window.used(now),
            in_flight=self.window.in_flight,
            waiting={priority: waiting.get(priority, 0) for priority in PRIORITIES},
            blocked=blocked,
            pause_cause=self.pause_cause(now),
            pause_seconds=max(0.0, self._paused_until - now),
            in_flight_limit=self.policy.in_flight,
            window_seconds=self.policy.window_seconds,
            quota_limit=quota.limit if quota else None,
            quota_left=quota.remaining if quota else None,
            quota_reset_seconds=quota.reset_seconds if quota else None,
            quota_regime=quota.regime.value if quota else "",
            waiting_for_quota=held_back,
        )

    def _free(self, now: float) -> int:
        return min(self.window.free(now), self.policy.in_flight - self.window.in_flight)


@dataclass(frozen=True, slots=True)
class BudgetView:
    """One budget as an operator sees it. Without a daily quota its fields are None, empty, or 0.

    `pause_seconds` is what is left of a pause; infinity for one that only an event ends.
    `waiting_for_quota` of the waiting entities are held back only by the quota: they continue as the day goes by.
    """

    budget: str
    limit: int
    used: int
    in_flight: int
    waiting: dict[Priority, int]
    blocked: int
    pause_cause: str
    pause_seconds: float = 0.0
    in_flight_limit: int = 0
    window_seconds: float = 0.0
    quota_limit: int | None = None
    quota_left: int | None = None
    quota_reset_seconds: float | None = None
    quota_regime: str = ""
    waiting_for_quota: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        left = self.pause_seconds if self.pause_seconds < inf else None
        waiting = {priority.name.lower(): n for priority, n in self.waiting.items()}
        return {**asdict(self), "waiting": waiting, "pause_seconds": left}
