"""What runs beside the requests of the console: a task from `start` to `stop`, and one that follows a topic."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress

from aiokafka.errors import KafkaError

from streams.kafka.topic_reader import TopicReader
from streams.messages.topics import TopicNames
from streams.settings import Settings

log = logging.getLogger("lofty_ghl.console")

RETRY_SECONDS = 3.0
READ_BACK = 1_000
"""Records of each partition that are read where the broker cannot find a position by its time, as the embedded one cannot."""


class BackgroundTask:
    """A subclass says in `_run` what runs."""

    _task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it."""
        self._task = asyncio.create_task(self._run(), name=type(self).__name__)

    async def stop(self) -> None:
        """Stop it."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        raise NotImplementedError


class TopicFollower(BackgroundTask):
    """Reads a topic from `_since_ms` to its end, and what is appended later. `has_read` is set once it was at the end."""

    def __init__(self, settings: Settings, topic: str) -> None:
        self._settings = settings
        self._topic = TopicNames(settings.kafka.topic_prefix).of(topic)
        self.has_read = asyncio.Event()

    def _since_ms(self) -> int:
        """The time from which records are read, in epoch milliseconds."""
        raise NotImplementedError

    def _take(self, values: Sequence[bytes | None]) -> None:
        """Some records, the oldest of each partition first."""
        raise NotImplementedError

    def _on_error(self, problem: str) -> None:
        """Kafka failed; the topic is read again from `_since_ms` in a few seconds."""

    async def _run(self) -> None:
        while True:
            try:
                await self._follow()
            except (KafkaError, OSError) as error:
                problem = str(error) or type(error).__name__
                log.warning(
                    "cannot follow the topic %s, trying again in %.0f s: %s", self._topic, RETRY_SECONDS, problem
                )
                self._on_error(problem)
                await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self) -> None:
        reader = TopicReader(
            self._settings, self._topic, since_ms=self._since_ms(), newest=READ_BACK, fetch_max_wait_ms=100
        )
        async with reader:
            while True:
                if not self.has_read.is_set() and await reader.has_reached(reader.ends):
                    self.has_read.set()
                self._take([record.value for record in await reader.poll(500)])
