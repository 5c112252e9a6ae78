"""The parts of `worker.data_dir` when a worker is several processes: the first has the folder itself, as one that runs alone has.

So one that was alone finds its tables again as the first of several, and the other way round.
"""

from __future__ import annotations

PARTS = "process-*"
"""The pattern of the parts of all but the first."""


def part_of(data_dir: str, process: int) -> str:
    """The folder of a process by its number."""
    return f"{data_dir.rstrip('/')}/{PARTS.replace('*', str(process))}" if process else data_dir
