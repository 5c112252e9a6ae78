"""Counts a table's rows, by the connection that their keys begin with.

The rows that are there when a partition is gained are counted once, a thousand at a time, so that nobody waits for it.
From that moment on each write says whether it makes a row or takes one away.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator

CHUNK = 1_000
PAUSE_SECONDS = 0.01
"""How long others have their turn after a chunk: a million rows take some seconds, in the background."""


def connection_of(key: bytes) -> str:
    """The connection of an entity's key."""
    return key.partition(b":")[0].decode(errors="replace")


class RowCount:
    """Rows by connection, over the partitions that are counted."""

    def __init__(self) -> None:
        self._counts: dict[int, Counter[str]] = {}
        self._counting: dict[int, asyncio.Task[None]] = {}

    def begin(self, partition: int, keys: Iterator[bytes], unwritten: Counter[str]) -> None:
        """Count a partition: `keys` are those of the store as it is now, `unwritten` what is on its way there makes of it."""
        self.forget(partition)
        counts = self._counts[partition] = Counter(unwritten)
        self._counting[partition] = asyncio.create_task(self._count(keys, counts), name=f"count rows of {partition}")

    def changed(self, partition: int, key: bytes, *, existed: bool, exists: bool) -> None:
        """A row was written or deleted."""
        counts = self._counts.get(partition)
        if counts is not None and existed != exists:
            counts[connection_of(key)] += 1 if exists else -1

    def forget(self, partition: int) -> None:
        """The partition is another worker's."""
        if task := self._counting.pop(partition, None):
            task.cancel()
        self._counts.pop(partition, None)

    def counts(self, partition: int) -> bool:
        """Whether a partition is counted."""
        return partition in self._counts

    def number(self, connection: str) -> int:
        """Rows of a connection; too few for some seconds after its partition was gained."""
        return sum([counts.get(connection, 0) for counts in self._counts.values()])

    @property
    def total(self) -> int:
        """All rows."""
        return sum(sum(counts.values()) for counts in self._counts.values())

    async def _count(self, keys: Iterator[bytes], counts: Counter[str]) -> None:
        for number, key in enumerate(keys, 1):
            counts[connection_of(key)] += 1
            if number % CHUNK == 0:
                await asyncio.sleep(PAUSE_SECONDS)
