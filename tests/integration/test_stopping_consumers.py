"""A consumer is stopped in whatever state it and Kafka are: nobody is cancelled by that, and no connection stays open."""

from __future__ import annotations

import asyncio
import logging

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError

from streams.kafka.clients import start_consumer, stop_consumer
from streams.kafka.embedded import EmbeddedBroker
from tests.deadlines import within

FAR_SECONDS = within(60)


async def test_a_consumer_that_pauses_after_a_failed_fetch_is_stopped(caplog: pytest.LogCaptureFixture) -> None:
    """Kafka has gone away: a command then says so, and does not end as if somebody had cancelled it."""
    caplog.set_level(logging.ERROR, "aiokafka.consumer.fetcher")
    with EmbeddedBroker() as broker:
        broker.create_topic("some", 1)
        consumer = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, retry_backoff_ms=int(FAR_SECONDS * 1000))
        await start_consumer(consumer)
        consumer.assign([TopicPartition("some", 0)])
        await consumer.getmany(timeout_ms=200)
    async with asyncio.timeout(within(60)):
        while "Failed fetch messages" not in caplog.text:
            await consumer.getmany(timeout_ms=50)
    fetcher, client = consumer._fetcher, consumer._client
    assert [one for one in fetcher._pending_tasks if not one.done()] != []
    async with asyncio.timeout(FAR_SECONDS / 4):
        await stop_consumer(consumer)

    assert all(one.done() for one in fetcher._pending_tasks)
    assert client._conns == {}


async def test_a_consumer_that_cannot_reach_kafka_is_closed_again() -> None:
    """Else its sockets stay, and Python complains of them on the operator's terminal."""
    consumer = AIOKafkaConsumer(bootstrap_servers="127.0.0.1:1")
    with pytest.raises(KafkaConnectionError, match="Unable to bootstrap"):
        await start_consumer(consumer)

    assert consumer._closed


@pytest.mark.parametrize("cancels", [1, 2, 3])
async def test_a_consumer_is_stopped_also_when_who_stops_it_is_cancelled(cancels: int) -> None:
    """A gateway that ends cancels what is reading, and then its loop cancels what is stopping."""
    with EmbeddedBroker() as broker:
        broker.create_topic("some", 1)
        consumer = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap)
        await start_consumer(consumer)
        client = consumer._client
        reading = asyncio.Event()

        async def read() -> None:
            try:
                reading.set()
                await asyncio.Event().wait()
            finally:
                await stop_consumer(consumer)

        task = asyncio.create_task(read())
        await reading.wait()
        for _ in range(cancels):
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task

    assert consumer._closed
    assert not any(one.connected() for one in client._conns.values())


@pytest.mark.parametrize("rounds", range(4))
def test_a_consumer_is_stopped_also_when_its_loop_ends_meanwhile(rounds: int) -> None:
    """The loop then cancels all tasks at once, also one that has not begun."""
    left: list[AIOKafkaConsumer] = []

    async def read(reads: asyncio.Event) -> None:
        consumer = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap)
        left.append(consumer)
        await start_consumer(consumer)
        try:
            consumer.assign([TopicPartition("some", 0)])
            await consumer.getmany(timeout_ms=200)
            reads.set()
            await asyncio.Event().wait()
        finally:
            await stop_consumer(consumer)

    async def serve() -> None:
        reads = asyncio.Event()
        reading = asyncio.create_task(read(reads))
        await reads.wait()
        reading.cancel()
        for _ in range(rounds):
            await asyncio.sleep(0)

    with EmbeddedBroker() as broker:
        broker.create_topic("some", 1)
        asyncio.run(serve())

    assert left[0]._closed
    assert not any(one.connected() for one in left[0]._client._conns.values())
