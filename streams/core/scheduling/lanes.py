"""The lanes of one budget: whose turn is it next?

A **lane** is all work of one contact: one entity at a time, the contact before its notes and tasks.
A free lane with work is in one queue: among the *ready* of its priority and tenant, or among the *delayed*.
A lane is as urgent as its most urgent entity, even when its contact must go first.
The tenants of a priority take turns, so that connections that share a budget share it fairly.

Entries of the queues are not searched when a lane moves: they become stale, and are dropped when their turn comes.
"""

from __future__ import annotations

import heapq
from collections import Counter, OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count

from streams.core.scheduling.items import PRIORITIES, Item, Priority, Verdict


@dataclass(slots=True, eq=False)
class _WaitingItem:
    item: Item
    not_before: float = 0.0
    is_blocked: bool = False


@dataclass(slots=True, eq=False)
class _Lane:
    key: str
    tenant: str
    connection: str
    waiting: dict[str, _WaitingItem] = field(default_factory=dict)
    active: Item | None = None
    due_again: Item | None = None
    """The most urgent offer of the active entity since it was started."""
    queued_at: tuple[int, float] | None = None
    """(priority, time) of the lane's entry in a queue; entries that differ from it are stale."""
    is_forgotten: bool = False
    """Its connection was forgotten while an entity of it was active."""

    def next(self) -> _WaitingItem | None:
        """The lane's next entity: the contact first, then by priority, then as they came."""
        best: _WaitingItem | None = None
        for waiting in self.waiting.values():
            if waiting.is_blocked:
                continue
            if best is None or (waiting.item.rank, waiting.item.priority) < (best.item.rank, best.item.priority):
                best = waiting
        return best


_DELAYED = -1
"""The priority in `queued_at` while a lane is delayed."""


class Lanes:
    """Times are monotonic seconds, given by the caller. `tickets` numbers the starts."""

    def __init__(self, tickets: Iterator[int]) -> None:
        self._tickets = tickets
        self._lanes: dict[str, _Lane] = {}
        self._ready: dict[int, OrderedDict[str, deque[_Lane]]] = {}
        self._delayed: list[tuple[float, int, _Lane]] = []
        self._order = count()
        self._held: set[str] = set()
        self._counts: Counter[Priority] = Counter()
        self._blocked = 0

    def __bool__(self) -> bool:
        """Whether anything waits or is being worked on."""
        return bool(self._lanes)

    # -- what happens -------------------------------------------------------------------------------------

    def offer_item(self, item: Item, now: float, not_before: float) -> bool:
        """An entity is due. Returns False when that was known already."""
        lane = self._lanes.get(item.lane)
        if lane is None:
            lane = self._lanes[item.lane] = _Lane(item.lane, item.tenant, item.connection)
        if lane.active is not None and lane.active.key == item.key:
            known = lane.due_again
            if known is None or item.priority < known.priority:
                lane.due_again = item
            return known is None
        waiting = lane.waiting.get(item.key)
        if waiting is not None:
            if item.priority < waiting.item.priority:
                self._counts[waiting.item.priority] -= 1
                self._counts[item.priority] += 1
                waiting.item = item
                self._queue(lane, now)
            return False
        self._add(lane, _WaitingItem(item, not_before))
        self._queue(lane, now)
        return True

    def take(self, up_to: int, now: float) -> Item | None:
        """Start the next entity whose lane is at least as urgent as `up_to`, if there is one. It takes its lane."""
        self._wake(now)
        while (lane := self._next_lane(up_to)) is not None:
            waiting = lane.next()
            if waiting is not None and waiting.not_before <= now:
                del lane.waiting[waiting.item.key]
                self._counts[waiting.item.priority] -= 1
                lane.active = replace(waiting.item, ticket=next(self._tickets))
                return lane.active
            self._queue(lane, now)
        return None

    def finish(self, item: Item, verdict: Verdict, now: float, wait_seconds: float) -> None:
        """The work on an entity has ended: the lane is free for the next. The result of an earlier start is ignored."""
        lane = self._lanes.get(item.lane)
        if lane is None or lane.active is None or lane.active.ticket != item.ticket:
            return
        if lane.is_forgotten:
            del self._lanes[lane.key]
            return
        due_again = lane.due_again
        lane.active = None
        lane.due_again = None
        if due_again is not None:
            ends = verdict in (Verdict.DONE, Verdict.PARKED)
            item = due_again if ends or due_again.priority < item.priority else item
        if verdict is Verdict.RETRY:
            self._add(lane, _WaitingItem(item, now + wait_seconds))
        elif verdict is Verdict.BLOCKED:
            self._add(lane, _WaitingItem(item, is_blocked=True))
        elif verdict in (Verdict.AGAIN, Verdict.NEXT) or due_again is not None:
            self._add(lane, _WaitingItem(item))
        if item.rank == 0 and verdict is Verdict.DONE:
            for waiting in lane.waiting.values():
                self._blocked -= waiting.is_blocked
                waiting.is_blocked = False
        if lane.waiting:
            self._queue(lane, now, is_next=verdict is Verdict.NEXT)
        else:
            del self._lanes[lane.key]

    def forget(self, connection: str) -> None:
        """Nothing of a connection waits any longer. What it has active keeps its lane to its end, and is not tried again."""
        for lane in [one for one in self._lanes.values() if one.connection == connection]:
            for waiting in lane.waiting.values():
                self._counts[waiting.item.priority] -= 1
                self._blocked -= waiting.is_blocked
            lane.waiting.clear()
            lane.due_again = lane.queued_at = None
            if lane.active is None:
                del self._lanes[lane.key]
            else:
                lane.is_forgotten = True
        self._held.discard(connection)

    def hold_tenant(self, tenant: str) -> None:
        """Take nothing of a tenant until `release_tenant`."""
        self._held.add(tenant)

    def release_tenant(self, tenant: str) -> None:
        """End a hold."""
        self._held.discard(tenant)

    # -- what is asked ------------------------------------------------------------------------------------

    def most_urgent(self, now: float) -> int | None:
        """The priority of the most urgent lane that could start now, by the queues; None if there is none."""
        self._wake(now)
        if not self._ready:
            return None
        if not self._held:
            return min(self._ready)
        return min((p for p, turns in self._ready.items() if not turns.keys() <= self._held), default=None)

    def next_due(self) -> float | None:
        """When the first of the delayed lanes is due."""
        return self._delayed[0][0] if self._delayed else None

    def waiting(self) -> dict[Priority, int]:
        """How many entities wait, by their priority. Counted as they come and go: asking costs nothing."""
        return {priority: self._counts[priority] for priority in PRIORITIES}

    def blocked(self) -> int:
        """How many entities wait for their contact."""
        return self._blocked

    def is_held(self, tenant: str) -> bool:
        """Whether nothing of a tenant is taken."""
        return tenant in self._held

    def _add(self, lane: _Lane, waiting: _WaitingItem) -> None:
        lane.waiting[waiting.item.key] = waiting
        self._counts[waiting.item.priority] += 1
        self._blocked += waiting.is_blocked

    # -- queues -------------------------------------------------------------------------------------------

    def _queue(self, lane: _Lane, now: float, *, is_next: bool = False) -> None:
        """Put a free lane where it belongs: behind the others of its priority and tenant, or before them."""
        if lane.active is not None:
            return
        chosen = lane.next()
        if chosen is None:
            lane.queued_at = None
            return
        if chosen.not_before > now:
            delayed = (_DELAYED, chosen.not_before)
            if lane.queued_at != delayed:
                lane.queued_at = delayed
                heapq.heappush(self._delayed, (chosen.not_before, next(self._order), lane))
            return
        is_contact = chosen.item.rank == 0
        priority = int(min(w.item.priority for w in lane.waiting.values() if is_contact or not w.is_blocked))
        if lane.queued_at != (priority, 0.0):
            lane.queued_at = (priority, 0.0)
            ready = self._ready.setdefault(priority, OrderedDict()).setdefault(lane.tenant, deque())
            (ready.appendleft if is_next else ready.append)(lane)

    def _wake(self, now: float) -> None:
        while self._delayed and self._delayed[0][0] <= now:
            at, _, lane = heapq.heappop(self._delayed)
            if lane.queued_at == (_DELAYED, at) and self._lanes.get(lane.key) is lane:
                lane.queued_at = None
                self._queue(lane, now)

    def _next_lane(self, up_to: int) -> _Lane | None:
        """Take the next ready lane out of its queue, the most urgent first."""
        for priority in sorted(self._ready):
            if priority > up_to:
                break
            if (lane := self._next_of(priority)) is not None:
                return lane
        return None

    def _next_of(self, priority: int) -> _Lane | None:
        """The next ready lane of a priority: the tenants by turns."""
        turns, found = self._ready[priority], None
        while found is None and (tenant := next((one for one in turns if one not in self._held), None)) is not None:
            found = self._first_fresh(turns[tenant], priority)
            if turns[tenant]:
                turns.move_to_end(tenant)
            else:
                del turns[tenant]
        if not turns:
            del self._ready[priority]
        return found

    def _first_fresh(self, lanes: deque[_Lane], priority: int) -> _Lane | None:
        while lanes:
            lane = lanes.popleft()
            if lane.queued_at == (priority, 0.0) and self._lanes.get(lane.key) is lane:
                lane.queued_at = None
                return lane
        return None
