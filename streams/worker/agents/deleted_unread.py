"""Reports records that Kafka deleted before they were read: by retention, or by somebody's DeleteRecords.

Consumers go on with the first record that there is, and say nothing (aiokafka resets a position that is out of range to the
earliest). A deleted record is a change that is missing until a sweep finds it. So it is logged, counted, and put on the
topic `parked`, where it stays until a person has ordered a backfill and discards it.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field

from streams.messages import Parked, Stage
from streams.messages.parked import PASSED_OVER
from streams.worker.agents.gap_check import OffsetGap, TopicPartition
from streams.worker.output import Output

log = logging.getLogger("lofty_ghl.agents")


@dataclass(frozen=True, slots=True)
class Reach:
    """A group in a partition: its commit (None without any), the first record that is still there, and the next to come."""

    committed: int | None
    first: int
    end: int


def deleted_before(gap: OffsetGap, reach: Reach) -> tuple[int, int] | None:
    """The offsets (from, to) of a gap that Kafka had deleted before they were read; None for none."""
    begin, end = max(gap.expected, reach.committed or 0), min(gap.came, reach.first)
    return (begin, end) if begin < end else None


@dataclass(slots=True)
class DeletedUnread:
    """Reports each record once. `stages` names the stage that reads a topic; `count(topic, records)` counts them."""

    reach: Callable[[Collection[TopicPartition]], Awaitable[Mapping[TopicPartition, Reach]]]
    stages: dict[str, Stage]
    output: Output
    count: Callable[[str, int], None]
    _reported: dict[TopicPartition, int] = field(default_factory=dict)

    async def report_gaps(self, gaps: Collection[OffsetGap]) -> None:
        """Report what of these gaps was deleted. A compacted topic has many in a batch, so Kafka is asked once for all."""
        reaches = await self.reach({gap.topic_partition for gap in gaps})
        for gap in gaps:
            if (found := deleted_before(gap, reaches[gap.topic_partition])) is not None:
                await self._report(gap.topic_partition, *found)

    async def report_rest(self, topic_partitions: Collection[TopicPartition]) -> None:
        """Report what was deleted from partitions that hold nothing more to read: no record comes that would show it."""
        for topic_partition, reach in (await self.reach(topic_partitions)).items():
            if (committed := reach.committed or 0) < reach.first == reach.end:
                await self._report(topic_partition, committed, reach.first)

    async def _report(self, topic_partition: TopicPartition, begin: int, end: int) -> None:
        begin = max(begin, self._reported.get(topic_partition, 0))
        if begin >= end:
            return
        self._reported[topic_partition] = end
        topic, partition = topic_partition
        words = (
            f"Kafka had deleted the records {begin} to {end - 1} of {topic}/{partition} before they were read (retention, or "
            "DeleteRecords): their changes are missing until a sweep finds them. Order one with `lofty-ghl backfill CONNECTION`, then "
            f"discard this with `lofty-ghl parked discard --reason '{PASSED_OVER}'`"
        )
        log.error("%s", words)
        self.count(topic, end - begin)
        parked = Parked(
            stage=self.stages[topic],
            reason=PASSED_OVER,
            message=words,
            at_ms=self.output.now_ms(),
            source=f"{topic}/{partition}@{begin}",
        )
        await self.output.park(parked)
