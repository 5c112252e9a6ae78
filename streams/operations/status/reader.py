"""Reads the newest status of every worker and gateway from the topic `status`.

It starts near the end of the topic: only the records of the last minutes are fetched, in a fraction of a second.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Self

from streams.core.status_parts import StatusCollector
from streams.kafka.topic_reader import TopicReader
from streams.messages import WorkerStatus
from streams.messages.topics import STATUS, TopicNames
from streams.operations.status.overview import Overview, overview
from streams.settings import Settings
from streams.telemetry.status_publisher import configuration_of

LOOK_BACK_MS = 120_000
"""How far back to read: a live worker has reported many times since."""

FEW = 20
"""At least so many records are read of a partition."""
MORE = 200
"""So many records are read of a quiet partition, or where the broker cannot look up offsets by time (the embedded one)."""


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class StatusReader:
    """`async with StatusReader(settings) as reader: await reader.overview()`.

    Each overview continues reading where the last one stopped. Raises aiokafka's error when Kafka cannot be reached.
    """

    def __init__(self, settings: Settings, *, now_ms: Callable[[], int] = _now_ms) -> None:
        self._settings = settings
        self._now_ms = now_ms
        self._collector = StatusCollector()

    async def __aenter__(self) -> Self:
        topic, since_ms = TopicNames(self._settings.kafka.topic_prefix).of(STATUS), self._now_ms() - LOOK_BACK_MS
        self._reader = TopicReader(self._settings, topic, since_ms=since_ms, newest=MORE, at_least=FEW)
        await self._reader.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._reader.__aexit__()

    async def newest(self) -> tuple[WorkerStatus, ...]:
        """The newest status of each worker that has reported lately; silent and stopped workers are among them."""
        raw: dict[bytes, bytes | None] = {}
        async for record in self._reader.read_to_end():
            raw[record.key or b""] = record.value  # only the newest of each worker is worth parsing
        for value in raw.values():
            self._collector.take(value)
        return self._collector.workers

    async def overview(self) -> Overview:
        """The deployment as its workers report it now."""
        return overview(
            await self.newest(),
            self._now_ms(),
            partitions=self._settings.kafka.partitions,
            connections={name: one.title for name, one in self._settings.connections.items()},
            gateways=self._collector.gateways,
            configuration=configuration_of(self._settings),
        )


async def read_overview(settings: Settings) -> Overview:
    """The deployment as its workers report it now, read once."""
    async with StatusReader(settings) as reader:
        return await reader.overview()
