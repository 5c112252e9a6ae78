"""Settling: how long a change of Lofty waits for its burst to end, so that one read serves all of it.

An agent opens a lead and edits it eight times in half a minute. As long as requests are plentiful each edit is read at once; but
eight reads and eight writes of one lead are what others lack later. So the wait grows with the **pressure**: the live changes
of the last minutes, over the requests that the vendors allow for them, were each change to cost one.

The first change of a lead in a burst is read at once, as it may be an opt-out: Lofty's notification does not say what changed. What
follows settles, together with the notes and tasks of the lead: it is read once nothing of the lead has changed for the **quiet**
time, at the latest `MOST_QUIETS` times as long after the burst began. That is at most 24 seconds, less than half of the freshness
objective. A new or deleted lead is never held back, nor what a sweep, a backfill, a replay or the pipeline itself asks for.

Everything here is in memory: after a restart a change is read at once.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from math import exp
from typing import Literal

from streams.core.rows import FetchRow
from streams.messages import Entity

Mode = Literal["adaptive", "always", "off"]

FREE_PRESSURE = 0.2
"""Up to this pressure nothing waits."""

FULL_PRESSURE = 0.5
"""From this pressure on changes wait as long as they ever do."""

QUIET_SECONDS = 8.0
"""The longest quiet time. In a burst of nine edits within ten seconds, six of seven gaps are shorter."""

MOST_QUIETS = 3
"""A burst that goes on is read after so many quiet times."""

MEMORY_SECONDS = 60.0
"""How far back changes count for the pressure: they fade with this time constant."""

LEAST_SECONDS = 20.0
"""Changes that came within less are taken for those of so long, where nothing is known from before."""

MOST_LANES = 20_000
"""Of so many leads it is remembered when they changed; the oldest are forgotten first, and then read at once."""


@dataclass(slots=True)
class _Rate:
    """Events a second, of late. It began to count at `since`."""

    since: float
    at: float
    value: float = 0.0

    def add(self, now: float) -> None:
        self.value = self._faded(now) + 1
        self.at = max(self.at, now)

    def per_second(self, now: float) -> float:
        known = max(LEAST_SECONDS, now - self.since)
        return self._faded(now) / (MEMORY_SECONDS * (1 - exp(-known / MEMORY_SECONDS)))

    def _faded(self, now: float) -> float:
        return self.value * exp(-max(0.0, now - self.at) / MEMORY_SECONDS)


@dataclass(slots=True)
class _Burst:
    """`has_led`: its first change of the lead itself was read. `is_read`: something of it was read since it last changed."""

    first: float
    last: float
    has_led: bool = False
    is_read: bool = False


def quiet_seconds(pressure: float, mode: Mode) -> float:
    """How long nothing of a lead must have changed before it is read."""
    if mode == "always":
        return QUIET_SECONDS
    if mode == "off" or pressure <= FREE_PRESSURE:
        return 0.0
    return QUIET_SECONDS * min(1.0, (pressure - FREE_PRESSURE) / (FULL_PRESSURE - FREE_PRESSURE))


def may_settle(row: FetchRow) -> bool:
    """Whether a pending read may wait for its burst to end: what webhooks report of a lead that is not new, and not deleted."""
    is_edit = row.kind != "contact" or row.operation == "updated"
    return is_edit and row.origin == "webhook" and row.attempts == 0 and not row.confirms and not row.only_moved


class Settling:
    """The bursts and the pressure of all connections of one worker. Times are monotonic seconds, given by the caller.

    A `place` is what a vendor limits: a Lofty budget or a GHL budget; `limits` are the requests a second that it allows.
    """

    def __init__(self, mode: Mode = "adaptive") -> None:
        self.mode = mode
        self._rates: dict[str, _Rate] = {}
        self._bursts: OrderedDict[str, _Burst] = OrderedDict()
        self._gathered: OrderedDict[tuple[str, bool], set[str]] = OrderedDict()

    @property
    def is_on(self) -> bool:
        """Whether anything ever waits."""
        return self.mode != "off"

    def changed(self, entity: Entity, places: tuple[str, ...], now: float) -> None:
        """A webhook reported a change of a lead, or of something that hangs on it."""
        if not self.is_on:
            return
        for place in places:
            self._rates.setdefault(place, _Rate(now, now)).add(now)
        if entity.kind != "contact":
            self._gathered.setdefault(_list_of(entity), set()).add(entity.key)
            if len(self._gathered) > MOST_LANES:
                self._gathered.popitem(last=False)
        burst = self._bursts.pop(entity.lane, None)
        if burst is None or now > burst.last + QUIET_SECONDS:
            burst = _Burst(now, now)
        elif burst.is_read:
            burst.first, burst.is_read = now, False
        burst.last = max(burst.last, now)
        self._bursts[entity.lane] = burst
        if len(self._bursts) > MOST_LANES:
            self._bursts.popitem(last=False)

    def take_gathered(self, entity: Entity) -> set[str]:
        """The keys of what changed of a lead since this was asked last, and is in the same list as `entity`."""
        return self._gathered.pop(_list_of(entity), set())

    def pressure(self, limits: dict[str, float], now: float) -> float:
        """The greatest of the places': 1 when the changes of late would use all that the vendor allows."""
        return max(
            (self._rates[place].per_second(now) / limit for place, limit in limits.items() if place in self._rates),
            default=0.0,
        )

    def wait_seconds(self, row: FetchRow, limits: dict[str, float], waited: float, now: float) -> float:
        """How long a pending read still waits; 0 when its turn has come. It has `waited` so long, by the wall clock."""
        burst = self._bursts.get(row.entity.lane)
        if burst is None or not may_settle(row) or (row.kind == "contact" and not burst.has_led):
            return 0.0
        quiet = quiet_seconds(self.pressure(limits, now), self.mode)
        most = MOST_QUIETS * quiet
        return max(0.0, min(burst.last + quiet - now, burst.first + most - now, most - waited))

    def begin_read(self, entity: Entity) -> None:
        """A pending read whose turn has come begins."""
        if burst := self._bursts.get(entity.lane):
            burst.has_led |= entity.kind == "contact"
            burst.is_read = True


def _list_of(entity: Entity) -> tuple[str, bool]:
    """Which of a lead's two lists: notes, or tasks with appointments."""
    return entity.lane, entity.kind == "note"
