"""How our clients reach Kafka: one translation of the settings for aiokafka, one for Faust."""

from __future__ import annotations

import ssl
from typing import Any

import faust
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from streams.settings import Settings

MAX_BATCH_BYTES = 1_000_000
"""Below Kafka's default `message.max.bytes` of 1 MiB, so that a broker never refuses a batch of ours for its size."""

FETCH_WAIT_MS = 25
"""How long the broker may hold back an empty fetch."""


def client_options(settings: Settings) -> dict[str, Any]:
    """The connection options of an aiokafka client."""
    kafka = settings.kafka
    options: dict[str, Any] = {
        "bootstrap_servers": kafka.bootstrap_servers,
        "security_protocol": kafka.security_protocol,
    }
    if kafka.security_protocol.endswith("SSL"):
        options["ssl_context"] = ssl.create_default_context(cafile=kafka.ssl_cafile)
    if kafka.sasl_mechanism:
        options["sasl_mechanism"] = kafka.sasl_mechanism
        options["sasl_plain_username"] = kafka.sasl_username
        options["sasl_plain_password"] = _password(settings)
    return options


def new_producer(settings: Settings) -> AIOKafkaProducer:
    """The producer that everything is written through: idempotent, acknowledged by all in-sync replicas."""
    return AIOKafkaProducer(
        **client_options(settings), enable_idempotence=True, acks="all", max_batch_size=MAX_BATCH_BYTES
    )


async def start_producer(producer: AIOKafkaProducer) -> None:
    """Start a producer; one that cannot reach Kafka is closed again. Raises aiokafka's error."""
    try:
        await producer.start()
    except BaseException:
        await producer.stop()
        raise


async def read_topic(settings: Settings, topic: str) -> list[bytes]:
    """Every value that a topic holds now, partition by partition, for a look at it: it joins no group."""
    places = [TopicPartition(topic, number) for number in range(settings.kafka.partitions)]
    # Not `seek_to_beginning`: it races with the reset to the end that an assignment without offsets brings.
    consumer = AIOKafkaConsumer(**client_options(settings), auto_offset_reset="earliest", fetch_max_wait_ms=50)
    await consumer.start()
    try:
        ends = await consumer.end_offsets(places)
        consumer.assign(places)
        values: list[bytes] = []
        while sum([await consumer.position(place) for place in places]) < sum(ends.values()):
            for messages in (await consumer.getmany(timeout_ms=200)).values():
                values += [message.value for message in messages]
        return values
    finally:
        await consumer.stop()


def faust_options(settings: Settings) -> dict[str, Any]:
    """The connection options of a Faust app."""
    kafka = settings.kafka
    options: dict[str, Any] = {"broker": [f"kafka://{server.strip()}" for server in kafka.bootstrap_servers.split(",")]}
    context = ssl.create_default_context(cafile=kafka.ssl_cafile) if kafka.security_protocol.endswith("SSL") else None
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


def shorten_fetch_wait(app: faust.App) -> None:
    """Let a fetch wait `FETCH_WAIT_MS` for data, not Faust's fixed 1.5 s. Call it before partitions resume.

    A partition that was left out of the fetch under way (its last records were just taken) is only asked for in the next
    one: at light load that was the slowest hop by far. XXX: goes when faust-streaming makes `fetch_max_wait_ms` a setting.
    """
    thread = app.consumer._thread  # type: ignore[attr-defined]  # Faust's own consumer, not any that its interface allows
    thread._consumer._fetcher._fetch_max_wait_ms = FETCH_WAIT_MS


def _password(settings: Settings) -> str | None:
    return settings.kafka_password.get_secret_value() if settings.kafka_password else None
