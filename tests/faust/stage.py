"""Topics of a test's own, workers as processes on them, and what is seen from outside: commits and changelogs."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Literal, TypeVar

from confluent_kafka import Consumer, Producer, TopicPartition

from streams.messages.topics import CHANGES, SEEN_TABLE, TABLES, TopicNames
from tests.deadlines import within
from tests.kafka.broker import NO_CONFIG, Broker
from tests.zygote import PIPE, Process, run_module

DEADLINE_SECONDS = within(30)
ROOT = Path(__file__).parents[2]

T = TypeVar("T")


class WorkerProcess:
    """One process of `tests.faust.worker`, and its output so far."""

    def __init__(self, process: Process, log: Path) -> None:
        self.lines: list[str] = []
        self._process = process
        self._log = log
        self._has_ended = False
        self._told = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    def values(self, what: str) -> list[str]:
        """The values of all lines of a kind, in order: `values("done")`."""
        return [line.split()[1] for line in self.lines if line.split()[0] == what]

    async def until_told(self, line: str) -> None:
        """Wait for a line. Fails when the process ends without it."""
        await self._within(self._until(line), line)
        assert line in self.lines, f"ended without {line!r}: {self._said()}"

    async def ended(self) -> int:
        """Wait until it ends by itself. Returns its exit code."""
        return await self._within(self._process.wait(), "its end")

    async def kill(self) -> None:
        """SIGKILL. All of its output is read when this returns."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._reading

    async def _within(self, awaited: Awaitable[T], wanted: str) -> T:
        try:
            return await asyncio.wait_for(awaited, DEADLINE_SECONDS)
        except TimeoutError:
            raise AssertionError(f"waited in vain for {wanted!r}: {self._said()}") from None

    async def _until(self, line: str) -> None:
        async with self._told:
            await self._told.wait_for(lambda: line in self.lines or self._has_ended)

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for raw in self._process.stdout:
            async with self._told:
                self.lines.append(raw.decode().strip())
                self._told.notify_all()
        async with self._told:
            self._has_ended = True
            self._told.notify_all()

    def _said(self) -> str:
        return f"{self.lines[-5:]}\n{self._log.read_text()[-3000:]}"


class Stage:
    """One partition of the worker's topic and one of its table's changelog."""

    def __init__(self, broker: Broker, directory: Path, changelog: Mapping[str, str] = NO_CONFIG) -> None:
        self.prefix = f"faust-{uuid.uuid4().hex[:8]}."
        self.names = TopicNames(self.prefix)
        self.topic, self.changelog = self.names.of(CHANGES), self.names.changelog(SEEN_TABLE)
        self._broker = broker
        self._directory = directory
        self._workers: list[WorkerProcess] = []
        config = {"cleanup.policy": "compact", **changelog}
        broker.create_topics({self.topic: {}, self.changelog: config}, 1)
        # Our own worker recovers all of its tables, so there is a changelog for each.
        others: dict[str, Mapping[str, str]] = {
            self.names.changelog(table): {} for table in TABLES if table != SEEN_TABLE
        }
        broker.create_topics(others, 1)

    def produce(self, *values: str) -> None:
        """Records of the worker's topic, acknowledged when this returns."""
        producer = Producer({"bootstrap.servers": self._broker.bootstrap, "acks": "all"})
        for value in values:
            producer.produce(self.topic, value.encode(), key=value.encode())
        assert producer.flush(DEADLINE_SECONDS) == 0

    async def start(self, kind: Literal["plain", "guarded"], **misfortune: object) -> WorkerProcess:
        """Start a worker and wait until it has its partition and its table. `misfortune` are the worker's options."""
        log = self._directory / f"worker-{len(self._workers)}.log"
        options = {"bootstrap": self._broker.bootstrap, "prefix": self.prefix, "data": self._directory, **misfortune}
        words = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        with log.open("wb") as errors:
            process = await run_module(
                "tests.faust.worker", kind, *words, stdout=PIPE, stderr=errors.fileno(), cwd=ROOT
            )
        worker = WorkerProcess(process, log)
        self._workers.append(worker)
        await worker.until_told("ready")
        return worker

    def committed(self) -> int:
        """The offset at which the group goes on."""
        with self._consumer() as consumer:
            return max(0, consumer.committed([TopicPartition(self.topic, 0)], timeout=DEADLINE_SECONDS)[0].offset)

    async def until_committed(self, offset: int) -> None:
        """Wait until the group has committed so far, or further."""
        with self._consumer() as consumer:
            async with asyncio.timeout(DEADLINE_SECONDS):
                while consumer.committed([TopicPartition(self.topic, 0)], timeout=DEADLINE_SECONDS)[0].offset < offset:
                    await asyncio.sleep(0.01)

    def rows(self) -> set[str]:
        """The keys in the table's changelog."""
        place = TopicPartition(self.changelog, 0, 0)
        found: set[str] = set()
        with self._consumer() as consumer:
            end = consumer.get_watermark_offsets(place, timeout=DEADLINE_SECONDS)[1]
            consumer.assign([place])
            last = -1
            while last < end - 1:
                message = consumer.poll(DEADLINE_SECONDS)
                assert message is not None, f"{self.changelog} has no record after {last}, and ends at {end}"
                assert message.error() is None, message.error()
                last, key = message.offset() or 0, message.key() or b""
                found.add(str(json.loads(key)) if key.startswith(b'"') else key.decode())  # Faust's keys are JSON
        return found

    async def close(self) -> None:
        """End what still runs."""
        for worker in self._workers:
            await worker.kill()

    @contextmanager
    def _consumer(self) -> Iterator[Consumer]:
        settings = {"bootstrap.servers": self._broker.bootstrap, "group.id": self.names.group}
        consumer = Consumer({**settings, "enable.auto.commit": False, "auto.offset.reset": "earliest"})
        try:
            yield consumer
        finally:
            consumer.close()


@asynccontextmanager
async def a_stage(broker: Broker, directory: Path, changelog: Mapping[str, str] = NO_CONFIG) -> AsyncIterator[Stage]:
    """Set it, and take it down."""
    stage = Stage(broker, directory, changelog)
    try:
        yield stage
    finally:
        await stage.close()
