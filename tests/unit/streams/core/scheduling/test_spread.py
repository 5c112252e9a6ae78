"""A backfill leaves no gap: whatever uses a vendor's window, live changes and opt-outs soon find a slot, and nothing is slower."""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import count
from math import inf
from typing import NamedTuple

import pytest

from streams.core.scheduling.dispatcher import BudgetPolicy, Dispatcher, Item, Priority, Verdict

LOFTY = BudgetPolicy(500, 60.0, 4, is_spread=True)
GHL = BudgetPolicy(100, 10.0, 8, is_spread=True)
UNSPREAD = BudgetPolicy(500, 60.0, 4)
NUMBERS = count()


class Offer(NamedTuple):
    """So many items of a priority, at a moment."""

    at: float
    priority: Priority
    number: int = 1


def steady(priority: Priority, per_second: float, seconds: float) -> list[Offer]:
    """One item after another."""
    return [Offer(number / per_second, priority) for number in range(int(per_second * seconds))]


def play(
    policy: BudgetPolicy,
    offers: list[Offer],
    until: float,
    *,
    answer_seconds: float = 0.1,
    late: float = 0.0,
    sends: bool = True,
) -> dict[Priority, list[tuple[float, float]]]:
    """When each item was offered and when it started, by priority. The loop that starts them wakes `late`."""
    core = Dispatcher()
    core.acquire("b", policy)
    begun: list[float] = []
    answered: list[float] = []
    events: list[tuple[float, int, Callable[[float], None]]] = []
    found: dict[Priority, list[tuple[float, float]]] = {one: [] for one in Priority}
    offered: dict[str, float] = {}

    def at(moment: float, act: Callable[[float], None]) -> None:
        heapq.heappush(events, (moment, next(NUMBERS), act))

    def offer(one: Offer, now: float) -> None:
        for _ in range(one.number):
            key = f"item{next(NUMBERS)}"
            offered[key] = now
            core.offer_item(Item(key, key, "b", "t", one.priority), now)

    def answer(item: Item, now: float) -> None:
        answered.append(now)
        core.answered(item, now, was_sent=sends)
        core.finish(item, Verdict.DONE, now)

    for one in offers:
        at(one.at, partial(offer, one))
    wakes_at = inf
    while events and events[0][0] <= until:
        now, _, act = heapq.heappop(events)
        act(now)
        wakes_at = inf if now >= wakes_at else wakes_at
        for item in core.start(now):
            found[item.priority].append((offered[item.key], now))
            begun.append(now)
            at(now + answer_seconds, partial(answer, item))
        if (seconds := core.wait_seconds(now)) is not None:
            assert seconds > 0, "a busy loop"
            if now + seconds + late < wakes_at:
                wakes_at = now + seconds + late
                at(wakes_at, lambda _: None)
    for place, begin in enumerate(
        answered if sends else ()
    ):  # the vendor counted each at some moment between its start and its answer
        assert bisect_left(begun, begin + policy.window_seconds) - place <= policy.limit
    return found


def longest_wait(starts: list[tuple[float, float]]) -> float:
    return max(then - since for since, then in starts)


@pytest.mark.parametrize(("policy", "most"), [(LOFTY, 6.2), (GHL, 1.2)])
@pytest.mark.parametrize("priority", [Priority.LIVE, Priority.OPT_OUT])
@pytest.mark.parametrize("bulk", [Priority.SWEEP, Priority.BACKFILL, Priority.VERIFY])
def test_beside_a_backfill_a_live_change_waits_for_a_tenth_of_the_window_at_most(
    policy: BudgetPolicy, most: float, priority: Priority, bulk: Priority
) -> None:
    offers = [Offer(0.0, bulk, 3_000), *steady(priority, 0.7, 300)]
    found = play(policy, offers, until=300.0)
    assert len(found[priority]) == 210
    assert longest_wait(found[priority]) <= most
    after = [(since, then) for since, then in found[priority] if since > 2 * policy.window_seconds]
    assert longest_wait(after) <= 0.7, "the gap is repeated"


def test_without_the_line_it_waits_for_most_of_a_minute() -> None:
    """What the line is for."""
    found = play(UNSPREAD, [Offer(0.0, Priority.BACKFILL, 3_000), *steady(Priority.OPT_OUT, 0.7, 300)], until=300.0)
    assert longest_wait(found[Priority.OPT_OUT]) > 40.0


def test_six_of_eight_requests_a_second_are_opt_outs_and_no_one_of_them_waits_long() -> None:
    """The bench's storm: a backfill that began a moment before, and a use of the limit of three quarters."""
    offers = [Offer(0.0, Priority.BACKFILL, 2_000)]
    offers += [
        one._replace(at=one.at + 1.0) for one in steady(Priority.OPT_OUT, 3.0, 150) + steady(Priority.LIVE, 3.0, 150)
    ]
    found = play(LOFTY, offers, until=160.0)
    assert longest_wait(found[Priority.OPT_OUT]) <= 6.5
    assert longest_wait(found[Priority.LIVE]) <= 12.5
    assert len(found[Priority.BACKFILL]) > 0.9 * (160 / 60 * 500 - 900), "what is left over is used"


@pytest.mark.parametrize(("policy", "late"), [(LOFTY, 0.0), (LOFTY, 0.4), (GHL, 0.0), (GHL, 0.3)])
def test_a_backfill_uses_the_whole_limit(policy: BudgetPolicy, late: float) -> None:
    """Also where the loop wakes late each time."""
    windows = 6
    found = play(policy, [Offer(0.0, Priority.BACKFILL, 10_000)], until=windows * policy.window_seconds, late=late)
    assert len(found[Priority.BACKFILL]) >= 0.95 * windows * policy.limit


def test_in_an_empty_window_a_tenth_starts_as_fast_as_it_is_answered() -> None:
    """What is small has no line to wait for."""
    found = play(LOFTY, [Offer(0.0, Priority.BACKFILL, 50)], until=60.0, answer_seconds=0.01)
    assert longest_wait(found[Priority.BACKFILL]) < 0.2


def test_what_needs_no_request_knows_no_line() -> None:
    """What a backfill takes from the list in which it was found."""
    found = play(LOFTY, [Offer(0.0, Priority.BACKFILL, 3_000)], until=60.0, answer_seconds=0.01, sends=False)
    assert len(found[Priority.BACKFILL]) == 3_000
    assert longest_wait(found[Priority.BACKFILL]) < 10.0


def test_live_changes_know_no_line() -> None:
    """A burst of them uses the whole window at once, as ever."""
    found = play(LOFTY, [Offer(0.0, Priority.LIVE, 400)], until=60.0, answer_seconds=0.01)
    assert longest_wait(found[Priority.LIVE]) < 1.5


def test_live_changes_count_on_the_line_and_starve_nothing() -> None:
    """A steady nine tenths of the limit leaves a tenth, and that is used."""
    offers = [Offer(0.0, Priority.BACKFILL, 5_000), *steady(Priority.LIVE, 7.5, 600)]
    found = play(LOFTY, offers, until=600.0)
    a_minute = Counter(int(then // 60) for _, then in found[Priority.BACKFILL])
    assert all(a_minute[minute] >= 35 for minute in range(1, 10)), a_minute
    assert longest_wait(found[Priority.LIVE]) <= 6.5


def test_work_that_is_less_urgent_goes_on_after_a_burst_of_live_changes() -> None:
    """The line is where the burst left it: at the limit, for one window and not longer."""
    offers = [Offer(0.0, Priority.LIVE, 500), Offer(1.0, Priority.BACKFILL, 100)]
    found = play(LOFTY, offers, until=200.0, answer_seconds=0.01)
    assert 60.0 <= found[Priority.BACKFILL][0][1] <= 62.0
    assert len(found[Priority.BACKFILL]) == 100
