"""A small topic of which a process keeps the whole: read from its beginning, then followed, and read again after each failure.

Every process that follows it has its own copy, and all agree on each key, as a partition has one order.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Generic, TypeVar

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from streams.kafka.topic_reader import KafkaRecord, TopicReader, UnreadSince
from streams.messages.topics import TopicNames
from streams.settings import Settings

log = logging.getLogger("lofty_ghl.kafka")

RETRY_SECONDS = 3.0
SHOWN_SECONDS = 3.0

Known = TypeVar("Known")


class MissingTopic(OSError):
    """The topic was not created yet."""


class FollowedTopic(Generic[Known]):
    """`start` it, then `known` holds what `take` made of the records; `has_read` is set once they were read to their end."""

    def __init__(
        self,
        settings: Settings,
        topic: str,
        new: Callable[[], Known],
        take: Callable[[Known, KafkaRecord], None],
        partitions: Iterable[int] | None = None,
        *,
        is_table: bool = False,
    ) -> None:
        """`new` makes the value for a topic without records. Without `partitions` all are read.

        `is_table`: it is the changelog of the table of that name.
        """
        names = TopicNames(settings.kafka.topic_prefix)
        self._settings = settings
        self._name = topic
        self._topic = names.changelog(topic) if is_table else names.of(topic)
        self._new = new
        self._take = take
        self._partitions = None if partitions is None else tuple(partitions)
        self.known = new()
        self.has_read = asyncio.Event()
        self.problem = "it is being read"
        """Why it cannot be read."""
        self._unread = UnreadSince()
        self._read_to: dict[TopicPartition, int] = {}
        self._news = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    @property
    def unread(self) -> dict[str, int]:
        """Since when it cannot be read, by its name without prefix; empty while it can. What was read before stays in force."""
        return {self._name: self._unread.since_ms} if self._unread.since_ms else {}

    def start(self) -> None:
        """Follow the topic, in the background."""
        self._task = asyncio.create_task(self._run(), name=f"follow {self._topic}")

    async def stop(self) -> None:
        """Stop following."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def until_read(self, seconds: float) -> bool:
        """Wait until it was read once, but no longer than so many seconds; whether it was. Before `start` nothing is waited for."""
        if not self.has_read.is_set() and self._task is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.has_read.wait(), seconds)
        return self.has_read.is_set()

    async def until_taken(self, partition: int, offset: int) -> None:
        """Wait until the record at an offset was taken."""
        where = TopicPartition(self._topic, partition)
        async with self._news:
            await self._news.wait_for(lambda: self._read_to.get(where, 0) > offset)

    async def until_shown(self, partition: int, offset: int) -> None:
        """The same, for who would rather show what is old than wait longer than `SHOWN_SECONDS`."""
        if self._task is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(SHOWN_SECONDS):
                await self.until_taken(partition, offset)

    async def _run(self) -> None:
        while True:
            try:
                await self._follow()
            except (KafkaError, OSError) as error:
                self.problem = str(error) or type(error).__name__
                self._unread.fails()
                log.warning(
                    "cannot read the topic %s, trying again in %.0f s: %s", self._topic, RETRY_SECONDS, self.problem
                )
                await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self) -> None:
        missing = MissingTopic(f"the topic {self._topic} is missing: `lofty-ghl topics create` creates it")
        async with TopicReader(
            self._settings, self._topic, self._partitions, missing=missing, fetch_max_wait_ms=100
        ) as reader:
            found = self._new()  # what is known stays in force until everything was read again
            async for record in reader.read_to_end(reader.ends):
                self._take(found, record)
            self.known, self._read_to = found, dict(reader.ends)
            self._unread.reads()
            self.has_read.set()
            while True:
                async with self._news:
                    self._news.notify_all()
                for record in await reader.poll():
                    self._take(self.known, record)
                    self._read_to[TopicPartition(self._topic, record.partition)] = record.offset + 1
