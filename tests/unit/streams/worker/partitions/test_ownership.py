"""Gaining and losing partitions: nothing is done before the fence is read back, nothing is under way after letting go."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from streams.kafka.batching_producer import Record
from streams.messages import FENCE_KEY, Fence
from streams.worker.partitions.applied_offsets import AppliedOffsets
from streams.worker.partitions.ownership import Hooks, Ownership


class Log:
    """What happened, in order; and Kafka, which takes every record."""

    def __init__(self, newest_epoch: int = 0) -> None:
        self.events: list[Any] = []
        self.fences: list[Fence] = []
        self.recorded = AppliedOffsets()
        self.in_flight: asyncio.Event | None = None
        self.ownership = Ownership(
            "w1",
            "ghl.receipts",
            self,  # type: ignore[arg-type]  # it appends, which is all that is asked of an appender here
            self.recorded,
            lambda: 1000,
            Hooks(
                newest_epoch=lambda _: newest_epoch,
                acquired=lambda partition: self.events.append(("acquired", partition)),
                releasing=self._losing,
                released=lambda partitions: self.events.append(("released", partitions)),
                failed=lambda error: self.events.append(("failed", error)),
            ),
        )

    async def produce(self, records: Iterable[Record]) -> list[int]:
        """As Kafka would."""
        for record in records:
            assert record.key == FENCE_KEY
            self.fences.append(Fence.from_bytes(record.value))
        return [40 + len(self.fences)]

    async def _losing(self, partitions: set[int]) -> None:
        self.events.append(("releasing", partitions))
        if self.in_flight is not None:
            await self.in_flight.wait()


async def turns(number: int = 10) -> None:
    """Let everything run that can."""
    for _ in range(number):
        await asyncio.sleep(0)


async def test_a_gained_partition_is_ours_only_when_its_fence_is_read_back() -> None:
    """Until then a receipt of its former owner may not be in the tables."""
    log = Log()
    await log.ownership.assign({3})
    await turns()
    assert [fence.worker for fence in log.fences] == ["w1"]
    log.recorded.advance(3, 40)
    await turns()
    assert log.events == []
    assert not log.ownership.is_ready
    log.recorded.advance(3, 41)
    await turns()
    assert log.events == [("acquired", 3)]
    assert log.ownership.is_ready


async def test_each_owner_has_a_greater_epoch_than_any_before_it() -> None:
    """Even when its clock is behind the former owner's."""
    log = Log(newest_epoch=5000)
    await log.ownership.assign({3})
    await turns()
    assert log.ownership.epoch(3) == 5001
    assert log.fences[0].epoch == 5001


async def test_letting_go_waits_for_what_is_in_flight() -> None:
    """Only then are the tables given away."""
    log = Log()
    await log.ownership.assign({3})
    await turns()
    log.recorded.advance(3, 41)
    await turns()
    log.in_flight = asyncio.Event()
    release = asyncio.create_task(log.ownership.release({3}))
    await turns()
    assert not log.ownership.is_ready
    assert log.events == [("acquired", 3), ("releasing", {3})]
    log.in_flight.set()
    await release
    assert log.events[-1] == ("released", {3})


async def test_a_partition_lost_before_its_fence_was_read_never_was_ours() -> None:
    """Rebalances follow each other."""
    log = Log()
    await log.ownership.assign({3})
    await turns()
    await log.ownership.release({3})
    log.recorded.own(3)
    log.recorded.advance(3, 99)
    await turns()
    assert ("acquired", 3) not in log.events


async def test_a_partition_that_comes_back_gets_a_fence_of_its_own() -> None:
    """Somebody else may have written there in between."""
    log = Log()
    await log.ownership.assign({3})
    await turns()
    log.recorded.advance(3, 41)
    await log.ownership.release({3})
    await log.ownership.assign({3})
    await turns()
    assert len(log.fences) == 2


async def test_what_we_own_already_stays_as_it_is() -> None:
    """Faust may report one rebalance twice."""
    log = Log()
    await log.ownership.assign({3})
    await log.ownership.assign({3, 4})
    await turns()
    assert len(log.fences) == 2


async def test_a_partition_that_is_not_among_the_assigned_any_more_is_let_go() -> None:
    """Even when nobody reported that it was taken away; its old fence opens nothing when it comes back."""
    log = Log()
    await log.ownership.assign({3, 4})
    await turns()
    await log.ownership.assign({3})
    await turns()
    assert ("released", {4}) in log.events
    await log.ownership.assign({3, 4})
    await turns()
    log.recorded.advance(4, 41)
    log.recorded.advance(4, 42)
    await turns()
    assert ("acquired", 4) not in log.events
    log.recorded.advance(4, 43)
    await turns()
    assert log.events[-1] == ("acquired", 4)
