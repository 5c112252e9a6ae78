"""The watchdog: a worker that is alive and does nothing ends itself, so that its supervisor starts it again.

Two ways in which a worker can be silent without knowing it:

- Its consumer stops fetching (reported of Faust and aiokafka: faust-streaming issues 175, 523, 532, 629). So somebody who
  does not depend on that consumer looks: is there something to read in our partitions, and did no commit move for long?
- Its event loop is stuck. Heartbeats come from a thread of their own, so Kafka would never notice. So another thread does.

Both count looks, not time: a process that was frozen and goes on has missed one look, not many.

A third way is out of their reach: a call into a library that never returns and keeps the interpreter. No thread of Python runs
then, so a timer without Python ends the process.
"""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping

from streams.telemetry.logs import REPEATS
from streams.telemetry.process import end_process

log = logging.getLogger("lofty_ghl.watchdog")

LOOK_SECONDS = 5.0
MOST_LOOKS = 12
"""A minute without progress is too long."""
INTERPRETER_SECONDS = 120.0
"""Longer than the others take: they say more."""

TopicPartition = tuple[str, int]
"""A topic and a partition."""

Lags = Mapping[TopicPartition, tuple[int, int]]
"""For each partition that is ours: the committed offset, and the end."""


class Stall:
    """Decides: how many looks in a row a partition had something to read and its commit did not move."""

    def __init__(self, most_looks: int = MOST_LOOKS) -> None:
        self._most_looks = most_looks
        self._seen: dict[TopicPartition, tuple[int, int]] = {}

    def look(self, lags: Lags) -> list[TopicPartition]:
        """One look. Returns the partitions that have stalled."""
        self._seen = {
            partition: (committed, self._count(partition, committed) + 1 if committed < end else 0)
            for partition, (committed, end) in lags.items()
        }
        return [partition for partition, (_, looks) in self._seen.items() if looks > self._most_looks]

    @property
    def most(self) -> int:
        """The looks in a row without progress, of the worst partition."""
        return max((looks for _, looks in self._seen.values()), default=0)

    def _count(self, partition: TopicPartition, committed: int) -> int:
        before, looks = self._seen.get(partition, (committed, 0))
        return looks if before == committed else 0


async def watch_consumer(
    lags: Callable[[], Awaitable[Lags]],
    *,
    stalled: Callable[[str], None] = end_process,
    look_seconds: float = LOOK_SECONDS,
    most_looks: int = MOST_LOOKS,
    looked: Callable[[int], None] = lambda _looks: None,
) -> None:
    """Look at the lag of our partitions until cancelled. A look that fails says nothing: Kafka is away, not our consumer.

    `looked` is called after each check, with the number of checks in a row in which the worst partition has not moved.
    """
    stall = Stall(most_looks)
    while True:
        await asyncio.sleep(look_seconds)
        try:
            seen = await lags()
        except Exception as error:  # whatever it is, it is no proof of a silent consumer
            log.warning("the lag of our partitions cannot be seen: %s", error, extra=REPEATS)
            continue
        stuck = stall.look(seen)
        looked(stall.most)
        if stuck:
            where = ", ".join(f"{topic}/{partition}" for topic, partition in stuck)
            stalled(f"Nothing was committed for {most_looks * look_seconds:.0f} s although {where} hold more to read.")


class LoopWatch:
    """Watches the running event loop from a thread: `stalled` is called from there when the loop runs nothing for long."""

    def __init__(
        self,
        *,
        stalled: Callable[[str], None] = end_process,
        look_seconds: float = LOOK_SECONDS,
        most_looks: int = MOST_LOOKS,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._stalled = stalled
        self._look_seconds = look_seconds
        self._most_looks = most_looks
        self._missed = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="loop watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(self._look_seconds):
            if self._loop.is_closed():
                return
            self._missed += 1
            if self._missed > self._most_looks:
                self._stalled(f"The event loop ran nothing for {self._most_looks * self._look_seconds:.0f} s.")
                return
            self._loop.call_soon_threadsafe(self._tick)

    def _tick(self) -> None:
        self._missed = 0


async def watch_interpreter(seconds: float = INTERPRETER_SECONDS, look_seconds: float = LOOK_SECONDS) -> None:
    """End the process, with the place of each thread, when the event loop has not turned for so long. Runs until cancelled.

    The timer is the process's only one, so this is for a process that is a worker and nothing else. It counts time: a process that
    was frozen for longer ends as it wakes. Its partitions are another's by then.
    """
    try:
        while True:
            faulthandler.dump_traceback_later(seconds, exit=True)
            await asyncio.sleep(look_seconds)
    finally:
        faulthandler.cancel_dump_traceback_later()
