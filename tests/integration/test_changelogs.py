"""Tables come back from their changelogs: whole, in order, and only what is new; standby copies follow what others write."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from streams.kafka.batching_producer import BatchingProducer, Record
from streams.kafka.clients import new_producer
from streams.kafka.tables import ChangelogLost, Changelogs, MemoryStore, RocksStore, Store
from streams.settings import parse_settings
from streams.worker.tables import changelog_consumer
from tests.deadlines import within
from tests.kafka.broker import Broker

LINKS = b"links"


class Stage:
    """A changelog topic, a store, and what reads the one into the other."""

    def __init__(self, broker: Broker, store: Store | None = None) -> None:
        text = f'[kafka]\nbootstrap_servers = "{broker.bootstrap}"\n'
        self.settings = parse_settings(text, {}, read_file=lambda path: "", source="test")
        self.topic = f"changelog-{uuid.uuid4().hex[:8]}"
        broker.create_topics({self.topic: {"cleanup.policy": "compact"}}, 2)
        self.store = store or MemoryStore()
        self.changelogs = Changelogs(
            {self.topic: LINKS}, self.store, lambda: changelog_consumer(self.settings), time.monotonic
        )
        self.producer = new_producer(self.settings)

    async def write(self, partition: int, rows: dict[bytes, bytes | None]) -> int:
        """Append rows as another worker would; the last offset."""
        records = [Record(self.topic, partition, key, value) for key, value in rows.items()]
        return (await BatchingProducer(self.producer).produce(records))[-1]

    def rows(self, partition: int) -> dict[bytes, bytes]:
        """What the local store holds."""
        return dict(self.store.scan(partition, LINKS))


@asynccontextmanager
async def a_stage(broker: Broker, store: Store | None = None) -> AsyncIterator[Stage]:
    """Set it, and take it down."""
    stage = Stage(broker, store)
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


async def test_a_store_that_is_ahead_of_its_changelog_is_refused_and_kept(real_kafka: Broker) -> None:
    """The copy here may be the only one that is left: it is neither thrown away nor read over."""
    async with a_stage(real_kafka) as on:
        on.store.write(0, LINKS, [(b"only", b"x")], 500)
        await on.write(0, {b"a": b"1"})
        with pytest.raises(ChangelogLost, match="ends at offset 1, but our copy has it up to offset 500"):
            await on.changelogs.recover([0])
        assert on.rows(0) == {b"only": b"x"}
        assert on.store.position(0, LINKS) == 500


async def test_a_changelog_of_another_life_is_refused_whatever_its_length(real_kafka: Broker) -> None:
    """It has grown beyond our copy since it was created again."""
    async with a_stage(real_kafka) as on:
        await on.write(0, {b"a": b"1"})
        await on.changelogs.recover([0])
        on.store.set_origin(0, LINKS, "the id of the topic before")
        await on.write(0, {b"b": b"2", b"c": b"3"})
        with pytest.raises(ChangelogLost, match="was deleted and recreated"):
            await on.changelogs.recover([0])
        assert on.rows(0) == {b"a": b"1"}


async def test_no_copy_is_kept_of_a_changelog_that_has_lost_rows(real_kafka: Broker) -> None:
    """A standby copy that was good stays as it is; those beside it are followed."""
    async with a_stage(real_kafka) as on:
        on.store.write(0, LINKS, [(b"only", b"x")], 500)
        await on.write(1, {b"b": b"2"})
        following = asyncio.create_task(on.changelogs.run())
        try:
            on.changelogs.follow([0, 1])
            await until(lambda: on.rows(1) == {b"b": b"2"})
            assert on.rows(0) == {b"only": b"x"}
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


async def test_a_damaged_store_is_read_anew_although_others_of_it_were_read(real_kafka: Broker, tmp_path: Path) -> None:
    """A damaged database would end the worker at each start, though Kafka has everything. A sound one beside it is not touched."""
    async with a_stage(real_kafka, RocksStore(tmp_path)) as on:
        wanted: dict[bytes, bytes | None] = {f"key-{number}".encode(): b"row" for number in range(50)}
        for partition in (0, 1):
            await on.write(partition, wanted)
        await on.changelogs.recover({0, 1})
        on.store.close()
        (tmp_path / "partition-0000" / "CURRENT").write_bytes(b"garbage")
        found = await on.changelogs.recover({0, 1})
        assert found.records == 50
        assert on.rows(0) == on.rows(1) == wanted
        assert [one.startswith("damaged-partition-0000-") for one in on.store.set_aside()] == [True]
        assert (await on.changelogs.recover({0, 1})).records == 0
        on.store.close()


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
