"""Quiet hours, and the time of the daily summary: minutes of a day in somebody's time zone. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from streams.core.moments import utc


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From minute `begin` of the day to minute `end`, over midnight where `end` is the smaller one.

    `but_worst`: the worst problems are reported all the same.
    """

    begin: int
    end: int
    but_worst: bool = True

    def hold(self, minute: int) -> bool:
        """Whether this minute of the day is quiet."""
        if self.begin <= self.end:
            return self.begin <= minute < self.end
        return minute >= self.begin or minute < self.end


def minute_of_day(at_ms: int, zone: tzinfo = UTC) -> int:
    """The minute that a clock in this zone shows."""
    at = utc(at_ms).astimezone(zone)
    return at.hour * 60 + at.minute


def last_occurrence_ms(minute: int, at_ms: int, zone: tzinfo = UTC) -> int:
    """When a clock in this zone last showed this minute, epoch milliseconds. Where the clock was put forward over it: the minute after."""
    at = utc(at_ms).astimezone(zone)
    day = at if at.hour * 60 + at.minute >= minute else at - timedelta(days=1)
    found = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=zone)
    return min(at_ms, int(found.timestamp() * 1000))
