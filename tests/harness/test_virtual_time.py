"""The virtual clock: rests are free, and what waits too long is found at once, whatever the machine is doing."""

from __future__ import annotations

import asyncio
import selectors
import time

import pytest

from tests.deadlines import within
from tests.harness.virtual_time import VirtualClock


@pytest.mark.usefixtures("virtual_time")
async def test_a_rest_takes_no_time_and_has_its_length() -> None:
    """By the loop's clock an hour has passed."""
    loop, began = asyncio.get_running_loop(), time.monotonic()
    before = loop.time()
    await asyncio.sleep(3600)
    assert loop.time() - before == pytest.approx(3600)
    assert time.monotonic() - began < within(60)


@pytest.mark.usefixtures("virtual_time")
async def test_what_is_busy_never_runs_into_a_deadline() -> None:
    """A stall of the machine is no time; the rests alone count, the shorter first."""
    order: list[str] = []

    async def rest(seconds: float, name: str) -> None:
        await asyncio.sleep(seconds)
        order.append(name)

    async with asyncio.timeout(0.01):
        time.sleep(0.05)  # noqa: ASYNC251  # the machine stalls
        await asyncio.gather(rest(0.003, "third"), rest(0.001, "first"), rest(0.002, "second"))
    assert order == ["first", "second", "third"]


@pytest.mark.usefixtures("virtual_time")
async def test_a_deadline_ends_what_hangs() -> None:
    """In its order among the other rests."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(within(3600)):
            await asyncio.Event().wait()


def test_what_nothing_ends_fails_at_once() -> None:
    """No clock can bring it to an end."""
    with selectors.DefaultSelector() as selector:
        clock = VirtualClock(selector, 0.0)
        with pytest.raises(pytest.fail.Exception, match="every task waits for something that never happens"):
            clock.select(None)
