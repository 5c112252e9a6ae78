"""What held changes back, so that freshness leaves out waits for a quota or for a person."""

from __future__ import annotations

import pytest

from streams.core.progress.hold_time import HoldTimes

READ, WRITE = ("read", "acme"), ("write", "loc")
NOW = 1_000_000


def test_nothing_has_held_a_change_back_at_first() -> None:
    """The ordinary case."""
    assert HoldTimes().since((READ, WRITE), NOW) == "no"


@pytest.mark.parametrize(
    ("kind", "held"),
    [
        ("daily quota", "quota"),
        ("no access", "access"),
        ("uninstalled", "access"),
        ("rate limit", "no"),
        ("other", "no"),
    ],
)
def test_a_pause_holds_back_what_was_accepted_before_it(kind: str, held: str) -> None:
    """A rate limit is ours to plan for; the end of the day's requests and a token that a person revoked are not."""
    holds = HoldTimes()
    holds.paused(*WRITE, kind, NOW)
    assert holds.since((READ, WRITE), NOW - 5_000) == held
    assert holds.since((READ, WRITE), NOW + 1) == "no"
    assert holds.since((READ,), NOW - 5_000) == "no"


def test_a_pause_that_lasts_holds_back_what_comes_meanwhile() -> None:
    """Each look sees that it lasts."""
    holds = HoldTimes()
    holds.paused(*WRITE, "no access", NOW)
    assert holds.look(*WRITE, "no access", NOW + 5_000, waits_for_quota=False) == NOW
    assert holds.since((WRITE,), NOW + 4_000) == "access"


def test_what_waits_for_the_quota_is_held_back_without_a_pause() -> None:
    """The quota is planned: a budget need not be refused to wait for it."""
    holds = HoldTimes()
    assert holds.look(*WRITE, "", NOW, waits_for_quota=True) is None
    assert holds.since((WRITE,), NOW) == "quota"


def test_a_pause_begins_anew_after_it_has_ended() -> None:
    """The start of the pause is that of this pause, not of one before."""
    holds = HoldTimes()
    holds.paused(*WRITE, "rate limit", NOW)
    assert holds.look(*WRITE, "", NOW + 5_000, waits_for_quota=False) is None
    holds.paused(*WRITE, "rate limit", NOW + 60_000)
    assert holds.look(*WRITE, "rate limit", NOW + 61_000, waits_for_quota=False) == NOW + 60_000
