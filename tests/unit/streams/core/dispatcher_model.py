"""What the dispatcher promises, as a slow and plain model: who is owed a start, and what may start now."""

from __future__ import annotations

from dataclasses import dataclass, field

from streams.core.dispatcher import BudgetPolicy, Item, Priority, Verdict
from tests.unit.streams.core.vendor import Exchange, Vendor


@dataclass(slots=True)
class Owed:
    """An entity that waits to be started."""

    item: Item
    priority: Priority
    not_before: float = 0.0
    is_blocked: bool = False


@dataclass(slots=True)
class Running:
    """An entity that was started and is not finished. `again` is the priority of an offer that came meanwhile."""

    item: Item
    exchange: Exchange
    is_answered: bool = False
    again: Priority | None = None


@dataclass(slots=True)
class BudgetModel:
    """One budget. What the vendor saw and a pause outlive the loss of the budget, all else does not."""

    policy: BudgetPolicy
    vendor: Vendor = field(default_factory=Vendor)
    is_owned: bool = False
    paused_until: float = 0.0
    held: set[str] = field(default_factory=set)
    owed: dict[str, Owed] = field(default_factory=dict)
    running: dict[str, Running] = field(default_factory=dict)
    """By lane."""

    def offer(self, item: Item, not_before: float) -> bool:
        """Returns what `Dispatcher.offer` must return."""
        if not self.is_owned:
            return False
        running = self.running.get(item.lane)
        if running is not None and running.item.key == item.key:
            was_known = running.again is not None
            running.again = item.priority if running.again is None else min(running.again, item.priority)
            return not was_known
        if owed := self.owed.get(item.key):
            owed.priority = min(owed.priority, item.priority)
            return False
        self.owed[item.key] = Owed(item, item.priority, not_before)
        return True

    def started(self, item: Item, now: float) -> Running:
        """The item left the waiting; the vendor may count it from now on."""
        del self.owed[item.key]
        running = self.running[item.lane] = Running(item, self.vendor.begin(now))
        return running

    def finish(self, running: Running, verdict: Verdict, now: float, wait_seconds: float) -> None:
        """What a verdict leaves owed."""
        item, again = running.item, running.again
        del self.running[item.lane]
        urgent = item.priority if again is None else min(item.priority, again)
        if verdict is Verdict.RETRY:
            self.owed[item.key] = Owed(item, urgent, now + wait_seconds)
        elif verdict is Verdict.BLOCKED:
            self.owed[item.key] = Owed(item, urgent, is_blocked=True)
        elif verdict is Verdict.AGAIN:
            self.owed[item.key] = Owed(item, urgent)
        elif again is not None:
            self.owed[item.key] = Owed(item, again)
        if item.rank == 0 and verdict is Verdict.DONE:
            for owed in self.lane(item.lane):
                owed.is_blocked = False

    def lose(self) -> None:
        """All work is forgotten."""
        self.is_owned = False
        self.owed.clear()
        self.running.clear()
        self.held.clear()

    def lane(self, name: str) -> list[Owed]:
        """What waits in a lane."""
        return [owed for owed in self.owed.values() if owed.item.lane == name]

    def next_of(self, lane: str) -> list[Owed]:
        """The candidates of a lane: its contact, else the most urgent of the rest (several when they are equals)."""
        waiting = [owed for owed in self.lane(lane) if not owed.is_blocked]
        first = min(((owed.item.rank, owed.priority) for owed in waiting), default=None)
        return [owed for owed in waiting if (owed.item.rank, owed.priority) == first]

    def urgency(self, lane: str) -> Priority:
        """A lane is as urgent as its most urgent entity, even when its contact must go first."""
        is_contact = self.next_of(lane)[0].item.rank == 0
        return min(owed.priority for owed in self.lane(lane) if is_contact or not owed.is_blocked)

    def must_start(self, now: float) -> dict[str, Priority]:
        """The lanes in which something may start now without any doubt, with their urgency."""
        if not self.is_owned or now < self.paused_until:
            return {}
        lanes = {owed.item.lane: owed.item.tenant for owed in self.owed.values()}
        return {
            lane: self.urgency(lane)
            for lane, tenant in lanes.items()
            if tenant not in self.held
            and lane not in self.running
            and self.next_of(lane)
            and all(owed.not_before <= now for owed in self.next_of(lane))
        }

    def free_slots(self, now: float) -> int:
        """How many requests may start, by the policy alone."""
        taken = sum(1 for one in self.vendor.exchanges if one.answered + self.policy.window_seconds > now)
        return min(self.policy.limit - taken, self.policy.in_flight - self.vendor.in_flight)
