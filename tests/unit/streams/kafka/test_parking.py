"""Parking always ends in a record that Kafka takes, and what is too large for a row stops nobody else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from streams.kafka.batching_producer import Record, RecordTooLarge
from streams.kafka.parking import Parking, bounded
from streams.messages import Parked
from streams.messages.size_limits import SHORTENED_BYTES
from streams.messages.topics import TopicNames

PARKED = Parked(stage="intake", reason="unknown shape", message="?", at_ms=1, source="POST", original="")


class Topic:
    """An appender whose topic takes so much, however large our own limit is."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.records: list[Record] = []

    async def produce(self, records: Any, **_: Any) -> list[int]:
        """Take them, or none."""
        taken: list[Record] = []
        for one in records:
            while one.size > self.most_bytes and one.instead is not None:
                one = one.instead()
            if one.size > self.most_bytes:
                raise RecordTooLarge(one.topic, one.size, 0)
            taken.append(one)
        self.records += taken
        return list(range(len(taken)))


@pytest.mark.parametrize(("size", "kept"), [(900_000, 900_000), (200_000, 200_000)])
async def test_an_original_is_kept_whole_where_the_topic_takes_it(size: int, kept: int) -> None:
    """As our own limits say."""
    topic = Topic(2_000_000)
    given = PARKED.model_copy(update={"original": Parked.encode(b"x" * size)})
    await topic.produce([Parking(TopicNames(), 4).record(given)])
    [record] = topic.records

    assert len(Parked.from_bytes(record.value).original_bytes()) == kept


async def test_where_the_topic_takes_less_the_original_is_shortened() -> None:
    """A topic that was made before the limits, or by others."""
    topic, counted = Topic(1_000_000), list[str]()
    parking = Parking(TopicNames(), 4, lambda _stage, reason: counted.append(reason))
    await topic.produce([parking.record(PARKED.model_copy(update={"original": Parked.encode(b"x" * 900_000)}))])
    [record] = topic.records
    parked = Parked.from_bytes(record.value)

    assert (len(parked.original_bytes()), parked.original_size) == (SHORTENED_BYTES, 900_000)
    assert counted == ["unknown shape"]


@pytest.mark.parametrize("most_bytes", [1_500, 3_000, 20_000, 100_000, 170_000, 180_000, 250_000])
@pytest.mark.parametrize("size", [0, 1, 1_000, 16_384, 120_000, 131_072, 131_073, 900_000, 2_000_000])
@pytest.mark.parametrize("many", [1, 2_000])
async def test_whatever_the_topic_takes_it_is_shortened_until_it_fits(most_bytes: int, size: int, many: int) -> None:
    """At last without the original, with short texts and names; its size is recorded, and its partition is that of the entity."""
    topic, parking = Topic(most_bytes), Parking(TopicNames(), 4)
    given = PARKED.model_copy(
        update={
            "original": Parked.encode(b"x" * size),
            "message": "w" * many,
            "entity": "e" * many,
            "source": "s" * many,
        }
    )
    await topic.produce([parking.record(given)])
    [record] = topic.records
    parked = Parked.from_bytes(record.value)

    assert record.partition == parking.record(given).partition
    assert len(parked.original_bytes()) <= size
    assert (parked.original_size or len(parked.original_bytes())) == size
    assert (parked.stage, parked.reason) == (given.stage, given.reason)


@pytest.mark.parametrize(("key", "value"), [(b"k", b"x" * 1001), (b"k" * 990, b"x" * 20), (b"k" * 900_000, None)])
async def test_what_is_too_large_for_a_row_is_parked_and_the_others_go_on(key: bytes, value: bytes | None) -> None:
    """Its key counts, too."""
    handed: list[Any] = []

    async def process(messages: list[Any]) -> None:
        handed.extend(messages)

    topic, parking = Topic(1_000_000), Parking(TopicNames(), 4)
    work = bounded(
        process,
        stage="deliver",
        most_bytes=1000,
        batching_producer=topic,  # type: ignore[arg-type]  # a stand-in
        parking=parking,
        now_ms=lambda: 5,
    )
    well = SimpleNamespace(topic="t", partition=0, offset=1, key=b"k", value=b"well")
    large = SimpleNamespace(topic="t", partition=0, offset=2, key=key, value=value)
    await work([large, well])
    await work([large])
    parked = [Parked.from_bytes(one.value) for one in topic.records]

    assert handed == [well]
    assert [one.source for one in parked] == ["t/0@2", "t/0@2"]
    assert {one.reason for one in parked} == {"unreadable"}
