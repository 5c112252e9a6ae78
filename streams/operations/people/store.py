"""Follows the topic `people`, and appends to it. Every gateway has its own copy; all agree, as the topic has one order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from aiokafka.errors import KafkaError

from streams.core.account_log import AccountLog
from streams.kafka.batching_producer import Record
from streams.kafka.clients import open_batching_producer
from streams.kafka.topic_reader import KafkaRecord, TopicReader
from streams.messages import InvalidMessage
from streams.messages.account_edit import AccountEdit
from streams.messages.partitioning import partition_of
from streams.messages.topics import PEOPLE, TopicNames
from streams.operations.people.errors import PeopleUnavailable, StaleAccount
from streams.settings import Settings

log = logging.getLogger("lofty_ghl.people")

RETRY_SECONDS = 3.0
START_SECONDS = 5.0
"""How long a start waits until the accounts are read. Later it goes on without them: those of the file can sign in."""
WRITE_SECONDS = 15.0
ATTEMPTS = 5
"""How often an edit is made again when others were made in the meantime."""


class PeopleStore:
    """`start` it, then `log` has the accounts; `save` edits one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topic = TopicNames(settings.kafka.topic_prefix).of(PEOPLE)
        self._partition = partition_of(PEOPLE, settings.kafka.partitions)
        self.log = AccountLog()
        self.has_read = asyncio.Event()
        self._problem = "they are being read"
        self._read_to = 0
        self._news = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Follow the topic. Returns when it was read to its end, or after `START_SECONDS`."""
        self._task = asyncio.create_task(self._run(), name="follow people")
        with suppress(TimeoutError):
            await asyncio.wait_for(self.has_read.wait(), START_SECONDS)

    async def stop(self) -> None:
        """Stop following."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def check_read(self) -> None:
        """Raises `PeopleUnavailable` before the accounts were read once."""
        if not self.has_read.is_set():
            raise PeopleUnavailable(f"People cannot be read now: {self._problem}. Try again in a while.")

    async def save(self, make: Callable[[AccountLog], AccountEdit]) -> AccountEdit:
        """Append the edit that `make` decides on, and return it once it counts. Where another edit came first, it decides again."""
        self.check_read()
        for _ in range(ATTEMPTS):
            edit = make(self.log)
            if await self._append(edit):
                return edit
        raise StaleAccount("Others change people at the same time. Try again.")

    async def _append(self, edit: AccountEdit) -> bool:
        """Whether it counts."""
        record = Record(self._topic, self._partition, edit.id.encode(), edit.to_bytes())
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                async with open_batching_producer(self._settings) as producer:
                    (offset,) = await producer.produce([record])
                async with self._news:
                    await self._news.wait_for(lambda: self._read_to > offset)
        except (KafkaError, OSError, TimeoutError) as error:
            words = str(error) or type(error).__name__
            raise PeopleUnavailable(
                f"It is not known whether this was saved: {words}. Look before you try again."
            ) from error
        return edit.id in self.log.counted

    async def _run(self) -> None:
        while True:
            try:
                await self._follow()
            except (KafkaError, OSError, PeopleUnavailable) as error:
                self._problem = str(error) or type(error).__name__
                log.warning("people cannot be read, trying again in %.0f s: %s", RETRY_SECONDS, self._problem)
                await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self) -> None:
        missing = PeopleUnavailable(f"the topic {self._topic} is missing: `lofty-ghl topics create` creates it")
        reader = TopicReader(self._settings, self._topic, [self._partition], missing=missing, fetch_max_wait_ms=100)
        async with reader:
            found = AccountLog()  # what is known stays in force until everything was read again
            async for record in reader.read_to_end(reader.ends):
                _take(found, record)
            self.log, self._read_to = found, max(reader.ends.values())
            self.has_read.set()
            while True:
                for record in await reader.poll():
                    _take(self.log, record)
                    self._read_to = record.offset + 1
                async with self._news:
                    self._news.notify_all()


def _take(found: AccountLog, record: KafkaRecord) -> None:
    try:
        found.add(AccountEdit.from_bytes(record.value))
    except InvalidMessage as error:
        log.error("the edit at offset %d of people cannot be read: %s", record.offset, error)
