"""Follows the topic `mappings` and keeps all versions in memory; `operations/mapping_preview/editor` saves new ones.

Every gateway and worker has its own copy. All copies agree, because the order of one partition decides which edits count
(`version_log`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Self

from aiokafka.errors import KafkaError

from streams.kafka.topic_reader import KafkaRecord, TopicReader
from streams.mapping_versions.effective import EffectiveMappings, effective_mappings
from streams.mapping_versions.errors import NoMappings
from streams.mapping_versions.listing import MappingState, state_of
from streams.mapping_versions.version_log import VersionLog
from streams.messages import InvalidMessage
from streams.messages.mapping_edit import MappingEdit
from streams.messages.partitioning import partition_of
from streams.messages.topics import MAPPINGS, TopicNames
from streams.settings import Settings

log = logging.getLogger("lofty_ghl.mappings")

RETRY_SECONDS = 1.0


class MappingVersions:
    """`async with MappingVersions(settings) as versions`: once entered, it knows every edit made before.

    Raises `NoMappings` when the topic is missing, and aiokafka's errors when Kafka cannot be reached.
    """

    def __init__(self, settings: Settings, *, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        self._file = settings
        self._now_ms = now_ms
        self._topic = TopicNames(settings.kafka.topic_prefix).of(MAPPINGS)
        self._partition = partition_of(MAPPINGS, settings.kafka.partitions)
        missing = NoMappings(self._topic)
        self._reader = TopicReader(settings, self._topic, [self._partition], missing=missing, fetch_max_wait_ms=100)
        self._version_log = VersionLog()
        self._in_force = EffectiveMappings(settings, 0)
        self._news = asyncio.Condition()
        self._read_to = 0
        self._known, self._known_to = 0, 0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._reader.__aenter__()
        try:
            async for record in self._reader.read_to_end(self._reader.ends):
                self._take(record)
            await self._compile()
        except BaseException:
            await self._reader.__aexit__()
            raise
        self._task = asyncio.create_task(self._follow(), name="mappings")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._reader.__aexit__()

    # -- reading ------------------------------------------------------------------------------------------

    @property
    def version(self) -> int:
        """The newest version, whether it compiles here or not. `settings` have already taken it into account."""
        return self._known

    def settings(self) -> Settings:
        """The settings in force: those of the file, with the newest version of the mappings that compiles here."""
        return self._in_force.settings

    def state(self) -> MappingState:
        """All mappings as the editor shows them."""
        return state_of(self._file, self._version_log, self._in_force)

    async def changed(self, after: int) -> int:
        """Wait until the newest version is another than `after`; returns it."""
        async with self._news:
            await self._news.wait_for(lambda: self.version != after)
            return self.version

    # -- following ----------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        while True:
            try:
                records = await self._reader.poll()
                for record in records:
                    self._take(record)
                if records:
                    await self._compile()
                    async with self._news:
                        self._news.notify_all()
            except KafkaError as error:
                log.warning("the topic of mappings cannot be read now, trying again: %r", error)
                await asyncio.sleep(RETRY_SECONDS)

    def _take(self, record: KafkaRecord) -> None:
        try:
            edit = MappingEdit.from_bytes(record.value)
        except InvalidMessage as error:
            log.error("the mapping edit at offset %d cannot be read: %s", record.offset, error)
        else:
            self._version_log.add(edit)
        self._read_to = record.offset + 1

    async def _compile(self) -> None:
        # In a thread: compiling takes some tenths of a second, and the gateway's loop takes webhooks. The version's number is
        # set only afterwards: otherwise who waits for it would find the settings of the version before.
        version, read_to = self._version_log.newest.version, self._read_to
        before, self._in_force = (
            self._in_force,
            await asyncio.to_thread(effective_mappings, self._file, self._version_log),
        )
        self._known, self._known_to = version, read_to
        trouble = self._in_force.settings.mapping_trouble
        if trouble and trouble != before.settings.mapping_trouble:
            log.error("%s", trouble)


async def settings_now(settings: Settings) -> Settings:
    """The settings with the newest mappings that compile here. Raises aiokafka's errors when Kafka cannot be reached.

    Without a topic of mappings, these are the settings of the file.
    """
    try:
        async with MappingVersions(settings) as versions:
            return versions.settings()
    except NoMappings:
        return settings
