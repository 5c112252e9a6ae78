"""Lofty's times: one parser for all formats that it writes, and the formats that it wants to read.

| where | format |
| --- | --- |
| webhooks, appointments, v1 task writes | epoch milliseconds |
| leads, v2 tasks | `2026-04-30T17:33:32GMT`, which ISO parsers refuse |
| v2 writes, calendar | ISO 8601 with offset |
| notes, v1 tasks | `2026-04-22 10:15:30`, UTC |
| unset | `""`, `null`, `0`, `-1`, `"N/A"` |

Source: OpenAPI document and third parties' observations of the live API.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MS = 253_402_300_799_999
"""The last millisecond of the year 9999: what is later is no time."""

_ISO = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?)(?:[.,](\d{1,9}))?)?\s*(Z|GMT|UTC|[+-]\d{2}:?\d{2})?",
    re.ASCII | re.IGNORECASE,
)


def parse_time_ms(value: Any) -> int | None:
    """Epoch milliseconds of any time that Lofty writes; None for one that is not set, and for what is no time.

    A time without an offset is UTC. Never raises.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if 0 < value <= _LAST_MS else None
    if isinstance(value, float):
        return int(value) if 1 <= value <= _LAST_MS else None
    if not isinstance(value, str):
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return parse_time_ms(int(text)) if len(text) <= 15 else None
    return _iso(text)


def _iso(text: str) -> int | None:
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    day, clock, fraction, zone = match.groups()
    offset = "+00:00" if zone is None or zone.upper() in {"Z", "GMT", "UTC"} else zone
    try:
        moment = datetime.fromisoformat(f"{day}T{clock or '00:00'}{offset}")
    except ValueError:
        return None
    milliseconds = int((fraction or "0")[:3].ljust(3, "0"))
    found = (moment - _EPOCH) // timedelta(milliseconds=1) + milliseconds
    return found if 0 < found <= _LAST_MS else None


def to_iso(at_ms: int) -> str:
    """ISO 8601 with offset: what v2 tasks and the calendar take."""
    return _moment(at_ms).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def to_gmt(at_ms: int) -> str:
    """As leads and v2 tasks show times: `2026-04-30T17:33:32GMT`."""
    return _moment(at_ms).strftime("%Y-%m-%dT%H:%M:%SGMT")


def to_plain(at_ms: int) -> str:
    """As notes and v1 tasks show times: `2026-04-22 10:15:30`, UTC."""
    return _moment(at_ms).strftime("%Y-%m-%d %H:%M:%S")


def to_birthday(at_ms: int) -> str:
    """As a lead's birthday is written: `Sep 5, 1990`."""
    moment = _moment(at_ms)
    return f"{_MONTHS[moment.month - 1]} {moment.day}, {moment.year}"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _moment(at_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=at_ms)
