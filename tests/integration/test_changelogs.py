"""Tables come back from their changelogs: whole, in order, and only what is new; standby copies follow what others write."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from streams.appender import Appender, Record
from streams.kafka import new_producer
from streams.settings import parse_settings
from streams.state import changelog_consumer
from streams.tables import Changelogs, MemoryStore
from tests.deadlines import within
from tests.kafka.broker import Broker

LINKS = b"links"


class Stage:
    """A changelog topic, a store, and what reads the one into the other."""

    def __init__(self, broker: Broker) -> None:
        text = f'[kafka]\nbootstrap_servers = "{broker.bootstrap}"\n'
        self.settings = parse_settings(text, {}, read_file=lambda path: "", source="test")
        self.topic = f"changelog-{uuid.uuid4().hex[:8]}"
        broker.create_topics({self.topic: {"cleanup.policy": "compact"}}, 2)
        self.store = MemoryStore()
        self.changelogs = Changelogs(
            {self.topic: LINKS}, self.store, lambda: changelog_consumer(self.settings), time.monotonic
        )
        self.producer = new_producer(self.settings)

    async def write(self, partition: int, rows: dict[bytes, bytes | None]) -> int:
        """Append rows as another worker would; the last offset."""
        records = [Record(self.topic, partition, key, value) for key, value in rows.items()]
        return (await Appender(self.producer).append(records))[-1]

    def rows(self, partition: int) -> dict[bytes, bytes]:
        """What the local store holds."""
        return dict(self.store.scan(partition, LINKS))


@asynccontextmanager
async def a_stage(broker: Broker) -> AsyncIterator[Stage]:
    """Set it, and take it down."""
    stage = Stage(broker)
    await stage.producer.start()
    try:
        yield stage
    finally:
        await stage.producer.stop()


async def until(claim: object, seconds: float = 30.0) -> None:
    """Wait until a claim holds."""
    async with asyncio.timeout(within(seconds)):
        while not claim():  # type: ignore[operator]  # a callable
            await asyncio.sleep(0.02)


@pytest.mark.in_make_test
async def test_a_partition_is_read_to_its_end_and_then_only_what_is_new(real_kafka: Broker) -> None:
    """Deletions too; the other partition is not touched."""
    async with a_stage(real_kafka) as on:
        await on.write(0, {b"%d" % n: b"old" for n in range(2_000)})
        await on.write(1, {b"other": b"x"})
        first = await on.changelogs.recover([0])
        last = await on.write(0, {b"7": b"new", b"8": None})
        second = await on.changelogs.recover([0])

        assert first.records == 2_000
        assert second.records == 2
        assert on.store.position(0, LINKS) == last
        assert on.rows(0) == {b"%d" % n: b"old" for n in range(2_000) if n != 8} | {b"7": b"new"}
        assert on.rows(1) == {}


async def test_an_empty_changelog_recovers_at_once(real_kafka: Broker) -> None:
    """The first start of all."""
    async with a_stage(real_kafka) as on:
        assert (await on.changelogs.recover([0, 1])).records == 0
        assert (await on.changelogs.recover([])).partitions == 0


async def test_a_store_that_is_ahead_of_its_changelog_is_read_anew(real_kafka: Broker) -> None:
    """The topics were made again: what the old store holds is of another life."""
    async with a_stage(real_kafka) as on:
        on.store.write(0, LINKS, [(b"ghost", b"x")], 500)
        await on.write(0, {b"a": b"1"})
        await on.changelogs.recover([0])
        assert on.rows(0) == {b"a": b"1"}


async def test_a_standby_copy_follows_and_a_takeover_reads_only_the_rest(real_kafka: Broker) -> None:
    """What the former owner wrote is here already when the partition comes."""
    async with a_stage(real_kafka) as on:
        following = asyncio.create_task(on.changelogs.run())
        try:
            await on.write(0, {b"a": b"1"})
            on.changelogs.follow([0, 1])
            await until(lambda: on.rows(0) == {b"a": b"1"})
            await on.write(1, {b"b": b"2"})
            await until(lambda: on.rows(1) == {b"b": b"2"})
            taken = await on.changelogs.recover([0])
            assert taken.records == 0
            await on.write(0, {b"a": b"own"})
            await on.write(1, {b"b": b"3"})
            await until(lambda: on.rows(1) == {b"b": b"3"})
            assert on.rows(0) == {b"a": b"1"}, "an owner's own writes are put by its table, not read back"
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
