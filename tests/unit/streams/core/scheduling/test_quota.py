"""The daily quota is planned, not hit: what waits, since when, and until when."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.rate import RateHeaders
from streams.core.scheduling.daily_limit import Day
from streams.core.scheduling.quota import Quota, Regime

DAY = 1440.0 * 8
LIVE, SWEEP, BACKFILL = 1, 2, 3


def quota(limit: int = 1000, *, remaining: int | None = None, left: float = DAY, reserve: float = 0.25) -> Quota:
    """A quota at time 0, as the vendor has just reported it: so much remains, for so many seconds."""
    planned = Quota(Day(limit, DAY), reserve)
    rate = RateHeaders(daily_limit=limit, daily_remaining=remaining, daily_reset_seconds=left)
    planned.observe(rate, 0.0)
    return planned


def start(planned: Quota, now: float) -> None:
    """One request, answered at once."""
    planned.begin_request(now)
    planned.end(now)


@pytest.mark.parametrize(
    ("remaining", "left", "regime", "starts"),
    [
        (1000, DAY, Regime.PLENTY, [LIVE, SWEEP, BACKFILL]),
        (260, DAY, Regime.PLENTY, [LIVE, SWEEP, BACKFILL]),
        (240, DAY, Regime.LOW, [LIVE]),
        (240, DAY / 2, Regime.PLENTY, [LIVE, SWEEP, BACKFILL]),
        (120, DAY / 2, Regime.LOW, [LIVE]),
        (60, DAY, Regime.LOW, [LIVE]),
        (40, DAY, Regime.SCARCE, []),
        (0, DAY, Regime.USED_UP, []),
    ],
)
def test_what_may_start_depends_on_what_is_left_and_for_how_long(
    remaining: int, left: float, regime: Regime, starts: list[int]
) -> None:
    """The reserve is a quarter of the limit for a whole day, and shrinks with the day; below a fifth of it all is paced."""
    planned = quota(remaining=remaining, left=left)
    if regime is Regime.SCARCE:
        planned.begin_request(0.0)  # the first after a change of regime starts at once
    assert planned.view(0.0).regime is regime
    assert [priority for priority in (LIVE, SWEEP, BACKFILL) if planned.allows(priority, 0.0)] == starts


def test_a_backfill_of_everything_leaves_the_reserve_to_live_changes() -> None:
    """Backfill as fast as it is let through the whole day: at each moment live changes find their reserve."""
    planned, started = quota(), 0
    for quarter_hour in range(96):
        now = quarter_hour * DAY / 96
        while planned.allows(BACKFILL, now):
            start(planned, now)
            started += 1
        assert planned.view(now).remaining >= int(250 * (1 - quarter_hour / 96))
        assert planned.allows(LIVE, now)
    assert started >= 990, "and by the end of the day nearly all was used"


def test_scarce_live_changes_are_spread_evenly_over_the_rest_of_the_day() -> None:
    """Twenty requests for a whole day: one in each twenty-first of it, and none left over at the reset."""
    planned = quota(remaining=20)
    start(planned, 0.0)
    times: list[float] = []
    now: float | None = 0.0
    while now is not None and now < DAY:
        if planned.allows(LIVE, now):
            start(planned, now)
            times.append(now)
        now = planned.next_at(LIVE, now)
    gaps = [after - before for before, after in zip([0.0, *times], times, strict=False)]
    assert len(times) == 19
    assert gaps == pytest.approx([DAY / 20] * 19, rel=0.01)


def test_nothing_starts_until_the_reset_when_all_is_used_up_and_then_everything_may() -> None:
    """The new day begins with its whole quota."""
    planned = quota(remaining=0, left=100.0)
    reset = planned.next_at(LIVE, 0.0)
    assert not planned.allows(LIVE, 99.0)
    assert reset is not None
    assert reset == pytest.approx(100.0, abs=1.0)
    assert planned.allows(BACKFILL, reset)
    assert planned.view(reset).remaining == 1000


def test_what_is_paced_is_not_paced_any_more_when_the_vendor_corrects() -> None:
    """Somebody raised the limit, or the day had ended long ago."""
    planned = quota(remaining=10)
    start(planned, 0.0)
    before = planned.allows(LIVE, 1.0)
    planned.observe(RateHeaders(daily_limit=1000, daily_remaining=900, daily_reset_seconds=DAY - 1), 1.0)
    assert not before
    assert planned.allows(BACKFILL, 1.0)


def test_only_an_answer_helps_when_the_whole_quota_is_in_flight() -> None:
    """There is no time to wait for."""
    planned = Quota(Day(2, DAY))
    planned.begin_request(0.0)
    planned.begin_request(0.0)
    waits = planned.next_at(LIVE, 1.0)
    planned.end(1.0, was_sent=False)
    assert waits is None
    assert planned.allows(LIVE, 1.0)


def test_the_view_is_in_an_operators_words() -> None:
    """What is left, until when, and whether the vendor said so."""
    told, assumed = quota(remaining=100, left=50.0).view(0.0), Quota(Day(7, DAY)).view(3.0)
    assert (told.limit, told.remaining, told.is_reset_reported) == (1000, 100, True)
    assert told.reset_seconds == pytest.approx(50.0, abs=1.0)
    assert (assumed.remaining, assumed.reset_seconds, assumed.is_reset_reported) == (7, DAY, False)
    assert Regime.USED_UP.value == "used up: waiting for the reset"


HEADERS = st.builds(
    RateHeaders,
    daily_limit=st.sampled_from([None, -1, 0, 3, 20, 10**9]),
    daily_remaining=st.sampled_from([None, None, -5, 0, 1, 2, 10, 10**9]),
    daily_reset_seconds=st.sampled_from([None, -1.0, 0.0, 60.0, DAY / 2, DAY, 1e12]),
)


@given(
    limit=st.integers(1, 20),
    reserve=st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9]),
    steps=st.lists(
        st.tuples(st.sampled_from([0.0, 1.0, 60.0, DAY / 8, DAY]), st.integers(0, 2), st.integers(0, 6), HEADERS),
        max_size=20,
    ),
    parts=st.lists(st.floats(0.01, 0.99), min_size=1, max_size=4),
)
def test_next_at_is_neither_late_nor_never_nor_now_in_vain(
    limit: int, reserve: float, steps: list[tuple[float, int, int, RateHeaders]], parts: list[float]
) -> None:
    """Before `next_at` nothing of that priority may start, and going there again and again starts something."""
    planned, now = Quota(Day(limit, DAY), reserve), 0.0
    for seconds, priority, starts, rate in steps:
        now += seconds
        for _ in range(starts):
            if planned.allows(priority, now):
                start(planned, now)
        planned.observe(rate, now)
        for which in (LIVE, SWEEP):
            at = planned.next_at(which, now)
            assert at is not None
            assert (at == now) == planned.allows(which, now)
    for which in (LIVE, SWEEP):
        moment = now
        for _ in range(200):
            if planned.allows(which, moment):
                break
            at = planned.next_at(which, moment)
            assert at is not None
            assert at > moment
            assert not any(planned.allows(which, moment + (at - moment) * part) for part in sorted(parts))
            moment = at
        assert planned.allows(which, moment), "waited for ever"


def test_opt_outs_are_never_paced() -> None:
    """As long as anything is left of the day, they start."""
    planned = quota(remaining=3)
    planned.begin_request(0.0)
    assert not planned.allows(LIVE, 1.0)
    assert planned.allows(LIVE - 1, 1.0)
