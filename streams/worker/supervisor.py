"""Worker after worker in one process, each with the mappings and connections that are in force: they change, the process stays.

A new version is taken over by an orderly stop of the worker and a start of the next one. Everything that compiled the old
mapping (rules of the locations, fingerprints of what is settled, custom fields to create) ends with its worker, after the
requests in flight have ended and their receipts are written: no write is planned by one mapping and noted as settled under
another. Hand-over costs some seconds, in which changes wait in Kafka.

A version that does not compile here, or changes nothing for a worker, stops nobody.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any

from streams.mapping_versions.effective import same_connections
from streams.mapping_versions.store import MappingVersions
from streams.settings import Settings
from streams.worker.dependencies import Dependencies
from streams.worker.worker import Worker

log = logging.getLogger("lofty_ghl.worker")


class Supervisor:
    """Call `run(stop)`: it returns when asked to stop, and raises the error that ended a worker.

    `current` is the running worker, None while one is being replaced. `count` counts the workers so far.
    """

    def __init__(
        self,
        mapping_versions: MappingVersions,
        deps: Dependencies,
        *,
        new_worker: Callable[[Settings, Dependencies], Worker] = Worker,
    ) -> None:
        self._mapping_versions = mapping_versions
        self._deps = deps
        self._new_worker = new_worker
        self.current: Worker | None = None
        self.count = 0

    @property
    def is_ready(self) -> bool:
        """A worker is on duty, and acts for all partitions that it was given."""
        return self.current is not None and self.current.is_ready

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set."""
        while not stop.is_set():
            settings = self._mapping_versions.settings()
            instance = self._deps.instance if self.count == 0 else uuid.uuid4().hex[:8]
            deps = replace(self._deps, instance=instance, newer_mappings=self._newer_mappings)
            async with self._new_worker(settings, deps) as worker:
                self.current = worker
                self.count += 1
                try:
                    await _first_of(stop.wait(), worker.wait(), self._other_connections(settings))
                finally:
                    self.current = None
            if not stop.is_set():
                log.info(
                    "the mappings are of version %d now, and there are %d connections: the worker restarts with them",
                    self._mapping_versions.settings().mapping_version,
                    len(self._mapping_versions.settings().connections),
                )

    def _newer_mappings(self, settings: Settings) -> tuple[int, str]:
        newest = self._mapping_versions.settings()
        version = newest.mapping_version if same_connections(settings, newest) else settings.mapping_version
        return version, newest.mapping_trouble

    async def _other_connections(self, settings: Settings) -> None:
        """Return when the mappings or connections in force are others than those of these settings."""
        revision = self._mapping_versions.revision
        while same_connections(settings, self._mapping_versions.settings()):
            revision = await self._mapping_versions.changed_since(revision)


async def _first_of(*waits: Coroutine[Any, Any, Any]) -> None:
    """Return when one of these has ended; raises what it raises."""
    tasks = [asyncio.ensure_future(one) for one in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError, Exception):
                await task
    for task in done:
        task.result()
