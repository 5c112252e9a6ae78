"""Times and places as a person writes them, for a selection of records. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_AGO = re.compile(r"(\d+)([smhd])")
_UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_PLACE = re.compile(r"(\d+)@(\d+)")


def time_ms(text: str, now_ms: int) -> int:
    """A time in epoch milliseconds: `2h` is two hours ago (s, m, h, d); otherwise an ISO time, in UTC if it has no offset.

    Raises `ValueError` with what was expected.
    """
    if ago := _AGO.fullmatch(text.strip()):
        return now_ms - int(ago[1]) * _UNITS_MS[ago[2]]
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(
            f"expected a time such as 2026-11-24T10:00 (UTC), or 2h for two hours ago, got {text!r}"
        ) from None
    return int((at if at.utcoffset() is not None else at.replace(tzinfo=UTC)).timestamp() * 1000)


def record_position(text: str) -> tuple[int, int]:
    """A partition and an offset in it, written `3@1700`. Raises `ValueError` with what was expected."""
    found = _PLACE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"expected a partition and an offset such as 3@1700, got {text!r}")
    return int(found[1]), int(found[2])
