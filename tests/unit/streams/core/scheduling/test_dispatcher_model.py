"""The dispatcher against its model: any order of offers, answers, verdicts, pauses, holds, losses, notes and time.

The vendor is one of three. One reports nothing: then the model knows exactly what must start, and when.
One reports the truth about its day, as it was when it counted a request, and others may spend from it.
One reports nonsense: then our own limits and the end of all waiting still hold.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from connectors.rate import RateHeaders
from streams.core.scheduling.dispatcher import BudgetPolicy, Dispatcher, Item, Priority, Verdict
from tests.unit.streams.core.scheduling.dispatcher_model import BudgetModel, Running, VendorDay

DAY = 1440 * 8.0
"""Seconds. A minute of such a day is eight seconds: no answer with the day's headers takes longer."""

POLICIES = {
    "narrow": BudgetPolicy(3, 8.0, 2),
    "wide": BudgetPolicy(5, 4.0, 5),
    "daily": BudgetPolicy(3, 4.0, 3, daily_limit=6, live_reserve=0.5, day_seconds=DAY),
    "scarce": BudgetPolicy(12, 4.0, 6, daily_limit=12, live_reserve=0.9, day_seconds=DAY),
    "noted": BudgetPolicy(20, 4.0, 5, is_noted=True),
    "spread": BudgetPolicy(32, 8.0, 8, is_spread=True),
}
TENANTS = ("t1", "t2")
ENTITIES = tuple(
    (budget, f"{budget}-{tenant}", f"{budget}-{tenant}-{lane}", kind)
    for budget in POLICIES
    for tenant in TENANTS
    for lane in ("l1", "l2", "l3")
    for kind in ("contact", "note", "task")
)
# All times but those that the quota plans are multiples of a quarter second, so that floating point never rounds.
SECONDS = st.sampled_from([0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0])
LONG = st.sampled_from([60.0, DAY / 8, DAY / 2, DAY])
BUDGETS = st.sampled_from(sorted(POLICIES))
ANY = st.integers(0, 10_000)
OFFERS = st.tuples(st.sampled_from(ENTITIES), st.sampled_from(Priority), st.sampled_from([0.0, 0.0, 0.0, 2.0]))
NONSENSE = st.builds(
    RateHeaders,
    limit=st.sampled_from([None, -1, 0, 1, 2, 3, 100, 10**9]),
    remaining=st.sampled_from([None, -5, 0, 1, 2, 100, 10**9]),
    window_seconds=st.sampled_from([None, -1.0, 0.0, 0.25, 4.0, 16.0, 1e9]),
    reset_seconds=st.sampled_from([None, -5.0, 0.0, 2.0, 1e9]),
    daily_limit=st.sampled_from([None, None, -1, 0, 4, 10**9]),
    daily_remaining=st.sampled_from([None, None, -5, 0, 1, 10**9]),
    daily_reset_seconds=st.sampled_from([None, None, -5.0, 0.0, 60.0, DAY, 1e9]),
)


class DispatcherMachine(RuleBasedStateMachine):
    """Each rule is something that may happen; the invariants are DESIGN §5."""

    @initialize(
        vendor=st.sampled_from(["silent", "silent", "true", "true", "mad"]),
        phase=st.sampled_from([0.25, 8.0, DAY / 3, DAY - 4.0]),
    )
    def begin_request(self, vendor: str, phase: float) -> None:
        self.now = 0.0
        self.core = Dispatcher()
        self.vendor = vendor
        self.budgets = {name: BudgetModel(policy) for name, policy in POLICIES.items()}
        self.days = [VendorDay(budget.policy.daily_limit or 0, DAY, phase) for budget in self.budgets.values()]
        for budget, day in zip(self.budgets.values(), self.days, strict=True):
            budget.day = day if budget.policy.daily_limit else None
        self.lost: list[Running] = []
        self.over: list[Item] = []
        for name in POLICIES:
            self.acquire(name)

    # -- what may happen ----------------------------------------------------------------------------------

    @rule(which=st.lists(OFFERS, min_size=1, max_size=10))
    def offer_item(self, which: list[tuple[tuple[str, str, str, str], Priority, float]]) -> None:
        for (budget, tenant, lane, kind), priority, wait in which:
            item = Item(f"{lane}-{kind}", lane, budget, tenant, priority, 0 if kind == "contact" else 1)
            not_before = self.now + wait
            told = self.core.offer_item(item, self.now, not_before=not_before)
            assert told == self.budgets[budget].offer_item(item, not_before)

    @rule()
    def start(self) -> None:
        must = {name: budget.must_start(self.now) for name, budget in self.budgets.items()}
        free = {name: budget.free_slots(self.now) for name, budget in self.budgets.items()}
        started = self.core.start(self.now)
        urgencies = [self.judge_start(item) for item in started]
        for name, budget in self.budgets.items():
            mine = [item.lane for item in started if item.budget == name]
            left = {lane: priority for lane, priority in must[name].items() if lane not in mine}
            if self.vendor == "silent":
                planned = [lane for lane in left if budget.is_planned(left[lane], self.now, late=True)]
                assert not planned or len(mine) == max(0, free[name]), "something could have started and did not"
            turns = [(item, urgency) for item, urgency in zip(started, urgencies, strict=True) if item.budget == name]
            budget.took_turns(must[name], turns)
            certain = [must[name][lane] for lane in mine if lane in must[name]]
            assert certain == sorted(certain), "less urgent lanes went first"
            assert not left or not certain or max(certain) <= min(left.values()), "an urgent lane was passed over"
        assert self.core.start(self.now) == []

    @precondition(lambda self: self.going())
    @rule(which=ANY, was_sent=st.sampled_from([True, True, True, False]))
    def answer(self, which: int, was_sent: bool) -> None:
        unanswered = [running for running in self.going() if not running.is_answered]
        if unanswered:
            self.answer_one(unanswered[which % len(unanswered)], was_sent)

    @precondition(lambda self: any(one.counted is None and not one.is_answered for one in self.going()))
    @rule(which=ANY)
    def count(self, which: int) -> None:
        """The vendor counts a request at some moment between its start and its answer."""
        uncounted = [one for one in self.going() if one.counted is None and not one.is_answered]
        self.count_one(uncounted[which % len(uncounted)])

    @precondition(lambda self: self.vendor == "true")
    @rule(number=st.integers(1, 9))
    def others_spend(self, number: int) -> None:
        for day in self.days:
            day.others_spend(number, self.now)

    @rule(stands=st.sampled_from([True, True, False]))
    def note(self, stands: bool) -> None:
        """The requested grants are in Kafka, or could not be written; then the next ones are on their way."""
        for name, budget in self.budgets.items():
            if budget.asked is not None:
                self.core.granted(name, stands=stands)
                budget.note_ends(stands=stands)
        self.ask()

    @precondition(lambda self: self.going())
    @rule(verdicts=st.lists(st.tuples(ANY, st.sampled_from(Verdict), SECONDS), min_size=1, max_size=5))
    def finish(self, verdicts: list[tuple[int, Verdict, float]]) -> None:
        for which, verdict, wait in verdicts:
            if going := self.going():
                running = going[which % len(going)]
                if verdict is Verdict.BLOCKED and running.item.rank == 0:
                    verdict = Verdict.PARKED  # a contact waits for nobody
                self.finish_one(running, verdict, wait)

    @rule(turns=st.lists(st.tuples(st.sampled_from(Verdict), SECONDS), min_size=1, max_size=6))
    def work(self, turns: list[tuple[Verdict, float]]) -> None:
        """A while in which each answer takes its time."""
        for verdict, seconds in turns:
            self.start()
            self.now += seconds
            self.finish([(0, verdict, 1.0)])

    @rule(budget=st.sampled_from(["daily", "scarce"]), rounds=st.integers(1, 4))
    def rush(self, budget: str, rounds: int) -> None:
        """A burst of live changes that brings a day's quota to its end."""
        for _ in range(rounds):
            self.offer_item([(entity, Priority.LIVE, 0.0) for entity in ENTITIES if entity[0] == budget])
            self.start()
            self.now += 4.0
            for running in list(self.budgets[budget].running.values()):
                self.finish_one(running, Verdict.DONE, 0.0)
        self.start()

    @precondition(lambda self: self.lost)
    @rule(which=ANY, verdict=st.sampled_from(Verdict))
    def report_late(self, which: int, verdict: Verdict) -> None:
        running = self.lost.pop(which % len(self.lost))
        self.answer_one(running, was_sent=True)
        self.core.finish(running.item, verdict, self.now)
        self.over.append(running.item)

    @precondition(lambda self: self.over)
    @rule(which=ANY, verdict=st.sampled_from(Verdict))
    def report_twice(self, which: int, verdict: Verdict) -> None:
        item = self.over[which % len(self.over)]
        self.core.answered(item, self.now)
        self.core.finish(item, verdict, self.now)

    @rule(budget=BUDGETS, wait=SECONDS, is_dead=st.sampled_from([False, False, True]))
    def pause(self, budget: str, wait: float, is_dead: bool) -> None:
        until = inf if is_dead else self.now + wait
        self.core.pause(budget, until, "429")
        if self.budgets[budget].is_owned:
            self.budgets[budget].paused_until = max(self.budgets[budget].paused_until, until)

    @rule(budget=BUDGETS)
    def resume(self, budget: str) -> None:
        self.core.resume(budget)
        if self.budgets[budget].is_owned:
            self.budgets[budget].paused_until = 0.0

    @rule(budget=BUDGETS, tenant=st.sampled_from(TENANTS), ends=st.sampled_from([False, True, True]))
    def hold_tenant(self, budget: str, tenant: str, ends: bool) -> None:
        name, model = f"{budget}-{tenant}", self.budgets[budget]
        if ends:
            self.core.release_tenant(budget, name)
            model.held.discard(name)
        else:
            self.core.hold_tenant(budget, name)
            model.held |= {name} if model.is_owned else set()

    @rule(budget=BUDGETS, comes_back=st.sampled_from([True, True, False]))
    def release(self, budget: str, comes_back: bool) -> None:
        self.core.release(budget)
        self.lost += self.budgets[budget].running.values()
        self.budgets[budget].release()
        if comes_back:
            self.acquire(budget)

    @rule(budget=BUDGETS)
    def acquire(self, budget: str) -> None:
        self.core.acquire(budget, POLICIES[budget])
        self.budgets[budget].is_owned = True

    @precondition(lambda self: self.vendor == "mad")
    @rule(budget=BUDGETS, headers=NONSENSE)
    def observe(self, budget: str, headers: RateHeaders) -> None:
        self.core.observe(budget, headers, self.now)

    @rule(seconds=SECONDS | LONG)
    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    @rule(before=SECONDS)
    def come_near_the_end_of_the_day(self, before: float) -> None:
        self.now = max(self.now, self.days[0].end(self.now) - before)

    @rule(parts=st.integers(2, 6))
    def sleep(self, parts: int) -> None:
        """Sleeping for the returned time misses nothing, and that time is never 0."""
        self.start()
        self.ask()
        seconds = self.core.wait_seconds(self.now)
        assert seconds is None or seconds > 0, "a busy loop"
        until = self.now + (16.0 if seconds is None else seconds)
        for part in range(1, parts):
            moment = self.now + int((until - self.now) * 4 * part / parts) / 4
            assert moment >= until or self.core.start(moment) == [], "slept past a moment when something could start"
        self.now = until

    # -- what must hold -----------------------------------------------------------------------------------

    def judge_start(self, item: Item) -> Priority:
        budget = self.budgets[item.budget]
        assert budget.is_owned
        assert self.now >= budget.paused_until
        assert item.tenant not in budget.held
        assert self.now >= budget.closed_until, "the vendor had said that nothing is left of its day"
        if budget.policy.is_noted:
            assert budget.granted > 0, "nobody noted that"
            assert self.now < budget.granted_until, "the note was for an earlier time"
        urgency = budget.urgency(item.lane)
        if self.vendor == "silent":
            assert budget.is_planned(urgency, self.now, late=False), "the rest of the day needs this"
        assert item.lane not in budget.running, "two of a lane at once"
        assert item.key in [owed.item.key for owed in budget.next_of(item.lane)], "not this one's turn in its lane"
        assert budget.owed[item.key].not_before <= self.now
        assert item.priority == budget.owed[item.key].priority, "an upgrade was lost"
        budget.started(item, self.now)
        return urgency

    @invariant()
    def no_limit_is_broken(self) -> None:
        for budget in self.budgets.values():
            budget.vendor.forget(
                self.now - 3 * (budget.policy.day_seconds if budget.day else budget.policy.window_seconds)
            )
            assert budget.vendor.in_flight <= budget.policy.in_flight
            assert budget.vendor.most_in_any_window(budget.policy.window_seconds) <= budget.policy.limit
            if budget.day and self.vendor != "mad":
                assert budget.day.refused == 0
            if budget.day and self.vendor == "silent":
                assert budget.vendor.most_in_any_window(DAY) <= budget.day.limit

    @invariant()
    def views_agree(self) -> None:
        for view in self.core.view(self.now):
            budget = self.budgets[view.budget]
            assert sum(view.waiting.values()) == len(budget.owed)
            assert view.blocked == sum(owed.is_blocked for owed in budget.owed.values())
            assert view.in_flight == budget.vendor.in_flight

    def teardown(self) -> None:
        """Nothing that was offered is forgotten: once all obstacles are gone, all of it starts."""
        if not hasattr(self, "core"):
            return
        for name, budget in self.budgets.items():
            self.resume(name)
            for tenant in TENANTS:
                self.hold_tenant(name, tenant, ends=True)
            for lane in {owed.item.lane: owed.item for owed in budget.owed.values() if owed.is_blocked}.values():
                self.offer_item([((name, lane.tenant, lane.lane, "contact"), Priority.LIVE, 0.0)])
        for running in list(self.lost):
            self.answer_one(running, was_sent=True)
        for _ in range(1000):
            for _ in range(2):  # the first note may have come too late
                self.start()
                self.note(stands=True)
                self.note(stands=True)
            self.start()
            for running in self.going():
                self.finish_one(running, Verdict.DONE, 0.0)
            self.sleep(3)
            if self.core.is_idle:
                break
        assert self.core.is_idle
        assert not any(budget.owed for budget in self.budgets.values())

    # -- steps --------------------------------------------------------------------------------------------

    def going(self) -> list[Running]:
        return [running for budget in self.budgets.values() for running in budget.running.values()]

    def count_one(self, running: Running) -> None:
        if day := self.budgets[running.item.budget].day:
            day.count(running, self.now)
        else:
            running.counted = self.now

    def answer_one(self, running: Running, was_sent: bool) -> None:
        if running.is_answered:
            return
        running.is_answered = True
        running.exchange.answered = self.now
        budget = self.budgets[running.item.budget]
        if not was_sent and running.counted is None:
            budget.vendor.never_came(running.exchange)
            if any(one is running for one in budget.running.values()):
                budget.even_at -= budget.step
        else:
            was_sent = True
            self.count_one(running)
            self.tell(budget, running)
        self.core.answered(running.item, self.now, was_sent=was_sent)

    def tell(self, budget: BudgetModel, running: Running) -> None:
        """What the answer says of the day: everything, only when it ends, only what is left, or nothing."""
        if self.vendor != "true" or running.head is None or self.now - (running.counted or 0.0) > 7.5:
            return
        match running.item.ticket % 6:
            case 0:
                return
            case 1:
                head = replace(running.head, daily_remaining=None)
            case 2:
                head = replace(running.head, daily_reset_seconds=None)
            case _:
                head = running.head
                if budget.is_owned:
                    end = (running.counted or 0.0) + (head.daily_reset_seconds or 0.0)
                    budget.closed_until = 0.0 if head.daily_remaining else end
        self.core.observe(running.item.budget, head, self.now)

    def ask(self) -> None:
        """As the loop does after each start."""
        for name, row in self.core.take_short(self.now, 0).items():
            budget = self.budgets[name]
            budget.ask(row.slots - budget.vendor.in_flight, self.now + row.slots_ms / 1000)

    def finish_one(self, running: Running, verdict: Verdict, wait: float) -> None:
        self.answer_one(running, was_sent=True)
        self.core.finish(running.item, verdict, self.now, wait_seconds=wait)
        self.budgets[running.item.budget].finish(running, verdict, self.now, wait)
        self.over.append(running.item)


TestDispatcherModel = DispatcherMachine.TestCase
TestDispatcherModel.settings = settings(max_examples=200, stateful_step_count=50)
