"""The day keeps a vendor's daily limit, whatever the vendor's alignment and whatever its headers say."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.rate import RateHeaders
from streams.core.scheduling.daily_limit import Day
from tests.unit.streams.core.scheduling.vendor import Exchange, Vendor

DAY = 1440.0 * 8
"""Seconds. A minute of such a day is eight seconds, and no answer in these tests takes longer."""

STEPS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.25, 1.0, 4.0, DAY / 48, DAY / 4]), st.integers(0, 4)), min_size=1, max_size=60
)
NONSENSE = st.builds(
    RateHeaders,
    daily_limit=st.none() | st.integers(-10, 10**12),
    daily_remaining=st.none() | st.integers(-(10**12), 10**12),
    daily_reset_seconds=st.none() | st.floats(-1e9, 1e12),
)
SHORT = st.sampled_from([0.0, 0.25, 1.0, 2.0, 4.0, 7.5])


class FixedDays:
    """A vendor whose days begin at fixed times, and whose headers tell the truth, as far as they tell it."""

    def __init__(self, limit: int, heads: list[str]) -> None:
        self.limit, self.heads = limit, heads
        self.number = self.refused = 0
        self.counts: dict[float, int] = {}
        self.events: list[tuple[float, bool, int]] = []
        self.headers: dict[int, RateHeaders] = {}

    def next_end(self, now: float) -> float:
        """When the day of a moment ends."""
        return (now // DAY + 1) * DAY

    def take(self, counted: float, answered: float) -> None:
        """A request is on its way."""
        self.events += [(counted, False, self.number), (answered, True, self.number)]
        self.number += 1

    def land(self, day: Day, until: float) -> None:
        """Count and answer everything until a moment."""
        for at, is_answer, number in sorted(event for event in self.events if event[0] <= until):
            if is_answer:
                day.observe(self.headers[number], at)
                day.end(at)
                continue
            count = self.counts[at // DAY] = self.counts.get(at // DAY, 0) + 1
            self.refused += count > self.limit
            head = self.heads[number % len(self.heads)]
            self.headers[number] = RateHeaders(
                daily_remaining=max(0, self.limit - count) if head == "both" else None,
                daily_reset_seconds=self.next_end(at) - at if head != "none" else None,
            )
        self.events = [event for event in self.events if event[0] > until]


def spend(day: Day, number: int, now: float) -> None:
    """So many requests, answered at once, without headers."""
    for _ in range(number):
        day.begin_request(now)
        day.end(now)


@given(
    limit=st.integers(1, 5),
    steps=STEPS,
    headers=st.lists(NONSENSE, max_size=4).filter(lambda h: all(r.daily_reset_seconds is None for r in h)),
)
def test_no_alignment_of_the_vendors_day_sees_more_than_the_limit(
    limit: int, steps: list[tuple[float, int]], headers: list[RateHeaders]
) -> None:
    """Without a reported end, any day of any alignment holds the limit, even when answers take half a day."""
    day, vendor, now = Day(limit, DAY), Vendor(), 0.0
    going: list[Exchange] = []
    for number, (seconds, starts) in enumerate(steps):
        now += seconds
        if going:
            if headers:
                day.observe(headers[number % len(headers)], now)
            going[0].answered = now
            day.end(now)
            del going[0]
        for _ in range(min(starts, day.remaining(now))):
            day.begin_request(now)
            going.append(vendor.begin_request(now))
    for exchange in going:
        exchange.answered = now
    assert vendor.most_in_any_window(DAY) <= limit


@given(
    limit=st.integers(1, 4),
    steps=st.lists(st.tuples(st.sampled_from(["pass", "pass", "near"]), SHORT, st.integers(0, 4)), max_size=40),
    flights=st.lists(st.tuples(SHORT, st.integers(0, 4)), min_size=1, max_size=6),
    heads=st.lists(st.sampled_from(["reset", "reset", "both", "none"]), min_size=1, max_size=4),
)
@settings(max_examples=300)
def test_a_vendor_that_tells_its_true_reset_never_sees_more_than_its_limit(
    limit: int, steps: list[tuple[str, float, int]], flights: list[tuple[float, int]], heads: list[str]
) -> None:
    """Fixed days of unknown alignment: a request is counted anywhere in its flight, and answers overtake each other."""
    day, vendor = Day(limit, DAY), FixedDays(limit, heads)
    now = 0.0
    for kind, seconds, starts in steps:
        now = vendor.next_end(now) - 4.0 + seconds if kind == "near" else now + seconds
        vendor.land(day, now)
        for _ in range(min(starts, day.remaining(now))):
            flight, quarter = flights[vendor.number % len(flights)]
            day.begin_request(now)
            vendor.take(now + flight * quarter / 4, now + flight)
    vendor.land(day, inf)
    assert vendor.refused == 0


@given(steps=STEPS, headers=st.lists(NONSENSE, min_size=1, max_size=5))
def test_no_header_stops_us_for_good(steps: list[tuple[float, int]], headers: list[RateHeaders]) -> None:
    """Once all is answered and two days have passed, requests may start again."""
    day, now = Day(3, DAY), 0.0
    for number, (seconds, starts) in enumerate(steps):
        now += seconds
        spend(day, min(starts, day.remaining(now)), now)
        day.observe(headers[number % len(headers)], now)
    assert day.remaining(now + 2 * DAY) >= 1


@given(steps=STEPS, headers=st.lists(NONSENSE, max_size=3))
def test_nothing_is_given_back_before_the_moment_that_was_announced(
    steps: list[tuple[float, int]], headers: list[RateHeaders]
) -> None:
    """Before `changes_at` the remaining is what it was, and at it something has changed or will at a later moment."""
    day, now = Day(3, DAY), 0.0
    for number, (seconds, starts) in enumerate(steps):
        now += seconds
        spend(day, min(starts, day.remaining(now)), now)
        if headers:
            day.observe(headers[number % len(headers)], now)
    for _ in range(200):
        at, before = day.changes_at(now), day.remaining(now)
        if at is None:
            break
        assert at > now
        assert day.remaining((now + at) / 2) == before
        now = at
    assert day.remaining(now) == day.limit


def test_what_was_answered_just_before_the_end_may_belong_to_the_new_day() -> None:
    """The end is reckoned from a slow answer, so it is late: what was answered meanwhile stays counted."""
    day = Day(2, DAY)
    day.begin_request(99.0)
    spend(day, 1, 101.0)
    day.observe(RateHeaders(daily_reset_seconds=1.0), 103.0)  # reported at 99, when the day had one second left
    day.end(103.0)
    assert day.remaining(104.0) == 0
    assert day.remaining(108.0) == 0
    assert day.remaining(103.0 + DAY) == 2


def test_the_first_answer_of_a_new_day_begins_it() -> None:
    """A vendor that speaks of the next day's end has begun that day, although we reckoned with a moment more."""
    day = Day(5, DAY)
    spend(day, 3, 0.0)
    day.begin_request(100.0)
    day.observe(RateHeaders(daily_reset_seconds=4.0), 100.0)
    day.observe(RateHeaders(daily_reset_seconds=DAY - 1), 103.0)
    day.end(103.0)
    assert day.remaining(103.0) == 4
    assert day.ends_at(103.0) == pytest.approx(102.0 + DAY, abs=1.0)


def test_an_answer_that_was_overtaken_by_the_end_of_its_day_does_not_end_the_next() -> None:
    """A day ends once a day, even when headers speak of an end all the time."""
    day = Day(5, DAY)
    for second in range(5):
        spend(day, 1, 100.0 * second)
        day.observe(RateHeaders(daily_reset_seconds=0.0 if second else 50.0), 100.0 * second)
    assert day.remaining(500.0) == 1  # only the first end was believed
    assert not day.is_end_reported


def test_what_others_spend_is_taken_into_account_until_the_reset() -> None:
    """The location is shared: the vendor's count goes before ours."""
    day = Day(100, DAY)
    day.begin_request(0.0)
    day.observe(RateHeaders(daily_limit=100, daily_remaining=30, daily_reset_seconds=50.0), 0.0)
    day.end(0.0)
    assert day.remaining(1.0) == 30
    assert day.remaining(60.0) == 100


def test_what_we_spent_before_the_vendors_day_does_not_hide_what_others_spent_in_it() -> None:
    """Our older requests leave our count first; what the vendor said is left holds until its reset."""
    day = Day(6, DAY)
    spend(day, 5, 0.0)
    day.begin_request(DAY / 2)
    day.observe(RateHeaders(daily_limit=6, daily_remaining=0, daily_reset_seconds=DAY * 3 / 4), DAY / 2)
    day.end(DAY / 2)
    assert day.remaining(DAY + 1) == 0
    assert day.remaining(DAY * 5 / 4 + 1) == 6


def test_a_request_that_never_left_is_given_back() -> None:
    """To our own count, and to what the vendor said is left."""
    day = Day(6, DAY)
    day.begin_request(0.0)
    day.observe(RateHeaders(daily_remaining=1), 0.0)
    day.end(0.0)
    day.begin_request(1.0)
    none = day.remaining(1.0)
    day.end(2.0, was_sent=False)
    assert (none, day.remaining(2.0)) == (0, 1)


def test_what_is_in_flight_is_not_taken_for_others() -> None:
    """Of what is in flight only the request that was answered is surely counted; nothing is lost by that in the end."""
    day = Day(100, DAY)
    for _ in range(10):
        day.begin_request(0.0)
    for count in range(1, 11):
        day.observe(RateHeaders(daily_limit=100, daily_remaining=100 - count), 1.0)
        day.end(1.0)
    assert day.remaining(1.0) == 90


def test_what_is_in_flight_may_come_after_what_the_vendor_said_is_left() -> None:
    """Others spend as well: of the two that the vendor has left, two are on their way already."""
    day = Day(100, DAY)
    for _ in range(3):
        day.begin_request(0.0)
    day.observe(RateHeaders(daily_limit=100, daily_remaining=2), 1.0)
    day.end(1.0)
    assert day.remaining(1.0) == 0


def test_others_who_spent_all_without_a_known_end_are_believed_for_an_hour() -> None:
    """Nobody could tell us that a new day has begun while we start nothing."""
    day = Day(100, DAY)
    day.begin_request(0.0)
    day.observe(RateHeaders(daily_remaining=0), 0.0)
    day.end(0.0)
    assert day.remaining(0.0) == 0
    assert day.changes_at(0.0) == DAY / 24
    assert day.remaining(DAY / 24) == 99


def test_an_end_that_is_not_told_is_a_day_from_the_first_request() -> None:
    """The longest that can be, and corrected as soon as the vendor reports it."""
    day = Day(100, DAY)
    spend(day, 1, 10.0)
    assumed = day.ends_at(20.0)
    day.observe(RateHeaders(daily_reset_seconds=2.0 * DAY), 20.0)
    nonsense = day.ends_at(20.0)
    day.observe(RateHeaders(daily_reset_seconds=80.0), 20.0)
    assert (assumed, nonsense) == (10.0 + DAY, 10.0 + DAY)
    assert day.ends_at(20.0) == pytest.approx(100.0, abs=1.0)


def test_a_vendor_that_allows_less_than_is_configured_is_believed_and_one_that_allows_more_is_not() -> None:
    """Headers correct downwards."""
    day = Day(100, DAY)
    day.observe(RateHeaders(daily_limit=1000, daily_remaining=1000), 0.0)
    more = (day.limit, day.remaining(0.0))
    day.observe(RateHeaders(daily_limit=50, daily_remaining=50), 0.0)
    assert more == (100, 100)
    assert (day.limit, day.remaining(0.0)) == (50, 50)


@given(steps=STEPS, is_told=st.booleans(), after=st.sampled_from([0.0, 8.0, DAY / 3, DAY, 2 * DAY]))
def test_a_day_that_goes_to_another_worker_never_gains_by_it(
    steps: list[tuple[float, int]], is_told: bool, after: float
) -> None:
    """The successor, on a clock of its own, has at most what its predecessor would have, and the same end."""
    ours, theirs, now = Day(10, DAY), Day(10, DAY), 0.0
    for seconds, starts in steps:
        now += seconds
        spend(ours, min(starts, ours.remaining(now)), now)
    if is_told:
        ours.observe(RateHeaders(daily_remaining=4, daily_reset_seconds=DAY / 2), now)
    state = ours.state(now)
    theirs.seed(state, 7.0)
    assert len(state.spent) <= 25
    assert theirs.remaining(7.0) == ours.remaining(now)
    assert theirs.ends_at(7.0) - 7.0 == pytest.approx(ours.ends_at(now) - now, abs=1e-6)
    assert theirs.remaining(7.0 + after - 1e-6) <= ours.remaining(now + after)
