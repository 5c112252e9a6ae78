"""Lofty's rate headers, whose `-Reset` nobody has understood for sure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.lofty.rate import read_rate, reset_seconds
from connectors.rate import RateHeaders

NOW = 1_777_570_412.0


def test_the_documented_headers_are_read() -> None:
    """Its own example: 21000, which can only be milliseconds."""
    headers = {"x-ratelimit-limit": "500", "x-ratelimit-remaining": "499", "x-ratelimit-reset": "21000"}
    assert read_rate(headers, now=NOW) == RateHeaders(limit=500, remaining=499, reset_seconds=21.0)


def test_no_headers_are_no_reading() -> None:
    """One third party saw none at all."""
    assert read_rate({"content-type": "application/json"}, now=NOW) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("21000", 21.0),
        ("0", 0.0),
        ("-5", 0.0),
        (str(int(NOW) + 12), 12.0),
        (str(int(NOW) - 3), 0.0),
        (str((int(NOW) + 12) * 1000), 12.0),
        (str(int(NOW) + 3600), 60.0),
        ("7200000", 60.0),
        ("4000000000", 60.0),
    ],
)
def test_reset_is_milliseconds_to_go_or_an_epoch_time_near_now(text: str, expected: float) -> None:
    """Never longer than the window."""
    assert reset_seconds(text, now=NOW) == pytest.approx(expected)


@pytest.mark.parametrize("text", [None, "", "soon", "nan", "inf", "1e99"])
def test_nonsense_is_as_good_as_missing(text: str | None) -> None:
    """A broken header must not stop a budget."""
    assert reset_seconds(text, now=NOW) is None


@given(st.text() | st.integers().map(str) | st.floats().map(str))
def test_any_reset_is_within_the_window_or_nothing(text: str) -> None:
    """Whatever the header holds."""
    found = reset_seconds(text, now=NOW)
    assert found is None or 0 <= found <= 60
