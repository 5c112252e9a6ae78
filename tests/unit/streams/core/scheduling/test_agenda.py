"""The agenda, and the dispatcher that keeps one beside the dispatcher that walks through all budgets: the same starts, for less."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.rate import RateHeaders
from streams.core.scheduling.agenda import Agenda
from streams.core.scheduling.budget_row import BudgetRow
from streams.core.scheduling.dispatcher import BudgetPolicy, BudgetView, Dispatcher, Item, Priority, Verdict
from tests.unit.streams.core.scheduling.test_dispatcher_model import DispatcherMachine
from tests.unit.streams.core.scheduling.walking_dispatcher import WalkingDispatcher

# -- the agenda alone -------------------------------------------------------------------------------------


def agenda(**times: float | None) -> Agenda:
    """An agenda with these names, all of which were looked at."""
    made = Agenda()
    for name in times:
        made.add(name)
    assert made.due(0.0) == list(times)
    for name, at in times.items():
        made.put(name, at)
    return made


def test_what_changed_and_what_is_due_is_given_once_in_the_order_in_which_it_came() -> None:
    """Nobody else is touched."""
    kept = agenda(b=5.0, a=None, d=9.0, c=5.0)
    kept.changed("a")
    assert kept.due(5.0) == ["b", "a", "c"]
    assert kept.due(5.0) == []
    assert kept.soonest() == 9.0


def test_a_later_time_takes_the_place_of_an_earlier_one_and_the_other_way_round() -> None:
    """Stale entries wake nobody."""
    kept = agenda(a=5.0, b=7.0)
    kept.changed("a")
    kept.changed("b")
    assert kept.due(0.0) == ["a", "b"]
    kept.put("a", 8.0)
    kept.put("b", 2.0)
    assert (kept.soonest(), kept.due(7.0), kept.soonest()) == (2.0, ["b"], 8.0)


def test_an_end_that_never_comes_is_no_time() -> None:
    """A dead budget waits for an event."""
    kept = agenda(a=inf, b=None)
    assert kept.soonest() is None
    assert kept.due(1e12) == []


def test_a_name_that_went_and_came_back_is_the_last_and_has_no_time() -> None:
    """As a dictionary has it."""
    kept = agenda(a=5.0, b=5.0)
    kept.remove("a")
    kept.changed("a")
    gone = kept.due(4.0)
    kept.add("a")
    assert gone == []
    assert kept.due(5.0) == ["b", "a"]


def test_times_that_change_without_end_take_no_room() -> None:
    """A pause that is made longer at each answer leaves one entry, not thousands."""
    kept = agenda(a=None, b=3.0)
    for number in range(10_000):
        kept.changed("a")
        kept.due(0.0)
        kept.put("a", 10.0 + number)
    assert len(kept._heap) < 100
    assert kept.due(10_009.0) == ["a", "b"]


# -- beside the dispatcher that walks through all budgets -------------------------------------------------


class Twins:
    """Both dispatchers, called alike; their answers are compared, and returned once."""

    def __init__(self) -> None:
        self.new = Dispatcher()
        self.old = WalkingDispatcher()

    def start(self, now: float) -> list[Item]:
        """The same entities in the same order, by the same tickets."""
        new, old = self.new.start(now), self.old.start(now)
        assert [(item, item.ticket) for item in new] == [(item, item.ticket) for item in old]
        return new

    def take_short(self, now: float, now_ms: int) -> dict[str, BudgetRow]:
        """The same notes."""
        new, old = self.new.take_short(now, now_ms), self.old.take_short(now, now_ms)
        assert new == old
        return new

    def wait_seconds(self, now: float) -> float | None:
        """The new one may wake too early, to find that a budget waits longer; it may not oversleep, nor turn in a circle."""
        new, old = self.new.wait_seconds(now), self.old.wait_seconds(now)
        assert old is None or (new is not None and new <= old)
        assert new != 0.0 or old == 0.0
        return new

    def view(self, now: float) -> list[BudgetView]:
        """The same views."""
        new, old = list(self.new.view(now)), list(self.old.view(now))
        assert new == old
        return new

    @property
    def is_idle(self) -> bool:
        """Both or none."""
        assert self.new.is_idle == self.old.is_idle
        return self.new.is_idle

    def __getattr__(self, name: str) -> Any:
        def both(*args: Any, **kwargs: Any) -> Any:
            new, old = getattr(self.new, name)(*args, **kwargs), getattr(self.old, name)(*args, **kwargs)
            assert new == old
            return new

        return both


class TwinMachine(DispatcherMachine):
    """All that the model knows may happen, and the model's own judgement of it."""

    @property
    def core(self) -> Any:
        """Whatever is set here is two."""
        return self._twins

    @core.setter
    def core(self, _new: Dispatcher) -> None:
        self._twins = Twins()


TestTwins = TwinMachine.TestCase
TestTwins.settings = settings(max_examples=60, stateful_step_count=50)

SHAPES = (
    BudgetPolicy(3, 8.0, 2),
    BudgetPolicy(20, 4.0, 5, is_noted=True),
    BudgetPolicy(5, 4.0, 5, daily_limit=30, live_reserve=0.5, day_seconds=600.0),
    BudgetPolicy(10, 10.0, 8, is_noted=True, daily_limit=40, day_seconds=300.0),
)
BUDGETS = tuple(f"budget-{number}" for number in range(40))
TENANTS = ("t1", "t2", "t3")


class History:
    """One history of many budgets, drawn by a number. Times are any numbers, not only even ones."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.twins, self.now = Twins(), 0.0
        self.going: list[Item] = []
        self.asked: list[str] = []
        self.started = 0
        for budget in BUDGETS:
            self.acquire(budget)

    def acquire(self, budget: str, noted: BudgetRow | None = None) -> None:
        """A budget comes; its policy is always the same."""
        policy = SHAPES[BUDGETS.index(budget) % len(SHAPES)]
        self.twins.acquire(budget, policy, noted, now=self.now, now_ms=int(self.now * 1000))

    def turn(self) -> None:
        """As the loop has it."""
        started = self.twins.start(self.now)
        self.going += started
        self.started += len(started)
        self.asked += self.twins.take_short(self.now, int(self.now * 1000))

    def sleep(self) -> None:
        """For as long as asked, or for less: something else woke us."""
        seconds = self.twins.wait_seconds(self.now)
        most = 30.0 if seconds is None else seconds
        self.now += most if self.draw.random() < 0.6 else self.draw.random() * most

    def step(self) -> None:
        """One thing happens."""
        draw, budget = self.draw, self.draw.choice(BUDGETS)
        tenant = f"{budget}-{draw.choice(TENANTS)}"
        match draw.choices(range(10), (30, 30, 12, 4, 2, 3, 2, 5, 2, 10))[0]:
            case 0:
                for _ in range(draw.randint(1, 6)):
                    lane, rank = f"{tenant}-{draw.randint(1, 4)}", draw.randint(0, 1)
                    item = Item(f"{lane}-{rank}", lane, budget, tenant, draw.choice(list(Priority)), rank)
                    self.twins.offer_item(
                        item, self.now, not_before=self.now + draw.choice([0.0, 0.0, draw.random() * 9])
                    )
            case 1:
                self.end()
            case 2:
                self.turn()
                self.sleep()
            case 3:
                self.twins.pause(budget, draw.choice([self.now + draw.random() * 60, inf]), "429")
            case 4:
                self.twins.resume(budget)
            case 5:
                (self.twins.hold_tenant if draw.random() < 0.5 else self.twins.release_tenant)(budget, tenant)
            case 6:
                self.twins.release(budget)
                left = self.twins.last_note(budget, self.now, int(self.now * 1000))
                if draw.random() < 0.8:
                    self.acquire(budget, left if draw.random() < 0.5 else None)
            case 7:
                self.twins.observe(budget, self.headers(), self.now)
            case 8:
                self.acquire(budget)
            case _:
                for name in self.asked:
                    self.twins.granted(name, stands=draw.random() < 0.8)
                self.asked.clear()

    def end(self) -> None:
        """Something that was started ends, as often as not with a turn between its answer and its end."""
        if self.going:
            item = self.going.pop(self.draw.randrange(len(self.going)))
            self.twins.answered(item, self.now, was_sent=self.draw.random() < 0.9)
            if self.draw.random() < 0.5:
                self.turn()
            verdict = self.draw.choice(list(Verdict))
            self.twins.finish(item, verdict, self.now, wait_seconds=self.draw.random() * 20)

    def headers(self) -> RateHeaders:
        """What a vendor may tell."""
        draw = self.draw
        return RateHeaders(
            limit=draw.choice([None, 2, 5, 20]),
            remaining=draw.choice([None, 0, 1, 3, 20]),
            reset_seconds=draw.choice([None, draw.random() * 10]),
            daily_limit=draw.choice([None, 20, 40]),
            daily_remaining=draw.choice([None, None, 0, 2, 30]),
            daily_reset_seconds=draw.choice([None, draw.random() * 300]),
        )


@given(st.integers(0, 2**64))
@settings(max_examples=60)
def test_with_many_budgets_the_same_starts_in_the_same_order(seed: int) -> None:
    """Whatever happens to forty budgets of four kinds, at whatever times."""
    history = History(seed)
    for _ in range(300):
        history.step()
    for _ in range(60):
        history.turn()
        for name in history.asked:
            history.twins.granted(name, stands=True)
        history.asked.clear()
        history.turn()
        while history.going:
            history.end()
        history.sleep()
    list(history.twins.view(history.now))
    assert history.started > 50


# -- what it costs ----------------------------------------------------------------------------------------


@contextmanager
def counting_calls() -> Iterator[list[int]]:
    """How many functions are called: what a machine that is busy with other things cannot change."""
    calls = [0]

    def count(_frame: Any, event: str, _arg: Any) -> None:
        calls[0] += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield calls
    finally:
        sys.setprofile(before)


def calls_an_item(budgets: int, items: int = 100, *, cause: str = "") -> float:
    """Calls for each item when all of these budgets have more work than they may do."""
    core, now, going = Dispatcher(), 0.0, list[Item]()
    policy = BudgetPolicy(10_000, 10.0, 8, is_noted=True, daily_limit=200_000)
    for number in range(budgets):
        core.acquire(f"b{number}", policy)
        for lane in range(12):
            core.offer_item(Item(f"{number}:{lane}", f"{number}:{lane}", f"b{number}", "t"), now)
        if cause:
            core.pause(f"b{number}", inf if cause == "dead" else 3600.0 + number, cause)
    if cause:
        core.resume("b0")
    for _ in range(3):
        going += core.start(now)
        for name in core.take_short(now, 0):
            core.granted(name, stands=True)
        core.wait_seconds(now)
    with counting_calls() as calls:
        for _ in range(items):
            now += 0.01 / budgets
            item = going.pop(0)
            core.answered(item, now)
            going += core.start(now)
            core.wait_seconds(now)
            core.finish(item, Verdict.AGAIN, now)
            going += core.start(now)
            for name in core.take_short(now, 0):
                core.granted(name, stands=True)
            core.wait_seconds(now)
    assert going
    return calls[0] / items


@pytest.mark.parametrize("cause", ["", "429", "dead"])
def test_an_item_costs_the_same_with_ten_budgets_and_with_three_thousand(cause: str) -> None:
    """In functions called: a turn touches what has changed or is due, and nothing else."""
    few, many = calls_an_item(10, cause=cause), calls_an_item(3000, cause=cause)
    assert many < few * 1.5


def calls_to_forget(budgets: int) -> int:
    """Calls to forget a connection where each budget has work of another one, and to see what may start after that."""
    core = Dispatcher()
    for number in range(budgets):
        core.acquire(f"b{number}", BudgetPolicy(1, 10.0, 1))
        for lane in range(3):
            core.offer_item(Item(f"{number}:{lane}", f"{number}:{lane}", f"b{number}", f"c{number}"), 0.0)
    core.start(0.0)
    core.wait_seconds(0.0)
    with counting_calls() as calls:
        core.forget("c1")
        core.start(0.0)
        core.wait_seconds(0.0)
    assert not any(core.view_of("b1", 0.0).waiting.values())
    assert sum(core.view_of("b2", 0.0).waiting.values()) == 2
    return calls[0]


def test_a_connection_that_is_replaced_costs_the_same_with_ten_budgets_and_with_three_thousand() -> None:
    """It is forgotten where it was offered or held, and nowhere else: hundreds are added by one table, while others wait."""
    assert calls_to_forget(3000) < calls_to_forget(10) * 1.5
