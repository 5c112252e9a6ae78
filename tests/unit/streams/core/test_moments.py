"""How the times of records are formatted."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.console.pages.wording import day, moment
from streams.core.moments import LAST_MS, utc


def test_a_time_is_its_moment() -> None:
    """To the millisecond."""
    assert utc(1_736_935_860_123) == datetime(2025, 1, 15, 10, 11, 0, 123_000, UTC)


@pytest.mark.parametrize(("at_ms", "shown"), [(-1, 0), (-(2**70), 0), (LAST_MS + 1, LAST_MS), (2**70, LAST_MS)])
def test_what_no_calendar_shows_is_the_nearest_that_one_does(at_ms: int, shown: int) -> None:
    """No error: a page must be able to show every record."""
    assert utc(at_ms) == utc(shown)


@given(st.integers(), st.sampled_from(["UTC", "Pacific/Kiritimati", "Etc/GMT+12", "Europe/Berlin"]))
def test_every_time_has_words(at_ms: int, zone: str) -> None:
    """In every zone."""
    assert moment(at_ms, 1_736_935_860_123, ZoneInfo(zone)).local
    assert day(at_ms, 1_736_935_860_123, ZoneInfo(zone))
