"""The same worker with our agent, our table and our appender."""

from __future__ import annotations

import argparse
import time
from typing import Any

from streams.kafka.batching_producer import BatchingProducer
from streams.kafka.clients import new_producer
from streams.kafka.group_lag import GroupLag
from streams.messages.message import Message
from streams.messages.topics import CHANGES, TopicNames
from streams.settings import parse_settings
from streams.telemetry.process import end_process
from streams.worker.agents.batches import agent
from streams.worker.agents.in_progress import InProgress
from streams.worker.faust_app import new_faust_app
from streams.worker.partitions.lease import Lease
from streams.worker.tables import Tables
from tests.faust.misfortune import SESSION_SECONDS, Misfortune, run, tell


class Padded(Message):
    """A row of a size."""

    padding: str


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
    batching_producer = BatchingProducer(producer)
    state = Tables.of(settings, names, batching_producer, time.monotonic, end_process)
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
    app.agent(source, name="consume", concurrency=1)(
        agent("consume", process, InProgress(), end_process, lag.resumes_at)
    )
    app.finalize()

    async def assigned(*_: object, **__: object) -> None:
        await state.changelogs.recover([0])
        for value, _row in state.store.scan(0, seen.key):
            tell(f"row {value.decode()}")
        tell("ready")

    app.on_rebalance_complete.connect(assigned, weak=False)
    await app.start()
    await run(app, lambda: bool(stuck))
