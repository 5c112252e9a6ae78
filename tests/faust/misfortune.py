"""The failures of a worker in these tests, and what it reports of itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import faust

from streams.kafka.producer import KafkaProducer

COMMIT_SECONDS = 0.2
SESSION_SECONDS = 3
"""So long a killed worker's partition waits for the next one."""


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

    def slow_down(self, producer: KafkaProducer) -> None:
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


async def run(app: faust.App, is_stuck: Callable[[], bool]) -> None:
    """Until it is killed, or fails."""
    commits = asyncio.create_task(tell_commits(app, is_stuck))
    try:
        await app.wait_until_stopped()
    finally:
        commits.cancel()
