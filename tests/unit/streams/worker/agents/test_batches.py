"""What an agent is given at a time, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

from mode.utils.queues import FlowControlEvent, ThrowableQueue

from streams.worker.agents.batches import WorkerStops, agent, batches
from streams.worker.agents.in_progress import InProgress
from tests.deadlines import within

GENERATION = 1


class FakeStream:
    """As much of a Faust stream as is asked for, on the very queue that Faust uses."""

    def __init__(self) -> None:
        self.queue = ThrowableQueue(flow_control=FlowControlEvent(initially_suspended=False))
        self.channel = SimpleNamespace(queue=self.queue)
        consumer = SimpleNamespace(track_message=lambda message: None)
        self.app = SimpleNamespace(consumer=consumer, consumer_generation_id=GENERATION)
        self.acked: list[Any] = []

    def put(self, *numbers: int, generation: int = GENERATION) -> None:
        for number in numbers:
            message = SimpleNamespace(offset=number, generation_id=generation, tracked=False)
            self.queue.put_nowait(SimpleNamespace(message=message))

    async def events(self) -> AsyncIterator[Any]:
        while True:
            try:
                yield await self.queue.get()
            except StopAsyncIteration:
                return

    async def ack(self, event: Any) -> None:
        self.acked.append(event.message.offset)


async def taken(stream: FakeStream) -> list[list[int]]:
    async with asyncio.timeout(within(60)):
        return [[one.message.offset async for one in _each(batch)] async for batch in batches(stream)]  # type: ignore[arg-type]  # a fake


async def _each(batch: list[Any]) -> AsyncIterator[Any]:
    for one in batch:
        yield one


async def test_what_has_gathered_comes_at_once_and_is_acknowledged_in_order() -> None:
    stream = FakeStream()
    stream.put(1, 2, 3)
    stream.put(4, generation=GENERATION - 1)  # fetched before the last rebalance: another may own it now
    turns = batches(stream)  # type: ignore[arg-type]  # a fake
    assert [one.message.offset for one in await anext(turns)] == [1, 2, 3]
    assert stream.acked == []
    stream.put(5)
    assert [one.message.offset for one in await anext(turns)] == [5]
    assert stream.acked == [1, 2, 3]


async def test_a_stop_in_the_middle_of_a_batch_ends_it_without_an_error() -> None:
    """Faust reports a stop through the queue. An error here would make it restart the agent, and wait for it for ever."""
    stream = FakeStream()
    stream.put(1, 2)

    class Stopping(ThrowableQueue):
        def get_nowait(self) -> Any:
            raise StopAsyncIteration

    stop = Stopping(flow_control=FlowControlEvent(initially_suspended=False))
    stop._queue = stream.queue._queue
    stream.channel.queue = stop
    assert await taken(stream) == []
    assert stream.acked == [], "what was taken is read again"


async def test_a_batch_that_its_worker_cannot_work_off_is_not_acknowledged() -> None:
    """Nobody ends the process for it: the worker stops, and the next one reads the batch again."""
    stream = FakeStream()
    stream.put(1, 2)
    ended: list[str] = []

    async def process(messages: list[Any]) -> None:
        raise WorkerStops

    async with asyncio.timeout(within(60)):
        await agent("dedupe", process, InProgress(), ended.append)(stream)  # type: ignore[arg-type]  # a fake
    assert (stream.acked, ended) == ([], [])
