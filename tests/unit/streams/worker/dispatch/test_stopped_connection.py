"""A connection whose work is stopped: what is in flight ends, nothing starts, and all others go on."""

from __future__ import annotations

import asyncio
import time

from streams.core.scheduling.dispatcher import BudgetPolicy, Item
from streams.worker.dispatch.loop import AGAIN, DispatchLoop, DispatchWork, RequestSlot, WorkResult
from tests.deadlines import within

POLICY = BudgetPolicy(1000, 10.0, 10)


class Work:
    """Work that waits until the test lets it end."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.may_end = asyncio.Event()
        self.loop = DispatchLoop("write", DispatchWork(self.perform), time.monotonic)
        self.loop.acquire("b", POLICY)

    async def perform(self, item: Item, slot: RequestSlot) -> WorkResult:
        """One item; it is to be done again."""
        self.begun.append(item.key)
        await self.may_end.wait()
        return AGAIN

    def offer(self, connection: str, name: str = "1") -> None:
        """Something of a connection is due."""
        self.loop.offer_item(Item(f"{connection}:{name}", f"{connection}:{name}", "b", connection))


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_what_is_in_flight_is_waited_for_and_nothing_more_starts() -> None:
    """Offers are refused until the connection goes on; those of others are taken."""
    work = Work()
    running = asyncio.create_task(work.loop.run())
    work.offer("acme")
    await settle()
    stopping = asyncio.create_task(work.loop.stop_connection("acme"))
    await settle()
    work.offer("acme", "2")
    work.offer("best")
    await settle()
    early = (stopping.done(), list(work.begun))
    work.may_end.set()
    await asyncio.wait_for(stopping, within(5))
    work.may_end.clear()
    await settle()
    after = set(work.begun)
    work.loop.start_connection("acme")
    work.offer("acme", "3")
    await settle()
    running.cancel()

    assert early == (False, ["acme:1", "best:1"])
    assert after == {"acme:1", "best:1"}
    assert work.begun[-1] == "acme:3"


async def test_a_hold_that_a_partition_brought_meanwhile_ends_with_the_stop() -> None:
    """A partition that is acquired during a take-over begins to read names for the old connection."""
    work = Work()
    await work.loop.stop_connection("acme")
    work.loop.hold_tenant("b", "acme")
    work.loop.start_connection("acme")
    assert not work.loop.core.is_held("b", "acme")
