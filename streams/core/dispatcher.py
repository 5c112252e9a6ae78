"""The dispatcher: which entity may be worked on now. A pure state machine with time as an argument.

It is level-triggered, like a Kubernetes controller: an offer says *that* an entity is due, never what is to be done.
So offers coalesce, and their order does not matter; whoever starts an entity looks up its latest desired state.

It holds, per **budget** (what the vendor limits): the window, the number in flight, a pause.
Per **lane** (one contact): one entity at a time, the contact before its notes and tasks.
Per **tenant** (one connection): a fair share of the budget that it shares with others, by turns.
Across lanes: live changes before the sweep before the backfill.

The life of one entity::

    offer ──► waiting ──start──► in flight ──answered──► being recorded ──finish(DONE)──► forgotten
                 ▲                                                     ├─ finish(AGAIN)  due at once (next step)
                 │                                                     ├─ finish(RETRY)   due after a wait
                 └─────────────────────────────────────────────────────┴─ finish(BLOCKED) due when its contact moved

`answered` frees the budget's slot, `finish` the lane: between them the result is written to Kafka and to the tables.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from enum import Enum, IntEnum
from itertools import count
from typing import Any

from connectors.rate import RateHeaders
from streams.core.grant import Grants, note, seed
from streams.core.rows import BudgetRow
from streams.core.window import Window


class Priority(IntEnum):
    """Who goes first when slots are scarce."""

    LIVE = 0
    SWEEP = 1
    BACKFILL = 2


class Verdict(Enum):
    """What `finish` says of an entity that was started."""

    DONE = "done"
    PARKED = "parked"
    AGAIN = "again"
    RETRY = "retry"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Item:
    """One entity that is due. `rank` orders within its lane: the contact is 0, what hangs on it is 1.

    `ticket` tells one start from another: a report counts only for the start that it was given by.
    """

    key: str
    lane: str
    budget: str
    tenant: str
    priority: Priority = Priority.LIVE
    rank: int = 0
    ticket: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class BudgetPolicy:
    """What a budget allows: `limit` requests in `window_seconds`, at most `in_flight` at a time.

    `is_noted` says that spending is noted before it happens (`core/grant.py`), for whoever owns the budget next.
    """

    limit: int
    window_seconds: float
    in_flight: int
    is_noted: bool = False


@dataclass(slots=True, eq=False)
class _Waiting:
    item: Item
    not_before: float = 0.0
    is_blocked: bool = False


@dataclass(slots=True, eq=False)
class _Lane:
    key: str
    tenant: str
    waiting: dict[str, _Waiting] = field(default_factory=dict)
    active: Item | None = None
    due_again: Item | None = None
    """The most urgent offer of the active entity since it was started."""
    queued_at: tuple[int, float] | None = None
    """(priority, time) under which the lane stands in a queue; entries that differ from it are stale."""


@dataclass(slots=True, eq=False)
class _Budget:
    policy: BudgetPolicy
    window: Window
    grants: Grants
    lanes: dict[str, _Lane] = field(default_factory=dict)
    ready: dict[int, OrderedDict[str, deque[_Lane]]] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    paused_until: float | None = None
    pause_cause: str = ""

    def is_paused(self, now: float) -> bool:
        return self.paused_until is not None and now < self.paused_until


class Dispatcher:
    """Decides what may start. Times are monotonic seconds, given by the caller; nothing here waits."""

    def __init__(self) -> None:
        self._budgets: dict[str, _Budget] = {}
        self._lost: dict[str, _Budget] = {}
        self._unanswered: dict[int, Window] = {}
        self._tickets = count(1)
        self._delayed: list[tuple[float, int, str, _Lane]] = []
        self._order = count()
        self._short: set[str] = set()

    # -- budgets ------------------------------------------------------------------------------------------

    def gain(
        self, budget: str, policy: BudgetPolicy, noted: BudgetRow | None = None, *, now: float = 0.0, now_ms: int = 0
    ) -> None:
        """This worker owns the budget now. Gaining it again changes nothing.

        One that was lost and comes back (a rebalance) keeps its window and pause: the vendor has not forgotten either.
        `noted` is what another owner noted since: then the window begins with that.
        """
        if budget in self._budgets:
            return
        lost = self._lost.pop(budget, None)
        if lost is not None and lost.policy == policy and noted is None:
            window = lost.window
        else:
            window = Window(policy.limit, policy.window_seconds)
            if noted is not None:
                seed(window, noted, now, now_ms)
        gained = self._budgets[budget] = _Budget(policy, window, Grants(window, is_needed=policy.is_noted))
        if lost is not None:
            gained.paused_until, gained.pause_cause = lost.paused_until, lost.pause_cause

    def take_short(self, now: float, now_ms: int) -> dict[str, BudgetRow]:
        """The budgets that have work and need a grant: the note of each. Call `granted` when it stands, or has failed."""
        short, self._short = self._short, set()
        owned = ((name, self._budgets.get(name)) for name in short)
        return {
            name: budget.grants.ask(now, now_ms) for name, budget in owned if budget and budget.grants.is_short(now)
        }

    def granted(self, budget: str, *, stands: bool) -> None:
        """The note of a grant stands in Kafka, or could not be written."""
        if owned := self._budgets.get(budget):
            if stands:
                owned.grants.granted()
            else:
                owned.grants.failed()

    def last_note(self, budget: str, now: float, now_ms: int) -> BudgetRow | None:
        """What an owner that lets go leaves behind; None for a budget whose spending is not noted."""
        lost = self._lost.get(budget)
        return note(lost.window, 0, 0.0, now, now_ms) if lost is not None and lost.policy.is_noted else None

    def lose(self, budget: str) -> None:
        """This worker owns the budget no more: all its work is forgotten, a late `finish` is ignored.

        What is still in flight keeps its slot until it is `answered`.
        """
        if lost := self._budgets.pop(budget, None):
            self._lost[budget] = lost
            lost.lanes.clear()
            lost.ready.clear()

    def owns(self, budget: str) -> bool:
        """Whether this worker owns the budget."""
        return budget in self._budgets

    def observe(self, budget: str, rate: RateHeaders, now: float) -> None:
        """Take the vendor's own count into account."""
        if owned := self._budgets.get(budget):
            owned.window.observe(rate, now)

    def pause(self, budget: str, until: float, cause: str) -> None:
        """Start nothing for this budget before `until` (infinity: until `resume`). A longer pause stands."""
        owned = self._budgets.get(budget)
        if owned is not None and (owned.paused_until is None or owned.paused_until < until):
            owned.paused_until = until
            owned.pause_cause = cause

    def resume(self, budget: str) -> None:
        """End a pause."""
        if owned := self._budgets.get(budget):
            owned.paused_until = None
            owned.pause_cause = ""

    def hold(self, budget: str, tenant: str) -> None:
        """Start nothing of a tenant until `release`: it lacks something that it needs first."""
        if owned := self._budgets.get(budget):
            owned.held.add(tenant)

    def release(self, budget: str, tenant: str) -> None:
        """End a hold."""
        if owned := self._budgets.get(budget):
            owned.held.discard(tenant)

    # -- work ---------------------------------------------------------------------------------------------

    def offer(self, item: Item, now: float, *, not_before: float = 0.0) -> bool:
        """An entity is due. Returns False when that was known already, or when the budget is not ours."""
        budget = self._budgets.get(item.budget)
        if budget is None:
            return False
        lane = budget.lanes.get(item.lane)
        if lane is None:
            lane = budget.lanes[item.lane] = _Lane(item.lane, item.tenant)
        if lane.active is not None and lane.active.key == item.key:
            known = lane.due_again
            if known is None or item.priority < known.priority:
                lane.due_again = item
            return known is None
        waiting = lane.waiting.get(item.key)
        if waiting is not None:
            if item.priority < waiting.item.priority:
                waiting.item = item
                self._queue(budget, lane, now)
            return False
        lane.waiting[item.key] = _Waiting(item, not_before)
        self._queue(budget, lane, now)
        return True

    def start(self, now: float) -> list[Item]:
        """Everything that may start now. Each item takes a slot of its budget and its lane."""
        self._wake_delayed(now)
        started: list[Item] = []
        for name, budget in self._budgets.items():
            if not budget.ready or budget.is_paused(now):
                continue
            slots = min(budget.window.free(now), budget.policy.in_flight - budget.window.in_flight)
            if slots > 0 and (granted := budget.grants.left(now)) is not None:
                slots = min(slots, granted)
                if budget.grants.is_short(now):
                    self._short.add(name)
            while slots > 0 and (lane := self._next_lane(budget)) is not None:
                waiting = self._choose(lane)
                if waiting is None or waiting.not_before > now:
                    self._queue(budget, lane, now)
                    continue
                del lane.waiting[waiting.item.key]
                lane.active = replace(waiting.item, ticket=next(self._tickets))
                budget.window.begin(now)
                budget.grants.begin()
                self._unanswered[lane.active.ticket] = budget.window
                started.append(lane.active)
                slots -= 1
        return started

    def answered(self, item: Item, now: float, *, was_sent: bool = True) -> None:
        """The vendor answered, or the request was given up: the budget's slot is free for the next."""
        if window := self._unanswered.pop(item.ticket, None):
            window.end(now, was_sent=was_sent)

    def finish(self, item: Item, verdict: Verdict, now: float, *, wait_seconds: float = 0.0) -> None:
        """The result is recorded: the lane is free for the next. Call `answered` before it."""
        budget = self._budgets.get(item.budget)
        lane = budget.lanes.get(item.lane) if budget else None
        if budget is None or lane is None or lane.active is None or lane.active.ticket != item.ticket:
            return
        due_again = lane.due_again
        lane.active = None
        lane.due_again = None
        if due_again is not None:
            ends = verdict in (Verdict.DONE, Verdict.PARKED)
            item = due_again if ends or due_again.priority < item.priority else item
        if verdict is Verdict.RETRY:
            lane.waiting[item.key] = _Waiting(item, now + wait_seconds)
        elif verdict is Verdict.BLOCKED:
            lane.waiting[item.key] = _Waiting(item, is_blocked=True)
        elif verdict is Verdict.AGAIN or due_again is not None:
            lane.waiting[item.key] = _Waiting(item)
        if item.rank == 0 and verdict is Verdict.DONE:
            self._unblock(lane)
        if lane.waiting:
            self._queue(budget, lane, now)
        else:
            del budget.lanes[lane.key]

    def wait_seconds(self, now: float) -> float | None:
        """How long until something may start by the passing of time alone. None: only an event can change that."""
        times = [self._delayed[0][0]] if self._delayed else []
        for budget in self._budgets.values():
            if not budget.ready or all(tenant in budget.held for turns in budget.ready.values() for tenant in turns):
                continue
            if budget.is_paused(now):
                if budget.paused_until is not None:
                    times.append(budget.paused_until)
            elif budget.window.in_flight < budget.policy.in_flight and not budget.grants.is_awaited(now):
                at = budget.window.next_free(now)
                if at is not None:
                    times.append(at)
        finite = [at for at in times if at != float("inf")]
        return max(0.0, min(finite) - now) if finite else None

    # -- what an operator asks ----------------------------------------------------------------------------

    def view(self, now: float) -> Iterator[BudgetView]:
        """The state of each budget, for metrics and status."""
        for name, budget in self._budgets.items():
            waiting = [w for lane in budget.lanes.values() for w in lane.waiting.values()]
            yield BudgetView(
                budget=name,
                limit=budget.window.limit,
                used=budget.window.used(now),
                in_flight=budget.window.in_flight,
                waiting={p: sum(1 for w in waiting if w.item.priority is p) for p in Priority},
                blocked=sum(1 for w in waiting if w.is_blocked),
                pause_cause=budget.pause_cause if budget.is_paused(now) else "",
            )

    @property
    def is_idle(self) -> bool:
        """Nothing waits and nothing is in flight."""
        return not any(budget.lanes for budget in self._budgets.values())

    # -- queues -------------------------------------------------------------------------------------------

    @staticmethod
    def _unblock(lane: _Lane) -> None:
        for waiting in lane.waiting.values():
            waiting.is_blocked = False

    @staticmethod
    def _choose(lane: _Lane) -> _Waiting | None:
        """The lane's next entity: the contact first, then by priority, then as they came."""
        best: _Waiting | None = None
        for waiting in lane.waiting.values():
            if waiting.is_blocked:
                continue
            if best is None or (waiting.item.rank, waiting.item.priority) < (best.item.rank, best.item.priority):
                best = waiting
        return best

    def _queue(self, budget: _Budget, lane: _Lane, now: float) -> None:
        """Put a free lane where it belongs: among the ready of its priority and tenant, or among the delayed."""
        if lane.active is not None:
            return
        chosen = self._choose(lane)
        if chosen is None:
            lane.queued_at = None
            return
        if chosen.not_before > now:
            place = (-1, chosen.not_before)
            if lane.queued_at != place:
                lane.queued_at = place
                heapq.heappush(self._delayed, (chosen.not_before, next(self._order), chosen.item.budget, lane))
            return
        # A lane is as urgent as its most urgent entity, even when the contact must go first.
        is_contact = chosen.item.rank == 0
        priority = min(w.item.priority for w in lane.waiting.values() if is_contact or not w.is_blocked)
        place = (int(priority), 0.0)
        if lane.queued_at != place:
            lane.queued_at = place
            budget.ready.setdefault(int(priority), OrderedDict()).setdefault(lane.tenant, deque()).append(lane)

    def _wake_delayed(self, now: float) -> None:
        while self._delayed and self._delayed[0][0] <= now:
            at, _, name, lane = heapq.heappop(self._delayed)
            budget = self._budgets.get(name)
            if budget is not None and lane.queued_at == (-1, at) and budget.lanes.get(lane.key) is lane:
                lane.queued_at = None
                self._queue(budget, lane, now)

    @staticmethod
    def _next_lane(budget: _Budget) -> _Lane | None:
        """Take the next ready lane: by priority, and within it the tenants by turns."""
        for priority in sorted(budget.ready):
            turns = budget.ready[priority]
            for tenant in list(turns):
                if tenant in budget.held:
                    continue
                lanes = turns[tenant]
                while lanes:
                    lane = lanes.popleft()
                    if lane.queued_at == (priority, 0.0) and budget.lanes.get(lane.key) is lane:
                        lane.queued_at = None
                        if lanes:
                            turns.move_to_end(tenant)
                        else:
                            del turns[tenant]
                        if not turns:
                            del budget.ready[priority]
                        return lane
                del turns[tenant]
            if not turns:
                del budget.ready[priority]
        return None


@dataclass(frozen=True, slots=True)
class BudgetView:
    """One budget as an operator sees it."""

    budget: str
    limit: int
    used: int
    in_flight: int
    waiting: dict[Priority, int]
    blocked: int
    pause_cause: str

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return {**asdict(self), "waiting": {priority.name.lower(): n for priority, n in self.waiting.items()}}
