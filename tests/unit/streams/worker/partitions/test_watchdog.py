"""The watchdog: a worker that is alive and does nothing is found out, one that merely has nothing to do is not."""

from __future__ import annotations

import asyncio
import sys
import threading
import time

from streams.worker.partitions.watchdog import LoopWatch, Stall, watch_consumer
from tests.deadlines import within

HERE = ("lofty.changes", 0)
THERE = ("lofty.changes", 1)


def test_a_place_with_something_to_read_and_no_commit_stalls() -> None:
    """After so many looks, and not before."""
    stall = Stall(most_looks=3)
    looks = [stall.look({HERE: (5, 9), THERE: (7, 7)}) for _ in range(5)]
    assert looks == [[], [], [], [HERE], [HERE]]


def test_one_commit_is_progress() -> None:
    """Slow is not stalled."""
    stall = Stall(most_looks=3)
    for committed in range(20):
        assert stall.look({HERE: (committed // 2, 100)}) == []


def test_an_idle_place_never_stalls() -> None:
    """Nothing to read."""
    stall = Stall(most_looks=3)
    assert [stall.look({HERE: (9, 9)}) for _ in range(9)] == [[]] * 9


def test_a_place_that_was_away_begins_anew() -> None:
    """It belonged to another worker in between."""
    stall = Stall(most_looks=2)
    for _ in range(2):
        stall.look({HERE: (5, 9)})
    stall.look({})
    assert [stall.look({HERE: (5, 9)}) for _ in range(3)] == [[], [], [HERE]]


async def test_a_look_that_fails_says_nothing() -> None:
    """Kafka is away: that is no proof of a silent consumer."""
    asked, told = asyncio.Event(), []
    answers = iter(range(1000))

    async def lags() -> dict[tuple[str, int], tuple[int, int]]:
        if next(answers) == 30:
            asked.set()
        raise ConnectionError("away")

    task = asyncio.create_task(watch_consumer(lags, stalled=told.append, look_seconds=0.001, most_looks=2))
    await asyncio.wait_for(asked.wait(), within(60))
    task.cancel()
    assert told == []


async def test_a_silent_consumer_is_told_with_its_places() -> None:
    """The message says where, for whoever reads the log at night."""
    told: asyncio.Queue[str] = asyncio.Queue()

    async def lags() -> dict[tuple[str, int], tuple[int, int]]:
        return {HERE: (5, 9)}

    task = asyncio.create_task(watch_consumer(lags, stalled=told.put_nowait, look_seconds=0.001, most_looks=2))
    message = await asyncio.wait_for(told.get(), within(60))
    task.cancel()
    assert "lofty.changes/0" in message


async def test_a_stuck_event_loop_is_seen_from_outside() -> None:
    """Heartbeats come from another thread, so nobody else would notice."""
    told = threading.Event()
    watch = LoopWatch(stalled=lambda _: told.set(), look_seconds=0.01, most_looks=3)
    deadline = time.monotonic() + within(60)
    while not told.is_set() and time.monotonic() < deadline:
        pass  # the loop is stuck here, on purpose
    watch.stop()
    assert told.is_set()


class Looks:
    """In place of a watch's clock: so many looks, each once the loop has turned after the one before."""

    def __init__(self, number: int) -> None:
        self._left = number
        self._loop = asyncio.get_running_loop()

    def wait(self, _seconds: float) -> bool:
        """Whether it was the last."""
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), self._loop).result(within(60))
        self._left -= 1
        return self._left < 0


async def test_a_loop_that_turns_is_left_alone() -> None:
    """However often it is looked at."""
    told: list[str] = []
    watch = LoopWatch(stalled=told.append, look_seconds=3600, most_looks=3)
    stopped, watch._stopped = watch._stopped, Looks(20)  # type: ignore[assignment]  # a clock of the test's own
    await asyncio.to_thread(watch._watch)
    stopped.set()
    assert told == []


HELD = """
import asyncio, ctypes
from streams.worker.partitions.watchdog import LoopWatch, watch_interpreter

async def main():
    LoopWatch(look_seconds=0.01, most_looks=3)
    watching = asyncio.create_task(watch_interpreter({seconds}, 0.01))
    await asyncio.sleep(0.1)
    ctypes.PyDLL(None).usleep({held})
    print("it returned")
    watching.cancel()

asyncio.run(main())
"""
"""A call into a library that keeps the interpreter: `PyDLL`, unlike `CDLL`, does not let go of it."""


async def run_held(seconds: float, held_microseconds: int) -> tuple[int | None, str, str]:
    """Exit code and output of a process whose interpreter is held."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HELD.format(seconds=seconds, held=held_microseconds)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(child.communicate(), within(120))
    return child.returncode, out.decode(), err.decode()


async def test_a_process_whose_interpreter_is_held_ends_and_says_where() -> None:
    """No thread of Python can: the watch of the loop beside it is one."""
    code, out, err = await run_held(0.5, 3_600_000_000)
    assert (code, out) == (1, "")
    assert "Timeout" in err
    assert "in main" in err


async def test_a_process_whose_interpreter_is_held_shortly_goes_on() -> None:
    """And the timer is off once nobody watches."""
    assert await run_held(60, 10_000) == (0, "it returned\n", "")
