"""A clock of the event loop that stands still while anything can be done, so that no test depends on the machine's speed.

With the fixture `virtual_time` a rest takes no time, and a deadline passes only when every task waits: never because the machine
is slow. It is for tests without sockets, threads and processes, whose answers the clock would not wait for. Whoever polls there
must rest for a while (`asyncio.sleep(0.001)`): with `sleep(0)` there is always something to be done, and the clock never goes on.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio


class VirtualClock:
    """Takes the place of an event loop's selector, where the loop says for how long it has nothing to do."""

    def __init__(self, selector: selectors.BaseSelector, now: float) -> None:
        self._selector = selector
        self._now = now

    def time(self) -> float:
        """In place of `loop.time`."""
        return self._now

    def select(self, timeout: float | None = None) -> list[Any]:
        """In place of the selector's: instead of waiting, the clock is put forward."""
        events = self._selector.select(0)
        if timeout is None and not events:
            pytest.fail("every task waits for something that never happens")
        if timeout and not events:
            self._now += timeout
        return events

    def __getattr__(self, name: str) -> Any:
        return getattr(self._selector, name)


@pytest_asyncio.fixture
async def virtual_time(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[VirtualClock]:
    """The running loop's clock for this test."""
    loop: Any = asyncio.get_running_loop()
    clock = VirtualClock(loop._selector, loop.time())
    with monkeypatch.context() as patch:
        patch.setattr(loop, "_selector", clock)
        patch.setattr(loop, "time", clock.time)
        yield clock
