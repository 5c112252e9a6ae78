"""How many worker processes: a number, or `auto`, which is one for each core that this process may use."""

from __future__ import annotations

import math
import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
"""Where a container sees the limits of its own group."""


class InvalidProcesses(ValueError):
    """The text of `--processes` is not a number of processes. The message says what was expected."""


def number_of_processes(text: str, partitions: int, cores: int) -> int:
    """The number that a text means. More than `partitions` are refused: they would have nothing to do."""
    if text.strip() == "auto":
        return max(1, min(cores, partitions))
    expected = f"expected a whole number from 1 to {partitions} (kafka.partitions), or auto"
    if not (text.isascii() and text.isdigit()) or int(text) == 0:
        raise InvalidProcesses(f"--processes: {expected}; got {text!r}")
    if int(text) > partitions:
        raise InvalidProcesses(
            f"--processes: {expected}; got {text}. A partition has one owner, so further processes would have nothing to do"
        )
    return int(text)


def cores_of(affinity: int, quota: str) -> int:
    """The cores that may be used: those of the affinity, less where the cgroup's `cpu.max` (such as `150000 100000`) allows less.

    A part of a core counts as one from a half on: a limit of 1.5 is two processes.
    """
    limit, _, period = quota.strip().partition(" ")
    if limit.isdigit() and period.isdigit() and int(period):
        return max(1, min(affinity, math.floor(int(limit) / int(period) + 0.5)))
    return max(1, affinity)


def usable_cores(cgroup: Path = CGROUP) -> int:
    """The same of this process on this machine: cgroup version 2, or 1."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota = (cgroup / "cpu.max").read_text(encoding="ascii")
    except OSError:
        try:
            parts = [
                (cgroup / "cpu" / f"cpu.cfs_{name}_us").read_text(encoding="ascii") for name in ("quota", "period")
            ]
        except OSError:
            parts = []
        quota = " ".join(one.strip() for one in parts)
    return cores_of(affinity, quota)
