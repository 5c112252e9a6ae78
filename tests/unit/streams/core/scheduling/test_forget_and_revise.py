"""A connection is forgotten, and a budget's limits change, while everything of others goes on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.scheduling.dispatcher import BudgetPolicy, Dispatcher, Item, Priority, Verdict

POLICY = BudgetPolicy(limit=4, window_seconds=10.0, in_flight=3)


def item(connection: str, lane: str = "1", name: str = "contact", rank: int = 0) -> Item:
    """One entity of a connection."""
    return Item(f"{connection}:{lane}:{name}", f"{connection}:{lane}", "b", connection, Priority.LIVE, rank)


def dispatcher(policy: BudgetPolicy = POLICY) -> Dispatcher:
    """One that owns the budget that two connections share."""
    core = Dispatcher()
    core.acquire("b", policy)
    return core


def end(core: Dispatcher, one: Item, verdict: Verdict = Verdict.DONE) -> None:
    """From answer to finish."""
    core.answered(one, 0.0)
    core.finish(one, verdict, 0.0)


@pytest.mark.parametrize(
    ("one", "connection"),
    [(item("acme"), "acme"), (Item("@sweep:acme", "@sweep:acme", "b", "@sweep"), "acme")],
    ids=["an entity", "a sweep"],
)
def test_an_item_says_whose_it_is(one: Item, connection: str) -> None:
    """Its tenant, or what its key names where the tenant is a kind of work."""
    assert one.connection == connection


def test_what_waits_of_a_connection_is_forgotten_and_others_go_on() -> None:
    """Also the work that has a tenant of its own."""
    core = dispatcher()
    for one in (item("acme"), item("acme", "2"), item("best"), Item("@sweep:acme", "@sweep:acme", "b", "@sweep")):
        core.offer_item(one, 0.0)
    core.hold_tenant("b", "acme")
    core.forget("acme")

    assert core.start(0.0) == [item("best")]
    assert core.view_of("b", 0.0).waiting[Priority.LIVE] == 0
    assert not core.is_held("b", "acme")


@pytest.mark.parametrize("verdict", list(Verdict))
def test_what_is_in_flight_ends_and_is_not_tried_again(verdict: Verdict) -> None:
    """Whatever came of it: whoever replaces the connection offers its rows again."""
    core = dispatcher()
    core.offer_item(item("acme"), 0.0)
    [started] = core.start(0.0)
    core.offer_item(item("acme"), 0.0)
    core.offer_item(item("acme", name="note", rank=1), 0.0)
    core.forget("acme")
    end(core, started, verdict)

    assert core.start(1000.0) == []
    assert core.is_idle
    core.offer_item(item("acme"), 1000.0)
    assert core.start(1000.0) == [item("acme")]


@given(st.lists(st.tuples(st.sampled_from(["offer", "start", "end", "forget"]), st.integers(0, 5)), max_size=40))
def test_whatever_comes_what_is_owed_starts_and_nothing_else(acts: list[tuple[str, int]]) -> None:
    """Random histories of two connections, of which one is forgotten again and again and offered once its work has ended."""
    core, running, owed = dispatcher(BudgetPolicy(1000, 10.0, 3)), list[Item](), set[str]()
    stopped: set[str] = set()
    for act, number in acts:
        one = item("acme" if number % 2 else "best", str(number // 2))
        match act:
            case "offer" if one.key not in stopped:
                core.offer_item(one, 0.0)
                owed.add(one.key)
            case "start":
                started = core.start(0.0)
                assert {each.key for each in started} <= owed
                owed -= {each.key for each in started}
                running += started
            case "end" if running:
                ended = running.pop(number % len(running))
                end(core, ended)
                stopped.discard(ended.key)
            case "forget":
                core.forget("acme")
                owed = {key for key in owed if not key.startswith("acme")}
                stopped |= {each.key for each in running if each.tenant == "acme"}
    assert core.view_of("b", 0.0).waiting[Priority.LIVE] <= len(owed)
    for one in running:
        end(core, one)
    last = set[str]()
    while started := core.start(0.0):
        last |= {each.key for each in started}
        for each in started:
            end(core, each)
    assert last == owed
    assert core.is_idle


def test_a_budget_with_a_new_limit_counts_what_was_used_under_it() -> None:
    """Its pause stays, too, and requests in flight end in the new window."""
    core = dispatcher()
    for number in range(3):
        core.offer_item(item("acme", str(number)), 0.0)
    first, second, third = core.start(0.0)
    core.answered(first, 0.0)
    core.pause("b", 5.0, "wait")
    core.revise("b", BudgetPolicy(limit=6, window_seconds=20.0, in_flight=4, daily_limit=100), 1.0)
    view = core.view_of("b", 1.0)
    assert (view.limit, view.used, view.in_flight, view.pause_cause) == (6, 3, 2, "wait")
    core.answered(second, 1.0)
    core.answered(third, 1.0, was_sent=False)
    view = core.view_of("b", 1.0)
    assert (view.used, view.in_flight) == (2, 0)
    assert core.view_of("b", 20.5).used == 1


def test_a_day_goes_on_when_its_limit_changes() -> None:
    """What was sent today is counted once, and what is in flight once."""
    core = dispatcher(BudgetPolicy(10, 10.0, 5, daily_limit=50))
    for number in range(4):
        core.offer_item(item("acme", str(number)), 0.0)
    first, *_rest = core.start(0.0)
    core.answered(first, 0.0)
    core.revise("b", BudgetPolicy(10, 10.0, 5, daily_limit=20), 0.0)
    assert core.view_of("b", 0.0).quota_left == 16


def test_the_same_limits_change_nothing() -> None:
    """And a budget that is another worker's is left alone."""
    core = dispatcher()
    before = core.view_of("b", 0.0)
    core.revise("b", POLICY, 0.0)
    core.revise("other", POLICY, 0.0)
    assert core.view_of("b", 0.0) == before


def test_a_budget_that_comes_back_with_another_limit_keeps_what_was_used() -> None:
    """Its connection was removed and added again with another rate: the vendor goes on counting."""
    core = dispatcher()
    for number in range(3):
        core.offer_item(item("acme", str(number)), 0.0)
    first, second, _third = core.start(0.0)
    core.answered(first, 0.0)
    core.release("b")
    core.acquire("b", BudgetPolicy(limit=8, window_seconds=10.0, in_flight=3), now=1.0)
    assert (core.view_of("b", 1.0).used, core.view_of("b", 1.0).in_flight) == (3, 2)
    core.answered(second, 1.0)
    assert core.view_of("b", 1.0).in_flight == 1
