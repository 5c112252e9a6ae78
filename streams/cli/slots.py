"""Which folder a worker takes where several share one volume: the first slot that no other worker holds.

`worker.data_dir = "/var/lib/lofty-ghl/{slot}"` gives the first worker `/var/lib/lofty-ghl/slot-1`, the second `slot-2`, and
a restarted worker a free slot. So the workers of `docker compose up --scale worker=3` need no folder each, no folders pile up
in the volume, and a restarted worker usually finds its tables again.
"""

from __future__ import annotations

import fcntl
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import count
from pathlib import Path

SLOT = "{slot}"


@dataclass(frozen=True, slots=True)
class Slot:
    """A folder that belongs to this process while `lock` is open: the system releases it when the process ends, however it ends."""

    folder: str
    lock: TextIOWrapper | None = None


def take_slot(data_dir: str) -> Slot:
    """The folder for this process. A `data_dir` without `{slot}` is taken as it is. Raises OSError."""
    if SLOT not in data_dir:
        return Slot(data_dir)
    for number in count(1):
        folder = Path(data_dir.replace(SLOT, f"slot-{number}"))
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".taken").open("w", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        return Slot(str(folder), lock)
    raise AssertionError("numbers do not end")
