"""Whoever wrote a receipt goes on when it is in the tables, or when the partition is another's."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from streams.worker.partitions.applied_offsets import AppliedOffsets


async def waiting(recorded: AppliedOffsets, partition: int, offset: int) -> asyncio.Task[None]:
    """A task that waits for the offset, or is done already."""
    task = asyncio.create_task(recorded.wait(partition, offset))
    await asyncio.sleep(0)
    return task


async def is_released(task: asyncio.Task[None]) -> bool:
    """Whether the task goes on within one turn of the loop. A test must not await it: it could only fail by hanging."""
    await asyncio.sleep(0)
    return task.done() and not task.cancelled()


async def test_a_receipt_is_waited_for_until_its_offset_is_recorded() -> None:
    """Not one offset earlier, and not for another partition."""
    recorded = AppliedOffsets()
    recorded.own(0)
    recorded.own(1)
    task = await waiting(recorded, 0, 5)
    recorded.advance(0, 4)
    recorded.advance(1, 9)
    assert not await is_released(task)
    recorded.advance(0, 5)
    assert await is_released(task)


async def test_what_is_recorded_already_is_not_waited_for() -> None:
    """The agent was quicker than the producer's answer."""
    recorded = AppliedOffsets()
    recorded.own(0)
    recorded.advance(0, 7)
    assert (await waiting(recorded, 0, 7)).done()


async def test_who_waits_for_a_partition_that_goes_is_let_go() -> None:
    """Its lanes are forgotten with it; nobody else could ever wake it."""
    recorded = AppliedOffsets()
    recorded.own(0)
    task = await waiting(recorded, 0, 5)
    assert not task.done()
    recorded.disown(0)
    assert await is_released(task)
    assert (await waiting(recorded, 0, 5)).done()


async def test_a_partition_that_comes_back_begins_anew() -> None:
    """What was recorded in its former life proves nothing, nor does what came late."""
    recorded = AppliedOffsets()
    recorded.own(0)
    recorded.advance(0, 9)
    recorded.disown(0)
    recorded.advance(0, 10)
    recorded.own(0)
    task = await waiting(recorded, 0, 5)
    assert not task.done()
    recorded.advance(0, 11)
    assert await is_released(task)


async def test_owning_twice_forgets_nothing() -> None:
    """After a rebalance that leaves us a partition, we are called for it again."""
    recorded = AppliedOffsets()
    recorded.own(0)
    recorded.advance(0, 9)
    recorded.own(0)
    assert (await waiting(recorded, 0, 9)).done()


async def test_an_older_batch_that_is_recorded_late_takes_nothing_back() -> None:
    """Offsets only grow."""
    recorded = AppliedOffsets()
    recorded.own(0)
    recorded.advance(0, 9)
    recorded.advance(0, 3)
    assert (await waiting(recorded, 0, 9)).done()


async def test_one_who_gave_up_does_not_stand_in_the_way() -> None:
    """A cancelled wait, with another behind it at the same offset."""
    recorded = AppliedOffsets()
    recorded.own(0)
    first, second = await waiting(recorded, 0, 5), await waiting(recorded, 0, 5)
    first.cancel()
    await asyncio.sleep(0)
    recorded.advance(0, 5)
    assert await is_released(second)
    assert first.cancelled()


@given(offsets=st.lists(st.integers(0, 20), min_size=1, max_size=12), reached=st.lists(st.integers(0, 20), max_size=8))
def test_exactly_those_up_to_the_newest_offset_go_on(offsets: list[int], reached: list[int]) -> None:
    """In whatever order they came and offsets are recorded."""

    async def run() -> list[bool]:
        recorded = AppliedOffsets()
        recorded.own(0)
        tasks = [await waiting(recorded, 0, offset) for offset in offsets]
        for offset in reached:
            recorded.advance(0, offset)
        await asyncio.sleep(0)
        done = [task.done() for task in tasks]
        recorded.disown(0)
        assert all([await is_released(task) for task in tasks])
        return done

    newest = max(reached, default=-1)
    assert asyncio.run(run()) == [offset <= newest for offset in offsets]
