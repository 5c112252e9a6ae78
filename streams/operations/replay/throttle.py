"""How fast a replay sends: a bounded number of records a second, and never far ahead of the workers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from streams.kafka.group_lag import GroupLag
from streams.operations.worker_queries.errors import NoWorker

AHEAD_SECONDS = 5
"""How many seconds' records may wait for the workers: live work never queues behind more."""

CHECK_SECONDS = 1.0
SILENT_SECONDS = 60.0
"""After so long without progress of the workers the replay ends with an error."""

TopicAndPartition = tuple[str, int]


class Throttle:
    """Ask before each batch: `await throttle.wait_for_turn(number)`. `rate` is in records a second."""

    def __init__(self, rate: float, lag: GroupLag, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._lag = lag
        self._clock = clock
        self._free_at = clock()
        self._checked_at = clock()
        self._ends: dict[TopicAndPartition, int] = {}

    @property
    def batch_size(self) -> int:
        """How many records are sent at once: about a quarter of a second's."""
        return max(1, min(500, round(self._rate / 4)))

    def record_sent(self, partition: TopicAndPartition, offset: int) -> None:
        """Kafka has acknowledged a record."""
        self._ends[partition] = max(self._ends.get(partition, 0), offset + 1)

    async def wait_for_turn(self, number: int, report: Callable[[], None]) -> None:
        """Return when `number` more records may be sent. Raises `NoWorker` when no worker reads what was sent."""
        now = self._clock()
        self._free_at = max(self._free_at, now - CHECK_SECONDS) + number / self._rate
        if self._free_at > now:
            await asyncio.sleep(self._free_at - now)
        if self._clock() - self._checked_at >= CHECK_SECONDS:
            await self.wait_for_workers(max(self._rate * AHEAD_SECONDS, 100.0), report)

    async def wait_for_workers(self, unread: float, report: Callable[[], None]) -> None:
        """Return when the workers have read all that was sent, except `unread` records."""
        before, silent_since = None, self._clock()
        while (now_unread := await self._unread()) > unread:
            now = self._clock()
            if before is None or now_unread < before:
                before, silent_since = now_unread, now
            elif now - silent_since > SILENT_SECONDS:
                raise NoWorker(
                    f"no worker read anything for {SILENT_SECONDS:.0f} s, and {now_unread} records wait. They stay on Kafka; "
                    "start a worker to read them: lofty-ghl worker"
                )
            report()
            await asyncio.sleep(min(CHECK_SECONDS, 0.25))
        self._checked_at = self._clock()

    async def _unread(self) -> int:
        if not self._ends:
            return 0
        found = await self._lag.committed_and_end(self._ends)
        return sum(max(0, end - found[partition][0]) for partition, end in self._ends.items())
