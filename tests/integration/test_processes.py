"""`lofty-ghl worker --processes 2`: two processes share the partitions, and whatever ends of them, everything that was answered 200 is in GHL once."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.deadlines import within
from tests.integration.outage_stage import Outage, outage_stage
from tests.kafka.broker import Broker

RUNS = re.compile(r"process (\d) runs \(pid (\d+)\)")


def pids(on: Outage) -> dict[int, list[int]]:
    """The ids of the worker's processes by their numbers, of all that were started."""
    found: dict[int, list[int]] = {}
    for line in on.worker.lines():
        if run := RUNS.search(line):
            found.setdefault(int(run[1]), []).append(int(run[2]))
    return found


def runs(pid: int) -> bool:
    """Whether a process still is there, and has not ended."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


async def samples(on: Outage) -> dict[str, dict[str, float]]:
    """The metrics of the one port: by name, and by process, the sum of their series."""
    async with on.http.get(f"{on.worker.url}/metrics") as answer:
        text = await answer.text()
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(text):
        for one in family.samples:
            of = found.setdefault(one.name, {})
            process = one.labels.get("process", "")
            of[process] = of.get(process, 0.0) + one.value
    return found


@asynccontextmanager
async def two_processes(real_kafka: Broker, tmp_path: Path) -> AsyncIterator[Outage]:
    """The stage with a worker of two processes, each of which owns partitions."""
    async with outage_stage(
        real_kafka.bootstrap, tmp_path, session_seconds=within(3.0), worker_options=("--processes", "2")
    ) as on:
        yield on


async def until(claim: object, seconds: float = 60.0) -> None:
    """Wait until a claim holds."""
    async with asyncio.timeout(within(seconds)):
        while not (await claim()):  # type: ignore[operator]  # given below
            await asyncio.sleep(0.1)


async def shared(on: Outage) -> bool:
    """Both processes own partitions, and are ready."""
    owned = (await samples(on)).get("lofty_ghl_partitions", {})
    return set(owned) == {"0", "1"} and all(owned.values()) and (await on.readiness())["worker"] == 200


async def test_two_processes_share_the_partitions_and_one_that_ends_comes_back(
    real_kafka: Broker, tmp_path: Path
) -> None:
    """One is killed, one is frozen; at last all end by SIGTERM, in order and with exit code 0."""
    async with two_processes(real_kafka, tmp_path) as on:
        loading = asyncio.create_task(on.load())
        await on.until_answered(20)
        assert await shared(on)
        os.kill(pids(on)[1][0], signal.SIGKILL)
        await until(lambda: _started(on, 1, 2))
        await until(lambda: shared(on))
        loading.cancel()
        await on.until_all_are_there(60)
        assert on.twice() == []
        assert (await samples(on))["lofty_ghl_process_ends_total"] == {"0": 0.0, "1": 1.0}
        supervisor = on.worker.child
        supervisor._process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(supervisor._process.wait, within(60)) == 0
        assert not [one for those in pids(on).values() for one in those[:1] if runs(one)]


async def _started(on: Outage, number: int, times: int) -> bool:
    return len(pids(on).get(number, ())) >= times
