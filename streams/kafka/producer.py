"""The producer: writes batches to Kafka idempotently, and recovers by itself.

`aiokafka`'s own producer keeps one sequence of numbers that a refused or expired batch breaks for good. Here each partition
has its own identity (producer id, epoch, next sequence number), and only an acknowledgement advances its sequence.

**One batch of a partition is in flight at a time.** It is resent, byte for byte, until Kafka answers or its time is over;
Kafka recognises a repeat. So nothing is written twice, and records keep their order.

**What became of a batch may stay unknown** (its time is over, and a request had no answer, or one that leaves it open, such as
that of a leader that leads no more): it fails as `NotWritten` with `in_doubt`. The partition's epoch is raised at once, as
Java's client and librdkafka do. As soon as Kafka has a record of the new epoch, it refuses what may still be on its way from
the old one: nothing old is written behind something newer, and nothing newer is taken for a repeat of it.

**What Kafka refuses for good** (a size, a missing right) fails alone and uses up no sequence number.
**An identity that Kafka does not accept** (it has lost the partition's end, or forgot the producer) is replaced, and the batch
is sent under the new one.
**A leader that hangs** keeps a batch only until another broker leads its partition.
**`trouble` reports that deliveries fail.** An acknowledgement ends it, or Kafka's answer to another request while nothing is
produced; when deliveries fail after such an answer, the next one is trusted later and later.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import errors
from aiokafka.client import AIOKafkaClient, ConnectionGroup
from aiokafka.conn import CloseReason
from aiokafka.errors import KafkaConnectionError, KafkaError
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import InitProducerIdRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import RecordMetadata, TopicPartition

from streams.kafka.batching_producer import Batch, NotWritten, RecordsRefused

log = logging.getLogger("lofty_ghl.producer")

MAX_BATCH_BYTES = 1_000_000
"""Of a batch with several records: below Kafka's default `message.max.bytes`, so that it is not refused for its size."""

MAX_REQUEST_BYTES = 8 * 2**20
"""Of the batches that one request carries together."""

REQUEST_SECONDS = 15.0
"""How long one request waits for its answer before it is sent again over a new connection."""

MOVED_SECONDS = 2.0
"""A request without an answer for so long: whether its node still leads is looked at as often."""

START_SECONDS = 30.0
"""How long the first answer of Kafka is waited for."""

FAILING_SECONDS = 5.0
"""A batch that is under way for longer says that appends fail."""

LEAST_BACKOFF_SECONDS = 0.1
MOST_BACKOFF_SECONDS = 1.0

PROBE_SECONDS = 2.0
"""After a batch was given up, Kafka is asked at this interval whether it answers again, if nothing else shows it."""

MOST_PROBE_SECONDS = 60.0
"""When it answers and takes nothing all the same, its answer is believed less and less soon."""

_LAST_EPOCH = 2**15 - 1
_SEQUENCES = 2**31

_NOT_APPENDED = (errors.NotEnoughReplicasError, errors.CorruptRecordException)
"""Refusals before anything was appended. Whatever else is tried again may come after it: a leader that has appended a batch and
loses its partition before the others have it says no more than that it leads no more, and the next leader may have the batch."""

_REPLACES_EPOCH = (errors.OutOfOrderSequenceNumber, errors.UnknownProducerId)
_REPLACES_PRODUCER_ID = (errors.InvalidProducerEpoch, errors.InvalidProducerIdMapping)
_PRODUCER_FENCED = 90
"""Replaces it, too: what newer brokers say for the first of these; not among aiokafka's errors."""

_RECORDS_FAULT = (errors.MessageSizeTooLargeError, errors.RecordListTooLargeError, errors.InvalidTimestampError)
_INVALID_RECORD = 87
"""The fault of a record, too (a compacted topic and no key); not among aiokafka's errors."""

_FOR_GOOD = (
    errors.TopicAuthorizationFailedError,
    errors.ClusterAuthorizationFailedError,
    errors.InvalidTopicError,
    errors.PolicyViolationError,
)
"""Only a person can change that. Whatever else Kafka answers is tried again until the batch's time is over."""

_IDENTITY_AT = struct.Struct(">qhi")
_IDENTITY_OFFSET, _CRC_OFFSET, _CRC_BEGIN = 43, 17, 21
"""Where a record batch (format 2) holds its producer id, epoch and sequence, its checksum, and what that covers."""


@dataclass(slots=True)
class _Identity:
    """Who we are to one partition. `producer_id` None: to be asked for."""

    producer_id: int | None
    epoch: int = 0
    sequence: int = 0


class RecordBatch:
    """Records that are written together. The first always fits: whoever appends has looked at its size."""

    def __init__(self) -> None:
        self._builder: Any = DefaultRecordBatchBuilder(2, 0, False, -1, -1, 0, MAX_BATCH_BYTES)
        self._count = 0
        self._bytes: bytearray | None = None

    def append(
        self,
        *,
        key: bytes | None,
        value: bytes | None,
        timestamp: int | None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> object:
        """Add a record; None when the batch is full."""
        taken = self._builder.append(self._count, timestamp, key=key, value=value, headers=headers)
        if taken is not None:
            self._count += 1
        return taken

    def record_count(self) -> int:
        """How many records it holds."""
        return self._count

    def size(self) -> int:
        """In bytes."""
        return len(self._bytes) if self._bytes is not None else self._builder.size()

    def signed(self, identity: _Identity) -> bytes:
        """The bytes as they are sent under an identity."""
        if self._bytes is None:
            self._builder.set_producer_state(identity.producer_id, identity.epoch, identity.sequence)
            self._bytes = bytearray(self._builder.build())
            return bytes(self._bytes)
        _IDENTITY_AT.pack_into(self._bytes, _IDENTITY_OFFSET, identity.producer_id, identity.epoch, identity.sequence)
        checksum = calc_crc32c(memoryview(self._bytes)[_CRC_BEGIN:])
        struct.pack_into(">I", self._bytes, _CRC_OFFSET, checksum)
        return bytes(self._bytes)


@dataclass(slots=True, eq=False)
class _Delivery:
    """One batch on its way. `is_over`: it was given up, and its partition has another identity since."""

    topic_partition: TopicPartition
    batch: RecordBatch
    acknowledged: asyncio.Future[RecordMetadata]
    began: float
    within: float
    payload: bytes = b""
    attempts: int = 0
    error: str = ""
    in_flight: bool = False
    in_doubt: bool = False
    is_over: bool = False
    timer: asyncio.TimerHandle | None = None


@dataclass(frozen=True, slots=True)
class DeliveryTrouble:
    """Deliveries fail: for how many seconds, and with which error."""

    seconds: float
    error: str


@dataclass(slots=True)
class _GivenUp:
    at: float
    error: str


class KafkaProducer:
    """`await producer.start()`, then `send_batch`. `client_options` are those of an aiokafka client.

    `max_record_bytes` is what a single record may weigh with all that belongs to it; whoever appends keeps to it.
    """

    def __init__(
        self, client_options: dict[str, Any], max_record_bytes: int, *, request_seconds: float = REQUEST_SECONDS
    ) -> None:
        self.max_record_bytes = max_record_bytes
        self._request_ms = int(request_seconds * 1000)
        self.client = AIOKafkaClient(**client_options, request_timeout_ms=self._request_ms)
        self.replaced: Callable[[str], None] = lambda _reason: None
        """Called with the reason each time that a partition's identity is replaced."""
        # The context of whoever writes first must not appear in our log lines.
        self._context = contextvars.copy_context()
        self._producer_id: int | None = None
        self._identities: dict[TopicPartition, _Identity] = {}
        self._under_way: dict[TopicPartition, _Delivery] = {}
        self._ready: dict[TopicPartition, _Delivery] = {}
        self._busy: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_kicked = self._is_looking = self._is_probing = self._is_closed = False
        self._given_up: _GivenUp | None = None
        self._failing_since: float | None = None
        self._believed = 0
        self._told_at: float | None = None

    # -- starting and stopping ----------------------------------------------------------------------------

    async def start(self) -> None:
        """Connect, and get a producer id. Raises aiokafka's error when Kafka does not answer."""
        await self.client.bootstrap()
        try:
            async with asyncio.timeout(START_SECONDS):
                while self._producer_id is None:
                    node = self.client.get_random_node()
                    if node is not None:
                        self._producer_id = await self._new_producer_id(node)
                    if self._producer_id is None:
                        await asyncio.sleep(LEAST_BACKOFF_SECONDS)
                        await self.client.force_metadata_update()
        except TimeoutError:
            raise KafkaConnectionError(f"Kafka gave no producer id within {START_SECONDS:.0f} s") from None

    async def stop(self) -> None:
        """Close the connections. What is under way fails; whoever wants it written waits for it before."""
        self._is_closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for delivery in list(self._under_way.values()):
            self._give_up(delivery, "the producer was stopped")
        await self.client.close()

    # -- writing ------------------------------------------------------------------------------------------

    def create_batch(self) -> RecordBatch:
        """A new batch."""
        return RecordBatch()

    async def send_batch(
        self, batch: Batch, topic: str, *, partition: int, within: float
    ) -> asyncio.Future[RecordMetadata]:
        """Write a batch; the future is done when all in-sync replicas have it.

        It fails with `NotWritten`, at the latest when `within` seconds are over.
        """
        assert isinstance(batch, RecordBatch), "made by `create_batch`"
        topic_partition = TopicPartition(topic, partition)
        while (before := self._under_way.get(topic_partition)) is not None:
            await asyncio.wait([before.acknowledged])
        if self._is_closed:
            raise NotWritten(topic, "the producer was stopped", in_doubt=False)
        loop = asyncio.get_running_loop()
        delivery = _Delivery(topic_partition, batch, loop.create_future(), loop.time(), within)
        delivery.timer = loop.call_later(max(0.0, within), self._expire, delivery, context=self._context)
        self._under_way[topic_partition] = self._ready[topic_partition] = delivery
        self._kick()
        return delivery.acknowledged

    @property
    def trouble(self) -> DeliveryTrouble | None:
        """What is wrong while deliveries fail; otherwise None."""
        now = asyncio.get_running_loop().time()
        oldest = min(self._under_way.values(), key=lambda one: one.began, default=None)
        if oldest is not None and now - oldest.began > FAILING_SECONDS:
            return DeliveryTrouble(now - oldest.began, oldest.error or "no answer")
        if self._given_up is not None:
            return DeliveryTrouble(now - self._given_up.at, self._given_up.error)
        return None

    # -- which batch goes where ---------------------------------------------------------------------------

    def _kick(self) -> None:
        """Look in the loop's next turn what can be sent: what is appended meanwhile goes in the same request."""
        if not self._is_kicked and not self._is_closed:
            self._is_kicked = True
            asyncio.get_running_loop().call_soon(self._start_requests, context=self._context)

    def _start_requests(self) -> None:
        self._is_kicked = False
        loads: dict[int, list[_Delivery]] = {}
        weights: dict[int, int] = {}
        homeless: set[str] = set()
        for topic_partition, delivery in self._ready.items():
            if self._leaderless(topic_partition):
                homeless.add(topic_partition.topic)
                delivery.error = "the partition has no leader"
                self._report_delivery(delivery)
                continue
            node = self.client.cluster.leader_for_partition(topic_partition)
            weight = weights.get(node, 0)
            if node in self._busy or weight > MAX_REQUEST_BYTES:
                continue
            weights[node] = weight + delivery.batch.size()
            loads.setdefault(node, []).append(delivery)
        for node, deliveries in loads.items():
            self._busy.add(node)
            for delivery in deliveries:
                del self._ready[delivery.topic_partition]
            self._spawn(self._exchange(node, deliveries), f"produce to {node}")
        if homeless and not self._is_looking:
            self._is_looking = True
            self._spawn(self._look_for_leaders(homeless), "look for leaders")

    async def _look_for_leaders(self, topics: set[str]) -> None:
        try:
            for topic in topics:
                self.client.add_topic(topic)
            has_answered = await self.client.force_metadata_update()
            if any(self._leaderless(one) for one in self._ready if one.topic in topics):
                await asyncio.sleep(LEAST_BACKOFF_SECONDS if has_answered else MOST_BACKOFF_SECONDS)
        finally:
            self._is_looking = False
        self._kick()

    def _leaderless(self, topic_partition: TopicPartition) -> bool:
        node = self.client.cluster.leader_for_partition(topic_partition)
        return node is None or node < 0

    # -- one request --------------------------------------------------------------------------------------

    async def _exchange(self, node: int, deliveries: list[_Delivery]) -> None:
        try:
            rest = await self._deliver(node, deliveries)
            if rest:
                await asyncio.sleep(rest)  # the connection failed: whatever else is for this broker waits, too
        finally:
            self._busy.discard(node)
            self._kick()

    async def _deliver(self, node: int, deliveries: list[_Delivery]) -> float:
        """Send batches in one request, and handle its answer. Returns how long the node is to be left alone."""
        sends = False
        try:
            going = await self._signed(node, deliveries)
            if not going:
                return 0.0
            topics: dict[str, list[tuple[int, bytes]]] = {}
            for topic_partition, delivery in going.items():
                delivery.in_flight = True
                topics.setdefault(topic_partition.topic, []).append((topic_partition.partition, delivery.payload))
            request = ProduceRequest(
                transactional_id=None, required_acks=-1, timeout=self._request_ms, topics=list(topics.items())
            )
            sends = True
            response = await self._ask(node, request, going)
        except asyncio.CancelledError:
            for delivery in deliveries:
                delivery.in_doubt |= sends and delivery.in_flight
            raise
        except Exception as error:  # whatever it is, a batch is sent again until its time is over
            if not isinstance(error, (KafkaError, OSError, TimeoutError)):
                log.exception("a request to Kafka failed with an unexpected error; it is sent again")
            was_sent = sends and not isinstance(error, (errors.NodeNotReadyError, errors.StaleMetadata))
            for delivery in deliveries:
                delivery.in_doubt |= was_sent and delivery.in_flight
                self._retry(delivery, error)
            return max((self._backoff(delivery) for delivery in deliveries), default=0.0)
        else:
            self._take_answers(response, going)
            return 0.0
        finally:
            for delivery in deliveries:
                delivery.in_flight = False

    async def _signed(self, node: int, deliveries: list[_Delivery]) -> dict[TopicPartition, _Delivery]:
        """The batches under their identities, without those whose time is over.

        The time of some may have ended while an identity was asked for. They are not in doubt, and what follows them has their
        sequence numbers: sent now, they would take its place.
        """
        signed: list[_Delivery] = []
        for delivery in deliveries:
            if not delivery.is_over:
                await self._sign(node, delivery)
                signed.append(delivery)
        return {delivery.topic_partition: delivery for delivery in signed if not delivery.is_over}

    def _take_answers(self, response: Any, going: dict[TopicPartition, _Delivery]) -> None:
        for topic, answers in response.topics:
            for partition, code, offset, timestamp, *_ in answers:
                found = going.pop(TopicPartition(topic, partition), None)
                if found is not None:
                    self._answered(found, code, offset, timestamp)
        for delivery in going.values():
            delivery.in_doubt = True
            self._retry(delivery, KafkaError("Kafka's answer does not mention the batch"))

    async def _ask(self, node: int, request: ProduceRequest, topic_partitions: Iterable[TopicPartition]) -> Any:
        """Send a request, and wait for its answer as long as the node leads one of the partitions."""
        asking = asyncio.ensure_future(self.client.send(node, request))
        try:
            while True:
                await asyncio.wait([asking], timeout=MOVED_SECONDS)
                if asking.done():
                    return asking.result()
                looking = self.client.force_metadata_update()
                await asyncio.wait([asking, looking], return_when=asyncio.FIRST_COMPLETED)
                leaders = {self.client.cluster.leader_for_partition(one) for one in topic_partitions}
                if not asking.done() and node not in leaders and leaders - {None, -1}:
                    if (connection := self.client._conns.get((node, ConnectionGroup.DEFAULT))) is not None:
                        connection.close(reason=CloseReason.CONNECTION_TIMEOUT)
                    raise errors.NotLeaderForPartitionError(f"node {node} does not answer, and leads no more")
        finally:
            asking.cancel()
            await asyncio.wait([asking])
            if not asking.cancelled():
                asking.exception()

    async def _sign(self, node: int, delivery: _Delivery) -> None:
        """Give a batch the identity under which it is sent: the one that it had before, as long as that is valid."""
        identity = self._identities.get(delivery.topic_partition)
        if identity is None:
            identity = self._identities[delivery.topic_partition] = _Identity(self._producer_id)
        if identity.producer_id is None:
            identity.producer_id = await self._new_producer_id(node)
            if identity.producer_id is None:
                raise errors.NodeNotReadyError("Kafka gave no producer id")
            identity.epoch = identity.sequence = 0
        if not delivery.payload:
            delivery.payload = delivery.batch.signed(identity)

    async def _new_producer_id(self, node: int) -> int | None:
        """None: not now."""
        request = InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=2**31 - 1)
        try:
            response = await self.client.send(node, request)
        except (errors.NodeNotReadyError, KafkaConnectionError, errors.RequestTimedOutError):
            return None
        error = errors.for_code(response.error_code)
        if error is errors.NoError:
            return int(response.producer_id)
        if error in (errors.ClusterAuthorizationFailedError, errors.TopicAuthorizationFailedError):
            raise error("a producer needs the right to write (or IdempotentWrite on the cluster)")
        log.debug("Kafka gave no producer id: %s", error)
        return None

    def _answered(self, delivery: _Delivery, code: int, offset: int, timestamp: int) -> None:
        error = errors.for_code(code)
        if error in (errors.NoError, errors.DuplicateSequenceNumber):
            self._written(delivery, offset, timestamp)
        elif code == _PRODUCER_FENCED or error in _REPLACES_PRODUCER_ID or error in _REPLACES_EPOCH:
            self._replace(delivery, "refused", new_id=error not in _REPLACES_EPOCH)
            self._retry(delivery, error())
        elif code == _INVALID_RECORD or error in _RECORDS_FAULT:
            topic_partition = delivery.topic_partition
            message = "INVALID_RECORD" if code == _INVALID_RECORD else error.message
            self._refuse(delivery, RecordsRefused(topic_partition.topic, message, is_size=error in _RECORDS_FAULT[:2]))
        elif error in _FOR_GOOD:
            self._lost(str(error()))
            self._refuse(delivery, NotWritten(delivery.topic_partition.topic, str(error()), in_doubt=False))
        else:
            delivery.in_doubt |= error not in _NOT_APPENDED
            self._retry(delivery, error())

    def _written(self, delivery: _Delivery, offset: int, timestamp: int) -> None:
        if delivery.is_over:
            return
        identity = self._identities[delivery.topic_partition]
        identity.sequence = (identity.sequence + delivery.batch.record_count()) % _SEQUENCES
        self._end(delivery)
        self._given_up = self._failing_since = None
        self._believed = 0
        self._tell_recovery()
        if not delivery.acknowledged.done():
            topic_partition = delivery.topic_partition
            topic, partition = topic_partition
            metadata = RecordMetadata(topic, partition, topic_partition, offset, timestamp, 0, None)
            delivery.acknowledged.set_result(metadata)

    # -- what did not go well -----------------------------------------------------------------------------

    def _retry(self, delivery: _Delivery, error: Exception) -> None:
        if delivery.is_over:
            return
        delivery.attempts += 1
        delivery.error = str(error) or repr(error)
        if getattr(error, "invalid_metadata", False):
            self.client.force_metadata_update()
        self._report_delivery(delivery)
        wait, context = self._backoff(delivery), self._context
        asyncio.get_running_loop().call_later(wait, self._make_ready, delivery, context=context)

    def _make_ready(self, delivery: _Delivery) -> None:
        if not delivery.is_over:
            self._ready[delivery.topic_partition] = delivery
            self._kick()

    def _backoff(self, delivery: _Delivery) -> float:
        seconds: float = LEAST_BACKOFF_SECONDS * 2 ** min(max(0, delivery.attempts - 1), 10)
        return min(MOST_BACKOFF_SECONDS, seconds)

    def _replace(self, delivery: _Delivery, reason: str, *, new_id: bool = False) -> None:
        """Take a new identity for the partition; the batch is signed again."""
        if delivery.is_over:
            return
        identity = self._identities.get(delivery.topic_partition)
        if identity is None:
            return
        if new_id or identity.epoch >= _LAST_EPOCH or identity.producer_id is None:
            self._identities[delivery.topic_partition] = _Identity(None)
        else:
            self._identities[delivery.topic_partition] = _Identity(identity.producer_id, identity.epoch + 1)
        delivery.payload = b""
        self.replaced(reason)

    def _expire(self, delivery: _Delivery) -> None:
        if not delivery.is_over:
            self._give_up(delivery, f"not acknowledged within {delivery.within:.0f} s: {delivery.error or 'no answer'}")

    def _give_up(self, delivery: _Delivery, why: str) -> None:
        in_doubt = delivery.in_doubt or delivery.in_flight
        if in_doubt:
            self._replace(delivery, "in doubt")
        self._end(delivery)
        self._lost(why)
        if not delivery.acknowledged.done():
            delivery.acknowledged.set_exception(NotWritten(delivery.topic_partition.topic, why, in_doubt=in_doubt))

    def _refuse(self, delivery: _Delivery, refusal: NotWritten) -> None:
        """Kafka did not take it, and will not. An earlier request may still be on its way: then it is refused, too."""
        if delivery.is_over:
            return
        if delivery.in_doubt:
            self._replace(delivery, "in doubt")
        self._end(delivery)
        if not delivery.acknowledged.done():
            delivery.acknowledged.set_exception(refusal)

    def _end(self, delivery: _Delivery) -> None:
        delivery.is_over = True
        if delivery.timer is not None:
            delivery.timer.cancel()
        self._under_way.pop(delivery.topic_partition, None)
        self._ready.pop(delivery.topic_partition, None)

    def _lost(self, why: str) -> None:
        if self._failing_since is None:
            self._failing_since = asyncio.get_running_loop().time()
        self._given_up = _GivenUp(self._failing_since, why)
        if not self._is_probing and not self._is_closed:
            self._is_probing = True
            self._spawn(self._probe(), "probe Kafka")

    async def _probe(self) -> None:
        """Nothing may be appended while we are not ready: then an answer of Kafka says that it goes on, until the next fails."""
        try:
            while self._given_up is not None:
                await asyncio.sleep(min(MOST_PROBE_SECONDS, PROBE_SECONDS * 2**self._believed))
                if not self._under_way and await self.client.force_metadata_update():
                    self._given_up = None
                    self._believed = min(self._believed + 1, 10)
        finally:
            self._is_probing = False

    def _report_delivery(self, delivery: _Delivery) -> None:
        now = asyncio.get_running_loop().time()
        if self._told_at is None and now - delivery.began >= MOST_BACKOFF_SECONDS:
            self._told_at = delivery.began
            log.warning("Kafka does not acknowledge our records: %s. They are sent again.", delivery.error)

    def _tell_recovery(self) -> None:
        if self._told_at is not None:
            seconds = asyncio.get_running_loop().time() - self._told_at
            self._told_at = None
            log.warning("Kafka acknowledges our records again, after %.0f s", seconds)

    def _spawn(self, work: Any, name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name, context=self._context)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s failed; it is tried again", task.get_name(), exc_info=error)
            self._kick()
