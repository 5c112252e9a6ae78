"""Follows the topic `people`, and appends to it. Every gateway has its own copy; all agree, as the topic has one order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from aiokafka.errors import KafkaError

from streams.core.account_log import AccountLog
from streams.kafka.batching_producer import Record
from streams.kafka.clients import open_batching_producer
from streams.kafka.followed_topic import FollowedTopic
from streams.kafka.topic_reader import KafkaRecord
from streams.messages import InvalidMessage
from streams.messages.account_edit import AccountEdit
from streams.messages.partitioning import partition_of
from streams.messages.topics import PEOPLE, TopicNames
from streams.operations.people.errors import PeopleUnavailable, StaleAccount
from streams.settings import Settings

log = logging.getLogger("lofty_ghl.people")

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
        self._followed = FollowedTopic(settings, PEOPLE, AccountLog, _take, [self._partition])

    @property
    def log(self) -> AccountLog:
        """The accounts, as far as they were read."""
        return self._followed.known

    @property
    def has_read(self) -> bool:
        """Whether the accounts were read once."""
        return self._followed.has_read.is_set()

    @property
    def unread(self) -> dict[str, int]:
        """Since when the topic cannot be read, by its name; empty while it can."""
        return self._followed.unread

    async def start(self) -> None:
        """Follow the topic. Returns when it was read to its end, or after `START_SECONDS`."""
        self._followed.start()
        await self._followed.until_read(START_SECONDS)

    async def stop(self) -> None:
        """Stop following."""
        await self._followed.stop()

    def check_read(self) -> None:
        """Raises `PeopleUnavailable` before the accounts were read once."""
        if not self.has_read:
            raise PeopleUnavailable(f"People cannot be read now: {self._followed.problem}. Try again in a while.")

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
                await self._followed.until_taken(self._partition, offset)
        except (KafkaError, OSError, TimeoutError) as error:
            words = str(error) or type(error).__name__
            raise PeopleUnavailable(
                f"It is not known whether this was saved: {words}. Look before you try again."
            ) from error
        return edit.id in self.log.counted


def _take(found: AccountLog, record: KafkaRecord) -> None:
    try:
        found.add(AccountEdit.from_bytes(record.value))
    except InvalidMessage as error:
        log.error("the edit at offset %d of people cannot be read: %s", record.offset, error)
