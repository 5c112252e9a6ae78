"""How far receipts are in the tables: whoever wrote one waits here until the `record` agent has applied it."""

from __future__ import annotations

import asyncio
import heapq
from itertools import count


class AppliedOffsets:
    """The newest recorded offset of each partition that is ours, and who waits for which."""

    def __init__(self) -> None:
        self._newest: dict[int, int] = {}
        self._waiting: dict[int, list[tuple[int, int, asyncio.Future[None]]]] = {}
        self._order = count()

    def own(self, partition: int) -> None:
        """The partition is ours from now on."""
        self._newest.setdefault(partition, -1)

    def disown(self, partition: int) -> None:
        """The partition is no longer ours. Nobody has to wait for it, because its lanes are forgotten too."""
        self._newest.pop(partition, None)
        for _, _, future in self._waiting.pop(partition, []):
            if not future.done():
                future.set_result(None)

    def advance(self, partition: int, offset: int) -> None:
        """Everything up to and including `offset` is in the tables."""
        if partition not in self._newest:
            return
        self._newest[partition] = max(offset, self._newest[partition])
        waiting = self._waiting.get(partition, [])
        while waiting and waiting[0][0] <= offset:
            _, _, future = heapq.heappop(waiting)
            if not future.done():
                future.set_result(None)

    async def wait(self, partition: int, offset: int) -> None:
        """Return once `offset` is recorded, or the partition is not ours."""
        newest = self._newest.get(partition)
        if newest is None or newest >= offset:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting.setdefault(partition, []), (offset, next(self._order), future))
        await future
