"""How our clients reach Kafka: one translation of the settings for aiokafka, one for Faust."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Iterable
from typing import Any

import faust
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.client import AIOKafkaClient, ConnectionGroup, CoordinationType
from aiokafka.cluster import ClusterMetadata
from aiokafka.conn import create_conn, get_ip_port_afi
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    LeaderNotAvailableError,
    for_code,
)
from aiokafka.protocol.group import HeartbeatRequest
from aiokafka.protocol.metadata import MetadataRequest

from streams.kafka.error_texts import KafkaRefused, connection_trouble, rights_trouble, tls_context
from streams.kafka.producer import KafkaProducer
from streams.kafka.timeouts import REQUEST_SECONDS, bound_connecting, patient
from streams.messages.size_limits import Limits
from streams.settings import Kafka, Settings

log = logging.getLogger("lofty_ghl.kafka")

ASK_AGAIN_SECONDS = 1.0
"""How long a question rests that Kafka did not answer."""

RETRY_BACKOFF_MS = 250
"""How long aiokafka's loops rest after a failure: with its own 0.1 s, processes without a broker are busier than with one."""


class Consumer(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka ships no types
    """A consumer that is `patient`, and learns of all topics at once when it is asked where they begin or end.

    XXX: aiokafka asks for the metadata of one unknown topic after another, and pauses 0.1 s after each: with a dozen
    changelogs a worker waited more than a second before it began to read them. Goes when aiokafka asks for all.
    """

    def __init__(self, *topics: str, **options: Any) -> None:
        super().__init__(*topics, **{"request_timeout_ms": int(REQUEST_SECONDS * 1000), **options})
        bound_connecting(self._client)
        patient(self._client)

    async def beginning_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The first offset of each partition."""
        places = list(partitions)
        await self._learn(places)
        found: dict[TopicPartition, int] = await super().beginning_offsets(places)
        return found

    async def end_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The offset of the next record of each partition."""
        places = list(partitions)
        await self._learn(places)
        found: dict[TopicPartition, int] = await super().end_offsets(places)
        return found

    async def _learn(self, places: Iterable[TopicPartition]) -> None:
        known = self._client.cluster.partitions_for_topic
        if unknown := {place.topic for place in places if known(place.topic) is None}:
            await asyncio.gather(*(self._client.add_topic(topic) for topic in unknown))


def client_options(settings: Settings) -> dict[str, Any]:
    """The connection options of an aiokafka client."""
    return options_of(settings.kafka, _password(settings))


def options_of(kafka: Kafka, password: str | None) -> dict[str, Any]:
    """The same, for who has not all settings."""
    options: dict[str, Any] = {
        "bootstrap_servers": kafka.bootstrap_servers,
        "security_protocol": kafka.security_protocol,
        "retry_backoff_ms": RETRY_BACKOFF_MS,
    }
    if kafka.security_protocol.endswith("SSL"):
        options["ssl_context"] = tls_context(kafka)
    if kafka.sasl_mechanism:
        options["sasl_mechanism"] = kafka.sasl_mechanism
        options["sasl_plain_username"] = kafka.sasl_username
        options["sasl_plain_password"] = password
    return options


def consumer_without_group(kafka: Kafka, password: str | None) -> AIOKafkaConsumer:
    """A consumer that joins no group and commits nothing; it is assigned and sought by its user."""
    return Consumer(
        **options_of(kafka, password), enable_auto_commit=False, auto_offset_reset="earliest", fetch_max_wait_ms=100
    )


REACH_SECONDS = 8.0
"""How long a first answer of Kafka is waited for."""


async def reach(settings: Settings) -> dict[str, int]:
    """Ask Kafka for its topics: the number of partitions of each. Creates none.

    Raises aiokafka's error when Kafka does not answer within `REACH_SECONDS`; `KafkaRefused` says why.
    """
    await _try_servers(settings)
    client = AIOKafkaClient(**client_options(settings), request_timeout_ms=int(REACH_SECONDS * 1000))
    bound_connecting(client)
    try:
        async with asyncio.timeout(REACH_SECONDS):
            await client.bootstrap()
            cluster = await client.fetch_all_metadata()
    except TimeoutError:
        raise KafkaConnectionError(f"no answer within {REACH_SECONDS:.0f} s") from None
    except KafkaConnectionError:
        raise KafkaConnectionError("connection refused, or no broker at this address") from None
    finally:
        await client.close()
    return {topic: len(cluster.partitions_for_topic(topic) or ()) for topic in cluster.topics()}


async def _try_servers(settings: Settings) -> None:
    """Return once one of the servers takes us. Raises `KafkaRefused` with what each says; aiokafka would tell its log only."""
    options = client_options(settings)
    servers = str(options.pop("bootstrap_servers"))
    del options["retry_backoff_ms"]  # of clients; here is one connection, and no second attempt
    told: list[str] = []
    for server in servers.split(","):
        host, port, _ = get_ip_port_afi(server.strip())
        try:
            async with asyncio.timeout(REACH_SECONDS):
                connection = await create_conn(host, port, **options, request_timeout_ms=int(REACH_SECONDS * 1000))
                try:
                    await connection.send(
                        MetadataRequest([])
                    )  # a listener with SASL takes the connection, and nothing else
                finally:
                    connection.close()
        except (OSError, EOFError, KafkaError) as error:
            told.append(connection_trouble(error, settings.kafka, server.strip()))
        else:
            return
    raise KafkaRefused("; ".join(dict.fromkeys(told)))


async def demand_group(settings: Settings, group: str) -> None:
    """Ask whether we may join a group. Raises `KafkaRefused` when a right is missing.

    A consumer without it is told so by its log only, and tries for ever.
    The question is a heartbeat of a member that there is not: it needs the same right as joining, and changes nothing.
    """
    client = AIOKafkaClient(**client_options(settings), request_timeout_ms=int(REACH_SECONDS * 1000))
    bound_connecting(client)
    await client.bootstrap()
    try:
        async with asyncio.timeout(REACH_SECONDS):
            while True:
                try:
                    node = await client.coordinator_lookup(CoordinationType.GROUP, group)
                    answer = await client.send(
                        node, HeartbeatRequest(group, -1, "nobody"), group=ConnectionGroup.COORDINATION
                    )
                    error = for_code(answer.error_code)
                    if not error.retriable:
                        break
                except KafkaError as raised:
                    if not raised.retriable:
                        raise
                await asyncio.sleep(0.2)
    except GroupAuthorizationFailedError as refused:
        raise KafkaRefused(rights_trouble(refused, settings.kafka, group)) from None
    except TimeoutError:
        return  # the coordinator is not there yet: the consumer waits for it
    finally:
        await client.close()
    if issubclass(error, GroupAuthorizationFailedError):
        raise KafkaRefused(rights_trouble(error(), settings.kafka, group))


LED_SECONDS = 30.0
"""How long Kafka may take until every partition of a topic that it has made has a leader."""


async def until_topics_are_led(
    settings: Settings, topics: Collection[str], *, fetch: Callable[[], Awaitable[ClusterMetadata]] | None = None
) -> None:
    """Return once Kafka names a leader for every partition of these topics. `fetch` asks it (for tests).

    Kafka says that a topic is made before its brokers know it. A worker that joins its group in that moment is given nothing
    of it, and is asked to join again only when its client next looks at the topics.
    Raises `LeaderNotAvailableError` after `LED_SECONDS`, and aiokafka's error when Kafka does not answer.
    """
    if fetch is None:
        client = AIOKafkaClient(**client_options(settings))
        bound_connecting(client)
        try:
            await client.bootstrap()
            await until_topics_are_led(settings, topics, fetch=client.fetch_all_metadata)
        finally:
            await client.close()
        return
    began = time.monotonic()
    while missing := _not_led(await fetch(), topics):
        if time.monotonic() - began > LED_SECONDS:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise LeaderNotAvailableError(f"no leader for topic {missing[0]}{more} within {LED_SECONDS:.0f} s")
        await asyncio.sleep(0.1)


def _not_led(cluster: ClusterMetadata, topics: Iterable[str]) -> list[str]:
    """Those that the cluster does not know, or of which a partition has no leader."""
    return [
        topic
        for topic in topics
        if not (known := cluster.partitions_for_topic(topic)) or cluster.available_partitions_for_topic(topic) != known
    ]


def new_producer(settings: Settings) -> KafkaProducer:
    """The producer that everything is written through: idempotent, acknowledged by all in-sync replicas."""
    made = KafkaProducer(client_options(settings), Limits.of(settings.gateway.max_body_bytes).record)
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


async def start_consumer(consumer: AIOKafkaConsumer) -> None:
    """Start a consumer; one that cannot reach Kafka is closed again. Raises aiokafka's error."""
    try:
        await consumer.start()
    except BaseException:
        await stop_consumer(consumer)
        raise


async def stop_consumer(consumer: AIOKafkaConsumer) -> None:
    """Stop a consumer, in whatever state it and Kafka are.

    XXX: aiokafka awaits tasks that it has just cancelled. Such as pause after a failed fetch, or have not begun, end with
    `CancelledError` (its issue 647): the caller would take itself for cancelled, its own error would be lost, and the
    connections would stay open. To be removed once aiokafka expects that.
    """
    if not await _is_over(consumer.stop()):
        if consumer._fetcher is not None:
            await _is_over(consumer._fetcher.close())
        await consumer._client.close()


async def _is_over(work: Coroutine[Any, Any, None]) -> bool:
    """Do it in a task of its own; whether it came to its end. Raises what it raises, but for its own cancellation."""
    task = asyncio.ensure_future(work)
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()
    return not task.cancelled()


async def read_topic(settings: Settings, topic: str) -> list[ConsumerRecord[bytes, bytes]]:
    """Every record that a topic holds now, in order within a partition, for a look at it: it joins no group."""
    return [record async for record in each_record(settings, topic)]


async def each_record(
    settings: Settings, topic: str, partitions: Iterable[int] | None = None, *, newest: int | None = None
) -> AsyncIterator[ConsumerRecord[bytes, bytes]]:
    """The same, one after another, from all partitions or from some: for topics that need not fit into memory.

    `newest` leaves out what stands more offsets than that before the end of its partition.
    """
    numbers = range(settings.kafka.partitions) if partitions is None else partitions
    places = [TopicPartition(topic, number) for number in numbers]
    # Not `seek_to_beginning`: it races with the reset to the end that an assignment without offsets brings.
    consumer = Consumer(**client_options(settings), auto_offset_reset="earliest", fetch_max_wait_ms=50)
    await start_consumer(consumer)
    try:
        ends = await consumer.end_offsets(places)
        consumer.assign(places)
        if newest is not None:
            for place, first in (await consumer.beginning_offsets(places)).items():
                consumer.seek(place, max(first, ends[place] - newest))
        while sum([await consumer.position(place) for place in places]) < sum(ends.values()):
            for messages in (await consumer.getmany(timeout_ms=200)).values():
                for message in messages:
                    yield message
    finally:
        await stop_consumer(consumer)


class GroupLag:
    """How far a consumer group is in some partitions, seen from beside it: this client joins no group."""

    def __init__(self, settings: Settings, group: str) -> None:
        self._settings = settings
        self._group = group
        self._consumer: AIOKafkaConsumer | None = None
        self._starting = asyncio.Lock()

    async def look(self, places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], tuple[int, int]]:
        """(committed, end) of each topic and partition; one without a commit, or with one that was deleted, begins at its start."""
        consumer = await self._started()
        wanted = {TopicPartition(*place) for place in places}
        if not wanted:
            return {}
        if consumer.assignment() != wanted:
            consumer.assign(wanted)
        ends, firsts = await consumer.end_offsets(wanted), await consumer.beginning_offsets(wanted)
        return {(p.topic, p.partition): (max(firsts[p], await consumer.committed(p) or 0), ends[p]) for p in wanted}

    async def resumes_at(self, place: tuple[str, int]) -> int:
        """The offset at which the group goes on in a topic and partition: its commit, or the first that is still there.

        Asked until Kafka answers: that it is away says nothing, and nothing can go on before. Raises aiokafka's error for
        what asking again does not change.
        """
        while True:
            try:
                return await self._resumes_at(place)
            except KafkaError as error:
                if not (error.retriable or isinstance(error, KafkaTimeoutError | KafkaConnectionError)):
                    raise
                log.warning("where the group goes on cannot be seen: %s", error, extra={"repeats": True})
            await asyncio.sleep(ASK_AGAIN_SECONDS)

    async def _resumes_at(self, place: tuple[str, int]) -> int:
        consumer = await self._started()
        partition = TopicPartition(*place)
        first: int = (await consumer.beginning_offsets([partition]))[partition]
        committed: int | None = await consumer.committed(partition)
        return max(first, committed or 0)

    async def reach(self, places: Collection[tuple[str, int]]) -> dict[tuple[str, int], tuple[int | None, int, int]]:
        """Of each topic and partition the group's commit (None without any), the first offset that is there, and the next one."""
        consumer, wanted = await self._started(), [TopicPartition(*place) for place in places]
        committed = await asyncio.gather(*(consumer.committed(one) for one in wanted))
        firsts, ends = await consumer.beginning_offsets(wanted), await consumer.end_offsets(wanted)
        return {
            (one.topic, one.partition): (commit, firsts[one], ends[one])
            for one, commit in zip(wanted, committed, strict=True)
        }

    async def _started(self) -> AIOKafkaConsumer:
        async with self._starting:
            if self._consumer is None:
                consumer = Consumer(**client_options(self._settings), group_id=self._group, enable_auto_commit=False)
                await start_consumer(consumer)
                self._consumer = consumer
            return self._consumer

    async def aclose(self) -> None:
        """Close the client, if it was ever asked for."""
        if self._consumer is not None:
            await stop_consumer(self._consumer)


def faust_options(settings: Settings) -> dict[str, Any]:
    """The connection options of a Faust app."""
    kafka = settings.kafka
    options: dict[str, Any] = {"broker": [f"kafka://{server.strip()}" for server in kafka.bootstrap_servers.split(",")]}
    context = tls_context(kafka) if kafka.security_protocol.endswith("SSL") else None
    if kafka.sasl_mechanism:
        options["broker_credentials"] = faust.SASLCredentials(
            username=kafka.sasl_username,
            password=_password(settings),
            mechanism=faust.types.auth.SASLMechanism(kafka.sasl_mechanism),
            ssl_context=context,
        )
    elif context is not None:
        options["broker_credentials"] = faust.SSLCredentials(context)
    return options


def _password(settings: Settings) -> str | None:
    return settings.kafka_password.get_secret_value() if settings.kafka_password else None
