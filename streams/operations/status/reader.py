"""Workers' and gateways' words about themselves on the topic `status`: publishing one, and reading the newest of all.

Reading joins no group and starts near the end: only what was written in the last minutes is fetched, in a fraction of a second.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from aiokafka import TopicPartition

from streams.core.status_parts import StatusCollector
from streams.kafka.clients import Consumer, client_options, start_consumer, stop_consumer
from streams.messages import WorkerStatus
from streams.messages.topics import STATUS, TopicNames
from streams.operations.status.overview import Overview, overview
from streams.settings import Settings
from streams.telemetry.status_publisher import configuration_of

LOOK_BACK_MS = 120_000
"""How far back the newest words are looked for: a living worker has spoken many times since."""

FEW = 20
"""Records read at least."""
MORE = 200
"""Records read of a partition whose broker does not find offsets by time (the embedded one), or that is quiet."""


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class StatusReader:
    """The newest words of all workers: `async with Statuses(settings) as statuses: await statuses.overview()`.

    Each look reads on where the last one ended. Raises aiokafka's error when Kafka cannot be reached.
    """

    def __init__(self, settings: Settings, *, now_ms: Callable[[], int] = _now_ms) -> None:
        self._settings = settings
        self._now_ms = now_ms
        self._consumer = Consumer(
            **client_options(settings), enable_auto_commit=False, auto_offset_reset="earliest", fetch_max_wait_ms=50
        )
        topic = TopicNames(settings.kafka.topic_prefix).of(STATUS)
        self._places = [TopicPartition(topic, number) for number in range(settings.kafka.partitions)]
        self._collector = StatusCollector()

    async def __aenter__(self) -> StatusReader:
        try:
            await start_consumer(self._consumer)
            await self._begin()
        except BaseException:
            await stop_consumer(self._consumer)
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await stop_consumer(self._consumer)

    async def newest(self) -> tuple[WorkerStatus, ...]:
        """The last word of each worker that has spoken lately, the silent and the stopped among them."""
        ends = await self._consumer.end_offsets(self._places)
        behind, raw = set(self._places), dict[bytes, bytes | None]()
        while behind := {place for place in behind if await self._consumer.position(place) < ends[place]}:
            for messages in (await self._consumer.getmany(*behind, timeout_ms=200)).values():
                for message in messages:
                    raw[message.key or b""] = message.value  # of each only the last is worth reading
        for value in raw.values():
            self._collector.take(value)
        return self._collector.workers

    async def overview(self) -> Overview:
        """The deployment as its workers tell it now."""
        return overview(
            await self.newest(),
            self._now_ms(),
            partitions=self._settings.kafka.partitions,
            connections=self._settings.connections.keys(),
            gateways=self._collector.gateways,
            configuration=configuration_of(self._settings),
        )

    async def _begin(self) -> None:
        since = self._now_ms() - LOOK_BACK_MS
        found = await self._consumer.offsets_for_times(dict.fromkeys(self._places, since))
        starts = await self._consumer.beginning_offsets(self._places)
        ends = await self._consumer.end_offsets(self._places)
        self._consumer.assign(self._places)
        for place in self._places:
            at = found.get(place)
            first = ends[place] - MORE if at is None else min(at.offset, ends[place] - FEW)
            self._consumer.seek(place, max(starts[place], first))


async def look(settings: Settings) -> Overview:
    """One look at the deployment."""
    async with StatusReader(settings) as statuses:
        return await statuses.overview()
