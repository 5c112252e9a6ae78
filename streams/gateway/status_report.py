"""A gateway says every few seconds how it is, on the topic `status`: so whoever looks at the deployment knows of it."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import uuid
from collections.abc import Callable
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler

from streams.kafka.batching_producer import BatchingProducer
from streams.kafka.clients import reach
from streams.messages import GatewayStatus
from streams.messages.topics import STATUS, TopicNames
from streams.settings import Settings
from streams.telemetry.process import RELEASE
from streams.telemetry.status_publisher import configuration_of, publish

log = logging.getLogger("lofty_ghl.gateway")

VENDORS = {"lofty": "lofty", "ghl": "ghl"}
"""Vendors by the first part of the paths at which their webhooks come."""
STATUS_SECONDS = 5.0
APPEND_SECONDS = 5.0
"""What Kafka does not take by then is not said: while it is away, nothing is to gather."""


class StatusReport:
    """`is_ready` and `failing_seconds` are asked each time. Its `middleware` hears of each webhook that is accepted."""

    def __init__(
        self,
        settings: Settings,
        batching_producer: BatchingProducer,
        now_ms: Callable[[], int],
        is_ready: Callable[[], bool],
        failing_seconds: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._batching_producer = batching_producer
        self._now_ms = now_ms
        self._is_ready = is_ready
        self._failing_seconds = failing_seconds
        self._instance = uuid.uuid4().hex[:8]
        self._begun_ms = now_ms()
        self._heard_ms: dict[str, int] = {}
        self._is_on = False
        self._names = TopicNames(settings.kafka.topic_prefix)
        self._configuration = configuration_of(settings)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Note when a vendor's webhook was last answered 200."""
        response = await handler(request)
        vendor = VENDORS.get(request.path.split("/", 2)[1])
        if vendor is not None and request.method == "POST" and response.status == HTTPStatus.OK:
            self._heard_ms[vendor] = self._now_ms()
        return response

    def status(self, *, is_stopping: bool = False) -> GatewayStatus:
        """How this gateway is."""
        return GatewayStatus(
            gateway=self._instance,
            host=socket.gethostname(),
            pid=os.getpid(),
            release=RELEASE,
            begun_ms=self._begun_ms,
            at_ms=self._now_ms(),
            is_stopping=is_stopping,
            is_ready=self._is_ready() and not is_stopping,
            appends_failing_seconds=self._failing_seconds(),
            configuration=self._configuration,
            connections=len(self._settings.connections),
            heard_ms=dict(self._heard_ms),
        )

    async def run(self) -> None:
        """Say it every few seconds, until cancelled. Where the topic is not made yet nothing is said: a broker may make it itself."""
        while True:
            self._is_on = self._is_on or await self._has_topic()
            await self.say()
            await asyncio.sleep(STATUS_SECONDS)

    async def _has_topic(self) -> bool:
        try:
            return self._names.of(STATUS) in await reach(self._settings)
        except Exception as error:  # whatever it is: it is asked again
            log.debug("Kafka cannot be asked for its topics: %r", error)
            return False

    async def say(self, *, is_stopping: bool = False) -> None:
        """Say it once. What goes wrong here stops nobody."""
        if not self._is_on:
            return
        try:
            async with asyncio.timeout(APPEND_SECONDS):
                status = self.status(is_stopping=is_stopping)
                await publish(self._batching_producer, self._names, self._settings.kafka.partitions, status)
        except Exception as error:  # whatever it is: the next word comes in five seconds
            log.debug("this gateway's status could not be published: %r", error)
