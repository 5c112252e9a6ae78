"""A rate limit as the vendors count it."""

from __future__ import annotations

from connectors.sandbox.shared.window import FixedWindow


def test_so_many_requests_fit_into_a_window() -> None:
    """One more is refused, and not counted."""
    window = FixedWindow(2, 10.0)
    assert [window.take(0.0), window.take(1.0), window.take(2.0)] == [True, True, False]
    assert (window.used, window.remaining) == (2, 0)


def test_a_window_begins_with_the_first_request_after_the_last_one_ended() -> None:
    """So it starts when one asks, not by the clock."""
    window = FixedWindow(1, 10.0)
    assert [window.take(at) for at in (5.0, 14.9, 15.0, 24.9, 40.0)] == [True, False, True, False, True]
    assert window.ends_at == 50.0


def test_a_limit_of_0_is_none() -> None:
    """For tests that are about something else."""
    window = FixedWindow(0, 10.0)
    assert all(window.take(0.0) for _ in range(1000))
    assert window.remaining == 1_000_000
