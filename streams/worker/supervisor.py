"""One worker in one process, and the settings that are in force: they change, the worker stays.

A connection that is new, changed, paused or gone is taken over by the running worker, while all others go on (`take_over.py`).
Its requests in flight end and their receipts are written before anything of its new settings counts: no write is planned by one
mapping and noted as settled under another.

Another worker takes the place of this one, by an orderly stop and a start, where a running one cannot take over what differs: settings of
Kafka or of the worker, or a connection whose take-over failed. That costs some seconds, in which changes wait in Kafka.

A version that does not compile here, or changes nothing, stops nobody.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any

from streams.mapping_versions.store import MappingVersions
from streams.settings import Settings
from streams.telemetry.process import keep_what_started
from streams.worker.dependencies import Dependencies
from streams.worker.take_over import needs_restart
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
        keeps_what_started: bool = False,
    ) -> None:
        """`keeps_what_started`: this process is a worker's alone (`telemetry/process.py`)."""
        self._mapping_versions = mapping_versions
        self._deps = deps
        self._new_worker = new_worker
        self._keeps_what_started = keeps_what_started
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
            deps = replace(self._deps, instance=instance, read_edits=self._mapping_versions.read_to_now)
            async with self._new_worker(settings, deps) as worker:
                self.current = worker
                self.count += 1
                if self._keeps_what_started:
                    keep_what_started()
                try:
                    await _first_of(
                        stop.wait(), worker.wait(), self._follow(worker, settings), worker.take_over_failed()
                    )
                finally:
                    self.current = None
            if not stop.is_set():
                log.warning("the worker restarts with the newest settings: a running one cannot take them over")

    async def _follow(self, worker: Worker, settings: Settings) -> None:
        """Have each newer version taken over. Returns when there is one that a running worker cannot take over."""
        while True:
            revision, newest = self._mapping_versions.revision, self._mapping_versions.settings()
            if needs_restart(settings, newest):
                return
            worker.take_over(newest)
            await self._mapping_versions.changed_since(revision)


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
