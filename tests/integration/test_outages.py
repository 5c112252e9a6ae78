"""Kafka away, frozen, or refusing: what is appended ends, in order, and everything heals without a person."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.client import AIOKafkaClient, CoordinationType
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource

from connectors.ghl.signature import HEADER
from connectors.sandbox.ghl.mailer import signing_key
from streams.kafka.batching_producer import BatchingProducer, NotWritten, Record, RecordTooLarge
from streams.kafka.connection_options import client_options
from streams.kafka.producer import KafkaProducer
from streams.messages import Parked
from streams.messages.size_limits import DEFAULT
from streams.messages.topics import (
    CHANGES,
    FETCHES,
    FETCHES_TABLE,
    GHL_CHANGES,
    LINKS_TABLE,
    LOFTY_WRITES,
    OUTBOX_TABLE,
    PARKED,
    SEEN_TABLE,
    SNAPSHOTS,
    SWEEPS,
)
from streams.settings import Settings
from tests.deadlines import within
from tests.integration.outage_stage import outage_stage
from tests.integration.stage import LOCATION, PARTITIONS, SECRET, Stage, stage
from tests.kafka.broker import real_broker
from tests.kafka.cluster import KafkaCluster
from tests.kafka.jars import why_unavailable
from tests.kafka.node import KafkaNode

pytestmark = pytest.mark.thorough

PATIENCE_SECONDS = within(60)
"""How long something may take that takes a second on an idle machine."""

RECORD_BYTES = 1_500_000
"""More than Kafka takes by default."""

MOST_LINES = 200
"""What a process may log during an outage of a minute."""

MOST_CPU_SHARE = 0.1
CPU_SECONDS = 2.0
"""Of one core, of a process during an outage: three times what a quiet machine measures, as busy ones are slower."""


@pytest.fixture(scope="module")
def kafka() -> Iterator[KafkaNode]:
    """A node of this file's own: its tests take it away and bring it back."""
    missing = why_unavailable()
    if missing is not None:
        pytest.skip(missing)
    with KafkaNode() as running:
        yield running


async def freeze(kafka: KafkaNode) -> None:
    """Return once none of its threads runs."""
    os.kill(kafka.pid, signal.SIGSTOP)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while _runs(kafka.pid):
            await asyncio.sleep(0.01)


def _runs(pid: int) -> bool:
    for thread in Path(f"/proc/{pid}/task").iterdir():
        try:
            if (thread / "stat").read_text().rpartition(")")[2].split()[0] != "T":
                return True
        except FileNotFoundError:
            continue
    return False


class Desk:
    """A topic of one test's own, and an appender to it."""

    def __init__(self, kafka: KafkaNode, delivery_seconds: float, request_seconds: float) -> None:
        self.kafka = kafka
        self.topic = f"t-{uuid.uuid4().hex[:8]}"
        self.producer = KafkaProducer(
            {"bootstrap_servers": kafka.bootstrap}, RECORD_BYTES, request_seconds=request_seconds
        )
        self.batching_producer = BatchingProducer(self.producer, delivery_seconds=delivery_seconds)
        self.replaced: list[str] = []
        self.producer.replaced = self.replaced.append

    async def append(self, *values: str) -> list[int]:
        """To partition 0."""
        return await self.batching_producer.produce([Record(self.topic, 0, b"k", value.encode()) for value in values])

    async def log(self) -> list[str]:
        """What the topic holds, in order."""
        place = TopicPartition(self.topic, 0)
        async with AIOKafkaConsumer(bootstrap_servers=self.kafka.bootstrap, max_partition_fetch_bytes=4_000_000) as one:
            one.assign([place])
            one.seek(place, 0)
            end = (await one.end_offsets([place]))[place]
            found: list[str] = []
            while len(found) < end:
                record = await asyncio.wait_for(one.getone(), PATIENCE_SECONDS)
                found.append(record.value.decode())
            return found

    async def until_failing(self) -> None:
        """Wait until the producer says that appends fail."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.producer.trouble is None:
                await asyncio.sleep(0.05)

    async def until_well(self) -> None:
        """Wait until it says that they do not."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.producer.trouble is not None:
                await asyncio.sleep(0.05)


@asynccontextmanager
async def desk(
    kafka: KafkaNode, *, delivery_seconds: float = 120.0, request_seconds: float = 15.0
) -> AsyncIterator[Desk]:
    """An editor on a topic that Kafka has made."""
    made = Desk(kafka, delivery_seconds, request_seconds)
    real_broker(kafka.bootstrap, "a node").create_topics({made.topic: {}}, 2)
    await made.producer.start()
    try:
        yield made
    finally:
        await made.producer.stop()


async def test_what_is_appended_while_kafka_is_away_is_written_once_and_in_order(kafka: KafkaNode) -> None:
    """Shorter than its time: nobody hears of it, but those who ask whether appends fail."""
    async with desk(kafka) as on:
        await on.append("before")
        await asyncio.to_thread(kafka.kill)
        waiting = [asyncio.create_task(on.append(f"during {number}")) for number in range(20)]
        await on.until_failing()
        await asyncio.to_thread(kafka.start)
        offsets = await asyncio.gather(*waiting)
        after = await on.append("after")
        trouble, log = on.producer.trouble, await on.log()

    assert log == ["before", *(f"during {number}" for number in range(20)), "after"]
    assert [*offsets, after] == [[number] for number in range(1, 22)]
    assert trouble is None


@pytest.mark.parametrize("how", ["killed", "frozen"])
async def test_a_batch_whose_time_is_over_fails_and_the_partition_is_not_broken(kafka: KafkaNode, how: str) -> None:
    """aiokafka's own producer would answer each later append to it with `OutOfOrderSequenceNumber`."""
    async with desk(kafka, delivery_seconds=1.5, request_seconds=1.0) as on:
        await on.append("before")
        if how == "killed":
            await asyncio.to_thread(kafka.kill)
        else:
            await freeze(kafka)
        failures = [await _failure(on.append(f"lost {number}")) for number in range(3)]
        trouble = on.producer.trouble
        if how == "killed":
            await asyncio.to_thread(kafka.start)
        else:
            os.kill(kafka.pid, signal.SIGCONT)
        await on.until_well()
        [first] = await _until_written(on, "after")
        [second] = await _until_written(on, "and again")
        log = await on.log()

    assert all(isinstance(one, NotWritten) for one in failures)
    assert trouble is not None
    # In doubt: it may have come, and then before what was acknowledged later.
    assert (log[first], log[second]) == ("after", "and again")
    assert [one for one in log[first:] if one.startswith("lost")] == []


async def test_a_request_without_an_answer_is_never_written_behind_what_came_later(kafka: KafkaNode) -> None:
    """It lies in the broker's socket while others are written over a new connection: the newer epoch keeps it out."""
    async with desk(kafka, delivery_seconds=1.5, request_seconds=1.0) as on:
        await on.append("before")
        for number in range(5):
            await freeze(kafka)
            failure = await _failure(on.append(f"old {number}"))
            os.kill(kafka.pid, signal.SIGCONT)
            await _until_written(on, f"new {number}")
            assert isinstance(failure, NotWritten)
            assert failure.in_doubt
        log = await on.log()

    places = {value: max(at for at, one in enumerate(log) if one == value) for value in log}
    for number in range(5):
        assert places.get(f"old {number}", -1) < places[f"new {number}"]
        assert log.count(f"old {number}") <= 1
    assert "in doubt" in on.replaced


async def test_a_record_that_the_topic_does_not_take_fails_alone(kafka: KafkaNode) -> None:
    """Also in the middle of others, and the next ones are written."""
    async with desk(kafka) as on:
        await on.append("before")
        results = await asyncio.gather(
            *(on.append(value) for value in ("a", "b", "x" * 1_300_000, "c")), return_exceptions=True
        )
        after = await on.append("after")
        log = await on.log()

    [refused] = [one for one in results if not isinstance(one, list)]
    assert isinstance(refused, RecordTooLarge)
    assert refused.size > 1_300_000
    assert log == ["before", "a", "b", "c", "after"]
    assert after == [4]
    assert on.replaced == []


async def test_a_record_above_our_own_limit_never_reaches_kafka(kafka: KafkaNode) -> None:
    """It is refused at once, with its size and the limit."""
    async with desk(kafka) as on:
        refused = await _failure(on.append("x" * RECORD_BYTES))
        after = await on.append("after")

    assert isinstance(refused, RecordTooLarge)
    assert (refused.limit, refused.in_doubt) == (RECORD_BYTES, False)
    assert after == [0]


@pytest.mark.parametrize("lost", ["sequence", "epoch"])
async def test_an_identity_that_kafka_does_not_accept_is_replaced(kafka: KafkaNode, lost: str) -> None:
    """As after an unclean election, which loses the partition's end: nobody who appends hears of it."""
    async with desk(kafka) as on:
        await on.append("before")
        identity = on.producer._identities[TopicPartition(on.topic, 0)]
        if lost == "sequence":
            identity.sequence += 7
        else:
            # Kafka knows a newer epoch of this producer id than we do.
            identity.epoch, identity.sequence = 1, 0
            await on.append("newer")
            stale = on.producer._identities[TopicPartition(on.topic, 0)]
            stale.epoch, stale.sequence = 0, 2
        after = await on.append("after")
        again = await on.append("again")
        log = await on.log()

    assert on.replaced == ["refused"]
    assert log[-2:] == ["after", "again"]
    assert again == [after[0] + 1]


# -- the processes ----------------------------------------------------------------------------------------------------

OUTAGES = [("killed", 20.0), ("frozen", 20.0), ("killed", 65.0), ("frozen", 65.0)]
if os.environ.get("LOFTY_GHL_LONG_OUTAGES"):  # by hand: longer than what anybody waits for, in every other place
    OUTAGES += [("killed", 300.0), ("frozen", 300.0)]


@pytest.mark.slow
@pytest.mark.timeout(900)  # the outage, and what is waited for after it
@pytest.mark.parametrize(("how", "seconds"), OUTAGES)
async def test_what_was_answered_200_is_in_ghl_two_minutes_after_kafka_is_back(
    kafka: KafkaNode, tmp_path: Path, how: str, seconds: float
) -> None:
    """Under load, without a person, once and in order. Both processes say that they are not ready, and little else."""
    async with outage_stage(kafka.bootstrap, tmp_path) as on:
        loading = asyncio.create_task(on.load())
        await on.until_answered(20)
        lines, cpu = on.lines(), on.cpu_seconds()
        await go_away(kafka, how)
        await on.until_readiness(503, 60.0)
        await asyncio.sleep(seconds)  # the outage itself
        lines = {name: number - lines[name] for name, number in on.lines().items()}
        cpu = {name: used - cpu[name] for name, used in on.cpu_seconds().items()}
        ends_meanwhile = on.worker.ends + on.gateway.ends
        await come_back(kafka, how)
        began = time.monotonic()
        await on.until_readiness(200, 60.0)
        loading.cancel()
        await on.until_all_are_there(60.0)
        took = time.monotonic() - began
        after = on.new_lead(0)
        await on.until_answered(len(on.answered) + 1)
        await on.until_all_are_there(60.0)
        twice = on.twice()

    told = f"{how} for {seconds:.0f} s: lines {lines}, processor seconds {cpu}, all there after {took:.0f} s"
    print(told)
    assert after in on.answered
    assert twice == []
    assert ends_meanwhile == on.gateway.ends == 0
    # A broker that stood still counts that time as its members' silence: a worker that lost its membership ends (`lease.py`).
    assert on.worker.ends == 0 or how == "frozen"
    assert all(number < MOST_LINES for number in lines.values()), told
    assert all(used < MOST_CPU_SHARE * seconds + CPU_SECONDS for used in cpu.values()), told


@pytest.fixture(scope="module")
def cluster() -> Iterator[KafkaCluster]:
    """Three nodes."""
    missing = why_unavailable()
    if missing is not None:
        pytest.skip(missing)
    with KafkaCluster() as running:
        yield running


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("how", ["killed", "frozen"])
async def test_one_of_three_brokers_may_be_away(cluster: KafkaCluster, tmp_path: Path, how: str) -> None:
    """Each in turn, so that it led partitions, the cluster, and coordinated the group: leads arrive while it is away."""
    async with outage_stage(cluster.bootstrap, tmp_path, replication=3) as on:
        loading = asyncio.create_task(on.load(per_second=2))  # three more JVMs are load enough
        await on.until_answered(20)
        first = cluster.node_of(await coordinator_of(on.settings, on.group))
        for away in (first, *(one for one in cluster.nodes if one is not first)):
            await until_in_sync(cluster)
            await go_away(away, how)
            try:
                await on.until_readiness(200, 60.0)
                await on.until_there(set(on.answered), 120.0)
                await on.until_answered(len(on.answered) + 20)
                await on.until_there(set(on.answered), 120.0)
                await on.until_readiness(200, 60.0)
            finally:
                await come_back(away, how)
        loading.cancel()
        await on.until_all_are_there(120.0)
        await on.until_readiness(200, 60.0)
        twice = on.twice()

    assert twice == []
    assert (on.gateway.ends, on.worker.ends) == (0, 0)


async def until_in_sync(cluster: KafkaCluster) -> None:
    """Wait until each replica has what its leader has: only then another one may be away."""
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            topics = (await asyncio.to_thread(admin.list_topics, timeout=PATIENCE_SECONDS)).topics.values()
            places = [place for topic in topics for place in topic.partitions.values()]
            if places and all(set(place.isrs) == set(place.replicas) for place in places):
                return
            await asyncio.sleep(0.2)


async def go_away(kafka: KafkaNode, how: str) -> None:
    """Kill a node, or let it stand still."""
    if how == "killed":
        await asyncio.to_thread(kafka.kill)
    else:
        await freeze(kafka)


async def come_back(kafka: KafkaNode, how: str) -> None:
    """As if a person, or the machine's supervisor, had repaired it."""
    if how == "killed":
        await asyncio.to_thread(kafka.start)
    else:
        os.kill(kafka.pid, signal.SIGCONT)


async def coordinator_of(settings: Settings, group: str) -> int:
    """The id of the broker that a group's members report to."""
    client = AIOKafkaClient(**client_options(settings))
    await client.bootstrap()
    try:
        return int(await client.coordinator_lookup(CoordinationType.GROUP, group))
    finally:
        await client.close()


async def test_a_snapshot_that_no_row_can_hold_is_parked_with_its_size_and_the_next_lead_arrives(
    kafka: KafkaNode, tmp_path: Path
) -> None:
    """A task with a picture inside, at every size around the limits: written or parked, and nothing stands behind it."""
    ended: list[str] = []
    edges = [DEFAULT.state + more for more in (-5000, -2000, -1000, -500, -100)]
    sizes = [DEFAULT.state, DEFAULT.state + 1, 700_000, 1_040_000, 1_048_588, 1_300_000, 3_000_000]
    async with stage(real_broker(kafka.bootstrap, "a node"), tmp_path, given={"end": ended.append}) as on:
        lead = on.new_lead()
        await on.until(lambda: lead in on.contacts())
        for size in (*edges, *sizes):
            on.edit("create", "task", leadId=lead, fields={"content": "x" * size})

        async def parked() -> list[Parked]:
            return [one for one in await on.parked() if one.reason == "too large"]

        async def are_parked() -> bool:
            return len(await parked()) >= len(sizes)

        await on.until(are_parked, 120.0)
        await on.until_quiet(120.0)
        later = on.new_lead()
        await on.until(lambda: later in on.contacts(), 60.0)
        found = await parked()

    assert ended == []
    told = sorted(one.original_size or len(one.original_bytes()) for one in found)[-len(sizes) :]
    assert all(have >= want for have, want in zip(told, sizes, strict=True))
    assert all(one.entity is not None and one.stage == "fetch" for one in found)


BODY_SIZES = [
    100,
    *(DEFAULT.state + more for more in (-1000, -1, 0, 1)),
    740_000,
    *(786_432 + more for more in (-1, 0, 1)),  # three quarters of a MiB: with Base64 what Kafka takes by default
    900_000,
    1_000_000,
    1_048_575,
    1_048_576,
]


@pytest.mark.parametrize("vendor", ["lofty", "ghl"])
async def test_every_body_that_the_gateway_takes_is_kept(kafka: KafkaNode, tmp_path: Path, vendor: str) -> None:
    """Of both vendors, strange or not, up to `max_body_bytes`: 200, its bytes on `parked`, and the next one is taken."""
    ended: list[str] = []
    async with stage(real_broker(kafka.bootstrap, "a node"), tmp_path, given={"end": ended.append}) as on:
        strange = [b'{"x": "' + b"y" * (size - 9) + b'"}' for size in BODY_SIZES]
        known = [_note_event(size) for size in BODY_SIZES[1:]] if vendor == "ghl" else []
        statuses = [await _post(on, vendor, body) for body in (*strange, *known, b'{"x": 1}')]
        kept = {one.original_bytes() for one in await on.parked()}
        await on.until_quiet(120.0)
        lead = on.new_lead()
        await on.until(lambda: lead in on.contacts(), 60.0)

    assert ended == []
    assert set(statuses) == {200}
    assert {*strange, b'{"x": 1}'} <= kept


def take_less(on: Stage, topic: str, most_bytes: int) -> None:
    """A person made what a topic takes smaller. Waits until Kafka says so."""
    admin = AdminClient({"bootstrap.servers": on.broker.bootstrap})
    entry = ConfigEntry("max.message.bytes", str(most_bytes), incremental_operation=AlterConfigOpType.SET)
    place = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
    for altered in admin.incremental_alter_configs([place]).values():
        altered.result(PATIENCE_SECONDS)


@pytest.mark.parametrize(
    ("topic", "most_bytes"),
    [(PARKED, 200_000), (PARKED, 170_000), (PARKED, 20_000), (PARKED, 1_500), (SNAPSHOTS, 200_000)],
)
async def test_a_topic_that_takes_less_than_our_limits_stops_nothing(
    kafka: KafkaNode, tmp_path: Path, topic: str, most_bytes: int
) -> None:
    """It was made before the limits were, or by others: what is too large for it is parked, shortened, with its size."""
    ended: list[str] = []
    sizes = [150_000, 190_000, 199_000, 200_000, 201_000, 210_000, 250_000, 300_000]
    async with stage(real_broker(kafka.bootstrap, "a node"), tmp_path, given={"end": ended.append}) as on:
        take_less(on, on.names.of(topic), most_bytes)
        lead = on.new_lead()
        await on.until(lambda: lead in on.contacts())
        statuses = [await _post(on, "lofty", b'{"x": "' + b"y" * (size - 9) + b'"}') for size in sizes]
        for size in sizes:
            on.edit("create", "task", leadId=lead, fields={"content": "x" * size})

        async def are_parked() -> bool:
            found = [one for one in await on.parked() if one.reason == "too large"]
            return topic == PARKED or len(found) >= len([size for size in sizes if size >= 200_000])

        await on.until(are_parked, 120.0)
        await on.until_quiet(120.0)
        later = on.new_lead()
        await on.until(lambda: later in on.contacts(), 60.0)
        found = [one for one in await on.parked() if one.stage == "intake"]

    assert ended == []
    assert set(statuses) == {200}
    assert sorted(one.original_size or len(one.original_bytes()) for one in found) == sizes


async def _post(on: Stage, vendor: str, body: bytes) -> int:
    signature = base64.b64encode(signing_key(on.ghl.settings).sign(body)).decode()
    url = f"{on.gateway.url}/lofty/{SECRET}" if vendor == "lofty" else f"{on.gateway.url}/ghl/webhooks"
    async with on.http.post(url, data=body, headers={HEADER: signature} if vendor == "ghl" else {}) as answer:
        return answer.status


def _note_event(size: int) -> bytes:
    event = {"type": "NoteCreate", "locationId": LOCATION, "id": f"n{size}", "contactId": "c1", "body": ""}
    return json.dumps(event | {"body": "y" * (size - len(json.dumps(event)))}).encode()


@pytest.mark.parametrize("most_bytes", [DEFAULT.record, 1_500])
@pytest.mark.parametrize("topic", [CHANGES, FETCHES, SNAPSHOTS, GHL_CHANGES, LOFTY_WRITES, SWEEPS])
async def test_a_large_record_on_a_topic_is_parked_and_the_next_goes_on(
    kafka: KafkaNode, tmp_path: Path, topic: str, most_bytes: int
) -> None:
    """Garbage or not: its parked form always fits, however little `parked` takes."""
    ended: list[str] = []
    async with stage(real_broker(kafka.bootstrap, "a node"), tmp_path, given={"end": ended.append}) as on:
        take_less(on, on.names.of(PARKED), most_bytes)
        for partition in range(PARTITIONS):
            await on.produce(topic, b"k" * 2000, b"\x00" * 900_000, at=partition)

        async def are_parked() -> bool:
            return len(await on.parked()) == PARTITIONS

        await on.until(are_parked, 60.0)
        lead = on.new_lead()
        await on.until(lambda: lead in on.contacts(), 60.0)
        parked = await on.parked()

    assert ended == []
    assert {one.original_size for one in parked} == {900_000}


@pytest.mark.parametrize("table", [FETCHES_TABLE, LINKS_TABLE, OUTBOX_TABLE, SEEN_TABLE])
async def test_a_changelog_that_takes_less_than_a_row_ends_the_worker(
    kafka: KafkaNode, tmp_path: Path, table: str
) -> None:
    """A person made it smaller. A line names the topic, the row's size and what is too small; nothing is tried again and again."""
    ended: list[str] = []
    async with stage(real_broker(kafka.bootstrap, "a node"), tmp_path, given={"end": ended.append}) as on:
        lead = on.new_lead()
        await on.until(lambda: lead in on.contacts())
        await on.until_quiet()
        take_less(on, on.names.changelog(table), 150)
        on.edit("create", "task", leadId=lead, fields={"content": "x" * 1_000})
        await on.until(lambda: bool(ended), 60.0)

    assert on.names.changelog(table) in ended[0], ended
    assert "bytes, more than the topic's max.message.bytes" in ended[0], ended


async def _failure(append: object) -> BaseException | None:
    [result] = await asyncio.gather(append, return_exceptions=True)  # type: ignore[call-overload]  # a coroutine
    return result if isinstance(result, BaseException) else None


async def _until_written(on: Desk, value: str) -> list[int]:
    """Append until Kafka has it: right after an outage it may take longer than these tests' short time."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                return await on.append(value)
            except NotWritten:
                continue


async def test_a_worker_that_an_outage_catches_as_it_begins_goes_on(kafka: KafkaNode, tmp_path: Path) -> None:
    """It had its partitions, and did not know yet where it had left off: nobody else is given them, so it must come back itself."""
    async with outage_stage(kafka.bootstrap, tmp_path) as on:
        lives = len(_logs(tmp_path))
        on.worker.child.kill()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not _has_recovered(tmp_path, lives):
                await asyncio.sleep(0.001)
        await asyncio.to_thread(kafka.kill)
        try:
            await asyncio.sleep(20)  # longer than Faust waits for anything
        finally:
            await asyncio.to_thread(kafka.start)
        ends = on.worker.ends
        await on.until_readiness(200, 60.0)
        lead = on.new_lead(0)
        await on.until_answered(1)
        await on.until_there({lead}, 60.0)
        assert on.worker.ends == ends, "its watchdog did not have to end it"


def _logs(folder: Path) -> list[Path]:
    return sorted(folder.glob("worker-*.log"))


def _has_recovered(folder: Path, lives: int) -> bool:
    logs = _logs(folder)
    return len(logs) > lives and "partitions recovered" in logs[-1].read_text(errors="replace")
