"""Which partitions this worker owns, and from when on it may act for them.

**Gaining.** After Faust has recovered the tables, a *fence* is written into the partition of receipts, and nothing is done
there until our own `record` agent has read it back: then every receipt written before, by anyone, is in the tables.
The *epoch* grows with each owner; receipts and rows contain it.

**Losing.** No more requests start. Those in flight end, and their receipts are written. The current batches are finished, and the
budgets write their last usage. Only then does the worker release the partition to Kafka.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from streams.kafka.batching_producer import BatchingProducer, Record
from streams.messages.fence import FENCE_KEY, Fence
from streams.worker.partitions.applied_offsets import AppliedOffsets

log = logging.getLogger("lofty_ghl.ownership")


@dataclass(frozen=True, slots=True)
class Hooks:
    """What happens at each turn. `newest_epoch` is the greatest that the tables know of a partition.

    `acquired` may act for a partition from now on, `releasing` returns once nothing is under way for these, `released` lets them go.
    `failed` is called with an error that leaves a partition without its fence.
    """

    newest_epoch: Callable[[int], int]
    acquired: Callable[[int], None]
    releasing: Callable[[set[int]], Awaitable[None]]
    released: Callable[[set[int]], None]
    failed: Callable[[BaseException], None]


class Ownership:
    """The partitions of this worker. `worker` names the process in its fences."""

    def __init__(
        self,
        worker: str,
        receipts_topic: str,
        batching_producer: BatchingProducer,
        applied_offsets: AppliedOffsets,
        now_ms: Callable[[], int],
        hooks: Hooks,
    ) -> None:
        self._worker = worker
        self._receipts_topic = receipts_topic
        self._batching_producer = batching_producer
        self._applied_offsets = applied_offsets
        self._now_ms = now_ms
        self._hooks = hooks
        self._epochs: dict[int, int] = {}
        self._fencing: dict[int, asyncio.Task[None]] = {}
        self.assigned: set[int] = set()
        self.fenced: set[int] = set()
        self.releases = 0
        """Grows with each release: whoever waited for something knows by it that partitions went meanwhile."""

    @property
    def is_ready(self) -> bool:
        """Partitions are assigned, and all of them are ours to act for."""
        return bool(self.assigned) and self.fenced == self.assigned

    def epoch(self, partition: int) -> int:
        """Our epoch as the owner of a partition, also for a while after we lost it; 0 for one that never was ours."""
        return self._epochs.get(partition, 0)

    async def assign(self, partitions: set[int]) -> None:
        """Kafka gave us these and no others, and their tables are recovered. What we own already stays as it is."""
        if gone := self.assigned - partitions:
            await self.release(gone)
        acquired = partitions - self.assigned
        self.assigned |= acquired
        for partition in acquired:
            self._applied_offsets.own(partition)
            self._epochs[partition] = max(self._now_ms(), self._hooks.newest_epoch(partition) + 1)
            task = asyncio.create_task(self._fence(partition), name=f"fence {partition}")
            self._fencing[partition] = task
            task.add_done_callback(self._fence_ended)

    async def release(self, partitions: set[int]) -> None:
        """Kafka takes these away: returns once nothing is under way for them."""
        self.releases += 1
        leaving = partitions & self.assigned
        self.assigned -= leaving
        self.fenced -= leaving
        for partition in leaving:
            self._applied_offsets.disown(partition)
            if task := self._fencing.pop(partition, None):
                task.cancel()
        await self._hooks.releasing(leaving)
        self._hooks.released(leaving)

    async def _fence(self, partition: int) -> None:
        epoch = self._epochs[partition]
        fence = Fence(worker=self._worker, epoch=epoch, at_ms=self._now_ms())
        record = Record(self._receipts_topic, partition, FENCE_KEY, fence.to_bytes())
        [offset] = await self._batching_producer.produce([record])
        await self._applied_offsets.wait(partition, offset)
        if partition in self.assigned and self._epochs[partition] == epoch:
            self.fenced.add(partition)
            self._hooks.acquired(partition)
            log.info("partition %d is ours since offset %d of %s", partition, offset, self._receipts_topic)

    def _fence_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._hooks.failed(error)
