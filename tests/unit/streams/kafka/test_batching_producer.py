"""The batching producer's promises, over a producer that a test controls."""

from __future__ import annotations

import asyncio
import gc
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from aiokafka.errors import KafkaError
from aiokafka.structs import RecordMetadata, TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from streams.kafka.batching_producer import (
    MOST_RECORDS,
    Batch,
    BatchingProducer,
    NotWritten,
    Record,
    RecordsRefused,
    RecordTooLarge,
    UnknownOffset,
)
from tests.deadlines import within

DEADLINE_SECONDS = within(60)


@dataclass(slots=True)
class FakeBatch:
    """Holds so many records, and none that is too big for any batch."""

    capacity: int
    values: list[bytes | None] = field(default_factory=list)

    def append(
        self,
        *,
        key: bytes | None,
        value: bytes | None,
        timestamp: int | None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> object:
        """None when full."""
        if len(self.values) >= self.capacity or value == b"too big":
            return None
        self.values.append(value)
        return object()

    def record_count(self) -> int:
        """How many records it holds."""
        return len(self.values)


class FakeProducer:
    """Follows the `Producer` protocol. With `is_manual` each batch waits until `acknowledge` or `refuse`."""

    max_record_bytes = 1_000_000

    def __init__(self, capacity: int = 10_000, *, is_manual: bool = False) -> None:
        self.capacity = capacity
        self.is_manual = is_manual
        self.logs: dict[tuple[str, int], list[bytes | None]] = defaultdict(list)
        self.batches: list[list[bytes | None]] = []
        self.refused: dict[bytes, Exception] = {}
        self.sent = asyncio.Event()
        self.waiting: asyncio.Queue[tuple[asyncio.Future[RecordMetadata], RecordMetadata]] = asyncio.Queue()

    def create_batch(self) -> FakeBatch:
        """A new batch."""
        if self.capacity == 0:
            raise RuntimeError("producer is closed")
        return FakeBatch(self.capacity)

    async def send_batch(
        self, batch: Batch, topic: str, *, partition: int, within: float
    ) -> asyncio.Future[RecordMetadata]:
        """Append to the log of the partition, or refuse."""
        assert isinstance(batch, FakeBatch)
        await asyncio.sleep(0)
        future: asyncio.Future[RecordMetadata] = asyncio.get_running_loop().create_future()
        self.batches.append(batch.values)
        for value in batch.values:
            if error := self.refused.get(value or b""):
                future.set_exception(error)
                return future
        log = self.logs[topic, partition]
        place = TopicPartition(topic, partition)
        metadata = RecordMetadata(topic, partition, place, len(log), None, 0, 0)
        log.extend(batch.values)
        if self.is_manual:
            await self.waiting.put((future, metadata))
            self.sent.set()
        else:
            future.set_result(metadata)
        return future

    async def has_sent(self) -> None:
        """Wait until a first batch is under way."""
        await asyncio.wait_for(self.sent.wait(), DEADLINE_SECONDS)

    async def acknowledge(self) -> None:
        """Let the oldest batch that is under way succeed."""
        future, metadata = await asyncio.wait_for(self.waiting.get(), DEADLINE_SECONDS)
        future.set_result(metadata)


def record(value: bytes | str, partition: int = 0, topic: str = "t") -> Record:
    """One record."""
    return Record(topic, partition, b"k", value.encode() if isinstance(value, str) else value)


@given(
    appends=st.lists(
        st.lists(st.tuples(st.sampled_from("tu"), st.integers(0, 2)), min_size=1, max_size=5), min_size=1, max_size=12
    ),
    capacity=st.integers(1, 4),
)
def test_each_record_stands_at_the_offset_that_was_returned_and_in_order(
    appends: list[list[tuple[str, int]]], capacity: int
) -> None:
    """Any number of concurrent appends to any partitions, with batches of any size."""

    async def run() -> tuple[FakeProducer, list[list[Record]], list[list[int]]]:
        producer = FakeProducer(capacity)
        batching_producer = BatchingProducer(producer)
        numbered = [
            [record(f"{number}.{part}", partition, topic) for part, (topic, partition) in enumerate(places)]
            for number, places in enumerate(appends)
        ]
        offsets = await asyncio.gather(*(batching_producer.produce(records) for records in numbered))
        return producer, numbered, offsets

    producer, numbered, offsets = asyncio.run(run())
    for records, at in zip(numbered, offsets, strict=True):
        assert [producer.logs[r.topic, r.partition][o] for r, o in zip(records, at, strict=True)] == [
            r.value for r in records
        ]
    for place, log in producer.logs.items():
        expected = [r.value for records in numbered for r in records if (r.topic, r.partition) == place]
        assert log == expected
    assert all(len(batch) <= capacity for batch in producer.batches)


async def test_nothing_appended_is_nothing_sent() -> None:
    """An empty append returns at once."""
    producer = FakeProducer()
    assert await BatchingProducer(producer).produce([]) == []
    assert producer.batches == []


async def test_appends_gather_while_one_is_under_way() -> None:
    """The first leaves at once; those that come meanwhile leave together."""
    producer = FakeProducer(is_manual=True)
    batching_producer = BatchingProducer(producer)
    first = asyncio.create_task(batching_producer.produce([record("a")]))
    await producer.has_sent()
    others = [asyncio.create_task(batching_producer.produce([record(name)])) for name in "bcd"]
    await asyncio.sleep(0)
    await producer.acknowledge()
    await producer.acknowledge()
    offsets = await asyncio.gather(first, *others)
    assert producer.batches == [[b"a"], [b"b", b"c", b"d"]]
    assert offsets == [[0], [1], [2], [3]]


async def test_one_partition_does_not_wait_for_another() -> None:
    """A slow leader delays its own partition only."""
    producer = FakeProducer(is_manual=True)
    batching_producer = BatchingProducer(producer)
    slow = asyncio.create_task(batching_producer.produce([record("slow", 0)]))
    await producer.has_sent()
    stuck, metadata = producer.waiting.get_nowait()
    quick = asyncio.create_task(batching_producer.produce([record("quick", 1)]))
    await producer.acknowledge()
    assert await asyncio.wait_for(quick, DEADLINE_SECONDS) == [0]
    assert not slow.done()
    stuck.set_result(metadata)
    assert await slow == [0]


async def test_an_error_reaches_the_appends_that_it_concerns_and_later_ones_go_on() -> None:
    """One batch fails; the others of the partition, before and after, are written."""
    producer = FakeProducer(capacity=1)
    producer.refused[b"bad"] = ConnectionError("not enough replicas")
    batching_producer = BatchingProducer(producer)
    results = await asyncio.gather(
        *(batching_producer.produce([record(name)]) for name in ("a", "bad", "c")), return_exceptions=True
    )
    later = await batching_producer.produce([record("d")])
    assert results == [[0], producer.refused[b"bad"], [1]]
    assert later == [2]


async def test_several_errors_of_one_append_leave_none_unread() -> None:
    """The first is raised; asyncio has no future to complain about."""
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
    producer = FakeProducer(capacity=1)
    producer.refused = {b"x": ConnectionError("first"), b"y": ConnectionError("second")}
    with pytest.raises(ConnectionError, match="first"):
        await BatchingProducer(producer).produce([record("x"), record("y")])
    gc.collect()  # asyncio complains of an unread error when its future goes
    assert complaints == []


async def test_a_producer_that_cannot_make_a_batch_fails_the_append_and_not_the_appender() -> None:
    """Nobody waits for ever, whatever raises."""
    producer = FakeProducer(capacity=0)
    batching_producer = BatchingProducer(producer)
    with pytest.raises(RuntimeError, match="closed"):
        await asyncio.wait_for(batching_producer.produce([record("a")]), DEADLINE_SECONDS)
    producer.capacity = 9
    assert await batching_producer.produce([record("b")]) == [0]


async def test_a_record_bigger_than_any_batch_is_an_error_that_names_its_topic() -> None:
    """Its neighbours are written."""
    producer = FakeProducer()
    batching_producer = BatchingProducer(producer)
    results = await asyncio.gather(
        *(batching_producer.produce([record(name, topic="ghl.receipts")]) for name in ("a", "too big", "c")),
        return_exceptions=True,
    )
    assert (results[0], results[2]) == ([0], [1])
    assert isinstance(results[1], RecordTooLarge)
    assert "ghl.receipts" in str(results[1])


@pytest.mark.parametrize(
    "error",
    [
        NotWritten("t", "away", in_doubt=True),
        UnknownOffset("t", "away", in_doubt=True),
        RecordTooLarge("t", 2, 1),
        RecordsRefused("t", "away", is_size=True),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_was_not_written_is_an_error_of_kafka(error: NotWritten) -> None:
    """Commands, the console and dispatchers expect those, and say one line or try again."""
    assert isinstance(error, KafkaError)
    assert str(error).startswith("Kafka did not acknowledge a record for t")


async def test_more_records_than_a_batch_may_hold_leave_in_several() -> None:
    """The number in one batch is bounded even when its bytes are not used up."""
    producer = FakeProducer(capacity=MOST_RECORDS * 2)
    offsets = await BatchingProducer(producer).produce([record(str(number)) for number in range(MOST_RECORDS + 1)])
    assert [len(batch) for batch in producer.batches] == [MOST_RECORDS, 1]
    assert offsets == list(range(MOST_RECORDS + 1))


@pytest.mark.parametrize("size", [1, 3])
async def test_a_waiter_that_is_cancelled_disturbs_no_other(size: int) -> None:
    """Its records are written all the same, and the offsets of the rest are right."""
    producer = FakeProducer(is_manual=True)
    batching_producer = BatchingProducer(producer)
    cancelled = asyncio.create_task(batching_producer.produce([record(f"x{number}") for number in range(size)]))
    stays = asyncio.create_task(batching_producer.produce([record("y")]))
    await producer.has_sent()
    cancelled.cancel()
    await asyncio.wait([cancelled])
    await producer.acknowledge()
    assert cancelled.cancelled()
    assert await asyncio.wait_for(stays, DEADLINE_SECONDS) == [size]
    assert producer.logs["t", 0][size] == b"y"


async def test_drain_waits_until_nothing_is_under_way() -> None:
    """Also for what nobody awaits."""
    producer = FakeProducer(is_manual=True)
    batching_producer = BatchingProducer(producer)
    loose = batching_producer.enqueue(record("a"))
    draining = asyncio.create_task(batching_producer.drain())
    await asyncio.sleep(0)
    assert not draining.done()
    await producer.acknowledge()
    await asyncio.wait_for(draining, DEADLINE_SECONDS)
    assert loose.result() == 0


def shrinking(*forms: str) -> Record:
    """A record that is refused for its size but in its last form."""
    [first, *others] = forms
    return Record("t", 0, b"k", first.encode(), instead=(lambda: shrinking(*others)) if others else None)


def refusal(*, is_size: bool) -> RecordsRefused:
    """Kafka's answer to a batch, for one of its records."""
    return RecordsRefused("t", "refused", is_size=is_size)


async def test_a_record_that_is_too_large_for_us_is_written_in_its_next_form_that_is_not() -> None:
    """Before anything is sent."""
    producer = FakeProducer()
    producer.max_record_bytes = 200
    await BatchingProducer(producer).produce([shrinking("x" * 5000, "y" * 500, "z")])
    assert (producer.logs["t", 0], len(producer.batches)) == ([b"z"], 1)


@pytest.mark.parametrize("place", [0, 1, 500, 998, 999])
async def test_one_that_kafka_refuses_for_its_size_is_written_smaller_among_the_others(place: int) -> None:
    """In its place, and the others do not leave one by one for it."""
    producer = FakeProducer()
    producer.refused = {b"big": refusal(is_size=True), b"less": refusal(is_size=True)}
    records = [record(str(number)) for number in range(1000)]
    records[place] = shrinking("big", "less", "small")
    offsets = await BatchingProducer(producer).produce(records)
    wanted = [str(number).encode() for number in range(1000)]
    wanted[place] = b"small"
    assert (offsets, producer.logs["t", 0]) == (list(range(1000)), wanted)
    assert len(producer.batches) < 100


async def test_one_that_has_no_smaller_form_fails_alone_and_says_so() -> None:
    """The others keep their order."""
    producer = FakeProducer()
    producer.refused = {b"big": refusal(is_size=True)}
    batching_producer = BatchingProducer(producer)
    waiting = [batching_producer.enqueue(one) for one in (record("a"), shrinking("big"), record("b"))]
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert (ended[0], type(ended[1]), ended[2]) == (0, RecordTooLarge, 1)
    assert producer.logs["t", 0] == [b"a", b"b"]


async def test_one_that_is_refused_for_another_reason_is_not_tried_smaller() -> None:
    """A smaller one would fare no better."""
    producer = FakeProducer()
    producer.refused = {b"odd": refusal(is_size=False)}
    with pytest.raises(RecordsRefused):
        await BatchingProducer(producer).produce([shrinking("odd", "small")])
    assert (producer.logs["t", 0], len(producer.batches)) == ([], 1)
