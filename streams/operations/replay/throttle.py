"""How fast a replay goes on: a bounded number of records a second, and never far ahead of the workers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from streams.kafka.clients import GroupLag
from streams.operations.replay.errors import NoWorker

AHEAD_SECONDS = 5
"""How many seconds' records may lie before the workers: live work that comes meanwhile never queues behind more."""

LOOK_SECONDS = 1.0
SILENT_SECONDS = 60.0
"""After so long without any progress of the workers it is said that there seems to be none."""

Place = tuple[str, int]


class Pace:
    """Asks before each batch: `await pace.ready(number)`. `rate` is in records a second."""

    def __init__(self, rate: float, lag: GroupLag, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._lag = lag
        self._clock = clock
        self._free_at = clock()
        self._looked_at = clock()
        self._ends: dict[Place, int] = {}

    @property
    def batch(self) -> int:
        """How many records go at once: about a quarter of a second's."""
        return max(1, min(500, round(self._rate / 4)))

    def handed(self, place: Place, offset: int) -> None:
        """A record is with Kafka."""
        self._ends[place] = max(self._ends.get(place, 0), offset + 1)

    async def ready(self, number: int, tell: Callable[[], None]) -> None:
        """Return when `number` more records may be handed over. Raises `NoWorker` when nobody takes what was."""
        now = self._clock()
        self._free_at = max(self._free_at, now - LOOK_SECONDS) + number / self._rate
        if self._free_at > now:
            await asyncio.sleep(self._free_at - now)
        if self._clock() - self._looked_at >= LOOK_SECONDS:
            await self.until_taken(max(self._rate * AHEAD_SECONDS, 100.0), tell)

    async def until_taken(self, but: float, tell: Callable[[], None]) -> None:
        """Return when the workers have taken all that was handed over, but so many records."""
        before, silent_since = None, self._clock()
        while (left := await self._left()) > but:
            now = self._clock()
            if before is None or left < before:
                before, silent_since = left, now
            elif now - silent_since > SILENT_SECONDS:
                raise NoWorker(
                    f"no worker took anything for {SILENT_SECONDS:.0f} s; {left} records wait. They stay with Kafka, and a "
                    "worker that starts takes them: lofty-ghl worker"
                )
            tell()
            await asyncio.sleep(min(LOOK_SECONDS, 0.25))
        self._looked_at = self._clock()

    async def _left(self) -> int:
        if not self._ends:
            return 0
        found = await self._lag.look(self._ends)
        return sum(max(0, end - found[place][0]) for place, end in self._ends.items())
