"""The window keeps a vendor's limit, whatever the vendor's alignment and whatever its headers say."""

from __future__ import annotations

from collections import deque
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.rate import RateHeaders
from streams.core.scheduling.window import RequestWindow
from tests.unit.streams.core.scheduling.vendor import Exchange, Vendor

STEPS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.25, 0.5, 1.0, 3.0]), st.integers(0, 6), st.integers(0, 6), st.booleans()),
    max_size=60,
)
NONSENSE = st.builds(
    RateHeaders,
    limit=st.none() | st.integers(-10, 10**12),
    remaining=st.none() | st.integers(-(10**12), 10**12),
    window_seconds=st.none() | st.floats(-10, 1e12),
    reset_seconds=st.none() | st.floats(-1e9, 1e12),
)


def spend(
    window: RequestWindow, vendor: Vendor, steps: list[tuple[float, int, int, bool]], headers: list[RateHeaders]
) -> float:
    """Use a window as greedily as it allows, with answers whenever they like. Returns the time at the end."""
    now = 0.0
    going: list[Exchange] = []
    for number, (seconds, starts, answers, was_sent) in enumerate(steps):
        now += seconds
        if headers:
            window.observe(headers[number % len(headers)], now)
        for _ in range(min(starts, window.free(now))):
            window.begin_request(now)
            going.append(vendor.begin_request(now))
        for exchange in going[:answers]:
            window.end(now, was_sent=was_sent)
            exchange.answered = now
            if not was_sent:
                vendor.never_came(exchange)
        del going[:answers]
    for exchange in going:
        window.end(now)
        exchange.answered = now
    return now


@given(limit=st.integers(1, 5), seconds=st.sampled_from([1.0, 2.0, 4.0]), steps=STEPS)
def test_no_alignment_of_the_vendor_sees_more_than_the_limit(
    limit: int, seconds: float, steps: list[tuple[float, int, int, bool]]
) -> None:
    """Each request may be counted at any moment between start and answer, by a sliding or a fixed window."""
    vendor = Vendor()
    spend(RequestWindow(limit, seconds), vendor, steps, [])
    assert vendor.most_in_any_window(seconds) <= limit


@given(steps=STEPS, headers=st.lists(NONSENSE, min_size=1, max_size=5))
def test_no_header_makes_us_exceed_what_is_configured(
    steps: list[tuple[float, int, int, bool]], headers: list[RateHeaders]
) -> None:
    """Headers correct downwards: an operator's lower limit or a nonsense header never opens the window."""
    vendor = Vendor()
    spend(RequestWindow(3, 4.0), vendor, steps, headers)
    assert vendor.most_in_any_window(4.0) <= 3


@given(steps=STEPS, headers=st.lists(NONSENSE, min_size=1, max_size=5))
def test_no_header_stops_us_for_good(steps: list[tuple[float, int, int, bool]], headers: list[RateHeaders]) -> None:
    """Once all is answered and two of the longest windows have passed, something may start."""
    window = RequestWindow(3, 4.0)
    now = spend(window, Vendor(), steps, headers)
    assert window.in_flight == 0
    assert window.free(now + 7200.0) >= 1


@given(steps=STEPS, headers=st.lists(NONSENSE, max_size=3))
def test_the_next_free_moment_is_neither_late_nor_never(
    steps: list[tuple[float, int, int, bool]], headers: list[RateHeaders]
) -> None:
    """Nothing is free before `next_free`, and waiting for it again and again gets a slot."""
    window = RequestWindow(2, 4.0)
    now = spend(window, Vendor(), steps, headers)
    for _ in range(len(steps) * 7 + 2):
        if window.free(now):
            break
        at = window.next_free(now)
        assert at is not None
        assert at > now
        assert window.free((now + at) / 2) == 0
        now = at
    assert window.free(now) >= 1
    assert window.next_free(now) == now


def test_only_an_answer_can_free_a_window_that_is_all_in_flight() -> None:
    """Time alone frees nothing while nothing was answered."""
    window = RequestWindow(1, 4.0)
    window.begin_request(0.0)
    assert window.free(inf) == 0
    assert window.next_free(100.0) is None


def test_a_request_that_never_left_frees_its_slot_at_once() -> None:
    """The vendor cannot have counted it."""
    window = RequestWindow(1, 4.0)
    window.begin_request(0.0)
    window.end(1.0, was_sent=False)
    assert window.free(1.0) == 1


@given(
    limit=st.integers(2, 20),
    ours=st.integers(0, 5),
    in_flight=st.integers(0, 5),
    foreign=st.integers(0, 20),
)
def test_right_after_a_header_never_more_is_free_than_the_vendor_has_left(
    limit: int, ours: int, in_flight: int, foreign: int
) -> None:
    """Others spend from the same bucket: what they took is not ours to spend."""
    window = RequestWindow(limit, 10.0)
    for _ in range(min(limit, ours)):
        window.begin_request(0.0)
        window.end(0.0)
    going = min(window.free(1.0), in_flight)
    for _ in range(going):
        window.begin_request(1.0)
    remaining = max(0, limit - min(limit, ours) - foreign)
    window.observe(RateHeaders(limit=limit, remaining=remaining, window_seconds=10.0), 1.0)
    assert window.free(1.0) <= remaining


@given(
    phase=st.floats(0.0, 10.0),
    theirs=st.integers(0, 60),
    round_trip=st.sampled_from([0.02, 0.1, 0.3]),
    burst=st.booleans(),
)
def test_beside_another_spender_hardly_a_request_is_one_too_many(
    phase: float, theirs: int, round_trip: float, *, burst: bool
) -> None:
    """Ours of the vendor's last window do not hide what the other takes in this one: at most a flight is refused a window."""
    limit, in_flight, seconds, step = 100, 8, 10.0, 0.02
    window, going, counted, end = RequestWindow(limit, seconds), deque[tuple[float, RateHeaders]](), 0, phase
    refused, taken = 0, 0
    for tick in range(int(6 * seconds / step)):
        now = tick * step
        if now >= end:
            counted, taken, end = 0, 0, end + seconds
        wanted = theirs if burst else int(theirs * (seconds - (end - now)) / seconds)
        counted, taken = counted + max(0, wanted - taken), max(taken, wanted)
        while going and going[0][0] <= now:
            window.observe(going.popleft()[1], now)
            window.end(now)
        while window.free(now) and window.in_flight < in_flight:
            window.begin_request(now)
            refused += counted >= limit
            counted += 1
            headers = RateHeaders(limit=limit, remaining=max(0, limit - counted), window_seconds=seconds)
            going.append((now + round_trip, headers))
    assert refused <= 6 * in_flight


def test_foreign_usage_appears_and_leaves_with_the_vendors_window() -> None:
    """A reading of others' requests holds until the vendor's reset, or for one window when no reset is reported."""
    window = RequestWindow(100, 10.0)
    window.observe(RateHeaders(limit=100, remaining=30, reset_seconds=4.0), 0.0)
    taken, still, gone = window.free(0.0), window.free(3.9), window.free(4.0)
    window.observe(RateHeaders(limit=100, remaining=30), 10.0)
    assert (taken, still, gone) == (30, 30, 100)
    assert (window.free(19.9), window.free(20.0)) == (30, 100)


def test_a_newer_reading_replaces_an_older_one() -> None:
    """Foreign usage is not added up: the vendor's newest count is the count."""
    window = RequestWindow(100, 10.0)
    window.observe(RateHeaders(limit=100, remaining=10), 0.0)
    window.observe(RateHeaders(limit=100, remaining=90), 1.0)
    assert window.free(1.0) == 90


def test_the_operator_leaves_room_for_others_and_they_use_it() -> None:
    """With 60 of a vendor's 100 configured, others may take 40 before they cost us any."""
    window = RequestWindow(60, 10.0)
    window.observe(RateHeaders(limit=100, remaining=60), 0.0)
    assert window.free(0.0) == 60


def test_a_lower_limit_of_the_vendor_counts_and_a_later_rise_is_followed_up_to_ours() -> None:
    """A development app has less; when it is promoted, we use what is configured again, and no more."""
    window = RequestWindow(500, 60.0)
    free = []
    for limit in (100, 300, 5000):
        window.observe(RateHeaders(limit=limit), 0.0)
        free.append(window.free(0.0))
    assert free == [100, 300, 500]
    assert window.limit == 500


def test_a_longer_window_of_the_vendor_counts_for_what_was_sent_before_we_knew() -> None:
    """The first answers tell the true window: those already sent must not leave by the old one."""
    window = RequestWindow(2, 10.0)
    for _ in range(2):
        window.begin_request(0.0)
        window.end(0.0)
    window.observe(RateHeaders(window_seconds=60.0), 0.5)
    assert window.free(30.0) == 0
    assert window.next_free(30.0) == 60.0


@pytest.mark.parametrize(
    "headers",
    [
        RateHeaders(limit=0, remaining=0, reset_seconds=0.0),
        RateHeaders(limit=-5, remaining=10**9),
        RateHeaders(window_seconds=0.0),
        RateHeaders(window_seconds=1e12),
        RateHeaders(),
    ],
)
def test_nonsense_changes_nothing(headers: RateHeaders) -> None:
    """A limit of nothing, a window of nothing or of years: as if it had not been said."""
    window = RequestWindow(7, 4.0)
    window.observe(headers, 0.0)
    assert (window.limit, window.seconds, window.free(0.0)) == (7, 4.0, 7)
