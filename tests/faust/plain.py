"""A worker as Faust's own documentation has it: an agent over events, and Faust's table."""

from __future__ import annotations

import argparse
from typing import Any

import faust

from streams.messages.topics import CHANGES, SEEN_TABLE, TopicNames
from tests.faust.misfortune import COMMIT_SECONDS, SESSION_SECONDS, Misfortune, run, tell


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
