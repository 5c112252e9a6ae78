"""The dispatcher as it was before it kept an agenda: each turn walks through all budgets. The reference for `test_agenda.py`.

Slow and plain: what starts, in which order, and what is short, is decided by looking at everything each time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from math import inf

from connectors.rate import RateHeaders
from streams.core.scheduling.allowance import note, seed
from streams.core.scheduling.budget import Budget, BudgetPolicy, BudgetView
from streams.core.scheduling.budget_row import BudgetRow
from streams.core.scheduling.items import Item, Verdict
from streams.core.scheduling.lanes import Lanes, _Lane
from streams.core.scheduling.window import RequestWindow


class WalkingLanes(Lanes):
    """The lanes as they were: the tenants that may have a turn are listed before the first of them is asked."""

    def _next_of(self, priority: int) -> _Lane | None:
        turns, found = self._ready[priority], None
        for tenant in [tenant for tenant in turns if tenant not in self._held]:
            found = self._first_fresh(turns[tenant], priority)
            if turns[tenant]:
                turns.move_to_end(tenant)
            else:
                del turns[tenant]
            if found is not None:
                break
        if not turns:
            del self._ready[priority]
        return found


@dataclass(frozen=True, slots=True)
class _Owned:
    budget: Budget
    lanes: Lanes


class WalkingDispatcher:
    """Decides what may start. Times are monotonic seconds, given by the caller; nothing here waits."""

    def __init__(self) -> None:
        self._owned: dict[str, _Owned] = {}
        self._lost: dict[str, Budget] = {}
        self._unanswered: dict[int, Budget] = {}
        self._tickets = count(1)
        self._short: set[str] = set()

    # -- budgets ------------------------------------------------------------------------------------------

    def acquire(
        self, budget: str, policy: BudgetPolicy, noted: BudgetRow | None = None, *, now: float = 0.0, now_ms: int = 0
    ) -> None:
        """This worker owns the budget now. Gaining it again changes nothing.

        One that was lost and comes back (a rebalance) keeps its window, its quota and its pause: the vendor has not
        forgotten either. `noted` is what another owner noted since: then the window begins with that.
        """
        if budget in self._owned:
            return
        lost = self._lost.pop(budget, None)
        if lost is not None and lost.policy == policy and noted is None:
            window, quota = lost.window, lost.quota
        else:
            window, quota = RequestWindow(policy.limit, policy.window_seconds), policy.new_quota()
            if noted is not None:
                seed(window, noted, now, now_ms, None if quota is None else quota.day)
        self._owned[budget] = _Owned(
            Budget(policy, window=window, quota=quota, before=lost), WalkingLanes(self._tickets)
        )

    def take_short(self, now: float, now_ms: int) -> dict[str, BudgetRow]:
        """The budgets that have work and need a grant: the note of each. Call `granted` when it stands, or has failed."""
        short, self._short = self._short, set()
        budgets = {name: self._owned[name].budget for name in short if name in self._owned}
        return {
            name: budget.allowance.ask(now, now_ms)
            for name, budget in budgets.items()
            if budget.allowance.is_short(now)
        }

    def granted(self, budget: str, *, stands: bool) -> None:
        """A grant was written to Kafka, or could not be."""
        if owned := self._owned.get(budget):
            if stands:
                owned.budget.allowance.granted()
            else:
                owned.budget.allowance.failed()

    def last_note(self, budget: str, now: float, now_ms: int) -> BudgetRow | None:
        """What an owner that lets go leaves behind; None for a budget whose spending is not noted."""
        lost = self._lost.get(budget)
        return note(lost.window, now, now_ms, day=lost.day) if lost is not None and lost.policy.is_noted else None

    def release(self, budget: str) -> None:
        """This worker owns the budget no more: all its work is forgotten, a late `finish` is ignored.

        What is still in flight keeps its slot until it is `answered`.
        """
        if lost := self._owned.pop(budget, None):
            self._lost[budget] = lost.budget

    def owns(self, budget: str) -> bool:
        """Whether this worker owns the budget."""
        return budget in self._owned

    def observe(self, budget: str, rate: RateHeaders, now: float) -> None:
        """Take the vendor's own count into account, as an answer brings it; call it before `answered`."""
        if owned := self._owned.get(budget):
            owned.budget.observe(rate, now)

    def pause(self, budget: str, until: float, cause: str) -> None:
        """Start nothing for this budget before `until` (infinity: until `resume`). A longer pause stands."""
        if owned := self._owned.get(budget):
            owned.budget.pause(until, cause)

    def resume(self, budget: str) -> None:
        """End a pause."""
        if owned := self._owned.get(budget):
            owned.budget.resume()

    def hold_tenant(self, budget: str, tenant: str) -> None:
        """Start nothing of a tenant until `release_tenant`: it lacks something that it needs first."""
        if owned := self._owned.get(budget):
            owned.lanes.hold_tenant(tenant)

    def release_tenant(self, budget: str, tenant: str) -> None:
        """End a hold."""
        if owned := self._owned.get(budget):
            owned.lanes.release_tenant(tenant)

    # -- work ---------------------------------------------------------------------------------------------

    def offer_item(self, item: Item, now: float, *, not_before: float = 0.0) -> bool:
        """An entity is due. Returns False when that was known already, or when the budget is not ours."""
        owned = self._owned.get(item.budget)
        return owned is not None and owned.lanes.offer_item(item, now, not_before)

    def start(self, now: float) -> list[Item]:
        """Everything that may start now. Each item takes a slot of its budget and its lane."""
        started: list[Item] = []
        for name, owned in self._owned.items():
            budget, lanes = owned.budget, owned.lanes
            most_urgent = lanes.most_urgent(now)
            if most_urgent is None or most_urgent > budget.least_urgent(now):
                continue
            if budget.is_short(now):
                self._short.add(name)
            for _ in range(budget.slots(now)):
                item = lanes.take(budget.least_urgent(now), now)
                if item is None:
                    break
                budget.begin_request(now)
                self._unanswered[item.ticket] = budget
                started.append(item)
        return started

    def answered(self, item: Item, now: float, *, was_sent: bool = True) -> None:
        """The vendor answered, or the request was given up: the budget's slot is free for the next."""
        if budget := self._unanswered.pop(item.ticket, None):
            budget.end(now, was_sent=was_sent)

    def finish(self, item: Item, verdict: Verdict, now: float, *, wait_seconds: float = 0.0) -> None:
        """The result is recorded: the lane is free for the next. Call `answered` before it."""
        if owned := self._owned.get(item.budget):
            owned.lanes.finish(item, verdict, now, wait_seconds)

    def wait_seconds(self, now: float) -> float | None:
        """How long until something may start by the passing of time alone. None: only an event can change that."""
        times: list[float] = []
        for owned in self._owned.values():
            most_urgent = owned.lanes.most_urgent(now)
            if most_urgent is not None and (at := owned.budget.next_at(most_urgent, now)) is not None:
                times.append(at)
            if (due := owned.lanes.next_due()) is not None:
                times.append(due)
        soonest = min(times, default=inf)
        return max(0.0, soonest - now) if soonest < inf else None

    # -- what an operator asks ----------------------------------------------------------------------------

    def view(self, now: float) -> Iterator[BudgetView]:
        """The state of each budget, for metrics and status."""
        for name, owned in self._owned.items():
            yield owned.budget.view(name, now, owned.lanes.waiting(), owned.lanes.blocked())

    def is_held(self, budget: str, tenant: str) -> bool:
        """Whether a tenant of a budget that is ours is on hold."""
        owned = self._owned.get(budget)
        return owned is not None and owned.lanes.is_held(tenant)

    @property
    def is_idle(self) -> bool:
        """Nothing waits and nothing is in flight."""
        return not any(owned.lanes for owned in self._owned.values())
