"""GHL's rate headers."""

from __future__ import annotations

import pytest

from connectors.ghl.rate import read_rate
from connectors.rate import RateHeaders

DOCUMENTED = {
    "x-ratelimit-limit-daily": "200000",
    "x-ratelimit-daily-remaining": "199779",
    "x-ratelimit-interval-milliseconds": "10000",
    "x-ratelimit-max": "100",
    "x-ratelimit-remaining": "99",
    "x-ratelimit-daily-reset": "49013000",
}


def test_the_headers_of_ghls_documents_are_read() -> None:
    """`-Daily-Reset` is in milliseconds."""
    assert read_rate(DOCUMENTED) == RateHeaders(
        limit=100,
        remaining=99,
        window_seconds=10.0,
        daily_limit=200_000,
        daily_remaining=199_779,
        daily_reset_seconds=49_013.0,
    )


def test_no_headers_are_no_reading() -> None:
    """So that nobody takes silence for an empty budget."""
    assert read_rate({"content-type": "application/json"}) is None


@pytest.mark.parametrize("value", ["", "many", "-1", "nan", "1e400"])
def test_nonsense_is_as_good_as_missing(value: str) -> None:
    """A broken header must not stop a budget."""
    assert read_rate({"x-ratelimit-remaining": value, "x-ratelimit-max": "100"}) == RateHeaders(limit=100)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "Mon, 01 Jun 2026 00:00:09 GMT", "date": "Mon, 01 Jun 2026 00:00:00 GMT"}, 9.0),
        ({"retry-after": "Mon, 01 Jun 2026 00:00:00 GMT", "date": "Mon, 01 Jun 2026 00:00:09 GMT"}, 0.0),
    ],
)
def test_retry_after_is_read_in_both_forms(headers: dict[str, str], seconds: float) -> None:
    """A date counts from the response's own date: our clock is not asked."""
    assert read_rate(headers) == RateHeaders(retry_after_seconds=seconds)


@pytest.mark.parametrize(
    "headers",
    [{"retry-after": "soon"}, {"retry-after": "Mon, 01 Jun 2026 00:00:09 GMT"}, {"retry-after": "x", "date": "y"}],
)
def test_a_retry_after_that_cannot_be_read_is_none(headers: dict[str, str]) -> None:
    """The vendor's window is waited for instead."""
    assert read_rate(headers) is None
