"""What the product asks of a broker, on the embedded one and on a real Kafka."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faust
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from tests.deadlines import within
from tests.kafka.broker import Broker

pytestmark = pytest.mark.in_make_test

DEADLINE_SECONDS = within(30)


@pytest.fixture
def topic(broker: Broker) -> str:
    """A topic of this test's own, with four partitions."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    broker.create_topic(name, 4, {})
    return name


async def produce(broker: Broker, topic: str, records: int, partition: int) -> int:
    """Append one idempotent batch; returns the offset of its first record."""
    async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap, enable_idempotence=True, acks="all") as producer:
        batch = producer.create_batch()
        for number in range(records):
            assert batch.append(key=b"k", value=b"%d" % number, timestamp=None) is not None
        acknowledged = await (await producer.send_batch(batch, topic, partition=partition))
        return int(acknowledged.offset)


async def consume(broker: Broker, topic: str, group: str, records: int) -> list[int]:
    """Read so many records as a member of a group and commit; returns their values."""
    values: list[int] = []
    async with AIOKafkaConsumer(
        topic,
        bootstrap_servers=broker.bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=int(within(3000)),  # the embedded broker lets who comes back wait for a second less
        heartbeat_interval_ms=500,
    ) as consumer:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while len(values) < records:
                for batch in (await consumer.getmany(timeout_ms=100, max_records=records - len(values))).values():
                    values += [int(message.value) for message in batch]
        await consumer.commit()
    return values


async def test_a_batch_is_appended_whole_and_in_order(broker: Broker, topic: str) -> None:
    """Two batches to one partition follow one another, and are read back as they were written."""
    first = await produce(broker, topic, 100, partition=2)
    second = await produce(broker, topic, 100, partition=2)
    values = await consume(broker, topic, f"{topic}-group", 200)
    assert (first, second) == (0, 100)
    assert values == [*range(100), *range(100)]


async def test_a_group_goes_on_where_it_committed(broker: Broker, topic: str) -> None:
    """A member that comes back reads what its predecessor did not commit, and nothing else."""
    await produce(broker, topic, 30, partition=0)
    before = await consume(broker, topic, f"{topic}-group", 10)
    after = await consume(broker, topic, f"{topic}-group", 20)
    assert before + after == list(range(30))


async def test_a_topic_has_the_partitions_that_were_asked_for(broker: Broker) -> None:
    """Placement counts on it: `murmur2(budget) % partitions`."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    broker.create_topic(name, 7, {})
    async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap) as producer:
        partitions = await producer.partitions_for(name)
    assert partitions == set(range(7))


def counting_app(broker: Broker, topic: str, directory: Path, counted: Callable[[int], None]) -> tuple[faust.App, Any]:
    """The smallest Faust app with a table: counts records by key, as the product's workers are set up."""
    app = faust.App(
        f"{topic}-app",
        broker=f"kafka://{broker.bootstrap}",
        store="memory://",
        datadir=directory,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        stream_wait_empty=False,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=within(8),  # a loop that is late for less is no reason for a rebalance
        broker_heartbeat_interval=0.6,
        broker_commit_interval=0.1,
    )
    source = app.topic(topic, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
    table = app.Table("counts", partitions=4, default=int, key_type=bytes)

    async def count(stream: faust.Stream[bytes]) -> None:
        async for event in stream.events():
            table[event.key] += 1
            counted(table[event.key])

    app.agent(source, name="count", concurrency=1)(count)
    app.finalize()
    return app, table


async def test_a_faust_table_comes_back_from_its_changelog(broker: Broker, topic: str, tmp_path: Path) -> None:
    """The second life of an app finds in its table what the first one counted, and goes on counting from there."""
    changelog = f"{topic}-app-counts-changelog"
    broker.create_topic(changelog, 4, {"cleanup.policy": "compact"})
    reached: asyncio.Queue[int] = asyncio.Queue()

    async def live_until(count: int) -> None:
        app, _ = counting_app(broker, topic, tmp_path, reached.put_nowait)
        await app.start()
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                while await reached.get() != count:
                    pass
                await app.commit(topics={topic})
        finally:
            await app.stop()

    await produce(broker, topic, 10, partition=1)
    await live_until(10)
    await produce(broker, topic, 5, partition=1)
    await live_until(15)
    async with AIOKafkaConsumer(bootstrap_servers=broker.bootstrap) as consumer:
        place = TopicPartition(changelog, 1)
        rows = (await consumer.end_offsets([place]))[place]
    assert rows == 15
