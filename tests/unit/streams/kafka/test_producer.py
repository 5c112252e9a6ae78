"""The producer over a broker that loses requests and answers, delays them, and refuses: what it checks is Kafka's own check."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import errors
from aiokafka.client import ConnectionGroup
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.structs import TopicPartition

from streams.kafka import producer as module
from streams.kafka.batching_producer import BatchingProducer, NotWritten, Record, RecordTooLarge
from streams.kafka.producer import KafkaProducer

pytestmark = pytest.mark.usefixtures("virtual_time")

DEADLINE_SECONDS = 20.0
"""By the virtual clock."""


@dataclass(slots=True)
class Log:
    """One partition as a broker keeps it: values, and what it knows of a producer."""

    values: list[bytes] = field(default_factory=list)
    identity: tuple[int, int] = (-1, -1)
    next_sequence: int = 0
    last: tuple[int, int] = (-1, -1)

    def take(self, data: bytes) -> tuple[int, int]:
        """(error code, offset), as Kafka answers."""
        batch = DefaultRecordBatch(data)
        assert batch.validate_crc()
        values = [record.value for record in batch]
        if any(value == b"too large" for value in values):
            return errors.MessageSizeTooLargeError.errno, -1
        identity, sequence = (batch.producer_id, batch.producer_epoch), batch.base_sequence
        if identity[0] == self.identity[0]:
            if identity[1] < self.identity[1]:
                return errors.InvalidProducerEpoch.errno, -1
            if identity == self.identity and sequence == self.last[0]:
                return 0, self.last[1]
            expected = self.next_sequence if identity == self.identity else 0
            if sequence != expected:
                return errors.OutOfOrderSequenceNumber.errno, -1
        offset = len(self.values)
        self.values += values
        self.identity, self.last, self.next_sequence = identity, (sequence, offset), sequence + len(values)
        return 0, offset


@dataclass(frozen=True, slots=True)
class Appended:
    """The leader has appended a batch, and then answers an error: it leads no more, or the others were too slow."""

    code: int


class Broker:
    """Stands for aiokafka's client and the broker behind it. `fate` says what becomes of each request to write.

    `well` | `lost` (never came) | `unanswered` (it came) | `late` (comes with a later one) | `silent`
    | an error's class or code (nothing is appended) | `Appended(code)` (and the answer is an error all the same)
    """

    def __init__(self) -> None:
        self.leader = 0
        self._conns: dict[Any, Any] = {}
        self.logs: dict[TopicPartition, Log] = {}
        self.fates: Iterator[Any] = iter(())
        self.late: list[tuple[TopicPartition, bytes]] = []
        self.producer_ids = 0
        self.requests = 0
        self.answers_metadata = True
        self.latency: Callable[[], float] = lambda: 0.0
        self.cluster = SimpleNamespace(leader_for_partition=lambda place: self.leader)

    async def bootstrap(self) -> None:
        """Always there."""

    async def close(self) -> None:
        """Nothing to close."""

    def get_random_node(self) -> int:
        """The only one."""
        return 0

    def add_topic(self, topic: str) -> None:
        """All are known."""

    def force_metadata_update(self) -> asyncio.Future[bool]:
        """Whether it answers."""
        answered: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        answered.set_result(self.answers_metadata)
        return answered

    async def send(self, node: int, request: Any) -> Any:
        """One request."""
        await asyncio.sleep(self.latency())
        if type(request).__name__ == "InitProducerIdRequest":
            self.producer_ids += 1
            return SimpleNamespace(error_code=0, producer_id=self.producer_ids, producer_epoch=0)
        self.requests += 1
        batches = [(TopicPartition(topic, number), data) for topic, some in request._topics for number, data in some]
        fate = next(self.fates, "well")
        if fate == "silent":
            await asyncio.Event().wait()
        if fate == "lost":
            raise errors.NodeNotReadyError
        if fate == "late":
            self.late += batches
            raise errors.RequestTimedOutError
        if isinstance(fate, type | int):
            answers = {place: (fate if isinstance(fate, int) else fate.errno, -1) for place, _ in batches}
        elif isinstance(fate, Appended):
            for place, data in batches:
                self.logs.setdefault(place, Log()).take(data)
            answers = {place: (fate.code, -1) for place, _ in batches}
        else:
            answers = {place: self.logs.setdefault(place, Log()).take(data) for place, data in batches}
        # What lay in the network comes just behind what was sent later.
        for place, data in self.late:
            self.logs.setdefault(place, Log()).take(data)
        self.late = []
        if fate == "unanswered":
            raise errors.KafkaConnectionError
        topics: dict[str, list[tuple[int, int, int, int]]] = {}
        for place, (code, offset) in answers.items():
            topics.setdefault(place.topic, []).append((place.partition, code, offset, -1))
        return SimpleNamespace(topics=list(topics.items()))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rests of milliseconds."""
    monkeypatch.setattr(module, "LEAST_BACKOFF_SECONDS", 0.0005)
    monkeypatch.setattr(module, "MOST_BACKOFF_SECONDS", 0.002)
    monkeypatch.setattr(module, "PROBE_SECONDS", 0.005)


async def started(*fates: Any, delivery_seconds: float = 10.0) -> tuple[BatchingProducer, Broker, KafkaProducer]:
    """An appender over a producer over such a broker."""
    broker = Broker()
    broker.fates = iter(fates)
    made = KafkaProducer({"bootstrap_servers": "unused:1"}, 100_000)
    made.client = broker
    await made.start()
    return BatchingProducer(made, delivery_seconds=delivery_seconds), broker, made


def record(value: str, partition: int = 0) -> Record:
    """One record."""
    return Record("t", partition, b"k", value.encode())


@pytest.mark.parametrize("seed", range(25))
async def test_whatever_becomes_of_requests_what_is_acknowledged_stands_once_and_in_order(seed: int) -> None:
    """And what is in doubt never stands behind what was acknowledged later."""
    dice = random.Random(seed)
    kinds = ["well", "lost", "unanswered", "late", errors.NotEnoughReplicasError, errors.NotLeaderForPartitionError]
    weights = [dice.uniform(0.2, 3.0), *(dice.uniform(0, 1.5) for _ in kinds[1:])]
    fates = dice.choices(kinds, weights, k=400)
    batching_producer, broker, made = await started(*fates, delivery_seconds=dice.choice([0.002, 0.005, 0.02]))
    broker.latency = lambda: dice.choice([0.0, 0.0005, 0.003])  # the time of some ends while a request is out
    done: dict[str, int] = {}
    doubtful: set[str] = set()
    order: list[str] = []

    async def append(name: str) -> None:
        try:
            [done[name]] = await batching_producer.produce([record(name)])
            order.append(name)
        except NotWritten as error:
            (doubtful if error.in_doubt else set()).add(name)

    for number in range(40):
        await asyncio.wait_for(
            asyncio.gather(*(append(f"{number}.{part}") for part in range(dice.randint(1, 3)))), DEADLINE_SECONDS
        )
    broker.fates, broker.latency = iter(()), lambda: 0.0
    await append("settles")
    await asyncio.sleep(1)  # the last request of those before, and the rest after it, are over
    await append("ends")
    values = [value.decode() for value in broker.logs[TopicPartition("t", 0)].values]
    await made.stop()

    for name, offset in done.items():
        assert values[offset] == name
        assert values.count(name) == 1
    assert sorted(done.values()) == [done[name] for name in order]
    # Appended in turns: what stands behind an acknowledged one is of its own turn, or of a later one.
    turns = {name: int(name.partition(".")[0]) if name[0].isdigit() else 40 for name in values}
    for name, offset in done.items():
        assert all(turns[other] >= turns[name] for other in values[offset:])
    assert "ends" in done
    assert set(values) <= set(done) | doubtful


async def test_a_batch_follows_its_leader_when_the_former_one_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has taken the request and says nothing: as soon as another leads, that gets it; the connection is given up."""
    monkeypatch.setattr(module, "MOVED_SECONDS", 0.005)
    batching_producer, broker, made = await started("silent")
    closed: list[object] = []
    broker._conns[(0, ConnectionGroup.DEFAULT)] = SimpleNamespace(close=lambda reason: closed.append(reason))
    waiting = asyncio.create_task(batching_producer.produce([record("one")]))
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not broker.requests:
            await asyncio.sleep(0.001)
    broker.leader = 1
    offsets = await asyncio.wait_for(waiting, DEADLINE_SECONDS)
    again = await asyncio.wait_for(batching_producer.produce([record("two")]), DEADLINE_SECONDS)
    await made.stop()

    assert [*offsets, *again] == [0, 1]
    assert [value.decode() for value in broker.logs[TopicPartition("t", 0)].values] == ["one", "two"]
    assert len(closed) == 1


PRODUCER_FENCED = 90
UNKNOWN_SERVER_ERROR = -1

BEFORE_APPENDING = [
    errors.NotEnoughReplicasError.errno,
    errors.CorruptRecordException.errno,
]
MAY_HAVE_APPENDED = [
    errors.NotLeaderForPartitionError.errno,
    errors.LeaderNotAvailableError.errno,
    errors.UnknownTopicOrPartitionError.errno,
    errors.NotEnoughReplicasAfterAppendError.errno,
    errors.KafkaStorageError.errno,
    errors.RequestTimedOutError.errno,
    UNKNOWN_SERVER_ERROR,
]
IDENTITY_IS_LOST = {
    errors.OutOfOrderSequenceNumber.errno: "epoch",
    errors.UnknownProducerId.errno: "epoch",
    errors.InvalidProducerEpoch.errno: "id",
    errors.InvalidProducerIdMapping.errno: "id",
    PRODUCER_FENCED: "id",
}


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("code", [*BEFORE_APPENDING, *MAY_HAVE_APPENDED, *IDENTITY_IS_LOST])
async def test_what_can_be_tried_again_is_and_nobody_hears_of_it(code: int, times: int) -> None:
    """Each answer of Kafka that another attempt can change: written once, and what came later stands behind it."""
    batching_producer, broker, made = await started("well", *[code] * times)
    replaced: list[str] = []
    made.replaced = replaced.append
    names = ["before", "a", "b", "c"]
    offsets = [
        await asyncio.wait_for(batching_producer.produce([record(name)]), DEADLINE_SECONDS) for name in names[:2]
    ]
    offsets += await asyncio.wait_for(
        asyncio.gather(*(batching_producer.produce([record(n)]) for n in names[2:])), DEADLINE_SECONDS
    )
    values = [value.decode() for value in broker.logs[TopicPartition("t", 0)].values]
    ids, trouble = broker.producer_ids, made.trouble
    await made.stop()

    assert (values, offsets, trouble) == (names, [[0], [1], [2], [3]], None)
    assert replaced == (["refused"] * times if code in IDENTITY_IS_LOST else [])
    assert ids == 1 + (times if IDENTITY_IS_LOST.get(code) == "id" else 0)


@pytest.mark.parametrize("code", MAY_HAVE_APPENDED)
async def test_what_was_appended_and_answered_with_an_error_is_found_again(code: int) -> None:
    """The next attempt is a repeat, and the next leader knows it: once, with its offset."""
    batching_producer, broker, made = await started("well", Appended(code))
    offsets = [await asyncio.wait_for(batching_producer.produce([record(name)]), DEADLINE_SECONDS) for name in "abc"]
    values = broker.logs[TopicPartition("t", 0)].values
    await made.stop()

    assert (offsets, values) == ([[0], [1], [2]], [b"a", b"b", b"c"])


@pytest.mark.parametrize("code", MAY_HAVE_APPENDED)
async def test_what_was_appended_and_given_up_does_not_swallow_the_next(code: int) -> None:
    """With the same numbers Kafka would take the next batch for a repeat of it, and say that it has it."""
    batching_producer, broker, made = await started("well", Appended(code), *["lost"] * 1000, delivery_seconds=0.05)
    await batching_producer.produce([record("before")])
    with pytest.raises(NotWritten) as failure:
        await asyncio.wait_for(batching_producer.produce([record("given up")]), DEADLINE_SECONDS)
    broker.fates = iter(())
    offsets = await asyncio.wait_for(BatchingProducer(made).produce([record("next")]), DEADLINE_SECONDS)
    values = broker.logs[TopicPartition("t", 0)].values
    await made.stop()

    assert failure.value.in_doubt
    assert (offsets, values) == ([2], [b"before", b"given up", b"next"])


@pytest.mark.parametrize("code", BEFORE_APPENDING)
async def test_what_kafka_never_appended_is_not_in_doubt(code: int) -> None:
    """Nobody has to look for it, and it uses up nothing. Its time ends in a rest, when no request is on its way."""
    batching_producer, broker, made = await started("well", *[code] * 1000, delivery_seconds=0.05)
    await batching_producer.produce([record("before")])
    with pytest.raises(NotWritten) as failure:
        await asyncio.wait_for(batching_producer.produce([record("given up")]), DEADLINE_SECONDS)
    broker.fates = iter(())
    await asyncio.wait_for(BatchingProducer(made).produce([record("next")]), DEADLINE_SECONDS)
    values = broker.logs[TopicPartition("t", 0)].values
    await made.stop()

    assert not failure.value.in_doubt
    assert values == [b"before", b"next"]


async def test_a_kafka_that_answers_and_takes_nothing_is_believed_less_and_less_soon() -> None:
    """Otherwise a gateway would say every two seconds that it is ready; how long nothing was acknowledged counts from the beginning."""
    batching_producer, _, made = await started(*[errors.TopicAuthorizationFailedError] * 4)
    first_at = asyncio.get_running_loop().time()
    believed, told = [], []
    for _ in range(4):
        with pytest.raises(NotWritten):
            await batching_producer.produce([record("a")])
        trouble = made.trouble
        assert trouble is not None
        assert trouble.seconds == pytest.approx(asyncio.get_running_loop().time() - first_at, abs=1e-6)
        told.append(trouble.seconds)
        async with asyncio.timeout(DEADLINE_SECONDS):
            while made.trouble is not None:
                await asyncio.sleep(0.001)
        believed.append(made._believed)
    await batching_producer.produce([record("a")])
    after = made._believed
    await made.stop()

    assert (believed, after) == ([1, 2, 3, 4], 0)
    gaps = [later - earlier for earlier, later in itertools.pairwise(told)]
    assert gaps == sorted(gaps)
    assert gaps[-1] > 3 * gaps[0]


async def test_a_batch_without_an_answer_fails_in_doubt_when_its_time_is_over() -> None:
    """It never hangs."""
    batching_producer, _, made = await started("silent", delivery_seconds=0.02)
    with pytest.raises(NotWritten) as failure:
        await asyncio.wait_for(batching_producer.produce([record("a")]), DEADLINE_SECONDS)
    await made.stop()

    assert failure.value.in_doubt


async def test_what_was_never_sent_is_not_in_doubt() -> None:
    """Nobody has to look for it. Its time ends at rest: while a request is out, whether it was sent is not known."""
    batching_producer, broker, made = await started(*["lost"] * 1000, delivery_seconds=0.05)
    with pytest.raises(NotWritten) as failure:
        await asyncio.wait_for(batching_producer.produce([record("a")]), DEADLINE_SECONDS)
    await made.stop()

    assert not failure.value.in_doubt
    assert broker.logs == {}


async def test_a_batch_whose_time_is_over_before_it_has_an_identity_is_not_sent_any_more() -> None:
    """It was reported as not in doubt, and the next batch has its sequence number: Kafka would take that for a repeat."""
    batching_producer, broker, made = await started(delivery_seconds=0.02)
    place, given = TopicPartition("t", 0), asyncio.Event()
    made._identities[place] = module._Identity(None)
    send = broker.send

    async def late(node: int, request: Any) -> Any:
        if type(request).__name__ == "InitProducerIdRequest":
            await given.wait()
        return await send(node, request)

    broker.send = late  # type: ignore[method-assign]  # this broker's alone
    with pytest.raises(NotWritten) as failure:
        await asyncio.wait_for(batching_producer.produce([record("over")]), DEADLINE_SECONDS)
    following = asyncio.create_task(BatchingProducer(made, delivery_seconds=DEADLINE_SECONDS).produce([record("next")]))
    await asyncio.sleep(0)
    given.set()
    offsets = await asyncio.wait_for(following, DEADLINE_SECONDS)
    values = broker.logs[place].values
    await made.stop()

    assert not failure.value.in_doubt
    assert (offsets, values) == ([0], [b"next"])


async def test_what_is_under_way_when_the_producer_stops_is_in_doubt() -> None:
    """Kafka may have it."""
    batching_producer, broker, made = await started("silent")
    waiting = asyncio.create_task(batching_producer.produce([record("a")]))
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not broker.requests:
            await asyncio.sleep(0.001)
    await made.stop()
    with pytest.raises(NotWritten) as failure:
        await asyncio.wait_for(waiting, DEADLINE_SECONDS)

    assert failure.value.in_doubt


async def test_a_request_that_fails_in_an_unknown_way_is_sent_again() -> None:
    """A defect beneath us costs no record, and none waits until its time is over."""
    batching_producer, broker, made = await started()
    send, failures = broker.send, iter([AssertionError("beneath"), ValueError("beneath")])

    async def broken(node: int, request: Any) -> Any:
        for failure in failures:
            raise failure
        return await send(node, request)

    broker.send = broken  # type: ignore[method-assign]  # this broker's alone
    offsets = await asyncio.wait_for(batching_producer.produce([record("a")]), DEADLINE_SECONDS)
    values = broker.logs[TopicPartition("t", 0)].values
    await made.stop()

    assert (offsets, values) == ([0], [b"a"])


@pytest.mark.parametrize("place", range(5))
async def test_a_record_that_kafka_finds_too_large_fails_alone(place: int) -> None:
    """Wherever in its batch it stands; no sequence number is used up."""
    batching_producer, broker, made = await started()
    await batching_producer.produce([record("first")])
    names = ["a", "b", "c", "d"]
    names.insert(place, "too large")
    results = await asyncio.gather(
        *(batching_producer.produce([record(name)]) for name in names), return_exceptions=True
    )
    after = await batching_producer.produce([record("after")])
    values = [value.decode() for value in broker.logs[TopicPartition("t", 0)].values]
    await made.stop()

    assert [type(one) for one in results].count(RecordTooLarge) == 1
    assert isinstance(results[place], RecordTooLarge)
    assert values == ["first", "a", "b", "c", "d", "after"]
    assert after == [5]


@pytest.mark.parametrize("error", [errors.TopicAuthorizationFailedError, errors.PolicyViolationError])
async def test_what_only_a_person_can_change_fails_at_once_and_the_next_is_tried(error: type[Exception]) -> None:
    """A partition of another topic is not concerned, and neither is the next record."""
    batching_producer, _, made = await started(error)
    with pytest.raises(NotWritten) as failure:
        await batching_producer.produce([record("a")])
    trouble = made.trouble
    after = await batching_producer.produce([record("b")])
    trouble_after = made.trouble
    await made.stop()

    assert not failure.value.in_doubt
    assert trouble is not None
    assert (after, trouble_after) == ([0], None)


async def test_trouble_ends_by_itself_when_kafka_answers_although_nothing_is_appended() -> None:
    """Who is not ready is not asked: it would wait for ever to be well."""
    batching_producer, broker, made = await started("silent", delivery_seconds=0.01)
    broker.answers_metadata = False
    with pytest.raises(NotWritten):
        await batching_producer.produce([record("a")])
    before = made.trouble
    broker.answers_metadata = True
    async with asyncio.timeout(DEADLINE_SECONDS):
        while made.trouble is not None:
            await asyncio.sleep(0.001)
    await made.stop()

    assert before is not None


async def test_batches_of_all_partitions_share_a_request() -> None:
    """A broker answers the requests of one connection in turn: one each would cost a round trip each."""
    batching_producer, broker, made = await started()
    await batching_producer.produce([record("a", partition) for partition in range(8)])
    requests = broker.requests
    await made.stop()

    assert requests == 1


async def test_one_partition_that_is_refused_does_not_delay_another() -> None:
    """Only the refused one is sent again."""
    batching_producer, broker, made = await started()
    broker.logs[TopicPartition("t", 1)] = Log(identity=(1, 5))
    results = await asyncio.gather(
        batching_producer.produce([record("a", 0)]), batching_producer.produce([record("b", 1)])
    )
    await made.stop()

    assert results == [[0], [0]]
    assert broker.producer_ids == 2


async def test_sequence_numbers_wrap_around_as_kafkas_do() -> None:
    """After two thousand million records of one partition."""
    batching_producer, broker, made = await started()
    await batching_producer.produce([record("a")])
    made._identities[TopicPartition("t", 0)].sequence = 2**31 - 1
    broker.logs[TopicPartition("t", 0)].next_sequence = 2**31 - 1
    await batching_producer.produce([record("b")])
    wrapped = made._identities[TopicPartition("t", 0)].sequence
    await made.stop()

    assert wrapped == 0


async def test_an_append_with_a_bound_of_its_own_ends_then_and_is_not_sent_later() -> None:
    """A vendor was asked to retry: the record that waited behind another must not be written as well."""
    batching_producer, broker, made = await started("silent", delivery_seconds=0.05)
    first = asyncio.create_task(batching_producer.produce([record("stuck")]))
    await asyncio.sleep(0)
    with pytest.raises(NotWritten):
        await batching_producer.produce([record("given up")], within=0.01)
    with pytest.raises(NotWritten):
        await first
    await made.stop()

    assert broker.requests == 1


async def test_what_is_given_up_does_not_leave_with_another_that_waits_longer() -> None:
    """Otherwise they are in the same batch."""
    batching_producer, broker, made = await started("silent")
    stuck = batching_producer.enqueue(record("stuck"), within=0.03)
    await asyncio.sleep(0)
    patient = [batching_producer.enqueue(record(name)) for name in ("a", "b")]
    given_up = batching_producer.enqueue(record("given up"), within=0.01)
    patient.append(batching_producer.enqueue(record("c")))
    with pytest.raises(NotWritten):
        await asyncio.wait_for(stuck, DEADLINE_SECONDS)
    made._busy.clear()  # the silent request has no answer: a real one ends after its own time
    made._kick()
    offsets = await asyncio.wait_for(asyncio.gather(*patient), DEADLINE_SECONDS)
    with pytest.raises(NotWritten) as failure:
        await asyncio.wait_for(given_up, DEADLINE_SECONDS)
    values = broker.logs[TopicPartition("t", 0)].values
    await made.stop()

    assert not failure.value.in_doubt
    assert (offsets, values) == ([0, 1, 2], [b"a", b"b", b"c"])


async def test_what_waits_for_kafka_is_bounded_and_what_comes_beyond_fails_at_once() -> None:
    """An outage must not take all memory; when it is over, there is room again."""
    broker_of_all = await started("silent", delivery_seconds=0.05)
    _, broker, made = broker_of_all
    batching_producer = BatchingProducer(made, delivery_seconds=0.05, most_bytes=1000)
    waiting = asyncio.create_task(batching_producer.produce([record("x" * 500)]))
    await asyncio.sleep(0)
    with pytest.raises(NotWritten, match="wait for Kafka already"):
        await batching_producer.produce([record("y" * 500)])
    with pytest.raises(NotWritten):
        await waiting
    await batching_producer.drain()
    broker.fates = iter(())
    made._busy.clear()  # the silent request has no answer: a real one ends after its own time
    after = await batching_producer.produce([record("z" * 500)])
    await made.stop()

    assert after == [0]
