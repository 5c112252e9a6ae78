"""Numbers, lengths and moments, as people read them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from streams.console.errors import WrongInput
from streams.console.pages.replay import in_zone, rate_of
from streams.console.pages.wording import NARROW, counted, day, grouped, length, moment

NOW = 1_764_042_000_000  # 2025-11-25 03:40:00 UTC
HOUR = 3_600_000


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (999, "999"),
        (12_480, f"12{NARROW}480"),
        (1_234_567.8, f"1{NARROW}234{NARROW}568"),
        (2.44, "2.4"),
        (3.0, "3"),
    ],
)
def test_digits_are_grouped_and_small_fractions_kept(number: float, text: str) -> None:
    assert grouped(number) == text


def test_one_and_many() -> None:
    assert [counted(1, "lead"), counted(0, "lead"), counted(2, "reply", "replies")] == [
        "1 lead",
        "0 leads",
        "2 replies",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.4, "under 1 s"),
        (59, "59 s"),
        (210, "3 min 30 s"),
        (1_205, "20 min"),
        (3_600, "1 h"),
        (7_500, "2 h 5 min"),
        (86_400 * 4 + 3 * 3_600 + 59, "4 days 3 h"),
        (86_400, "1 day"),
        (-5, "0 s"),
    ],
)
def test_a_length_has_at_most_two_units(seconds: float, text: str) -> None:
    assert length(seconds) == text


def test_a_moment_of_today_is_a_clock_and_of_another_day_a_date() -> None:
    assert moment(NOW - HOUR, NOW).local == "02:40:00 UTC"
    assert moment(NOW - 48 * HOUR, NOW).local == "23 Nov, 03:40 UTC"
    assert moment(NOW - 366 * 24 * HOUR, NOW).local == "24 Nov 2024, 03:40 UTC"


def test_the_exact_utc_stays_beside_the_readers_own_clock() -> None:
    """In Seattle it is still yesterday."""
    seen = moment(NOW + 7, NOW + HOUR, ZoneInfo("America/Los_Angeles"))
    assert seen.local == "19:40:00"
    assert seen.utc == "2025-11-25 03:40:00.007 UTC"
    assert seen.machine == "2025-11-25T03:40:00.007+00:00"


@pytest.mark.parametrize(
    ("before_ms", "text"),
    [
        (500, "just now"),
        (45_000, "45 s ago"),
        (47 * HOUR, "1 day 23 h ago"),
        (75 * HOUR, "3 days ago"),
        (-60_000, "in 1 min"),
    ],
)
def test_how_long_ago(before_ms: int, text: str) -> None:
    assert moment(NOW - before_ms, NOW).ago == text


def test_days_have_names() -> None:
    assert [day(NOW - back * 24 * HOUR, NOW) for back in (0, 1, 3)] == ["Today", "Yesterday", "Saturday, 22 November"]


@pytest.mark.parametrize(
    ("typed", "stands_for"),
    [
        ("2026-11-29T08:30", "2026-11-29T08:30:00-08:00"),
        ("2026-07-01T08:30:15", "2026-07-01T08:30:15-07:00"),
        ("2h", "2h"),
        ("2026-11-29T08:30Z", "2026-11-29T08:30Z"),
    ],
)
def test_a_time_that_is_typed_is_in_the_readers_zone(typed: str, stands_for: str) -> None:
    """Unless it says another."""
    assert in_zone(typed, ZoneInfo("America/Los_Angeles")) == stands_for


@pytest.mark.parametrize("typed", ["0", "-1", "99999999", "nan", "inf", "many", ""])
def test_a_rate_that_is_none_is_refused_before_a_dry_run(typed: str) -> None:
    with pytest.raises(WrongInput, match="records a second"):
        rate_of(typed)


def test_a_rate_is_a_number_of_records_a_second() -> None:
    assert rate_of("0.5") == 0.5
