"""How long sweeps and backfills take, for all connections that share a limit of Lofty together, and whether their schedule can be kept. Pure.

A sweep lists leads by the hundred, and reads two lists of each lead whose turn it is. How many those are, the last full sweep has counted;
before the first one it is what rotation says of quiet leads. Live changes go first, so a schedule may take only a part of the limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

from streams.core.sweep import CHILD_LISTS, PAGE, Schedule
from streams.core.sweep_rotation import interval_ms

REQUESTS_A_LEAD = len(CHILD_LISTS)
"""The lists of what hangs on a lead: its notes, and its tasks with its appointments. Leads are listed by the page."""

MOST_LOAD = 0.9
"""The part of Lofty's limit that schedules may take: the rest is for live changes, which go first."""

QUIET_DAYS = (7, 14, 30, 60, 90)
"""The days among which a longer `quiet_days` is proposed."""

DAY_MS = 24 * 3_600_000
MINUTE_MS = 60_000


def requests_for(leads: int, looks: int | None = None) -> int:
    """What so many leads cost, if Lofty's lists hold all that single reads hold; `looks` of them are looked at, by default all."""
    return (leads if looks is None else looks) * REQUESTS_A_LEAD + ceil(leads / PAGE)


@dataclass(frozen=True, slots=True)
class Swept:
    """What a forecast needs of a connection. `leads` is what Lofty has reported; `seen` of them the last full sweep has listed, and
    `looks` were those on whose notes and tasks it looked (0 and 0 before the first one).
    """

    connection: str
    schedule: Schedule
    leads: int
    seen: int = 0
    looks: int = 0

    def requests(self) -> float:
        """What a full sweep of it takes."""
        looked_at = self._planned_part if not self.seen else min(1.0, max(self.looks / self.seen, 0.0))
        return requests_for(self.leads, round(self.leads * (looked_at if self.schedule.children else 0.0)))

    def a_minute(self) -> float:
        """What its schedule takes of a minute."""
        full = self.requests() * MINUTE_MS / self.schedule.full_ms if self.schedule.full_ms else 0.0
        return full + (MINUTE_MS / self.schedule.new_ms if self.schedule.new_ms else 0.0)

    def with_quiet(self, days: int) -> Swept:
        """The same with another `quiet_days`, where it has a shorter one. What was counted is of the quiet leads' turns, as a rule."""
        if days * DAY_MS <= self.schedule.quiet_ms:
            return self
        return replace(self, schedule=replace(self.schedule, quiet_ms=days * DAY_MS), seen=0, looks=0)

    @property
    def _planned_part(self) -> float:
        interval, full_ms = interval_ms(self.schedule), self.schedule.full_ms
        return full_ms / interval if interval and full_ms else 1.0


@dataclass(frozen=True, slots=True)
class SweepForecast:
    """Of one limit of Lofty. `sweep_minutes`: one sweep of all its connections, `backfill_minutes` a backfill of all.

    `load` is the part of the limit that the schedules take: above `MOST_LOAD` they cannot be kept. `longest_hours` is the longest
    interval of a full sweep. What would help, each alone, None where it would not or is not needed: so many `quiet_days`,
    `full_hours`, or `apps` of Lofty in the place of one.
    """

    connections: int
    leads: int
    sweep_minutes: float
    backfill_minutes: float
    load: float
    longest_hours: float
    quiet_days: int | None = None
    full_hours: int | None = None
    apps: int | None = None

    @property
    def is_kept(self) -> bool:
        """Whether the schedules can be kept."""
        return self.load <= MOST_LOAD


def forecast(swept: Sequence[Swept], requests_per_minute: int) -> SweepForecast:
    """The forecast of the connections that share a limit."""
    limit = max(1, requests_per_minute)
    load = _load(swept, limit)
    full = [one.schedule.full_ms for one in swept if one.schedule.full_ms]
    found = SweepForecast(
        connections=len(swept),
        leads=sum(one.leads for one in swept),
        sweep_minutes=sum(one.requests() for one in swept if one.schedule.full_ms) / limit,
        backfill_minutes=sum(requests_for(one.leads) for one in swept) / limit,
        load=load,
        longest_hours=max(full, default=0) / 3_600_000,
    )
    return found if found.is_kept else _with_remedies(swept, limit, found)


def _load(swept: Sequence[Swept], limit: int) -> float:
    return sum(one.a_minute() for one in swept) / limit


def _with_remedies(swept: Sequence[Swept], limit: int, found: SweepForecast) -> SweepForecast:
    quiet = (days for days in QUIET_DAYS if _load([one.with_quiet(days) for one in swept], limit) <= MOST_LOAD)
    # What new leads take does not grow with the interval of full sweeps.
    new = sum(MINUTE_MS / one.schedule.new_ms for one in swept if one.schedule.new_ms) / limit
    hours = None
    if new < MOST_LOAD and found.longest_hours:
        hours = ceil(found.longest_hours * (found.load - new) / (MOST_LOAD - new))
    apps = min(found.connections, ceil(found.load / MOST_LOAD))
    return replace(found, quiet_days=next(quiet, None), full_hours=hours, apps=apps if apps > 1 else None)
