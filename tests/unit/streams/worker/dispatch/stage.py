"""The stage of the dispatcher's tests: real tables, appender and `record` agent over a Kafka that is a list, and scripted vendors."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import orjson
from aiokafka.structs import RecordMetadata, TopicPartition

from connectors.errors import ConnectorError
from connectors.http.request import Request, Response
from streams.core.rows import FetchRow, LinkRow, OutboxRow
from streams.core.scheduling.dispatcher import Item
from streams.core.to_lofty.rows import BacklinkRow
from streams.kafka.batching_producer import Batch, BatchingProducer, Record
from streams.kafka.parking import Parking
from streams.kafka.tables import MemoryStore, Table
from streams.messages import Entity, Parked, Receipt
from streams.messages.topics import PARKED, TopicNames
from streams.worker.agents.record import Sharing, record
from streams.worker.dispatch.receipts import Receipts
from streams.worker.output import Output
from streams.worker.partitions.applied_offsets import AppliedOffsets

PARTITION = 3
RECEIPTS, SNAPSHOTS = "receipts", "snapshots"
NOW_MS = 1_800_000_000_000


@dataclass(slots=True)
class Kept:
    """A batch builder."""

    rows: list[tuple[bytes | None, bytes | None]] = field(default_factory=list)

    def append(
        self,
        *,
        key: bytes | None,
        value: bytes | None,
        timestamp: int | None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> object:
        """Add a record."""
        self.rows.append((key, value))
        return object()

    def record_count(self) -> int:
        """How many records it holds."""
        return len(self.rows)


class Log:
    """Kafka as a list a topic: what is sent is acknowledged at once. `read_by` are consumers, called with each message."""

    max_record_bytes = 1_000_000

    def __init__(self) -> None:
        self.records: dict[str, list[SimpleNamespace]] = defaultdict(list)
        self.read_by: dict[str, Callable[[list[Any]], Awaitable[None]]] = {}
        self._reading: set[asyncio.Task[None]] = set()

    def create_batch(self) -> Kept:
        """A new batch."""
        return Kept()

    async def send_batch(
        self, batch: Batch, topic: str, *, partition: int, within: float
    ) -> asyncio.Future[RecordMetadata]:
        """Append to the topic, and let its consumer read."""
        assert isinstance(batch, Kept)
        first = len(self.records[topic])
        messages = [
            SimpleNamespace(topic=topic, partition=partition, offset=first + number, key=key, value=value)
            for number, (key, value) in enumerate(batch.rows)
        ]
        self.records[topic] += messages
        if reader := self.read_by.get(topic):
            task = asyncio.ensure_future(reader(list(messages)))
            self._reading.add(task)
            task.add_done_callback(self._reading.discard)
        future: asyncio.Future[RecordMetadata] = asyncio.get_running_loop().create_future()
        future.set_result(RecordMetadata(topic, partition, TopicPartition(topic, partition), first, None, 0, 0))
        return future


Scripted = Response | ConnectorError | Callable[[], Response]
"""An answer, a failure, or what happens elsewhere before the answer comes."""


@dataclass(slots=True)
class Vendor:
    """A transport with a script: each request takes the next answer, or is refused as unexpected. `asked` is what came."""

    script: list[Scripted] = field(default_factory=list)
    asked: list[Request] = field(default_factory=list)

    async def __call__(self, request: Request) -> Response:
        """Carry one request."""
        self.asked.append(request)
        assert self.script, f"nobody expected {request.method} {request.url}"
        answer = self.script.pop(0)
        if isinstance(answer, ConnectorError):
            raise answer
        return answer() if callable(answer) else answer

    @property
    def lines(self) -> list[str]:
        """Method and path of each request."""
        return [f"{one.method} {one.url.removeprefix('https://x.test').split('?')[0]}" for one in self.asked]

    def body(self, number: int = -1) -> Any:
        """The JSON of a request."""
        return orjson.loads(self.asked[number].body or b"null")


def answer(status: int, content: object = None, headers: Mapping[str, str] | None = None) -> Response:
    """An answer with a JSON body."""
    return Response(status, dict(headers or {}), b"" if content is None else orjson.dumps(content))


@dataclass(slots=True)
class TakenSlot:
    """The slot that a piece of work holds: `told` is whether a request was sent, once that is known."""

    told: list[bool] = field(default_factory=list)

    def answered(self, *, was_sent: bool = True) -> None:
        """The vendor answered."""
        self.told.append(was_sent)


class Stage:
    """Tables, receipts and parking of one partition. `now_ms` may be moved, `pauses` are those that were asked for."""

    def __init__(self) -> None:
        self.now_ms = NOW_MS
        self.log = Log()
        self.batching_producer = BatchingProducer(self.log)
        self.names = TopicNames("")
        self.output = Output(self.batching_producer, Parking(self.names, 4), lambda: self.now_ms)
        self.fetches: Table[FetchRow] = Table("fetches", FetchRow, "fetches", MemoryStore(), self.batching_producer)
        self.outbox: Table[OutboxRow] = Table("outbox", OutboxRow, "outbox", MemoryStore(), self.batching_producer)
        self.backlinks: Table[BacklinkRow] = Table(
            "backlinks", BacklinkRow, "backlinks", MemoryStore(), self.batching_producer
        )
        self.links: Table[LinkRow] = Table("links", LinkRow, "links", MemoryStore(), self.batching_producer)
        self.conflicts: Table[LinkRow] = Table("conflicts", LinkRow, "conflicts", MemoryStore(), self.batching_producer)
        self.applied_offsets = AppliedOffsets()
        self.applied_offsets.own(PARTITION)
        self.receipts = Receipts(
            RECEIPTS, self.batching_producer, self.applied_offsets, lambda: self.now_ms, lambda connection: 7
        )
        self.log.read_by[RECEIPTS] = record(
            links=self.links,
            outbox=self.outbox,
            output=self.output,
            settled_as=lambda snapshot: f"{snapshot.fingerprint}/mapping",
            request_read=self._request_read,
            applied_offsets=self.applied_offsets,
            follower=self,
            sharing=self,
            count_left_out=lambda connection, what: self.left_out.append((connection, *what)),
        )
        self.follows: Callable[..., object] = lambda *_: None
        self.shared_by: Sharing | None = None
        self.reads: Callable[[Entity, int], object] = lambda *_: None
        self.left_out: list[tuple[str, str, str]] = []
        self.pauses: list[tuple[str, float, str]] = []

    def _request_read(
        self, entity: Entity, update_time_ms: int, *, only_moved: bool = False, is_known_gone: bool = False
    ) -> asyncio.Future[int]:
        self.reads(entity, update_time_ms)
        return self.batching_producer.enqueue(Record("asked", PARTITION, entity.key.encode(), b""))

    def linked(self, partition: int, entity: Entity, link: LinkRow) -> None:
        """As the follower of links that `record` has."""
        self.follows(partition, entity, link)

    def heirs(self, partition: int, entity: Entity, before: LinkRow | None, after: LinkRow) -> list[Entity]:
        """As what `record` asks of leads with one contact: a stage without a writer knows none."""
        return self.shared_by.heirs(partition, entity, before, after) if self.shared_by else []

    def is_unwritten(self, partition: int, entity: Entity, link: LinkRow) -> bool:
        """The same."""
        return self.shared_by.is_unwritten(partition, entity, link) if self.shared_by else False

    async def flush_linked(self) -> None:
        """As the follower's."""
        await self.backlinks.flush()

    def pause(self, budget: str, seconds: float, cause: str) -> None:
        """As the loop's `pause`."""
        self.pauses.append((budget, seconds, cause))

    @property
    def written(self) -> list[Receipt]:
        """Every receipt, in order."""
        return [Receipt.from_bytes(one.value) for one in self.log.records[RECEIPTS]]

    @property
    def story(self) -> list[str]:
        """Every receipt as `outcome step`."""
        return [f"{one.outcome} {one.step}" for one in self.written]

    @property
    def parked(self) -> list[Parked]:
        """Everything that was parked."""
        return [Parked.from_bytes(one.value) for one in self.log.records[self.names.of(PARKED)]]


def item_of(entity: Entity) -> Item:
    """The work of an entity."""
    return Item(entity.key, entity.lane, "budget", entity.connection)
