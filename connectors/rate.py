"""What a vendor's rate headers say after one response, in one shape for both vendors."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RateHeaders:
    """A reading of the vendor's own count. Every field may be missing: headers are not on every response.

    `limit` requests are allowed in a window of `window_seconds`, and `remaining` are left in the current one.
    `reset_seconds` is the time until that window ends.
    The daily figures are GHL's; Lofty has none.
    """

    limit: int | None = None
    remaining: int | None = None
    window_seconds: float | None = None
    reset_seconds: float | None = None
    daily_limit: int | None = None
    daily_remaining: int | None = None
    daily_reset_seconds: float | None = None
    retry_after_seconds: float | None = None

    def or_none(self) -> RateHeaders | None:
        """The reading, None when the headers said nothing."""
        return None if self == RateHeaders() else self


def read_number(text: str | None, *, lowest: float = 0.0) -> float | None:
    """The number of a header, None when there is none, or none from `lowest` to 1e15."""
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if lowest <= value < 1e15 else None


def read_whole(text: str | None) -> int | None:
    """The same as a whole number."""
    value = read_number(text)
    return None if value is None else int(value)
