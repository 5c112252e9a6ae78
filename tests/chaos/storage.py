"""What befalls the disks of workers: a damaged store, and a disk that is full for a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.chaos.stage import DISK_SLOT, Stage, WorkerProcess
from tests.chaos.supervisor import LOOK_SECONDS, Supervisor
from tests.deadlines import within

SET_ASIDE = b" is damaged ("
NO_ROOM = b"No space left"
HEAL_SECONDS = 60.0
FULL_SECONDS = 10.0
"""How long a worker may go on with a full disk before it is killed: what it has opened, it may write for long."""


@dataclass(slots=True)
class Storage:
    """Breaks stores. Each act returns what was seen of it, by effect."""

    stage: Stage
    supervisor: Supervisor
    random: Random

    async def damage(self) -> dict[str, int]:
        """While a worker is down, files of its stores are spoilt in several ways; it comes up and goes on."""
        slot = self.random.randrange(2)
        await self._until(lambda: bool(self.stage.stores(slot)), HEAL_SECONDS)
        self.supervisor.held.add(slot)
        try:
            await self._end(slot)
            stores = self.stage.stores(slot)
            self.random.shuffle(stores)
            before = len(self.stage.workers)
            for number, store in enumerate(stores):
                DAMAGES[number % len(DAMAGES)](store, self.random)
        finally:
            self.supervisor.held.discard(slot)

        def later() -> list[WorkerProcess]:
            return [one for one in self.stage.workers[before:] if one.slot == slot]

        def aside() -> int:
            return sum(one.log.read_bytes().count(SET_ASIDE) for one in later())

        await self._until(lambda: aside() > 0 and any(one.is_ready for one in later()), HEAL_SECONDS)
        return {
            "stores were spoilt": len(stores),
            "stores were set aside": aside(),
            "a worker of that folder went on": sum(one.is_ready for one in later()),
        }

    async def fill_the_disk(self) -> dict[str, int]:
        """A worker's disk takes nothing more: it ends and says why, and goes on once there is room."""
        disk = self.stage.disk
        assert disk is not None, "the act is planned only where there is one"
        before = len(self.stage.workers)
        running = [one for one in self.stage.alive() if one.slot == DISK_SLOT]
        disk.fill()
        was_full = disk.is_full
        try:
            # A supervisor stays, and starts its workers again and again.
            await self._until(
                lambda: all(one.says(NO_ROOM) if one.is_several else not one.is_alive for one in running), FULL_SECONDS
            )
            self.supervisor.kill(*(one for one in running if one.is_alive))
            await self._until(lambda: self._told(before, running) > 0, HEAL_SECONDS)
            ended = self._told(before, running)
        finally:
            disk.make_room()
        room = len(self.stage.workers) - 1
        await self._until(lambda: self._went_on(room) > 0, HEAL_SECONDS)
        return {
            "the disk was full": int(was_full),
            "a worker ended and said why": ended,
            "a worker went on once there was room": self._went_on(room),
        }

    def _told(self, since: int, also: list[WorkerProcess]) -> int:
        """How many have ended for want of room."""
        those = [*also, *(one for one in self.stage.workers[since:] if one.slot == DISK_SLOT)]
        return sum(one.says(NO_ROOM) and not one.is_alive for one in those)

    def _went_on(self, since: int) -> int:
        return sum(one.is_ready for one in self.stage.workers[since:] if one.slot == DISK_SLOT)

    async def _end(self, slot: int) -> None:
        running = [one for one in self.stage.alive() if one.slot == slot]
        self.supervisor.kill(*running)
        await self._until(lambda: not any(one.is_alive for one in running), HEAL_SECONDS)

    async def _until(self, claim: Callable[[], bool], seconds: float) -> None:
        """Wait, but not for ever: the judge reports what did not come."""
        deadline = time.monotonic() + within(seconds)
        while not claim() and time.monotonic() < deadline:
            await asyncio.sleep(LOOK_SECONDS)


def _overwrite(pattern: str) -> Callable[[Path, Random], None]:
    """Random bytes over the middle of some files."""

    def spoil(store: Path, random: Random) -> None:
        for file in sorted(store.glob(pattern)):
            size = file.stat().st_size
            with file.open("r+b") as one:
                one.seek(size // 3)
                one.write(random.randbytes(max(16, size // 3)))

    return spoil


def _cut(store: Path, _random: Random) -> None:
    """Half of every file is gone."""
    for file in store.iterdir():
        if file.is_file():
            with file.open("r+b") as one:
                one.truncate(file.stat().st_size // 2)


def _empty(store: Path, _random: Random) -> None:
    """The names of all files are there, and nothing is in them."""
    for file in store.iterdir():
        if file.is_file():
            file.write_bytes(b"")


def _lose(store: Path, _random: Random) -> None:
    """The file that says which files count is gone, and so are the rows."""
    for file in (*store.glob("MANIFEST-*"), *store.glob("*.sst")):
        file.unlink()


DAMAGES: tuple[Callable[[Path, Random], None], ...] = (
    _overwrite("CURRENT"),
    _overwrite("*.sst"),
    _cut,
    _overwrite("MANIFEST-*"),
    _empty,
    _overwrite("*.log"),
    _lose,
)
"""The first is noticed at once; of some (the end of a log) RocksDB says nothing, and forgets what it held."""
