"""Sees to it that a consumer skips nothing: what Faust hands to an agent must continue at the committed offset.

Faust reads ahead, drops what it holds when partitions come and go, and seeks back. When that seek is missed, records are
neither processed nor read again, and the next commit passes them in silence.
In a topic that is not compacted offsets have no holes, so a hole in what an agent is given is a record that was skipped.
"""

from __future__ import annotations

from dataclasses import dataclass, field

TopicPartition = tuple[str, int]
"""A topic and a partition."""


@dataclass(frozen=True, slots=True)
class OffsetGap:
    """Records of a partition that were skipped: from `expected` up to, and without, `came`."""

    topic_partition: TopicPartition
    expected: int
    came: int

    def __str__(self) -> str:
        topic, partition = self.topic_partition
        return f"{self.came - self.expected} records of {topic}/{partition} from offset {self.expected} on"


@dataclass(slots=True)
class GapCheck:
    """What each partition goes on with, by the generation of the consumer group.

    In a new generation a partition begins where the group's commit stands, which only Kafka knows: its first record is a hole
    to ask about, unless it is offset 0.
    """

    _next: dict[TopicPartition, tuple[int, int]] = field(default_factory=dict)

    def check(self, topic_partition: TopicPartition, generation: int, offset: int) -> OffsetGap | None:
        """Note a record that comes. Returns what seems to be missing before it."""
        known = self._next.get(topic_partition)
        expected = known[1] if known is not None and known[0] == generation else 0
        self._next[topic_partition] = (generation, max(offset + 1, expected))
        return OffsetGap(topic_partition, expected, offset) if offset > expected else None
