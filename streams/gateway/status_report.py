"""Publishes the gateway's status on the topic `status` every few seconds, for `lofty-ghl status` and the console."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler

from streams.gateway.live_connections import LiveConnections
from streams.gateway.move_watch import MoveWatch
from streams.kafka.batching_producer import BatchingProducer
from streams.kafka.clients import reach
from streams.messages import GatewayStatus
from streams.messages.topics import STATUS, TopicNames
from streams.telemetry.metrics.gauges import of_gateway
from streams.telemetry.metrics.spec import Reading
from streams.telemetry.process import RELEASE
from streams.telemetry.status_publisher import configuration_of, publish_status

log = logging.getLogger("lofty_ghl.gateway")

VENDORS = {"lofty": "lofty", "ghl": "ghl"}
"""Vendors by the first part of the paths at which their webhooks come."""
STATUS_SECONDS = 5.0
APPEND_SECONDS = 5.0
"""What Kafka has not acknowledged by then is dropped: while Kafka is away, statuses must not pile up."""


@dataclass(frozen=True, slots=True)
class Condition:
    """How a gateway is at a moment."""

    is_ready: bool
    failing_seconds: float
    notifies: bool
    notifications_failing: dict[str, int]
    unread: dict[str, int]


class StatusReport:
    """The status of one gateway. `condition` is asked each time; `middleware` notes accepted webhooks."""

    def __init__(
        self,
        connections: LiveConnections,
        batching_producer: BatchingProducer,
        now_ms: Callable[[], int],
        gateway: str,
        condition: Callable[[], Condition],
    ) -> None:
        self._connections = connections
        self._batching_producer = batching_producer
        self._now_ms = now_ms
        self._gateway = gateway
        self._condition = condition
        self._begun_ms = now_ms()
        self._accepted_ms: dict[str, int] = {}
        self._has_status_topic = False
        self.move_watch = MoveWatch(connections.now.settings)
        self._names = TopicNames(connections.now.settings.kafka.topic_prefix)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Note when a vendor's webhook was last answered 200."""
        response = await handler(request)
        vendor = VENDORS.get(request.path.split("/", 2)[1])
        if vendor is not None and request.method == "POST" and response.status == HTTPStatus.OK:
            self._accepted_ms[vendor] = self._now_ms()
        return response

    def status(self, *, is_stopping: bool = False) -> GatewayStatus:
        """The status as of now."""
        now = self._condition()
        return GatewayStatus(
            gateway=self._gateway,
            host=socket.gethostname(),
            pid=os.getpid(),
            release=RELEASE,
            begun_ms=self._begun_ms,
            at_ms=self._now_ms(),
            is_stopping=is_stopping,
            is_ready=now.is_ready and not is_stopping,
            appends_failing_seconds=now.failing_seconds,
            configuration=configuration_of(self._connections.now.settings),
            connections=len(self._connections.now.settings.connections),
            heard_ms=dict(self._accepted_ms),
            notifies=now.notifies,
            notifications_failing=now.notifications_failing,
            unread=now.unread,
            move=self.move_watch.move,
        )

    def gauges(self) -> Iterator[Reading]:
        """The gateway's gauges as of now."""
        return of_gateway(self.status())

    async def run(self) -> None:
        """Publish it every few seconds, until cancelled. Not before the topic exists: a broker could create it by itself."""
        watching = asyncio.create_task(self.move_watch.run(), name="watch a move")
        try:
            while True:
                self._has_status_topic = self._has_status_topic or await self._has_topic()
                await self.publish()
                await asyncio.sleep(STATUS_SECONDS)
        finally:
            watching.cancel()
            await asyncio.wait([watching])  # it may be reading a topic

    async def _has_topic(self) -> bool:
        try:
            return self._names.of(STATUS) in await reach(self._connections.now.settings)
        except Exception as error:  # whatever it is: the next round asks again
            log.debug("could not list the topics of Kafka: %r", error)
            return False

    async def publish(self, *, is_stopping: bool = False) -> None:
        """Publish it once. A failure stops nothing."""
        if not self._has_status_topic:
            return
        try:
            async with asyncio.timeout(APPEND_SECONDS):
                status = self.status(is_stopping=is_stopping)
                partitions = self._connections.now.settings.kafka.partitions
                await publish_status(self._batching_producer, self._names, partitions, status)
        except Exception as error:  # whatever it is: the next status comes in five seconds
            log.debug("this gateway's status could not be published: %r", error)
