"""Which batches read the edits first, and how long they wait."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError

from streams.messages import FENCE_KEY
from streams.settings import Settings
from streams.worker import newest_edits
from streams.worker.agents.batches import Process, WorkerStops
from streams.worker.newest_edits import NewestEdits
from tests.deadlines import within
from tests.unit.streams.worker.test_take_over import FILE, Worker, settings

NEWER = f"""{FILE}
[connections.core]
lofty = {{ team_id = "3" }}
ghl = {{ location_id = "loc3" }}
"""


class Reading:
    """An agent's process behind the edits, of a worker that knows `acme` and `best`; `core` is on the topic."""

    def __init__(self) -> None:
        self.worker = Worker(settings())
        self.reads = 0
        self.away = 0
        self.batches: list[list[str]] = []
        self.edits = NewestEdits(self.worker.connections, self.worker.take_over, self.read)

    async def read(self) -> Settings:
        """Read the edits, once Kafka is there."""
        self.reads += 1
        if self.away:
            self.away -= 1
            raise KafkaConnectionError
        return settings(NEWER)

    async def process(self, messages: list[Any]) -> None:
        """Note what is served when the batch comes."""
        self.batches.append(list(self.worker.connections))

    def by_connection(self) -> Process:
        """The process of an agent whose keys begin with a connection."""
        return self.edits.before(self.process, self.edits.serves)


def batch(*keys: bytes | None) -> list[Any]:
    """Records with these keys."""
    return [SimpleNamespace(key=key) for key in keys]


async def test_the_edits_are_read_only_for_who_is_not_served() -> None:
    """Fences and records without a key name nobody."""
    reading = Reading()
    await reading.by_connection()(batch(b"acme:1", b"best:2:note:3", FENCE_KEY, None, b""))
    assert (reading.reads, reading.batches) == (0, [["acme", "best"]])


async def test_a_new_connection_is_served_before_its_first_batch() -> None:
    """Once for the whole batch, whatever else in it stays unknown."""
    reading = Reading()
    await reading.by_connection()(batch(b"acme:1", b"core:2", b"nobody:3", b"core:4"))
    assert (reading.reads, reading.batches) == (1, [["acme", "best", "core"]])


async def test_a_location_is_looked_for_among_the_locations() -> None:
    """The keys of GHL's events begin with it."""
    reading = Reading()
    process = reading.edits.before(reading.process, reading.edits.serves_location)
    await process(batch(b"loc1:c"))
    await process(batch(b"loc3:c"))
    assert (reading.reads, reading.batches) == (1, [["acme", "best"], ["acme", "best", "core"]])


async def test_while_kafka_is_away_a_batch_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """It asks again, and goes on when it was answered."""
    monkeypatch.setattr(newest_edits, "RETRY_SECONDS", 0)
    reading = Reading()
    reading.away = 3
    await asyncio.wait_for(reading.by_connection()(batch(b"core:1")), within(30))
    assert (reading.reads, reading.batches) == (4, [["acme", "best", "core"]])


async def test_who_waits_lets_go_when_the_worker_stops() -> None:
    """The batch is not worked off."""
    reading = Reading()
    reading.worker.blocks["core"] = asyncio.Event()
    waiting = asyncio.ensure_future(reading.by_connection()(batch(b"core:1")))
    await reading.worker.settle()
    was_waiting = not waiting.done()
    reading.edits.stop()
    with pytest.raises(WorkerStops):
        await asyncio.wait_for(waiting, within(30))
    assert (was_waiting, reading.batches) == (True, [])
    await reading.worker.take_over.aclose()


async def test_a_connection_that_cannot_be_taken_over_waits_for_another_worker() -> None:
    """Nothing of it is parked by this one, which is replaced."""
    reading = Reading()
    reading.worker.error = OSError("disk")
    with pytest.raises(WorkerStops):
        await asyncio.wait_for(reading.by_connection()(batch(b"core:1")), within(30))
    assert reading.batches == []
    await asyncio.wait_for(reading.worker.take_over.failed(), within(30))
