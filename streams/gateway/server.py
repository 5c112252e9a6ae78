"""The gateway as a process: webhooks, health and metrics over one producer."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable
from typing import Protocol, Self

from aiohttp import web

from streams.gateway.connection_limits import ConnectionGuard, ConnectionLimits
from streams.gateway.edit_follower import EditFollower
from streams.gateway.live_connections import LiveConnections
from streams.gateway.request_body import BrokenRequests
from streams.gateway.routes import add_webhook_routes
from streams.gateway.status_report import Condition, StatusReport
from streams.kafka.batching_producer import BatchingProducer
from streams.kafka.clients import new_producer, start_producer
from streams.kafka.producer import KafkaProducer
from streams.messages.topics import MAPPINGS, TopicNames
from streams.settings import Settings
from streams.telemetry.endpoints import add_health_and_metrics
from streams.telemetry.metrics import Metrics
from streams.telemetry.process import (
    counting_appends,
    end_process,
    failing_seconds,
    watch_appends,
    watch_loop,
)
from streams.telemetry.tracing import NoTracing, Tracing

MOST_WAITING_BYTES = 64 * 2**20
"""How much may wait for Kafka. Vendors retry what is refused; without a bound, an outage would take all memory."""


class MountedApp(Protocol):
    """What else this process serves, such as the console: mounted before the gateway listens, stopped at its end."""

    @property
    def notifies(self) -> bool:
        """Whether it can send notifications."""

    @property
    def notifications_failing(self) -> dict[str, int]:
        """Since when the message to a recipient of notifications cannot be delivered, by its name."""

    @property
    def unread(self) -> dict[str, int]:
        """Since when a topic that it follows cannot be read, by the topic."""

    async def until_granted(self, partition: int, offset: int) -> None:
        """Wait until it shows the access that was granted at an offset of the tokens' topic; not for long."""

    def mount(self, app: web.Application) -> None:
        """Add its routes."""

    async def start(self) -> None:
        """Start what runs beside the requests."""

    async def stop(self) -> None:
        """Stop it."""


class NewConsole(Protocol):
    """Makes the console of a gateway."""

    def __call__(
        self,
        settings: Settings,
        batching_producer: Callable[[], BatchingProducer],
        now_ms: Callable[[], int],
        gateway: str,
        count: Callable[[str, str, bool], None],
    ) -> MountedApp:
        """`gateway` identifies this start of the process, `count` counts notifications."""


class GatewayServer:
    """`async with GatewayServer(settings) as gateway:` — it listens until the block ends."""

    def __init__(
        self,
        settings: Settings,
        *,
        producer: Callable[[Settings], KafkaProducer] = new_producer,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        metrics: Metrics | None = None,
        tracing: Tracing | None = None,
        console: NewConsole | None = None,
        end: Callable[[str], None] = end_process,
    ) -> None:
        self._end = end
        self._new_console = console
        self._tracing = tracing or NoTracing()
        self._settings = settings
        self._new_producer = producer
        self._now_ms = now_ms
        self.metrics = metrics or Metrics("gateway")
        self.url = ""
        self._broken = BrokenRequests()
        self._connection_guard = ConnectionGuard(ConnectionLimits.of(settings.gateway), now_ms)

    async def __aenter__(self) -> Self:
        settings = self._settings
        names = TopicNames(settings.kafka.topic_prefix)
        self._producer = self._new_producer(settings)
        await start_producer(self._producer)
        self._producer.replaced = self.metrics.producer_replaced
        appended = counting_appends(self.metrics, names)
        self._batching_producer = BatchingProducer(self._producer, appended, most_bytes=MOST_WAITING_BYTES)
        connections = LiveConnections(settings)
        self._follower = EditFollower(settings, connections, self.metrics)
        self._following = asyncio.create_task(self._follower.run(), name="follow edits")
        await _until_read(self._follower, self._following)
        self._append_watch = asyncio.create_task(
            watch_appends(settings, self._producer, self._end), name="watch appends"
        )
        self._loop_watch = asyncio.create_task(watch_loop(self.metrics), name="watch loop")
        app = web.Application(client_max_size=settings.gateway.max_body_bytes)
        add_webhook_routes(
            *(app, connections, names, self._batching_producer, self.metrics, self._now_ms, self._tracing),
            self._until_granted,
        )
        gateway = uuid.uuid4().hex[:8]
        self.console = self._console_of(settings, app, gateway)
        self._status_report = StatusReport(
            connections, self._batching_producer, self._now_ms, gateway, lambda: self.condition
        )
        self.metrics.gauges = self._status_report.gauges
        app.middlewares.append(self._connection_guard.middleware)
        app.middlewares.append(self._status_report.middleware)
        add_health_and_metrics(app, self.metrics.registry, is_ready=lambda: self.is_ready)
        logging.getLogger("aiohttp.server").addFilter(self._broken)
        self._runner, self.url = await self._connection_guard.listen(app, settings.gateway.host, settings.gateway.port)
        self._reporting = asyncio.create_task(self._status_report.run(), name="report status")
        if self.console is not None:
            await self.console.start()
        return self

    @property
    def is_ready(self) -> bool:
        """Whether Kafka acknowledges what is appended, as far as anything was."""
        return self._producer.trouble is None

    @property
    def condition(self) -> Condition:
        """How this gateway is now."""
        console = self.console
        return Condition(
            is_ready=self.is_ready,
            failing_seconds=failing_seconds(self._producer),
            notifies=console is not None and console.notifies,
            notifications_failing=console.notifications_failing if console is not None else {},
            unread=self._unread(),
        )

    async def _until_granted(self, partition: int, offset: int) -> None:
        if self.console is not None:
            await self.console.until_granted(partition, offset)

    def _unread(self) -> dict[str, int]:
        edits = self._follower.unread_since_ms
        followed = self.console.unread if self.console is not None else {}
        return {**({MAPPINGS: edits} if edits else {}), **followed}

    def _console_of(self, settings: Settings, app: web.Application, gateway: str) -> MountedApp | None:
        if self._new_console is None or not settings.console.enabled:
            return None
        console = self._new_console(
            settings, lambda: self._batching_producer, self._now_ms, gateway, self.metrics.notified
        )
        console.mount(app)
        return console

    async def __aexit__(self, *_: object) -> None:
        if self.console is not None:
            await self.console.stop()
        await self._runner.cleanup()
        await self._connection_guard.aclose()
        self._loop_watch.cancel()
        self._append_watch.cancel()
        self._reporting.cancel()
        self._following.cancel()
        await asyncio.gather(self._reporting, self._following, return_exceptions=True)
        await self._status_report.publish(is_stopping=True)
        logging.getLogger("aiohttp.server").removeFilter(self._broken)
        await self._batching_producer.drain()
        await self._producer.stop()


async def _until_read(follower: EditFollower, following: asyncio.Task[None]) -> None:
    """Wait until the edits of connections are known: before that, a webhook of an edited connection would be refused."""
    reading = asyncio.ensure_future(follower.has_read.wait())
    try:
        await asyncio.wait({reading, following}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        reading.cancel()
    if following.done():
        following.result()
