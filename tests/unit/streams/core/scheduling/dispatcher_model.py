"""What the dispatcher promises, as a slow and plain model: who is owed a start, and what may start now."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf

from connectors.rate import RateHeaders
from streams.core.scheduling.daily_limit import MINUTES
from streams.core.scheduling.dispatcher import BudgetPolicy, Item, Priority, Verdict
from tests.unit.streams.core.scheduling.vendor import Exchange, Vendor


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
    counted: float | None = None
    """When the vendor counted it for its day."""
    head: RateHeaders | None = None
    """What the vendor said when it counted it."""


@dataclass(slots=True)
class VendorDay:
    """The vendor's days: they begin at times that we do not know. `is_shared` once others spend, too."""

    limit: int
    seconds: float
    phase: float
    counts: dict[float, int] = field(default_factory=dict)
    refused: int = 0
    is_shared: bool = False

    def end(self, at: float) -> float:
        """When the day of a moment ends."""
        return ((at - self.phase) // self.seconds + 1) * self.seconds + self.phase

    def count(self, running: Running, now: float) -> None:
        """Count a request. The headers of its answer say how it stood at that moment."""
        if running.counted is None:
            end = self.end(now)
            self.counts[end] = self.counts.get(end, 0) + 1
            self.refused += self.counts[end] > self.limit and not self.is_shared
            remaining = max(0, self.limit - self.counts[end])
            running.counted, running.head = (
                now,
                RateHeaders(daily_limit=self.limit, daily_remaining=remaining, daily_reset_seconds=end - now),
            )

    def others_spend(self, number: int, now: float) -> None:
        """Another integration of the same location."""
        self.is_shared = True
        self.counts[self.end(now)] = self.counts.get(self.end(now), 0) + number


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
    day: VendorDay | None = None
    closed_until: float = 0.0
    """The vendor reported that nothing is left of its day."""
    granted: int = 0
    """How many requests may start by what is noted, and until when."""
    granted_until: float = 0.0
    asked: tuple[int, float] | None = None
    """The same of the note that is being written."""
    turns: dict[Priority, dict[str, int]] = field(default_factory=dict)
    """How often each tenant was started since all of them had something ready."""
    first_start: float | None = None
    last_start: float = 0.0
    even_at: float = -inf
    """When the even line reaches what was started."""

    def offer_item(self, item: Item, not_before: float) -> bool:
        """Returns what `Dispatcher.offer_item` must return."""
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
        self.granted -= 1
        if self.asked is not None:
            self.asked = (self.asked[0] - 1, self.asked[1])
        self.first_start = now if self.first_start is None else self.first_start
        self.last_start = now
        late = max(0.5, self.policy.window_seconds / 60)
        self.even_at = max(self.even_at, now - late) + self.step
        running = self.running[item.lane] = Running(item, self.vendor.begin_request(now))
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
        elif verdict in (Verdict.AGAIN, Verdict.NEXT):
            self.owed[item.key] = Owed(item, urgent)
        elif again is not None:
            self.owed[item.key] = Owed(item, again)
        if item.rank == 0 and verdict is Verdict.DONE:
            for owed in self.lane(item.lane):
                owed.is_blocked = False

    def release(self) -> None:
        """All work is forgotten, and so is the even line."""
        self.is_owned = False
        self.even_at = -inf
        self.owed.clear()
        self.running.clear()
        self.held.clear()
        self.turns.clear()
        self.granted, self.asked = 0, None

    def ask(self, slots: int, until: float) -> None:
        """A note that grants so many requests is on its way to Kafka."""
        self.asked = (slots, until)

    def note_ends(self, *, stands: bool) -> None:
        """It stands, or could not be written."""
        if self.asked is not None and stands:
            self.granted, self.granted_until = self.asked
        self.asked = None

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
            and self.is_planned(self.urgency(lane), now, late=True)
            and all(owed.not_before <= now for owed in self.next_of(lane))
        }

    def free_slots(self, now: float) -> int:
        """How many requests may start, by the policy alone."""
        free = min(self.policy.limit - self.taken(now), self.policy.in_flight - self.vendor.in_flight)
        if not self.policy.is_noted:
            return free
        return min(free, self.granted) if now < self.granted_until else 0

    @property
    def step(self) -> float:
        """By how much a request moves the even line."""
        return self.policy.window_seconds / self.policy.limit

    def taken(self, now: float) -> int:
        """How many requests take a slot of the window."""
        return sum(1 for one in self.vendor.exchanges if one.answered + self.policy.window_seconds > now)

    def is_even(self, priority: Priority, now: float) -> bool:
        """Whether the even line lets a priority start."""
        is_urgent = priority <= Priority.LIVE or not self.policy.is_spread
        return is_urgent or now >= self.even_at or self.taken(now) < max(1, self.policy.limit // 10)

    def is_planned(self, priority: Priority, now: float, *, late: bool) -> bool:
        """Whether the even line and the day's plan let a priority start, when the vendor reports nothing of its day.

        What is spent is forgotten in steps of a minute: `late` looks as if that had not yet happened. So it says when
        a start is due without any doubt; otherwise this says when one is allowed at the earliest.
        """
        limit, day = self.policy.daily_limit, self.policy.day_seconds
        if not self.is_even(priority, now):
            return False
        if limit is None or self.first_start is None:
            return True
        minute, edge = (day / MINUTES, 1e-6) if late else (0.0, -1e-6)
        left = limit - sum(1 for one in self.vendor.exchanges if one.answered + day + minute > now)
        ends_at = self.first_start + day * ((now - self.first_start) // day + 1)
        reserve = self.policy.live_reserve * limit * (ends_at - now) / day
        if priority is Priority.OPT_OUT:
            return left > 0
        if left <= 0 or priority is not Priority.LIVE:
            return left > 0 and left >= reserve + edge
        gap = (ends_at - self.last_start) / (left + 1)
        return left >= reserve / 5 + edge or now >= self.last_start + gap + edge

    def took_turns(self, ready: dict[str, Priority], started: list[tuple[Item, Priority]]) -> None:
        """While two tenants both have something ready of one priority, their starts of it differ by one at most."""
        for priority in Priority:
            lanes = {lane: lane.rpartition("-")[0] for lane, urgency in ready.items() if urgency is priority}
            turns, busy = self.turns.setdefault(priority, {}), set(lanes.values())
            if len(busy) < 2:
                turns.clear()
                continue
            for item, urgency in started:
                if urgency is priority:
                    turns[item.tenant] = turns.get(item.tenant, 0) + 1
                    lanes.pop(item.lane, None)
                    if set(lanes.values()) != busy:
                        turns.clear()
                        break
                    counts = [turns.get(tenant, 0) for tenant in busy]
                    assert max(counts) - min(counts) <= 1, "the tenants did not take turns"
