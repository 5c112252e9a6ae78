"""The dispatcher: which entity may be worked on now. A pure state machine with time as an argument.

It is level-triggered, like a Kubernetes controller: an offer says *that* an entity is due, never what is to be done.
So offers coalesce, and their order does not matter; whoever starts an entity looks up its latest desired state.

It holds, per **budget** (what the vendor limits, `core/scheduling/budget.py`): the window, the number in flight, the day's quota, a pause.
Per **lane** (one contact, `core/scheduling/lanes.py`): one entity at a time, the contact before its notes and tasks.
Per **tenant** (one connection): a fair share of the budget that it shares with others, by turns.
Across lanes: opt-outs before live changes before the sweep before the backfill before verification.

The life of one entity::

    offer ──► waiting ──start──► in flight ──answered──► being recorded ──finish(DONE)──► forgotten
                 ▲                                                     ├─ finish(AGAIN)  due at once (next step), behind the others
                 │                                                     ├─ finish(NEXT)   due at once, before the others of its priority
                 │                                                     ├─ finish(RETRY)   due after a wait
                 └─────────────────────────────────────────────────────┴─ finish(BLOCKED) due when its contact moved

`answered` frees the budget's slot, `finish` the lane: between them the result is written to Kafka and to the tables.

A turn costs what has changed, however many budgets wait: `start` looks at the budgets that something has happened to since,
and at those whose time has come. For each other budget a time is known before which nothing of it can start (`core/scheduling/agenda.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import count

from connectors.rate import RateHeaders
from streams.core.scheduling.agenda import Agenda
from streams.core.scheduling.allowance import note, seed
from streams.core.scheduling.budget import Budget, BudgetPolicy, BudgetView
from streams.core.scheduling.budget_row import BudgetRow
from streams.core.scheduling.items import Item, Priority, Verdict
from streams.core.scheduling.lanes import Lanes
from streams.core.scheduling.window import RequestWindow

__all__ = ["BudgetPolicy", "BudgetView", "Dispatcher", "Item", "Priority", "Verdict"]


@dataclass(frozen=True, slots=True)
class _Owned:
    budget: Budget
    lanes: Lanes

    def next_at(self, now: float) -> float | None:
        """Nothing can start before; None when only an event can change that, infinity when a pause has no end."""
        most_urgent = self.lanes.most_urgent(now)
        free_at = None if most_urgent is None else self.budget.next_at(most_urgent, now)
        due_at = self.lanes.next_due()
        if free_at is None or due_at is None:
            return due_at if free_at is None else free_at
        return min(free_at, due_at)


class Dispatcher:
    """Decides what may start. Times are monotonic seconds, given by the caller; nothing here waits."""

    def __init__(self) -> None:
        self._owned: dict[str, _Owned] = {}
        self._lost: dict[str, Budget] = {}
        self._unanswered: dict[int, Budget] = {}
        self._tickets = count(1)
        self._short: set[str] = set()
        self._agenda = Agenda()
        self._budgets_of: dict[str, set[str]] = {}
        """The budgets of which a connection was offered something, or was held."""

    # -- budgets ------------------------------------------------------------------------------------------

    def acquire(
        self, budget: str, policy: BudgetPolicy, noted: BudgetRow | None = None, *, now: float = 0.0, now_ms: int = 0
    ) -> None:
        """This worker owns the budget now. Acquiring it twice changes nothing.

        A budget that was lost and comes back (a rebalance) keeps its window, quota and pause, because the vendor keeps them too.
        `noted` is the usage that another owner wrote since: then the window starts with that.
        """
        if budget in self._owned:
            return
        lost = self._lost.pop(budget, None)
        if lost is not None and noted is None:
            same = lost if lost.policy == policy else self._revised(lost, policy, now)
            window, quota = same.window, same.quota
        else:
            window, quota = RequestWindow(policy.limit, policy.window_seconds), policy.new_quota()
            if noted is not None:
                seed(window, noted, now, now_ms, None if quota is None else quota.day)
        self._owned[budget] = _Owned(Budget(policy, window=window, quota=quota, before=lost), Lanes(self._tickets))
        self._agenda.add(budget)

    def revise(self, budget: str, policy: BudgetPolicy, now: float) -> None:
        """The budget's limits are others from now on. What waits stays, and what was used counts under the new ones."""
        owned = self._owned.get(budget)
        if owned is None or owned.budget.policy == policy:
            return
        self._owned[budget] = _Owned(self._revised(owned.budget, policy, now), owned.lanes)
        self._agenda.changed(budget)

    def _revised(self, before: Budget, policy: BudgetPolicy, now: float) -> Budget:
        after = before.revised(policy, now)
        self._unanswered = {ticket: after if one is before else one for ticket, one in self._unanswered.items()}
        return after

    def take_short(self, now: float, now_ms: int) -> dict[str, BudgetRow]:
        """The grants to write for budgets that have work. Call `granted` when each was written, or could not be."""
        short, self._short = self._short, set()
        for name in short:
            self._agenda.changed(name)
        budgets = {name: self._owned[name].budget for name in short if name in self._owned}
        return {
            name: budget.allowance.ask(now, now_ms)
            for name, budget in budgets.items()
            if budget.allowance.is_short(now)
        }

    def granted(self, budget: str, *, stands: bool) -> None:
        """A grant was written to Kafka, or could not be."""
        if owned := self._owned.get(budget):
            self._agenda.changed(budget)
            if stands:
                owned.budget.allowance.granted()
            else:
                owned.budget.allowance.failed()

    def last_note(self, budget: str, now: float, now_ms: int) -> BudgetRow | None:
        """The last row of an owner that releases a budget; None for a budget whose usage is not written."""
        lost = self._lost.get(budget)
        return note(lost.window, now, now_ms, day=lost.day) if lost is not None and lost.policy.is_noted else None

    def release(self, budget: str) -> None:
        """This worker no longer owns the budget: all its work is forgotten, and a late `finish` is ignored.

        What is still in flight keeps its slot until it is `answered`.
        """
        if lost := self._owned.pop(budget, None):
            self._lost[budget] = lost.budget
            self._agenda.remove(budget)

    def owns(self, budget: str) -> bool:
        """Whether this worker owns the budget."""
        return budget in self._owned

    def observe(self, budget: str, rate: RateHeaders, now: float) -> None:
        """Take the vendor's own count into account, as an answer brings it; call it before `answered`."""
        if owned := self._owned.get(budget):
            self._agenda.changed(budget)
            owned.budget.observe(rate, now)

    def pause(self, budget: str, until: float, cause: str) -> None:
        """Start nothing for this budget before `until` (infinity: until `resume`). A longer pause stays as it is."""
        if owned := self._owned.get(budget):
            self._agenda.changed(budget)
            owned.budget.pause(until, cause)

    def resume(self, budget: str) -> None:
        """End a pause."""
        if owned := self._owned.get(budget):
            self._agenda.changed(budget)
            owned.budget.resume()

    def hold_tenant(self, budget: str, tenant: str) -> None:
        """Start nothing of a tenant until `release_tenant`: it lacks something that it needs first."""
        if owned := self._owned.get(budget):
            self._agenda.changed(budget)
            owned.lanes.hold_tenant(tenant)
            self._budgets_of.setdefault(tenant, set()).add(budget)

    def forget(self, connection: str) -> None:
        """Nothing of a connection waits any longer, and no hold of it. What it has in flight ends, and is not tried again."""
        for name in self._budgets_of.pop(connection, ()):
            if owned := self._owned.get(name):
                owned.lanes.forget(connection)
                self._agenda.changed(name)

    def release_tenant(self, budget: str, tenant: str) -> None:
        """End a hold."""
        if owned := self._owned.get(budget):
            self._agenda.changed(budget)
            owned.lanes.release_tenant(tenant)

    # -- work ---------------------------------------------------------------------------------------------

    def offer_item(self, item: Item, now: float, *, not_before: float = 0.0) -> bool:
        """An entity is due. Returns False when that was known already, or when the budget is not ours."""
        owned = self._owned.get(item.budget)
        if owned is None:
            return False
        self._agenda.changed(item.budget)
        self._budgets_of.setdefault(item.connection, set()).add(item.budget)
        return owned.lanes.offer_item(item, now, not_before)

    def start(self, now: float) -> list[Item]:
        """Everything that may start now. Each item takes a slot of its budget and its lane."""
        started: list[Item] = []
        for name in self._agenda.due(now):
            owned = self._owned[name]
            self._start_of(name, owned, now, started)
            self._agenda.put(name, owned.next_at(now))
        return started

    def _start_of(self, name: str, owned: _Owned, now: float, started: list[Item]) -> None:
        budget, lanes = owned.budget, owned.lanes
        most_urgent = lanes.most_urgent(now)
        if most_urgent is None or most_urgent > budget.least_urgent(now):
            return
        if budget.is_short(now):
            self._short.add(name)
        for _ in range(budget.slots(now)):
            item = lanes.take(budget.least_urgent(now), now)
            if item is None:
                return
            budget.begin_request(now)
            self._unanswered[item.ticket] = budget
            started.append(item)

    def answered(self, item: Item, now: float, *, was_sent: bool = True) -> None:
        """The vendor answered, or the request was given up: the budget's slot is free for the next."""
        if budget := self._unanswered.pop(item.ticket, None):
            budget.end(now, was_sent=was_sent)
            self._agenda.changed(
                item.budget
            )  # a budget that was lost and has come back shares its window with its former self

    def finish(self, item: Item, verdict: Verdict, now: float, *, wait_seconds: float = 0.0) -> None:
        """The result is recorded: the lane is free for the next. Call `answered` before it."""
        if owned := self._owned.get(item.budget):
            self._agenda.changed(item.budget)
            owned.lanes.finish(item, verdict, now, wait_seconds)

    def wait_seconds(self, now: float) -> float | None:
        """How long until something may start by the passing of time alone. None: only an event can change that.

        The result may be too short, but never too long. It is 0 only when `start` has something to do.
        """
        for name in self._agenda.due(now):
            self._agenda.put(name, self._owned[name].next_at(now))
        soonest = self._agenda.soonest()
        return None if soonest is None else max(0.0, soonest - now)

    # -- what an operator asks ----------------------------------------------------------------------------

    @property
    def budgets(self) -> Collection[str]:
        """The names of the budgets that are ours."""
        return self._owned.keys()

    def view(self, now: float) -> Iterator[BudgetView]:
        """The state of each budget, for metrics and status."""
        return (self.view_of(budget, now) for budget in list(self._owned))

    def view_of(self, budget: str, now: float) -> BudgetView:
        """The state of a budget that is ours."""
        owned = self._owned[budget]
        return owned.budget.view(budget, now, owned.lanes.waiting(), owned.lanes.blocked())

    def is_held(self, budget: str, tenant: str) -> bool:
        """Whether a tenant of a budget that is ours is on hold."""
        owned = self._owned.get(budget)
        return owned is not None and owned.lanes.is_held(tenant)

    @property
    def is_idle(self) -> bool:
        """Nothing waits and nothing is in flight."""
        return not any(owned.lanes for owned in self._owned.values())
