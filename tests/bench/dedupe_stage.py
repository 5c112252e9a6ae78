"""How fast `dedupe` is, against an empty Faust agent on the same broker in the same run.

Each run is a process of its own: it fills a topic of its own, starts one Faust worker with one agent, and measures from the
first record to the last. The far end is counted by offsets: for `dedupe` the records on `lofty.fetches`, for the empty
agent the records that it was handed.

    python -m tests.bench.dedupe_stage empty|dedupe BOOTSTRAP RECORDS
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
import uuid

import faust
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams.core.rows import SeenRow
from streams.kafka.batching_producer import BatchingProducer, Record
from streams.kafka.parking import Parking
from streams.kafka.producer import KafkaProducer
from streams.kafka.tables import MemoryStore, Table
from streams.messages import Change
from streams.messages.partitioning import partition_of
from streams.messages.size_limits import DEFAULT
from streams.messages.topics import CHANGES, FETCHES, SEEN_TABLE, TopicNames
from streams.worker.agents.batches import agent
from streams.worker.agents.dedupe import dedupe
from streams.worker.agents.in_progress import InProgress
from streams.worker.output import Output

PARTITIONS = 4


async def measure(kind: str, bootstrap: str, records: int) -> dict[str, float]:
    """Run once; returns the rate in records a second, and how many the far end holds."""
    names = TopicNames(f"bench-{uuid.uuid4().hex[:8]}.")
    await _create(bootstrap, [names.of(CHANGES), names.of(FETCHES), names.changelog(SEEN_TABLE)])
    producer = KafkaProducer({"bootstrap_servers": bootstrap}, DEFAULT.record)
    await producer.start()
    batching_producer = BatchingProducer(producer)
    await _fill(batching_producer, names.of(CHANGES), records)

    app = faust.App(
        names.group,
        broker=f"kafka://{bootstrap}",
        store="memory://",
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        stream_wait_empty=False,
        broker_commit_interval=1.0,
    )
    source = app.topic(
        names.of(CHANGES), key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
    )
    done = asyncio.Event()
    clock = {"first": 0.0, "seen": 0.0}

    def count(_: str = "") -> None:
        if not clock["first"]:
            clock["first"] = time.perf_counter()
        clock["seen"] += 1
        if clock["seen"] >= records:
            done.set()

    if kind == "empty":

        async def empty(stream: faust.Stream[bytes]) -> None:
            async for _ in stream:
                count()

        app.agent(source, name="empty", concurrency=1)(empty)
    else:
        process = dedupe(
            seen=Table(SEEN_TABLE, SeenRow, names.changelog(SEEN_TABLE), MemoryStore(), batching_producer),
            output=Output(batching_producer, Parking(names, PARTITIONS), lambda: 0),
            fetches_topic=names.of(FETCHES),
            lofty_partitions={"acme": 1},
            count=count,
        )
        app.agent(source, name="dedupe", concurrency=1)(agent("dedupe", process, InProgress(), sys.exit))
    app.finalize()
    await app.start()
    await asyncio.wait_for(done.wait(), 120)
    # The last batch counts once its outputs are acknowledged.
    far_end = await _count(bootstrap, names.of(FETCHES), records) if kind == "dedupe" else records
    seconds = time.perf_counter() - clock["first"]
    await app.stop()
    await producer.stop()
    return {"rate": records / seconds, "far_end": far_end}


async def _create(bootstrap: str, topics: list[str]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, PARTITIONS, 1) for topic in topics])
    await admin.close()


async def _fill(batching_producer: BatchingProducer, topic: str, records: int) -> None:
    made = []
    for number in range(records):
        change = Change(
            connection="acme",
            lead=str(1_146_742_878_000_000 + number),
            kind="contact",
            id=str(1_146_742_878_000_000 + number),
            operation="updated",
            update_time_ms=1_736_935_800_000 + number,
            accepted_ms=1_736_935_800_500 + number,
        )
        lane = change.entity.lane
        made.append(Record(topic, partition_of(lane, PARTITIONS), lane.encode(), change.to_bytes()))
    await batching_producer.produce(made)


async def _count(bootstrap: str, topic: str, wanted: int) -> int:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        async with asyncio.timeout(30):
            while True:
                total = sum((await consumer.end_offsets(places)).values())
                if total >= wanted:
                    return total
                await asyncio.sleep(0.005)
    finally:
        await consumer.stop()


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    print(json.dumps(asyncio.run(measure(sys.argv[1], sys.argv[2], int(sys.argv[3])))))
