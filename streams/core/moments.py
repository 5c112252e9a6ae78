"""Formats the times of records for people. A time that makes no sense never raises: its page must still be shown."""

from __future__ import annotations

from datetime import UTC, datetime

LAST_MS = 253_370_764_800_000
"""The beginning of the year 9999. A time beyond it is none: no calendar shows it, and in some zones it is another year."""


def utc(at_ms: int) -> datetime:
    """The moment of so many milliseconds since the epoch; the nearest that a calendar shows for a time that is none."""
    return datetime.fromtimestamp(min(max(0, at_ms), LAST_MS) / 1000, UTC)
