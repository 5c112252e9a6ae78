"""GHL's rate headers, read into the shape that both vendors share.

`X-RateLimit-Limit-Daily`, `-Daily-Remaining`, `-Interval-Milliseconds`, `-Max` and `-Remaining` are documented.
`-Daily-Reset` is not: it looks like milliseconds until the daily quota starts again.
Nothing is known of `Retry-After`; it is read should it come, in both of its standard forms.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from connectors.rate import RateHeaders, read_number, read_whole


def read_rate(headers: Mapping[str, str]) -> RateHeaders | None:
    """What a response's headers (lower-case names) say of the rate, or None when they say nothing."""
    interval = read_number(headers.get("x-ratelimit-interval-milliseconds"))
    daily_reset = read_number(headers.get("x-ratelimit-daily-reset"))
    reading = RateHeaders(
        limit=read_whole(headers.get("x-ratelimit-max")),
        remaining=read_whole(headers.get("x-ratelimit-remaining")),
        window_seconds=None if interval is None else interval / 1000,
        daily_limit=read_whole(headers.get("x-ratelimit-limit-daily")),
        daily_remaining=read_whole(headers.get("x-ratelimit-daily-remaining")),
        daily_reset_seconds=None if daily_reset is None else daily_reset / 1000,
        retry_after_seconds=_retry_after(headers),
    )
    return reading.or_none()


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds as such, or a date against the response's own `Date`: no clock is needed, nor trusted."""
    text = headers.get("retry-after")
    seconds = read_number(text)
    if seconds is not None or text is None:
        return seconds
    try:
        until = parsedate_to_datetime(text) - parsedate_to_datetime(headers["date"])
    except (KeyError, TypeError, ValueError):
        return None
    return max(0.0, until.total_seconds())
