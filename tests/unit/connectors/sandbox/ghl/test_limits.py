"""The window and the day, for any arrival of requests."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connectors.sandbox.ghl.limits import LocationLimits
from connectors.sandbox.ghl.settings import GhlSandboxSettings

SETTINGS = GhlSandboxSettings(window_limit=5, window_seconds=10, daily_limit=20, day_seconds=100)
PAUSES = st.lists(st.floats(0, 12), min_size=1, max_size=120)


def admitted(settings: GhlSandboxSettings, pauses: list[float]) -> list[float]:
    """The times at which requests were let in."""
    limits, now, times = LocationLimits(settings), 1000.0, []
    for pause in pauses:
        now += pause
        if limits.take(now):
            times.append(now)
    return times


def most_per_window(times: list[float], seconds: float) -> int:
    """The most requests in one window, when each starts with the first request after the last one ended."""
    most, count, ends_at = 0, 0, 0.0
    for now in times:
        if now >= ends_at:
            count, ends_at = 0, now + seconds
        count += 1
        most = max(most, count)
    return most


@given(PAUSES)
def test_no_window_and_no_day_lets_in_more_than_its_limit(pauses: list[float]) -> None:
    """However the requests come."""
    times = admitted(SETTINGS, pauses)
    assert most_per_window(times, 10) <= 5
    assert most_per_window(times, 100) <= 20


@given(PAUSES)
def test_those_who_keep_the_limit_in_every_sliding_window_are_never_refused(pauses: list[float]) -> None:
    """The client's promise suffices, wherever the vendor's windows start."""
    kept, now = list[float](), 0.0
    for pause in pauses:
        now += pause
        if len([one for one in kept if one > now - 10]) < 5:
            kept.append(now)
    gaps = [later - earlier for earlier, later in zip([0.0, *kept], kept, strict=False)]
    without_day = GhlSandboxSettings(window_limit=5, window_seconds=10, daily_limit=0)
    assert len(admitted(without_day, gaps)) == len(kept)


def test_a_limit_of_nothing_is_no_limit() -> None:
    """0 switches it off."""
    settings = GhlSandboxSettings(window_limit=0, daily_limit=0)
    assert len(admitted(settings, [0.0] * 500)) == 500


def test_a_refused_request_is_not_counted() -> None:
    """Asking in vain does not prolong the wait."""
    times = admitted(SETTINGS, [0.0] * 5 + [1.0] * 15)
    assert times == [1000.0] * 5 + [1010.0 + extra for extra in range(5)]


def test_what_others_leave_of_the_day_is_what_is_left() -> None:
    """The header shows it at once, and requests are refused when it is used up; the next day begins as ever."""
    limits = LocationLimits(SETTINGS)
    limits.leave(1000.0, 2)
    assert limits.headers(1000.0)["X-RateLimit-Daily-Remaining"] == "2"
    assert [limits.take(1000.0) for _ in range(3)] == [True, True, False]
    assert limits.take(1101.0)
    limits.leave(1102.0, 20)
    assert limits.headers(1102.0)["X-RateLimit-Daily-Remaining"] == "20"
