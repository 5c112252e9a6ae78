"""Several processes are kept running, and end together."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import pytest
from aiohttp.test_utils import TestClient, TestServer

from streams.core.process_restarts import RestartPolicy
from streams.telemetry.metrics import Metrics
from streams.worker.processes.child_process import ChildProcess
from streams.worker.processes.endpoints import endpoints_of
from streams.worker.processes.process_group import ProcessGroup, Timing
from tests.deadlines import within

CHILD = str(Path(__file__).with_name("small_child.py"))
LOOK_SECONDS = within(0.2)
TIMING = Timing(look_seconds=LOOK_SECONDS, most_missed=4, most_missed_at_start=100, stop_seconds=within(1.0))
POLICY = RestartPolicy(first_seconds=0.01, most_seconds=0.05, give_up_after=3)


@dataclass(slots=True)
class Running:
    """A group at work, and its metrics."""

    group: ProcessGroup
    metrics: Metrics
    folder: Path
    stop: asyncio.Event
    behaviour: dict[int, str]
    work: asyncio.Task[int] = field(init=False)

    def pids(self, number: int) -> list[int]:
        """The ids of all that were started with a number."""
        with suppress(FileNotFoundError):
            return [int(one) for one in (self.folder / f"{number}.pids").read_text().split()]
        return []

    def ends(self, cause: str) -> float:
        """How many ends were counted."""
        of = [
            sample.value
            for family in self.metrics.registry.collect()
            for sample in family.samples
            if sample.name == "lofty_ghl_process_ends_total" and sample.labels["cause"] == cause
        ]
        return sum(of)

    def up(self) -> list[float]:
        """Which processes answered their last look."""
        return [value for _, _, value in self.metrics.gauges()]

    async def until(self, claim: Callable[[], object]) -> None:
        """Wait until a claim holds."""
        async with asyncio.timeout(within(20)):
            while not claim():
                assert not self.work.done(), self.work.result()
                await asyncio.sleep(0.01)

    async def exit_code(self) -> int:
        """What the group returns, and that nothing of it is left."""
        code = await asyncio.wait_for(self.work, within(20))
        for number in range(self.group.count):
            assert not any(map(runs, self.pids(number)))
        return code


def runs(pid: int) -> bool:
    """Whether a process is there."""
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


@asynccontextmanager
async def running(*behaviours: str) -> AsyncIterator[Running]:
    """A group with a process for each of these behaviours. Later starts behave as `behaviour` says then."""
    with TemporaryDirectory(prefix="group-") as folder:  # a socket's path may not be as long as pytest's are
        behaviour = dict(enumerate(behaviours))

        async def start(number: int) -> ChildProcess:
            socket = Path(folder) / str(number)
            socket.unlink(missing_ok=True)
            place = ["--process", f"{number}/{len(behaviours)}", "--socket", str(socket)]
            command = [sys.executable, CHILD, behaviour[number], *place]
            return await ChildProcess.start(command, dict(os.environ), str(socket))

        metrics = Metrics("supervisor")
        group = ProcessGroup(len(behaviours), start, metrics, policy=POLICY, timing=TIMING)
        on = Running(group, metrics, Path(folder), asyncio.Event(), behaviour)
        on.work = asyncio.create_task(group.run(on.stop))
        try:
            yield on
        finally:
            on.work.cancel()
            await asyncio.gather(on.work, return_exceptions=True)


async def test_all_run_until_they_are_asked_to_stop() -> None:
    """And end in order, which is no end to be counted."""
    async with running("well", "well") as on:
        await on.until(lambda: on.up() == [1.0, 1.0])
        on.stop.set()
        assert await on.exit_code() == 0
        assert [on.ends(cause) for cause in ("ended", "killed", "hung")] == [0, 0, 0]


async def test_one_that_is_killed_is_started_again() -> None:
    """The other is left alone."""
    async with running("well", "well") as on:
        await on.until(lambda: on.up() == [1.0, 1.0])
        os.kill(on.pids(1)[0], signal.SIGKILL)
        await on.until(lambda: len(on.pids(1)) == 2 and on.up() == [1.0, 1.0])
        assert len(on.pids(0)) == 1
        assert on.ends("killed") == 1
        on.stop.set()
        assert await on.exit_code() == 0


async def test_one_that_hangs_is_killed_and_started_again() -> None:
    """It is alive, and answers nothing."""
    async with running("well", "well") as on:
        await on.until(lambda: on.up() == [1.0, 1.0])
        os.kill(on.pids(0)[0], signal.SIGSTOP)
        await on.until(lambda: on.up() == [0.0, 1.0])
        await on.until(lambda: len(on.pids(0)) == 2 and on.up() == [1.0, 1.0])
        assert on.ends("hung") == 1
        on.stop.set()
        assert await on.exit_code() == 0


async def test_one_that_hangs_while_all_stop_is_killed() -> None:
    """The stop is bounded; the exit code says that it was not in order."""
    async with running("well", "deaf") as on:
        await on.until(lambda: on.up() == [1.0, 1.0])
        on.stop.set()
        assert await on.exit_code() == 1


async def test_all_are_killed_when_somebody_asks_again() -> None:
    """Without waiting for the end of the stop."""
    async with running("deaf", "deaf") as on:
        await on.until(lambda: on.up() == [1.0, 1.0])
        on.stop.set()
        on.group.kill()
        assert await on.exit_code() == 1


async def test_a_start_that_is_refused_ends_all_with_its_exit_code() -> None:
    """As it ends a worker that runs alone."""
    async with running("well", "refuse") as on:
        assert await on.exit_code() == 2


async def test_it_gives_up_when_no_process_gets_anywhere(caplog: pytest.LogCaptureFixture) -> None:
    """And says so: who supervises the supervisor must see it."""
    async with running("fail", "fail") as on:
        assert await on.exit_code() == 70
    assert "each process ended 3 times in a row before it was ready" in caplog.text


async def test_one_that_never_gets_anywhere_does_not_end_the_other() -> None:
    """It is tried again and again, more than as often as would be given up."""
    async with running("well", "well") as on:
        await on.until(lambda: on.up() == [1.0, 1.0])
        on.behaviour[1] = "refuse"
        os.kill(on.pids(1)[0], signal.SIGKILL)
        await on.until(lambda: len(on.pids(1)) > 2 * POLICY.give_up_after)
        assert runs(on.pids(0)[0])
        on.behaviour[1] = "well"
        await on.until(lambda: on.up() == [1.0, 1.0])
        on.stop.set()
        assert await on.exit_code() == 0


async def test_it_is_not_healthy_before_a_process_has_answered() -> None:
    """What cannot start at all must not look as if it ran."""
    async with (
        running("well", "well") as on,
        TestClient(TestServer(endpoints_of(on.group, on.metrics))) as client,
    ):
        assert (await client.get("/healthz")).status == 503
        await on.until(lambda: on.up() == [1.0, 1.0])
        assert (await client.get("/healthz")).status == 200


async def test_one_port_answers_for_all() -> None:
    """Ready once each is, with the metrics of each and of the supervisor."""
    async with running("well", "never") as on:
        await on.until(lambda: on.up() == [1.0, 1.0])
        async with TestClient(TestServer(endpoints_of(on.group, on.metrics))) as client:
            health = await client.get("/healthz")
            ready = await client.get("/readyz")
            metrics = await (await client.get("/metrics")).text()
            budgets = orjson.loads(await (await client.get("/budgets")).read())
            assert (health.status, ready.status) == (200, 503)
            assert await ready.text() == "not ready: process 1\n"
            assert metrics.count("# TYPE work gauge") == 1
            assert {'work{process="0"} 1', 'work{process="1"} 1', 'lofty_ghl_process_up{process="1"} 1.0'} <= set(
                metrics.splitlines()
            )
            assert budgets == [{"process": 0, "budget": "loc"}, {"process": 1, "budget": "loc"}]
            on.behaviour[1] = "well"
            os.kill(on.pids(1)[0], signal.SIGKILL)
            await on.until(lambda: len(on.pids(1)) == 2 and on.up() == [1.0, 1.0])
            assert (await client.get("/readyz")).status == 200
