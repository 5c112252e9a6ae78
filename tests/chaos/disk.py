"""A disk that can be full: a file system of its own in memory, whose size is that of what it holds while it is full."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LARGE = 1024**3
TRIED = b"x" * 65536
ATTEMPTS = 20
"""How often a disk that somebody writes to is measured until its size can be what it holds."""


class Disk:
    """A mounted file system. Mounting needs root, or `sudo` without a password."""

    def __init__(self, place: Path, sudo: tuple[str, ...]) -> None:
        self.place = place
        self._sudo = sudo

    def fill(self) -> None:
        """From now on it takes nothing more.

        Whoever writes meanwhile makes it hold more than was measured, and a disk cannot be made smaller than what it holds:
        then it is measured again.
        """
        for attempt in range(ATTEMPTS):
            found = os.statvfs(self.place)
            used = (found.f_blocks - found.f_bfree) * found.f_frsize
            # 0 would be no limit at all.
            if self._mount(f"remount,size={max(used, found.f_frsize)}", check=attempt == ATTEMPTS - 1):
                return

    def make_room(self) -> None:
        """There is room again."""
        self._mount(f"remount,size={LARGE}", check=True)

    @property
    def is_full(self) -> bool:
        """Nothing can be written, as whoever tries finds out."""
        try:
            with (self.place / "try").open("wb", buffering=0) as one:
                return one.write(TRIED) < len(TRIED)
        except OSError:
            return True
        finally:
            (self.place / "try").unlink(missing_ok=True)

    def _mount(self, options: str, *, check: bool) -> bool:
        """Whether it did."""
        command = [*self._sudo, "mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.place)]
        return subprocess.run(command, check=check, capture_output=not check).returncode == 0


@contextmanager
def small_disk(place: Path) -> Iterator[Disk | None]:
    """Mount one, as long as the block lasts; None (and a folder) where this machine does not let us."""
    place.mkdir()
    sudo = () if os.geteuid() == 0 else ("sudo", "-n")
    options = f"size={LARGE},mode=0777"
    try:
        mounted = subprocess.run(
            [*sudo, "mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], check=False, capture_output=True
        )
    except FileNotFoundError:
        mounted = None
    if mounted is None or mounted.returncode != 0:
        yield None
        return
    try:
        yield Disk(place, sudo)
    finally:
        subprocess.run([*sudo, "umount", "-l", str(place)], check=False)
