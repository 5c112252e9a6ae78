"""Our clients of Kafka, and the first question whether it lets us in."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient, ConnectionGroup, CoordinationType
from aiokafka.cluster import ClusterMetadata
from aiokafka.conn import create_conn, get_ip_port_afi
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    KafkaError,
    LeaderNotAvailableError,
    for_code,
)
from aiokafka.protocol.group import HeartbeatRequest
from aiokafka.protocol.metadata import MetadataRequest

from streams.kafka.batching_producer import BatchingProducer
from streams.kafka.connection_options import client_options
from streams.kafka.error_texts import connection_trouble, rights_trouble
from streams.kafka.producer import KafkaProducer
from streams.kafka.refusals import KafkaRefused
from streams.kafka.timeouts import REQUEST_SECONDS, bound_connecting, patient
from streams.messages.size_limits import SizeLimits
from streams.settings import Settings


class Consumer(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka ships no types
    """A consumer that is `patient`, and fetches the metadata of all topics at once before it asks for their offsets.

    XXX: aiokafka asks for the metadata of one unknown topic after another, and pauses 0.1 s after each: with a dozen
    changelogs a worker waited more than a second before it began to read them. To be removed once aiokafka asks for all.
    """

    def __init__(self, *topics: str, **options: Any) -> None:
        super().__init__(*topics, **{"request_timeout_ms": int(REQUEST_SECONDS * 1000), **options})
        bound_connecting(self._client)
        patient(self._client)

    async def beginning_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The first offset of each partition."""
        partitions = list(partitions)
        await self._fetch_metadata(partitions)
        found: dict[TopicPartition, int] = await super().beginning_offsets(partitions)
        return found

    async def end_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The offset of the next record of each partition."""
        partitions = list(partitions)
        await self._fetch_metadata(partitions)
        found: dict[TopicPartition, int] = await super().end_offsets(partitions)
        return found

    async def commits(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The group's commit in each partition that has one.

        XXX: one request, where aiokafka's `committed` takes one for each partition: a worker's watchdog makes a dozen a second of
        those. To be removed once aiokafka asks for several, as Java's client does.
        """
        found = await self._coordinator.fetch_committed_offsets(list(partitions))
        return {partition: one.offset for partition, one in found.items() if one.offset >= 0}

    async def _fetch_metadata(self, partitions: Iterable[TopicPartition]) -> None:
        known = self._client.cluster.partitions_for_topic
        if unknown := {partition.topic for partition in partitions if known(partition.topic) is None}:
            await asyncio.gather(*(self._client.add_topic(topic) for topic in unknown))


REACH_SECONDS = 8.0
"""How long to wait for a first answer of Kafka."""
REACH_MS = int(REACH_SECONDS * 1000)


async def reach(settings: Settings) -> dict[str, int]:
    """Ask Kafka for its topics: the number of partitions of each. Creates none.

    Raises aiokafka's error when Kafka does not answer within `REACH_SECONDS`; `KafkaRefused` says why.
    """
    await _try_servers(settings)
    try:
        async with asyncio.timeout(REACH_SECONDS), cluster_client(settings, request_timeout_ms=REACH_MS) as client:
            cluster = await client.fetch_all_metadata()
    except TimeoutError:
        raise KafkaConnectionError(f"no answer within {REACH_SECONDS:.0f} s") from None
    except KafkaConnectionError:
        raise KafkaConnectionError("connection refused, or no broker at this address") from None
    return {topic: len(cluster.partitions_for_topic(topic) or ()) for topic in cluster.topics()}


ONE_TOPIC_SECONDS = 5.0
"""How long a broker may take to say whether it knows a topic; then all brokers are asked for all."""


async def topic_exists(client: AIOKafkaClient, topic: str) -> bool:
    """Whether the cluster has a topic. Creates none, and asks for no other: a cluster may have thousands. Raises aiokafka's error."""
    request = MetadataRequest([topic], allow_auto_topic_creation=False)
    try:
        async with asyncio.timeout(ONE_TOPIC_SECONDS):
            answer = await client.send(client.get_random_node(), request)
    except (KafkaError, TimeoutError):  # this broker is away, or frozen
        return topic in (await client.fetch_all_metadata()).topics()
    return any(not error and name == topic for error, name, *_ in answer.topics)


async def _try_servers(settings: Settings) -> None:
    """Return once one of the servers accepts us. Raises `KafkaRefused` with every server's answer, which aiokafka only logs."""
    options = client_options(settings)
    servers = str(options.pop("bootstrap_servers"))
    del options["retry_backoff_ms"]  # of clients; here is one connection, and no second attempt
    refusals: list[str] = []
    for server in servers.split(","):
        host, port, _ = get_ip_port_afi(server.strip())
        try:
            async with asyncio.timeout(REACH_SECONDS):
                connection = await create_conn(host, port, **options, request_timeout_ms=REACH_MS)
                try:
                    await connection.send(
                        MetadataRequest([])
                    )  # a SASL listener accepts the connection, and nothing more
                finally:
                    connection.close()
        except (OSError, EOFError, KafkaError) as error:
            refusals.append(connection_trouble(error, settings.kafka, server.strip()))
        else:
            return
    raise KafkaRefused("; ".join(dict.fromkeys(refusals)))


async def demand_group(settings: Settings, group: str) -> None:
    """Check that we may join a consumer group. Raises `KafkaRefused` when the right is missing.

    Without it a consumer only writes a line to its log, and retries for ever.
    The question is a heartbeat of a member that does not exist: it needs the same right as joining, and changes nothing.
    """
    async with cluster_client(settings, request_timeout_ms=REACH_MS) as client:
        try:
            async with asyncio.timeout(REACH_SECONDS):
                error = await _heartbeat_error(client, group)
        except GroupAuthorizationFailedError as refused:
            raise KafkaRefused(rights_trouble(refused, settings.kafka, group)) from None
        except TimeoutError:
            return  # the coordinator is not there yet: the consumer waits for it
    if issubclass(error, GroupAuthorizationFailedError):
        raise KafkaRefused(rights_trouble(error(), settings.kafka, group))


async def _heartbeat_error(client: AIOKafkaClient, group: str) -> type[KafkaError]:
    """What the group's coordinator says of the heartbeat; asked until the answer is final."""
    while True:
        try:
            node = await client.coordinator_lookup(CoordinationType.GROUP, group)
            answer = await client.send(node, HeartbeatRequest(group, -1, "nobody"), group=ConnectionGroup.COORDINATION)
            error: type[KafkaError] = for_code(answer.error_code)
            if not error.retriable:
                return error
        except KafkaError as raised:
            if not raised.retriable:
                raise
        await asyncio.sleep(0.2)


LED_SECONDS = 30.0
"""How long Kafka may take until every partition of a topic that it has made has a leader."""


async def until_topics_are_led(
    settings: Settings, topics: Collection[str], *, fetch: Callable[[], Awaitable[ClusterMetadata]] | None = None
) -> None:
    """Return once every partition of these topics has a leader. `fetch` asks Kafka (for tests).

    Kafka reports a topic as created before its brokers know it. A worker that joins its group in that moment gets no partition
    of it until its client next refreshes the topics.
    Raises `LeaderNotAvailableError` after `LED_SECONDS`, and aiokafka's error when Kafka does not answer.
    """
    if fetch is None:
        async with cluster_client(settings) as client:
            await until_topics_are_led(settings, topics, fetch=client.fetch_all_metadata)
        return
    began = time.monotonic()
    while missing := _not_led(await fetch(), topics):
        if time.monotonic() - began > LED_SECONDS:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise LeaderNotAvailableError(f"no leader for topic {missing[0]}{more} within {LED_SECONDS:.0f} s")
        await asyncio.sleep(0.1)


def _not_led(cluster: ClusterMetadata, topics: Iterable[str]) -> list[str]:
    """The topics that the cluster does not know, or of which a partition has no leader."""
    return [
        topic
        for topic in topics
        if not (known := cluster.partitions_for_topic(topic)) or cluster.available_partitions_for_topic(topic) != known
    ]


def new_producer(settings: Settings) -> KafkaProducer:
    """The producer that everything is written through: idempotent, acknowledged by all in-sync replicas."""
    made = KafkaProducer(client_options(settings), SizeLimits.of(settings.gateway.max_body_bytes).record)
    bound_connecting(made.client)
    patient(made.client)
    return made


async def start_producer(producer: KafkaProducer) -> None:
    """Start a producer; one that cannot reach Kafka is closed again. Raises aiokafka's error."""
    try:
        await producer.start()
    except BaseException:
        await producer.stop()
        raise


@asynccontextmanager
async def open_batching_producer(settings: Settings) -> AsyncIterator[BatchingProducer]:
    """A batching producer for a few records; its producer is stopped at the end. Raises aiokafka's error."""
    producer = new_producer(settings)
    await start_producer(producer)
    try:
        yield BatchingProducer(producer)
    finally:
        await producer.stop()


@asynccontextmanager
async def admin_client(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """A client that manages topics. Raises aiokafka's error."""
    admin = AIOKafkaAdminClient(**client_options(settings))
    bound_connecting(admin._client)
    try:
        await admin.start()
        yield admin
    finally:
        await _close(admin._client)


async def read_cluster_id(settings: Settings) -> str:
    """Kafka's id of the cluster; empty for one that has none. Raises aiokafka's error."""
    async with admin_client(settings) as admin:
        return str((await admin.describe_cluster()).get("cluster_id") or "")


@asynccontextmanager
async def cluster_client(settings: Settings, **options: Any) -> AsyncIterator[AIOKafkaClient]:
    """A client that sends single requests, connected to the cluster. Raises aiokafka's error."""
    client = AIOKafkaClient(**client_options(settings), **options)
    bound_connecting(client)
    try:
        await client.bootstrap()
        yield client
    finally:
        await _close(client)


async def start_consumer(consumer: AIOKafkaConsumer) -> None:
    """Start a consumer; one that cannot reach Kafka is closed again. Raises aiokafka's error."""
    try:
        await consumer.start()
    except BaseException:
        await stop_consumer(consumer)
        raise


async def stop_consumer(consumer: AIOKafkaConsumer) -> None:
    """Stop a consumer, in whatever state it and Kafka are; also when whoever waits for that is cancelled meanwhile.

    XXX: aiokafka awaits tasks that it has just cancelled. A task that pauses after a failed fetch, or has not begun, then ends
    with `CancelledError` (its issue 647): the caller would take itself for cancelled, its own error would be lost, and the
    connections would stay open. To be removed once aiokafka expects that.
    """
    has_stopped, was_cancelled = await _to_its_end(consumer.stop())
    consumer._closed = True  # a stop that was cancelled before it began has not noted it
    if not has_stopped:
        if consumer._fetcher is not None:
            was_cancelled |= (await _to_its_end(consumer._fetcher.close()))[1]
        await _close(consumer._client)
    if was_cancelled:
        raise asyncio.CancelledError


async def _close(client: AIOKafkaClient) -> None:
    """Close the connections of a client, also when whoever waits for that is cancelled meanwhile."""
    has_closed, was_cancelled = await _to_its_end(client.close())
    if not has_closed:
        await client.close()
    if was_cancelled:
        raise asyncio.CancelledError


async def _to_its_end(work: Coroutine[Any, Any, None]) -> tuple[bool, bool]:
    """Run it in a task of its own: whether it finished, and whether its caller was cancelled meanwhile. Raises what it raises.

    At the end of a loop both are cancelled, and the task perhaps before it began.
    """
    task, was_cancelled = asyncio.ensure_future(work), False
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            was_cancelled = True
    if not task.cancelled():
        task.result()
    return not task.cancelled(), was_cancelled
