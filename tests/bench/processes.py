"""How many contacts a second one worker process completes and how many two do, and who used the processor meanwhile.

Twice, of one and two processes alternately: with the cores as they are, on which Kafka and the sandboxes run, too; and with each
worker process held to a part of a core by its cgroup, so that it is the workers that are measured, and not the machine. The second
needs root and a cgroup (version 1 or 2) that may be written.

    python -m tests.bench.processes COUNT BOOTSTRAP [LEADS] [SHARE]
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from streams.kafka.batching_producer import BatchingProducer
from tests.bench.town import Plan, Town, producer_of, run, town
from tests.bench.whole_path import changes_of

PAIRS = 24
"""So many locations that each of two processes has about half of them."""
TICKS = os.sysconf("SC_CLK_TCK")
PERIOD_US = 20_000
CGROUPS = (Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup"))


async def syncs(count: int, bootstrap: str, leads: int, share: float) -> dict[str, Any]:
    """Contacts a second of `count` processes, each held to this `share` of a core (0: not held)."""
    plan = Plan(pairs=PAIRS, leads=leads, worker_options=("--processes", str(count)))
    async with town(bootstrap, plan) as on:
        with ExitStack() as held:
            workers = workers_of(on)
            assert len(workers) == count
            for pid in workers if share else ():
                held.enter_context(limited(pid, share))
            parties = {
                **{f"worker process {number}": [pid] for number, pid in enumerate(workers)},
                "supervisor": [on.children["worker"].pid] if count > 1 else [],
                "Kafka": [pid for pid in family(os.getppid()) if name_of(pid) == "java"],
                "sandboxes": [on.children[name].pid for name in ("sandbox-ghl", "sandbox-lofty")],
                "measuring, gateway": [os.getpid(), on.children["gateway"].pid],
            }
            producer = await producer_of(on.settings)
            used = {name: cpu_seconds(pids) for name, pids in parties.items()}
            began, wall = time.time(), time.monotonic()
            await BatchingProducer(producer).produce(changes_of(on))
            receipts, last = await on.settled(len(on.leads), most=300.0)
            seconds = time.monotonic() - wall
            used = {name: (cpu_seconds(pids) - used[name]) / seconds for name, pids in parties.items()}
            await producer.stop()
        return {
            "syncs_per_second": len(receipts) / (last - began),
            "receipts": len(receipts),
            "memory_mb": sum(resident_mb(pid) for pid in {*workers, on.children["worker"].pid}),
            "cores_used": used,
        }


def workers_of(on: Town) -> list[int]:
    """The worker processes: those below the supervisor, or the one that runs alone."""
    top = on.children["worker"].pid
    return sorted(family(top) - {top}) or [top]


def family(pid: int) -> set[int]:
    """A process and all below it."""
    found = {pid}
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found |= family(int(child))
    return found


def name_of(pid: int) -> str:
    """What a process is called."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def cpu_seconds(pids: Iterable[int]) -> float:
    """The processor time that they have used."""
    total = 0
    for pid in pids:
        numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(numbers[11]) + int(numbers[12])
    return total / TICKS


def resident_mb(pid: int) -> float:
    """The memory that a process has."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def can_limit() -> bool:
    """Whether a process may be held to a part of a core here."""
    return any(os.access(folder / "cgroup.procs", os.W_OK) for folder in CGROUPS)


@contextmanager
def limited(pid: int, share: float) -> Iterator[None]:
    """Hold a process to a part of a core."""
    root = next(folder for folder in CGROUPS if os.access(folder / "cgroup.procs", os.W_OK))
    group, quota = root / f"lofty-ghl-bench-{pid}", int(PERIOD_US * share)
    group.mkdir()
    try:
        if (group / "cpu.cfs_quota_us").exists():
            (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (group / "cpu.cfs_quota_us").write_text(str(quota))
        else:
            (group / "cpu.max").write_text(f"{quota} {PERIOD_US}")
        (group / "cgroup.procs").write_text(str(pid))
        yield
    finally:
        with suppress(OSError):
            (root / "cgroup.procs").write_text(str(pid))
        with suppress(OSError):
            group.rmdir()


if __name__ == "__main__":
    how_many, where, *more = sys.argv[1:]
    run(syncs(int(how_many), where, int(more[0]) if more else 4000, float(more[1]) if more[1:] else 0.0))
