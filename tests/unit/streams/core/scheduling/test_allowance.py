"""Spending is noted before it happens: whoever owns a budget next, after whatever end of its owner, breaks no limit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors.rate import RateHeaders
from streams.core.scheduling.allowance import LEAST_SECONDS, PARTS, SLACK_SECONDS, Allowance, note, seed
from streams.core.scheduling.budget_row import BudgetRow
from streams.core.scheduling.daily_limit import Day
from streams.core.scheduling.window import RequestWindow

LIMIT, SECONDS = 20, 10.0


def test_nothing_starts_before_its_grant_stands() -> None:
    """Asking is not enough: Kafka must have the note."""
    allowance = Allowance(RequestWindow(LIMIT, SECONDS), is_needed=True)
    assert allowance.left(0.0) == 0
    allowance.ask(0.0, 0)
    assert allowance.left(0.0) == 0
    assert allowance.is_awaited(0.0)
    allowance.granted()
    assert allowance.left(0.0) == LIMIT // PARTS


def test_a_grant_ends_with_its_time() -> None:
    """Its successor counts it as sent by then; what starts later would not be counted."""
    allowance = Allowance(RequestWindow(LIMIT, SECONDS), is_needed=True)
    allowance.ask(0.0, 0)
    allowance.granted()
    assert allowance.left(SECONDS / PARTS - 0.001) == LIMIT // PARTS
    assert allowance.left(SECONDS / PARTS) == 0
    assert allowance.is_short(SECONDS / PARTS)


def test_a_note_that_came_too_late_grants_nothing() -> None:
    """Kafka was slow: the time for which the note stands is over."""
    allowance = Allowance(RequestWindow(LIMIT, SECONDS), is_needed=True)
    allowance.ask(0.0, 0)
    allowance.granted()
    assert allowance.left(SECONDS) == 0


def test_without_need_nothing_is_noted() -> None:
    """Who has no successor needs no notes."""
    allowance = Allowance(RequestWindow(LIMIT, SECONDS), is_needed=False)
    assert allowance.left(0.0) is None
    assert not allowance.is_short(0.0)


def test_the_note_of_a_busy_window_is_short() -> None:
    """Ages are gathered: a window of a million requests is noted in a few pairs."""
    window = RequestWindow(100_000, SECONDS)
    for number in range(5_000):
        window.begin_request(number / 1000)
        window.end(number / 1000)
    row = note(window, 5.0, 5_000)
    assert sum(number for _, number in row.used) == 5_000
    assert len(row.used) <= PARTS + 1


class Vendor:
    """Counts in fixed windows that begin at any moment."""

    def __init__(self, phase: float) -> None:
        self.phase = phase
        self.windows: dict[int, int] = {}

    def count(self, at: float) -> None:
        """A request came."""
        place = int((at - self.phase) // SECONDS)
        self.windows[place] = self.windows.get(place, 0) + 1


SMALL = 3
"""A limit that short histories reach."""

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.floats(0.01, 4.0)),
        st.tuples(st.sampled_from(["start", "start as soon as noted"]), st.integers(1, 12)),
        st.tuples(st.just("answer"), st.integers(1, 12)),
        st.tuples(st.just("note stands"), st.just(0)),
        st.tuples(st.sampled_from(["killed", "drained"]), st.floats(0.0, 3.0)),
    ),
    max_size=60,
)


def end_all(window: RequestWindow, now: float) -> None:
    """Every request in flight is answered."""
    while window.in_flight:
        window.end(now)


@settings(max_examples=300)
@example(steps=[("start as soon as noted", 12), ("killed", 0.0), ("start as soon as noted", 12)], phase=5.0)
@given(steps=STEPS, phase=st.floats(0.0, SECONDS))
def test_whatever_ends_an_owner_the_vendor_never_sees_more_than_its_limit(
    steps: list[tuple[str, Any]], phase: float
) -> None:
    """Owners follow each other, killed with requests in flight or drained; each knows only what is in Kafka."""
    vendor, now, in_kafka = Vendor(phase), 100.0, None
    window = RequestWindow(SMALL, SECONDS)
    allowance = Allowance(window, is_needed=True)
    asked: BudgetRow | None = None
    for what, how in steps:
        match what:
            case "wait":
                now += how
            case "start" | "start as soon as noted":
                for _ in range(how):
                    if allowance.is_short(now):
                        asked = allowance.ask(now, int(now * 1000))
                        if what != "start":
                            in_kafka, asked = asked, None
                            allowance.granted()
                    if not min(window.free(now), allowance.left(now) or 0):
                        break
                    window.begin_request(now)
                    allowance.begin_request()
                    vendor.count(now)
            case "answer":
                for _ in range(min(how, window.in_flight)):
                    window.end(now)
            case "note stands" if asked is not None:
                in_kafka, asked = asked, None
                allowance.granted()
            case "killed" | "drained":
                if what == "drained":
                    end_all(window, now)
                    in_kafka = note(window, now, int(now * 1000))
                elif asked is not None and int(how * 10) % 2:
                    in_kafka = asked  # it reached Kafka, but its acknowledgement did not come back
                asked = None
                now += how
                window = RequestWindow(SMALL, SECONDS)
                if in_kafka is not None:
                    seed(window, in_kafka, now, int(now * 1000))
                allowance = Allowance(window, is_needed=True)
    assert max(vendor.windows.values(), default=0) <= SMALL


def test_a_budget_that_was_idle_is_free_at_once() -> None:
    """A restart of a quiet system costs no wait."""
    row = BudgetRow(at_ms=0, used=((0, 3),), slots=2, slots_ms=int(1000 * LEAST_SECONDS))
    window = RequestWindow(LIMIT, SECONDS)
    now = LEAST_SECONDS + SLACK_SECONDS + SECONDS + 0.01
    seed(window, row, now, int(now * 1000))
    assert window.free(now) == LIMIT


def test_a_budget_in_light_use_has_nearly_all_its_slots() -> None:
    """A restart in light use waits for nothing either."""
    window = RequestWindow(LIMIT, SECONDS)
    window.begin_request(0.0)
    window.end(0.1)
    allowance = Allowance(window, is_needed=True)
    after = RequestWindow(LIMIT, SECONDS)
    seed(after, allowance.ask(0.2, 200), 0.5, 500)
    assert after.free(0.5) == LIMIT - 1 - LIMIT // PARTS


def test_a_successor_goes_on_with_the_day() -> None:
    """What was spent and what was granted are gone from it, through Kafka's bytes, until the day's end that was reported."""
    day, window = Day(1_000, 86_400.0), RequestWindow(LIMIT, SECONDS)
    for second in range(600):
        day.begin_request(float(second))
        day.end(float(second))
    day.observe(RateHeaders(daily_limit=1_000, daily_remaining=300, daily_reset_seconds=3_600.0), 600.0)
    row = Allowance(window, is_needed=True, day=day).ask(600.0, 600_000)
    after = Day(1_000, 86_400.0)
    seed(RequestWindow(LIMIT, SECONDS), BudgetRow.from_bytes(row.to_bytes()), 50.0, 660_000, after)
    assert after.remaining(50.0) == 300 - LIMIT // PARTS
    assert after.ends_at(50.0) == pytest.approx(day.ends_at(600.0) - 600.0 - 60.0 + 50.0)
    assert after.remaining(50.0 + 3_600.0) == 1_000
