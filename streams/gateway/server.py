"""The gateway as a process: webhook intake, health and metrics over one producer."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Protocol, Self

from aiohttp import web

from streams.gateway.client_address import networks
from streams.gateway.connection_limits import MIB, ConnectionGuard, ConnectionLimits
from streams.gateway.ghl_webhooks import GhlWebhooks, WebhookPolicy
from streams.gateway.lofty_webhooks import LoftyWebhooks
from streams.gateway.oauth_callbacks import OAuthCallbacks
from streams.gateway.request_body import BrokenRequests
from streams.gateway.status_report import StatusReport
from streams.kafka.batching_producer import BatchingProducer
from streams.kafka.clients import new_producer, start_producer
from streams.kafka.parking import Parking
from streams.kafka.producer import KafkaProducer
from streams.messages.size_limits import Limits
from streams.messages.topics import CHANGES, GHL_CHANGES, TopicNames
from streams.oauth.grants import CALLBACK, Grants
from streams.settings import Settings
from streams.settings.partitions import Places
from streams.telemetry.endpoints import add_health_and_metrics
from streams.telemetry.metrics import Metrics
from streams.telemetry.metrics.gauges import of_gateway
from streams.telemetry.process import (
    RELEASE,
    append_topics,
    counting_appends,
    end_process,
    failing_seconds,
    watch_appends,
    watch_loop,
)
from streams.telemetry.status_publisher import configuration_of
from streams.telemetry.tracing import NoTracing, Tracing

MOST_WAITING_BYTES = 64 * 2**20
"""What waits for Kafka together. Vendors repeat what is refused; without a bound, an outage would take all memory."""


def bounds_of(settings: Settings) -> ConnectionLimits:
    """What strangers may hold of a gateway with these settings."""
    gateway = settings.gateway
    return ConnectionLimits(
        connections=gateway.max_connections,
        connections_of_address=max(1, gateway.max_connections // 2),
        keepalive_seconds=gateway.keepalive_seconds,
        held_bytes=max(64 * MIB, 8 * gateway.max_body_bytes),
        proxies=networks(gateway.trusted_proxies),
    )


class Mounted(Protocol):
    """What else this process serves, such as the console: mounted before the gateway listens, stopped at its end."""

    def mount(self, app: web.Application) -> None:
        """Add its routes."""

    async def start(self) -> None:
        """Start what runs beside the requests."""

    async def stop(self) -> None:
        """Stop it."""


class Gateway:
    """`async with Gateway(settings) as gateway:` — it listens until the block ends."""

    def __init__(
        self,
        settings: Settings,
        *,
        producer: Callable[[Settings], KafkaProducer] = new_producer,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        metrics: Metrics | None = None,
        tracing: Tracing | None = None,
        console: Callable[[Settings, Callable[[], BatchingProducer], Callable[[], int]], Mounted] | None = None,
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
        self._doorkeeper = ConnectionGuard(bounds_of(settings), now_ms)

    async def __aenter__(self) -> Self:
        settings = self._settings
        names = TopicNames(settings.kafka.topic_prefix)
        self._producer = self._new_producer(settings)
        await start_producer(self._producer)
        self._producer.replaced = self.metrics.producer_replaced
        appended = counting_appends(self.metrics, names)
        self._batching_producer = BatchingProducer(self._producer, appended, most_bytes=MOST_WAITING_BYTES)
        self.metrics.begin({"connection": settings.connections, "topic": append_topics()})
        configuration = configuration_of(settings)
        self.metrics.gauges = lambda: of_gateway(
            RELEASE, self._now_ms(), failing_seconds(self._producer), configuration, len(settings.connections)
        )
        self._healing = asyncio.create_task(watch_appends(settings, self._producer, self._end), name="watch appends")
        self._loop_watch = asyncio.create_task(watch_loop(self.metrics), name="watch loop")
        limits = Limits.of(settings.gateway.max_body_bytes)
        parking = Parking(names, settings.kafka.partitions, self.metrics.put_aside, limits)
        intake = LoftyWebhooks(
            list(settings.connections.values()),
            topic=names.of(CHANGES),
            partitions=settings.kafka.partitions,
            batching_producer=self._batching_producer,
            parking=parking,
            metrics=self.metrics,
            now_ms=self._now_ms,
            tracing=self._tracing,
            addresses=networks(settings.gateway.lofty_addresses),
            proxies=networks(settings.gateway.trusted_proxies),
        )
        places = Places(settings)
        ghl = GhlWebhooks(
            WebhookPolicy(
                keys=settings.gateway.ghl.keys,
                addresses=networks(settings.gateway.ghl.addresses),
                proxies=networks(settings.gateway.trusted_proxies),
                max_age_ms=int(settings.gateway.ghl.max_age_hours * 3_600_000),
            ),
            partitions={c.ghl.location_id: places.ghl(c) for c in settings.connections.values()},
            # Connections that share a location count as its first.
            owners={c.ghl.location_id: c.name for c in reversed(settings.connections.values())},
            topic=names.of(GHL_CHANGES),
            batching_producer=self._batching_producer,
            parking=parking,
            metrics=self.metrics,
            now_ms=self._now_ms,
            tracing=self._tracing,
        )
        app = web.Application(client_max_size=settings.gateway.max_body_bytes)
        app.router.add_post("/lofty/{secret}", intake.handle)
        app.router.add_post("/ghl/webhooks", ghl.handle)
        grants = Grants.of(settings) if settings.oauth_secrets.token_keys is not None else None
        if grants is not None:
            callbacks = OAuthCallbacks(grants, names, self._batching_producer, self.metrics, self._now_ms)
            app.router.add_get(CALLBACK.format(vendor="ghl"), callbacks.ghl)
            app.router.add_get(CALLBACK.format(vendor="lofty"), callbacks.lofty)
        self.console = self._console_of(settings, app)
        self._telling = StatusReport(
            settings,
            self._batching_producer,
            self._now_ms,
            lambda: self.is_ready,
            lambda: failing_seconds(self._producer),
        )
        app.middlewares.append(self._doorkeeper.middleware)
        app.middlewares.append(self._telling.middleware)
        add_health_and_metrics(app, self.metrics.registry, is_ready=lambda: self.is_ready)
        logging.getLogger("aiohttp.server").addFilter(self._broken)
        self._runner, self.url = await self._doorkeeper.listen(app, settings.gateway.host, settings.gateway.port)
        self._tells = asyncio.create_task(self._telling.run(), name="tell how it is")
        if self.console is not None:
            await self.console.start()
        return self

    @property
    def is_ready(self) -> bool:
        """Kafka takes what is appended, as far as anything was."""
        return self._producer.trouble is None

    def _console_of(self, settings: Settings, app: web.Application) -> Mounted | None:
        if self._new_console is None or not settings.console.enabled:
            return None
        console = self._new_console(settings, lambda: self._batching_producer, self._now_ms)
        console.mount(app)
        return console

    async def __aexit__(self, *_: object) -> None:
        if self.console is not None:
            await self.console.stop()
        await self._runner.cleanup()
        await self._doorkeeper.aclose()
        self._loop_watch.cancel()
        self._healing.cancel()
        self._tells.cancel()
        await asyncio.gather(self._tells, return_exceptions=True)
        await self._telling.say(is_stopping=True)
        logging.getLogger("aiohttp.server").removeFilter(self._broken)
        await self._batching_producer.drain()
        await self._producer.stop()
