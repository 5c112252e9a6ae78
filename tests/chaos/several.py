"""Several workers of the chaos suite under the product's own supervisor, as `lofty-ghl worker --processes` runs them.

    python -m tests.chaos.several --config FILE --instance w7 --processes 2 [--kill STAGE:POINT] [--after PIECES]

The third start of process 1 calls itself `w7p1s3`. A trap is in the first start of process 0 only. The log has a line for each start
and each end of one, by which `members` knows them.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from streams.core.process_restarts import RestartPolicy
from streams.settings import load_settings
from streams.settings.data_parts import part_of
from streams.telemetry.metrics import Metrics
from streams.worker.processes.child_process import ChildProcess
from streams.worker.processes.process_group import ProcessGroup, Timing
from tests.deadlines import within

POLICY = RestartPolicy(first_seconds=0.1, most_seconds=1.0, give_up_after=20)
TIMING = Timing(look_seconds=within(1.0), most_missed=12)
TRAPPED = "p0s1"
"""How the name of the one ends that gets a trap."""

_BEGAN = re.compile(rb"^member (\w+) runs as (\d+)$", re.MULTILINE)
_ENDED = re.compile(rb"^member (\w+) ended with (-?\d+) at ([\d.]+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Member:
    """One start of a worker process. `code` and `ended` are None while it runs, as far as its supervisor could say."""

    name: str
    pid: int
    code: int | None = None
    ended: float | None = None


def members(log: bytes) -> list[Member]:
    """All that a supervisor has started, by its log."""
    ends = {name: (int(code), float(at)) for name, code, at in _ENDED.findall(log)}
    return [Member(name.decode(), int(pid), *ends.get(name, (None, None))) for name, pid in _BEGAN.findall(log)]


async def run(config: Path, instance: str, count: int, trap: list[str]) -> int:
    """Work until SIGTERM."""
    data_dir, starts = load_settings(config, os.environ).worker.data_dir, Counter[int]()
    telling: set[asyncio.Task[None]] = set()
    with TemporaryDirectory(prefix="chaos-") as sockets:

        async def start(number: int) -> ChildProcess:
            starts[number] += 1
            name, socket = f"{instance}p{number}s{starts[number]}", Path(sockets) / str(number)
            socket.unlink(missing_ok=True)
            words = ["--config", str(config), "--instance", name, "--process", f"{number}/{count}"]
            words += ["--socket", str(socket), *(trap if name.endswith(TRAPPED) else ())]
            environ = {**os.environ, "LOFTY_GHL_DATA_DIR": part_of(data_dir, number)}
            child = await ChildProcess.start([sys.executable, "-m", "tests.chaos.worker", *words], environ, str(socket))
            print(f"member {name} runs as {child.pid}", flush=True)
            task = asyncio.create_task(_tell_end(name, child), name=f"end of {name}")
            telling.add(task)
            task.add_done_callback(telling.discard)
            return child

        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        return await ProcessGroup(count, start, Metrics("supervisor"), policy=POLICY, timing=TIMING).run(stop)


async def _tell_end(name: str, child: ChildProcess) -> None:
    code = await child.wait()
    print(f"member {name} ended with {code} at {time.time()}", flush=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--instance", required=True)
    parser.add_argument("--processes", type=int, required=True)
    given, trap = parser.parse_known_args()
    sys.exit(asyncio.run(run(given.config, given.instance, given.processes, trap)))


if __name__ == "__main__":
    main()
