"""Converts times from GHL's form to Lofty's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any


def instant(value: Any, timespec: str = "seconds") -> str | None:
    """An ISO time with its offset, as Lofty takes it; None for what is no time, or has no offset."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return None if at.utcoffset() is None else at.astimezone(UTC).isoformat(timespec=timespec)


def iso(at_ms: int) -> str:
    """A time as Lofty takes it."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds")
