"""Who is in the middle of a batch: a partition is given away only when nobody is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class InProgress:
    """Counts the agents that are working on a batch."""

    def __init__(self) -> None:
        self._working = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @contextmanager
    def working(self) -> Iterator[None]:
        """An agent has a batch in hand."""
        self._working += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._working -= 1
            if not self._working:
                self._idle.set()

    async def until_idle(self) -> None:
        """Wait until no agent has a batch in hand."""
        await self._idle.wait()
