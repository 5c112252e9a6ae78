"""Takes edits of connections over while the gateway runs, within seconds and without a restart."""

from __future__ import annotations

import asyncio
import logging

from aiokafka.errors import KafkaError

from streams.gateway.live_connections import LiveConnections
from streams.kafka.topic_reader import UnreadSince
from streams.mapping_versions.errors import NoMappings
from streams.mapping_versions.store import MappingVersions
from streams.settings import Settings
from streams.settings.secrets import secret_values
from streams.telemetry.logs import REPEATS, hide_secrets
from streams.telemetry.metrics import Metrics
from streams.telemetry.process import append_topics

log = logging.getLogger("lofty_ghl.gateway")

RETRY_SECONDS = 3.0


class EditFollower:
    """Call `run` as a task. `has_read` is set once all earlier edits are taken over, or there is no topic of edits."""

    def __init__(self, file: Settings, connections: LiveConnections, metrics: Metrics) -> None:
        self._file = file
        self._connections = connections
        self._metrics = metrics
        self.has_read = asyncio.Event()
        self._versions: MappingVersions | None = None
        self._unread = UnreadSince()

    @property
    def unread_since_ms(self) -> int:
        """Since when edits cannot be read; 0 while they can."""
        return self._versions.unread_since_ms if self._versions is not None else self._unread.since_ms

    async def run(self) -> None:
        """Follow the edits until cancelled. What cannot be read is tried again; the connections known so far stay."""
        while True:
            try:
                await self._follow()
            except NoMappings as error:
                log.warning("only the connections of the configuration file are served: %s", error, extra=REPEATS)
                self._unread.fails()
                self.has_read.set()
            except (KafkaError, OSError) as error:
                log.warning("edits of connections cannot be read now, trying again: %r", error, extra=REPEATS)
                self._unread.fails()
            await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self) -> None:
        async with MappingVersions(self._file, before_use=_hide) as versions:
            self._versions = versions
            self._unread.reads()
            try:
                await self._serve(versions)
            finally:
                self._versions = None

    async def _serve(self, versions: MappingVersions) -> None:
        while True:
            known = versions.revision
            self._take_over(versions.settings())
            self._connections.installed = versions.connection_log.installed()
            incomplete = versions.in_force.incomplete.values()
            self._connections.incomplete = frozenset(one.ghl.location_id for one in incomplete)
            self.has_read.set()
            await versions.changed_since(known)

    def _take_over(self, settings: Settings) -> None:
        before = self._connections.now.settings.connections
        self._metrics.create_series({"connection": settings.connections, "topic": append_topics()})
        if settings.connections.keys() != before.keys():
            log.info("%d connections are served: %s", len(settings.connections), ", ".join(settings.connections))
        self._connections.take_over(settings)


def _hide(settings: Settings) -> None:
    hide_secrets(secret_values(settings))
