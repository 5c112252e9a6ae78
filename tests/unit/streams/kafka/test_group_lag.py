"""How far a group is takes one question for all partitions, however many there are."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from types import SimpleNamespace

from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata

from streams.kafka.clients import Consumer
from streams.kafka.group_lag import GroupLag
from streams.settings import Settings


class _Group(Consumer):
    """A group that has committed 7 in partition 0 of each topic, and nothing elsewhere."""

    def __init__(self) -> None:
        super().__init__(bootstrap_servers="127.0.0.1:1", group_id="g")
        self.asked, self._closed = 0, True  # for its destructor: it was never started
        self._coordinator = SimpleNamespace(fetch_committed_offsets=self._committed)

    async def _committed(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, OffsetAndMetadata]:
        self.asked += 1
        return {one: OffsetAndMetadata(7, "") for one in partitions if one.partition == 0}

    def assign(self, partitions: object) -> None:
        return

    async def beginning_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 3)

    async def end_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 9)


def _lag_of(group: _Group) -> GroupLag:
    lag = GroupLag(Settings.model_construct(), "g")

    async def started() -> Consumer:
        return group

    lag._started = started  # type: ignore[method-assign]  # no Kafka here
    return lag


PLACES = [(topic, partition) for topic in ("a", "b") for partition in (0, 1)]


async def test_what_was_committed_is_asked_once_for_all_partitions() -> None:
    group = _Group()
    found = await _lag_of(group).committed_and_end(PLACES)
    assert found == {place: (3 if place[1] else 7, 9) for place in PLACES}
    assert group.asked == 1


async def test_a_partition_without_a_commit_has_none() -> None:
    group = _Group()
    found = await _lag_of(group).reach(PLACES)
    assert found == {place: (None if place[1] else 7, 3, 9) for place in PLACES}
    assert group.asked == 1
