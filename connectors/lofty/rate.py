"""Lofty's rate headers, read into the shape that both vendors share.

Documented: a window of 60 seconds, and `X-RateLimit-Limit`, `-Remaining` and `-Reset` on every response.
The document calls `-Reset` epoch seconds and shows `21000`, which can only be milliseconds until the reset.
So both are read, and no reading is longer than the window.
Nothing is known of `Retry-After`; it is read should it come.
"""

from __future__ import annotations

from collections.abc import Mapping

from connectors.rate import RateHeaders, read_number, read_whole

WINDOW_SECONDS = 60.0
"""Lofty counts by the minute; a longer wait would be a misreading."""

_NEAR_SECONDS = 86_400.0
"""How far from now an epoch time may lie and still be one."""


def read_rate(headers: Mapping[str, str], *, now: float) -> RateHeaders | None:
    """What a response's headers (lower-case names) say, or None when they say nothing. `now` is in epoch seconds.

    The window's length is in no header, so that field stays empty.
    """
    reading = RateHeaders(
        limit=read_whole(headers.get("x-ratelimit-limit")),
        remaining=read_whole(headers.get("x-ratelimit-remaining")),
        reset_seconds=reset_seconds(headers.get("x-ratelimit-reset"), now=now),
        retry_after_seconds=read_number(headers.get("retry-after")),
    )
    return reading.or_none()


def reset_seconds(text: str | None, *, now: float) -> float | None:
    """Seconds until the window ends, from 0 to 60: an epoch time when it is near `now`, else milliseconds to go."""
    value = read_number(text, lowest=-1e15)
    if value is None:
        return None
    for scale in (1.0, 1000.0):
        if abs(value / scale - now) <= _NEAR_SECONDS:
            return min(max(value / scale - now, 0.0), WINDOW_SECONDS)
    return min(max(value / 1000, 0.0), WINDOW_SECONDS)
