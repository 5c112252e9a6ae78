"""`lofty-ghl worker --processes 2`: two processes share the partitions, and whatever ends of them, what was answered 200 is in GHL once."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.deadlines import within
from tests.integration.command import command, config_of
from tests.integration.outage_stage import Outage, outage_stage
from tests.integration.stage import stage
from tests.kafka.broker import Broker

RUNS = re.compile(r"process (\d) runs \(pid (\d+)\)")
Claim = Callable[[], Awaitable[bool]]


def pids(on: Outage) -> dict[int, list[int]]:
    """The ids of the worker's processes by their numbers, of all that were started."""
    found: dict[int, list[int]] = {0: [], 1: []}
    for line in on.worker.lines():
        if run := RUNS.search(line):
            found[int(run[1])].append(int(run[2]))
    return found


def every_pid(on: Outage) -> list[int]:
    """The same without their numbers."""
    return [pid for those in pids(on).values() for pid in those]


def runs(pid: int) -> bool:
    """Whether a process is there, and has not ended."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


async def samples(on: Outage) -> dict[str, dict[str, float]]:
    """The metrics of the one port: by name and process, the sum of their series."""
    async with on.http.get(f"{on.worker.url}/metrics") as answer:
        text = await answer.text()
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(text):
        for one in family.samples:
            of, process = found.setdefault(one.name, {}), one.labels.get("process", "")
            of[process] = of.get(process, 0.0) + one.value
    return found


async def until(claim: Claim, seconds: float = 90.0) -> None:
    """Wait until a claim holds."""
    async with asyncio.timeout(within(seconds)):
        while not await claim():
            await asyncio.sleep(0.2)


def shared(on: Outage, *started: int) -> Claim:
    """Whether both own partitions and are ready, of which so many were started with each number."""

    async def holds() -> bool:
        if [len(those) for those in pids(on).values()] != list(started):
            return False
        owned = (await samples(on)).get("lofty_ghl_partitions", {})
        return set(owned) == {"0", "1"} and all(owned.values()) and (await on.readiness())["worker"] == 200

    return holds


async def both_answer(on: Outage) -> bool:
    """Whether each has answered its supervisor, which asks every five seconds."""
    return (await samples(on))["lofty_ghl_process_up"] == {"0": 1.0, "1": 1.0}


@asynccontextmanager
async def two_processes(kafka: Broker, folder: Path, module: str = "streams.cli") -> AsyncIterator[Outage]:
    """The stage under load, with a worker of two processes of which each owns partitions. Everything is in GHL at the end."""
    session_seconds = within(3.0)
    options = ("--processes", "2")
    async with outage_stage(
        kafka.bootstrap, folder, session_seconds=session_seconds, worker_options=options, worker_module=module
    ) as on:
        loading = asyncio.create_task(on.load())
        await until(shared(on, 1, 1))
        await on.until_answered(20)
        yield on
        await on.until_answered(len(on.answered) + 10)
        loading.cancel()
        await on.until_all_are_there(90)
        assert on.twice() == []


@pytest.mark.in_make_test
async def test_two_processes_share_the_partitions_and_one_that_is_killed_comes_back(
    real_kafka: Broker, tmp_path: Path
) -> None:
    """Each has its part of the folder; at last SIGTERM ends all in order, with exit code 0."""
    async with two_processes(real_kafka, tmp_path) as on:
        os.kill(pids(on)[1][0], signal.SIGKILL)
        await until(shared(on, 1, 2))
        await until(lambda: both_answer(on))
        found = await samples(on)
        assert found["lofty_ghl_process_ends_total"] == {"0": 0.0, "1": 1.0}
        assert sum(found["lofty_ghl_partitions_configured"].values()) == 8
        code, shown, _ = await command("status", on.worker.config, environ=on.worker.environ)
        assert code in (0, 1)
        assert {"process 0", "process 1"} <= set(re.findall(r"process \d", shown))
        assert (tmp_path / "state" / on.group).is_dir()
        assert (tmp_path / "state" / "process-1" / on.group).is_dir()
    assert not any(map(runs, every_pid(on)))


async def test_sigterm_ends_all_in_order(real_kafka: Broker, tmp_path: Path) -> None:
    """Each has released its partitions: the next worker need not wait for a session's end."""
    async with two_processes(real_kafka, tmp_path) as on:
        before, first = every_pid(on), on.worker.child
        first._process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(first._process.wait, within(60)) == 0
        assert not any(map(runs, before))
        said = "\n".join(on.worker.lines())
        assert "did not end" not in said
        await until(shared(on, 2, 2))


async def test_a_process_that_hangs_is_killed_and_its_partitions_move_meanwhile(
    real_kafka: Broker, tmp_path: Path
) -> None:
    """It is frozen, and comes back as another."""
    async with two_processes(real_kafka, tmp_path, "tests.integration.hasty_supervisor") as on:
        os.kill(pids(on)[0][0], signal.SIGSTOP)
        await until(shared(on, 2, 1))
        assert "does not answer: it is killed" in "\n".join(on.worker.lines())


async def test_no_process_outlives_its_supervisor(real_kafka: Broker, tmp_path: Path) -> None:
    """Killed, with one process at work and one that is frozen, and reads no pipe."""
    async with two_processes(real_kafka, tmp_path) as on:
        before = every_pid(on)
        os.kill(before[1], signal.SIGSTOP)
        on.worker.child.kill()

        async def gone() -> bool:
            return not any(map(runs, before))

        await until(gone, 20)
        await until(shared(on, 2, 2))


@pytest.mark.parametrize(
    ("processes", "got"),
    [("0", "got '0'"), ("abc", "got 'abc'"), ("5", "got 5. A partition has one owner")],
)
async def test_a_wrong_number_of_processes_is_refused_in_one_line(
    embedded_kafka: Broker, tmp_path: Path, processes: str, got: str
) -> None:
    """With what was expected: nothing starts."""
    async with stage(embedded_kafka, tmp_path) as on:
        code, out, complaint = await command("worker", config_of(on, tmp_path), "--processes", processes)
    assert (code, out) == (2, "")
    assert complaint.startswith(f"--processes: expected a whole number from 1 to 4 (kafka.partitions), or auto; {got}")
    assert complaint.count("\n") == 1
