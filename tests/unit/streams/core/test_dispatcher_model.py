"""The dispatcher against its model: any order of offers, answers, verdicts, pauses, losses and time."""

from __future__ import annotations

from math import inf

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from connectors.rate import RateHeaders
from streams.core.dispatcher import BudgetPolicy, Dispatcher, Item, Priority, Verdict
from tests.unit.streams.core.dispatcher_model import BudgetModel, Running

POLICIES = {"narrow": BudgetPolicy(3, 8.0, 2), "wide": BudgetPolicy(5, 4.0, 5)}
ENTITIES = tuple(
    (budget, f"{budget}-{tenant}", f"{budget}-{tenant}-{lane}", kind)
    for budget in POLICIES
    for tenant in ("t1", "t2")
    for lane in ("l1", "l2")
    for kind in ("contact", "note", "task")
)
# All times are multiples of a quarter second, so that floating point never rounds.
SECONDS = st.sampled_from([0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0])
BUDGETS = st.sampled_from(sorted(POLICIES))
ANY = st.integers(0, 10_000)
OFFERS = st.tuples(st.sampled_from(ENTITIES), st.sampled_from(Priority), st.sampled_from([0.0, 0.0, 0.0, 2.0]))
HEADERS = st.builds(
    RateHeaders,
    limit=st.sampled_from([None, -1, 0, 1, 2, 3, 100, 10**9]),
    remaining=st.sampled_from([None, -5, 0, 1, 2, 100, 10**9]),
    window_seconds=st.sampled_from([None, -1.0, 0.0, 0.25, 4.0, 16.0, 1e9]),
    reset_seconds=st.sampled_from([None, -5.0, 0.0, 2.0, 1e9]),
)


class DispatcherMachine(RuleBasedStateMachine):
    """Each rule is something that may happen; the invariants are DESIGN §5."""

    @initialize(with_headers=st.booleans())
    def begin(self, with_headers: bool) -> None:
        self.now = 0.0
        self.core = Dispatcher()
        self.with_headers = with_headers
        self.budgets = {name: BudgetModel(policy) for name, policy in POLICIES.items()}
        self.lost: list[Running] = []
        self.over: list[Item] = []
        for name in POLICIES:
            self.gain(name)

    # -- what may happen ----------------------------------------------------------------------------------

    @rule(which=st.lists(OFFERS, min_size=1, max_size=10))
    def offer(self, which: list[tuple[tuple[str, str, str, str], Priority, float]]) -> None:
        for (budget, tenant, lane, kind), priority, wait in which:
            item = Item(f"{lane}-{kind}", lane, budget, tenant, priority, 0 if kind == "contact" else 1)
            not_before = self.now + wait
            told = self.core.offer(item, self.now, not_before=not_before)
            assert told == self.budgets[budget].offer(item, not_before)

    @rule()
    def start(self) -> None:
        must = {name: budget.must_start(self.now) for name, budget in self.budgets.items()}
        free = {name: budget.free_slots(self.now) for name, budget in self.budgets.items()}
        started = self.core.start(self.now)
        for item in started:
            self.judge_start(item)
        for name in self.budgets:
            mine = [item.lane for item in started if item.budget == name]
            left = {lane: priority for lane, priority in must[name].items() if lane not in mine}
            if not self.with_headers:
                assert not left or len(mine) == max(0, free[name]), "something could have started and did not"
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

    @rule(budget=BUDGETS, tenant=st.sampled_from(["t1", "t2"]), ends=st.sampled_from([False, True, True]))
    def hold(self, budget: str, tenant: str, ends: bool) -> None:
        name, model = f"{budget}-{tenant}", self.budgets[budget]
        if ends:
            self.core.release(budget, name)
            model.held.discard(name)
        else:
            self.core.hold(budget, name)
            model.held |= {name} if model.is_owned else set()

    @rule(budget=BUDGETS, comes_back=st.sampled_from([True, True, False]))
    def lose(self, budget: str, comes_back: bool) -> None:
        self.core.lose(budget)
        self.lost += self.budgets[budget].running.values()
        self.budgets[budget].lose()
        if comes_back:
            self.gain(budget)

    @rule(budget=BUDGETS)
    def gain(self, budget: str) -> None:
        self.core.gain(budget, POLICIES[budget])
        self.budgets[budget].is_owned = True

    @precondition(lambda self: self.with_headers)
    @rule(budget=BUDGETS, headers=HEADERS)
    def observe(self, budget: str, headers: RateHeaders) -> None:
        self.core.observe(budget, headers, self.now)

    @rule(seconds=SECONDS)
    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    @rule(parts=st.integers(2, 6))
    def sleep(self, parts: int) -> None:
        """Sleeping as told misses nothing, and never is a sleep of no time."""
        self.start()
        seconds = self.core.wait_seconds(self.now)
        assert seconds is None or seconds > 0, "a busy loop"
        until = self.now + (16.0 if seconds is None else seconds)
        for part in range(1, parts):
            moment = self.now + int((until - self.now) * 4 * part / parts) / 4
            assert moment >= until or self.core.start(moment) == [], "slept past a moment when something could start"
        self.now = until

    # -- what must hold -----------------------------------------------------------------------------------

    def judge_start(self, item: Item) -> None:
        budget = self.budgets[item.budget]
        assert budget.is_owned
        assert self.now >= budget.paused_until
        assert item.tenant not in budget.held
        assert item.lane not in budget.running, "two of a lane at once"
        assert item.key in [owed.item.key for owed in budget.next_of(item.lane)], "not this one's turn in its lane"
        assert budget.owed[item.key].not_before <= self.now
        assert item.priority == budget.owed[item.key].priority, "an upgrade was lost"
        budget.started(item, self.now)

    @invariant()
    def no_limit_is_broken(self) -> None:
        for budget in self.budgets.values():
            budget.vendor.forget(self.now - 3 * budget.policy.window_seconds)
            assert budget.vendor.in_flight <= budget.policy.in_flight
            assert budget.vendor.most_in_any_window(budget.policy.window_seconds) <= budget.policy.limit

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
            for tenant in ("t1", "t2"):
                self.hold(name, tenant, ends=True)
            for lane in {owed.item.lane: owed.item for owed in budget.owed.values() if owed.is_blocked}.values():
                self.offer([((name, lane.tenant, lane.lane, "contact"), Priority.LIVE, 0.0)])
        for running in list(self.lost):
            self.answer_one(running, was_sent=True)
        for _ in range(400):
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

    def answer_one(self, running: Running, was_sent: bool) -> None:
        if running.is_answered:
            return
        running.is_answered = True
        running.exchange.answered = self.now
        if not was_sent:
            self.budgets[running.item.budget].vendor.never_came(running.exchange)
        self.core.answered(running.item, self.now, was_sent=was_sent)

    def finish_one(self, running: Running, verdict: Verdict, wait: float) -> None:
        self.answer_one(running, was_sent=True)
        self.core.finish(running.item, verdict, self.now, wait_seconds=wait)
        self.budgets[running.item.budget].finish(running, verdict, self.now, wait)
        self.over.append(running.item)


TestDispatcherModel = DispatcherMachine.TestCase
TestDispatcherModel.settings = settings(max_examples=150, stateful_step_count=50)
