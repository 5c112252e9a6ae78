"""The producer of a worker: guarded by the lease, counted, and watched for what Kafka does not take."""

from __future__ import annotations

from streams.kafka.batching_producer import BatchingProducer
from streams.kafka.clients import start_producer
from streams.messages.topics import TopicNames
from streams.settings import Settings
from streams.telemetry.process import counting_appends, failing_seconds, watch_appends
from streams.worker.dependencies import Dependencies
from streams.worker.partitions.lease import Lease

OUTAGE_SECONDS = 3600.0
"""How long what a worker appends waits for Kafka. It could do nothing else meanwhile, and neither could its successor: only what
is in its hands waits, and that is bounded. `watch_appends` ends it sooner where Kafka takes what others append."""


class WorkerProducer:
    """`await start()` first; `batching` is what the parts of the worker write with."""

    def __init__(self, settings: Settings, names: TopicNames, deps: Dependencies, lease: Lease) -> None:
        self._settings = settings
        self._lease = lease
        self._deps = deps
        self._producer = deps.producer(settings)
        self._producer.replaced = deps.metrics.producer_replaced
        counting = counting_appends(deps.metrics, names)
        self.batching = BatchingProducer(self._producer, counting, delivery_seconds=OUTAGE_SECONDS)

    async def start(self) -> None:
        """Connect to Kafka. What writes records waits from now on until the lease is held."""
        await start_producer(self._producer)
        self._producer.client.send = self._lease.guarding(self._producer.client.send)

    async def watch(self) -> None:
        """End the process where Kafka takes what others append and not what we append. Runs until cancelled."""
        await watch_appends(self._settings, self._producer, self._deps.end)

    async def stop(self) -> None:
        """Write what waits, and disconnect."""
        await self.batching.drain()
        await self._producer.stop()

    @property
    def is_well(self) -> bool:
        """Whether Kafka takes what is appended."""
        return self._producer.trouble is None

    def failing_seconds(self) -> float:
        """For how long Kafka has taken nothing; 0 when all is well."""
        return failing_seconds(self._producer)
