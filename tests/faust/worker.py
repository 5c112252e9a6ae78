"""A worker with one agent and one table, in a process of its own that a test may kill: plain Faust, or guarded as ours.

    python -m tests.faust.worker plain|guarded --bootstrap HOST:PORT --prefix PREFIX [--raise-on V] [--stick-on V]
                                               [--concurrency N] [--row-bytes N] [--produce-seconds S] [--data DIR]

The agent reads `PREFIXlofty.changes` and writes a row for each value into the table `seen`.
It tells on its standard output what it does, a line for each: `ready`, `began V`, `done V`, `looked` (a commit was tried
while the agent is stuck), `row V` (what the table recovered).
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import faust
from aiokafka import AIOKafkaProducer

from streams.agents.batches import agent
from streams.agents.busy import Busy
from streams.appender import Appender
from streams.dispatch.lease import Lease
from streams.dispatch.watchdog import end_process
from streams.faust_app import new_faust_app
from streams.kafka import GroupLag, new_producer
from streams.settings import parse_settings
from streams.state import State
from streams.topics import CHANGES, SEEN_TABLE, TopicNames
from streams.words.word import Word

COMMIT_SECONDS = 0.2
SESSION_SECONDS = 3
"""So long a killed worker's partition waits for the next one."""


class Padded(Word):
    """A row of a size."""

    padding: str


@dataclass(frozen=True, slots=True)
class Misfortune:
    """What goes wrong. `raise_on` and `stick_on` are values; `produce_seconds` is how long Kafka takes for each batch."""

    raise_on: str | None
    stick_on: str | None
    produce_seconds: float

    async def strike(self, value: str) -> None:
        """Strike at this value, or let it pass."""
        if value == self.raise_on:
            raise RuntimeError(f"no luck with {value}")
        if value == self.stick_on:
            await asyncio.Event().wait()

    def slow_down(self, producer: AIOKafkaProducer) -> None:
        """Let every batch of records take its time, as a broker does whose replicas are slow."""
        send = producer.client.send

        async def slowly(node_id: Any, request: Any, **options: Any) -> Any:
            if type(request).__name__.startswith("ProduceRequest"):
                await asyncio.sleep(self.produce_seconds)
            return await send(node_id, request, **options)

        if self.produce_seconds:
            producer.client.send = slowly


def tell(line: str) -> None:
    """A line for the test."""
    print(line, flush=True)


async def tell_commits(app: faust.App, is_stuck: Callable[[], bool]) -> None:
    """While the agent is stuck, say when a commit was tried since: what it would commit is committed then."""
    while True:
        stuck = is_stuck()
        for _ in range(2):  # the first may only wait for one that began before
            await app.consumer.commit()
        if stuck:
            tell("looked")
        await asyncio.sleep(COMMIT_SECONDS)


async def plain(options: argparse.Namespace, misfortune: Misfortune) -> None:
    """The agent as Faust's own documentation has it."""
    names = TopicNames(options.prefix)
    app = faust.App(
        names.group,
        broker=f"kafka://{options.bootstrap}",
        store="memory://",
        datadir=options.data,
        topic_allow_declare=False,
        topic_disable_leader=True,
        topic_partitions=1,
        web_enabled=False,
        broker_commit_interval=COMMIT_SECONDS,
        broker_session_timeout=SESSION_SECONDS,
        broker_heartbeat_interval=SESSION_SECONDS / 5,
        consumer_auto_offset_reset="earliest",
    )
    source = app.topic(names.of(CHANGES), key_type=bytes, value_type=bytes, value_serializer="raw")
    seen = app.Table(SEEN_TABLE, partitions=1)
    stuck: list[str] = []

    async def consume(stream: Any) -> None:
        async for raw in stream:
            value = raw.decode()
            tell(f"began {value}")
            stuck[:] = [value] if value == misfortune.stick_on else stuck
            await misfortune.strike(value)
            seen[value] = "x" * options.row_bytes
            tell(f"done {value}")

    app.agent(source, name="consume", concurrency=options.concurrency)(consume)
    app.finalize()

    async def recovered(*_: object, **__: object) -> None:
        misfortune.slow_down(app.producer._producer)  # type: ignore[attr-defined]  # aiokafka's, below Faust's
        for value in sorted(seen):
            tell(f"row {value}")
        tell("ready")

    app.on_rebalance_complete.connect(recovered, weak=False)
    await app.start()
    await run(app, lambda: bool(stuck))


async def guarded(options: argparse.Namespace, misfortune: Misfortune) -> None:
    """The same with our agent, our table, and our appender."""
    text = f'[kafka]\nbootstrap_servers = "{options.bootstrap}"\ntopic_prefix = "{options.prefix}"\npartitions = 1\n'
    text += f"session_timeout_seconds = {SESSION_SECONDS}\n"
    text += f'[worker]\nstore = "memory"\ndata_dir = "{options.data}"\n'
    settings = parse_settings(text, {}, read_file=lambda path: "", source="test")
    names = TopicNames(options.prefix)
    lease = Lease(settings.kafka.session_timeout_seconds, time.monotonic, lambda: end_process("The lease is over."))
    app = new_faust_app(settings, names, lease)
    producer = new_producer(settings)
    await producer.start()
    misfortune.slow_down(producer)
    appender = Appender(producer)
    state = State.of(settings, names, appender, time.monotonic)
    seen: Any = state.seen
    stuck: list[str] = []

    async def process(messages: list[Any]) -> None:
        for message in messages:
            value = message.value.decode()
            tell(f"began {value}")
            stuck[:] = [value] if value == misfortune.stick_on else stuck
            await misfortune.strike(value)
            seen.put(message.partition, value, Padded(padding="x" * options.row_bytes))
        await seen.flush()
        for message in messages:
            tell(f"done {message.value.decode()}")

    lag = GroupLag(settings, names.group)
    source = app.topic(
        names.of(CHANGES), key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
    )
    app.agent(source, name="consume", concurrency=1)(agent("consume", process, Busy(), end_process, lag.resumes_at))
    app.finalize()

    async def assigned(*_: object, **__: object) -> None:
        await state.changelogs.recover([0])
        for value, _row in state.store.scan(0, seen.key):
            tell(f"row {value.decode()}")
        tell("ready")

    app.on_rebalance_complete.connect(assigned, weak=False)
    await app.start()
    await run(app, lambda: bool(stuck))


async def run(app: faust.App, is_stuck: Callable[[], bool]) -> None:
    """Until it is killed, or cannot go on."""
    commits = asyncio.create_task(tell_commits(app, is_stuck))
    try:
        await app.wait_until_stopped()
    finally:
        commits.cancel()


def main() -> None:
    """The command line above."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["plain", "guarded"])
    for text in ("--bootstrap", "--prefix", "--data", "--raise-on", "--stick-on"):
        parser.add_argument(text)
    parser.add_argument("--concurrency", type=int, default=1)
    parser.add_argument("--row-bytes", type=int, default=10)
    parser.add_argument("--produce-seconds", type=float, default=0.0)
    options = parser.parse_args()
    kinds: dict[str, Callable[[argparse.Namespace, Misfortune], Awaitable[None]]] = {"plain": plain, "guarded": guarded}
    misfortune = Misfortune(options.raise_on, options.stick_on, options.produce_seconds)
    asyncio.run(kinds[options.kind](options, misfortune))  # type: ignore[arg-type]  # both are coroutine functions


if __name__ == "__main__":
    main()
