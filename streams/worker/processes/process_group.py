"""Keeps several worker processes running, each a member of Kafka's consumer group as on a machine of its own.

What ended is started again (`core/process_restarts.py` says when, and when not). What is alive and does not answer for a minute is
killed first: its partitions are another's by then, as Kafka heard nothing of it either, or its event loop is stuck and its own
watchdog, too. Answers are counted, not time: a machine that was frozen has missed one look, not twelve.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from streams.core.process_restarts import GiveUp, RestartPolicy, Restarts
from streams.telemetry.metrics import Metrics
from streams.telemetry.metrics import catalogue as c
from streams.telemetry.metrics.spec import Reading
from streams.worker.processes.child_process import ChildProcess

log = logging.getLogger("lofty_ghl.processes")


@dataclass(frozen=True, slots=True)
class Timing:
    """How often a process is asked, how many answers in a row it may miss (more until its first), and how long a stop may take.

    A process stops by itself within 50 s (`cli/shared.py`); Compose and Kubernetes wait for 60 s.
    """

    look_seconds: float = 5.0
    most_missed: int = 12
    most_missed_at_start: int = 60
    stop_seconds: float = 55.0


POLICY, TIMING = RestartPolicy(), Timing()


class ProcessGroup:
    """`count` processes, numbered from 0; `start` starts the one with a number.

    Call `run(stop)`: it returns the exit code once all have ended.
    """

    def __init__(
        self,
        count: int,
        start: Callable[[int], Awaitable[ChildProcess]],
        metrics: Metrics,
        *,
        policy: RestartPolicy = POLICY,
        timing: Timing = TIMING,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.count = count
        self.running: dict[int, ChildProcess] = {}
        """The processes that run now, by their numbers."""
        self.has_begun = False
        """Whether any of them has answered so far: what is configured can be started."""
        self._start = start
        self._metrics = metrics
        self._timing = timing
        self._monotonic = monotonic
        self._restarts = Restarts(count, policy)
        self._answering: set[int] = set()
        self._stopping = asyncio.Event()
        self._exit_code = 0
        metrics.gauges = self._readings
        metrics.create_series({"process": map(str, range(count))})

    async def run(self, stop: asyncio.Event) -> int:
        """Keep all running until `stop` is set, or until nothing comes of it."""
        keeping = [asyncio.create_task(self._keep(number), name=f"process {number}") for number in range(self.count)]
        waiting = asyncio.create_task(self._stop_with(stop), name="stop all")
        try:
            done, _ = await asyncio.wait(keeping, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            for task in (waiting, *keeping):
                task.cancel()
            await asyncio.gather(waiting, *keeping, return_exceptions=True)
        return self._exit_code

    def kill(self) -> None:
        """End all at once, without waiting for what they do: somebody asked for the second time."""
        self._exit_code = 1
        for child in self.running.values():
            child.kill()

    # -- one process --------------------------------------------------------------------------------------

    async def _keep(self, number: int) -> None:
        while not self._stopping.is_set():
            child = self.running[number] = await self._start(number)
            log.info("process %d runs (pid %d)", number, child.pid)
            if self._stopping.is_set():
                child.ask_to_stop()
            try:
                code, cause = await self._until_ended(number, child)
            finally:
                self._answering.discard(number)
                del self.running[number]
                await child.close()
            if self._stopping.is_set():
                if code:
                    self._exit_code = self._exit_code or 1
                    log.warning("process %d did not end in order (%s)", number, _end_of(code))
                return
            self._metrics.process_ended(str(number), cause)
            await self._rest(number, code)

    async def _rest(self, number: int, code: int) -> None:
        """Wait before the process is started again, or end all."""
        decision = self._restarts.ended(number, code, self._monotonic())
        if isinstance(decision, GiveUp):
            self._exit_code = decision.exit_code
            log.critical(
                "%s: the supervisor ends all processes, and itself (exit code %d)", decision.because, decision.exit_code
            )
            self._stop_all()
            return
        log.error(
            "process %d ended (%s): it starts again in %.0f s, and others work on its partitions meanwhile",
            *(number, _end_of(code), decision.wait_seconds),
        )
        with suppress(TimeoutError):
            async with asyncio.timeout(decision.wait_seconds):
                await self._stopping.wait()

    async def _until_ended(self, number: int, child: ChildProcess) -> tuple[int, str]:
        """Its exit code, and the cause by which its end is counted."""
        ended = asyncio.create_task(child.wait(), name=f"end of process {number}")
        looking = asyncio.create_task(self._until_hung(number, child), name=f"look at process {number}")
        try:
            await asyncio.wait((ended, looking), return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                return ended.result(), "ended" if ended.result() >= 0 else "killed"
            looking.result()
            log.error("process %d (pid %d) does not answer: it is killed", number, child.pid)
            child.kill()
            return await ended, "hung"
        finally:
            looking.cancel()
            ended.cancel()

    async def _until_hung(self, number: int, child: ChildProcess) -> None:
        """Ask it again and again; returns once it has missed too many answers in a row."""
        missed, most, look = 0, self._timing.most_missed_at_start, self._timing.look_seconds
        while missed < most:
            resting = asyncio.create_task(asyncio.sleep(look), name="rest between two looks")
            status, _, _ = await child.get("/readyz", seconds=look)
            await resting
            if not status:
                missed += 1
                self._answering.discard(number)
                continue
            missed, most = 0, self._timing.most_missed
            self._answering.add(number)
            self.has_begun = True
            if status == 200:
                self._restarts.ready(number, self._monotonic())

    # -- all ----------------------------------------------------------------------------------------------

    async def _stop_with(self, stop: asyncio.Event) -> None:
        waits = [asyncio.ensure_future(stop.wait()), asyncio.ensure_future(self._stopping.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()
        self._stop_all()
        await asyncio.sleep(self._timing.stop_seconds)
        for number, child in self.running.items():
            log.error("process %d did not end within %.0f s: it is killed", number, self._timing.stop_seconds)
            child.kill()

    def _stop_all(self) -> None:
        self._stopping.set()
        for child in self.running.values():
            child.ask_to_stop()

    def _readings(self) -> Iterable[Reading]:
        for number in range(self.count):
            yield c.PROCESS_UP, (str(number),), float(number in self._answering)


def _end_of(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {-code}"
