"""Follows the topics `mappings` and `connections` and keeps all versions in memory.

`operations/mapping_preview/editor` and `operations/connection_edits` save new ones. Every gateway and worker has its own copy.
All copies agree, because the order of one partition decides which edits count (`version_log`, `connection_log`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Self

from aiokafka.errors import KafkaError

from streams.kafka.batching_producer import Record
from streams.kafka.clients import open_batching_producer
from streams.kafka.topic_reader import KafkaRecord, TopicReader, UnreadSince
from streams.mapping_versions.connection_log import ConnectionLog
from streams.mapping_versions.effective import Edits, EffectiveMappings, effective_mappings
from streams.mapping_versions.errors import NoMappings
from streams.mapping_versions.listing import MappingState, state_of
from streams.mapping_versions.version_log import VersionLog
from streams.messages import InvalidMessage
from streams.messages.connection_edit import CREDENTIAL_KEY, ConnectionEdit, SealedCredential
from streams.messages.installation import INSTALLATION_KEY, LOCATION_KEY, Installation, LocationReport
from streams.messages.mapping_edit import MappingEdit
from streams.messages.partitioning import partition_of
from streams.messages.topics import CONNECTIONS, MAPPINGS, TopicNames
from streams.settings import Settings

log = logging.getLogger("lofty_ghl.mappings")

RETRY_SECONDS = 1.0
WRITE_SECONDS = 15.0
"""How long whoever writes an edit waits until it comes back on the topic."""


@dataclass(frozen=True, slots=True)
class EditTopic:
    """One topic of edits: its name on the cluster, the partition that all edits are in, and what takes a record of it."""

    name: str
    partition: int
    take: Callable[[KafkaRecord], None]


class MappingVersions:
    """`async with MappingVersions(settings) as versions`: once entered, it knows every edit made before.

    Raises `NoMappings` when a topic is missing, and aiokafka's errors when Kafka cannot be reached.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        before_use: Callable[[Settings], None] = lambda _: None,
        needs_connections: bool = True,
        opens_credentials: bool = True,
    ) -> None:
        """`before_use` is called with settings before anybody gets them.

        `needs_connections` is False for who can do without the topic of connections: releases before had none.
        `opens_credentials` is False for who asks no vendor and has no keys: then all connections with pasted ones are incomplete.
        """
        self.file = settings
        self._before_use = before_use
        self._needs_connections = needs_connections
        self._opens_credentials = opens_credentials
        self._now_ms = now_ms
        names, partitions = TopicNames(settings.kafka.topic_prefix), settings.kafka.partitions
        self.mappings_topic, self.connections_topic = (
            EditTopic(names.of(topic), partition_of(topic, partitions), take)
            for topic, take in ((MAPPINGS, self._take_mapping), (CONNECTIONS, self._take_connection))
        )
        self._version_log = VersionLog()
        self.connection_log = ConnectionLog()
        self._in_force = EffectiveMappings(settings, 0)
        self._news = asyncio.Condition()
        self._compiling = asyncio.Lock()
        self._read_to: dict[str, int] = {}
        self._known, self._known_to, self._revision = 0, dict[str, int](), 0
        self._stack = AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []
        self._followed: list[tuple[EditTopic, TopicReader]] = []
        self._unread = {name: UnreadSince(now_ms) for name in (self.mappings_topic.name, self.connections_topic.name)}

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            followed = []
            for topic in (self.mappings_topic, self.connections_topic):
                reader = TopicReader(
                    *(self.file, topic.name, [topic.partition]), missing=NoMappings(topic.name), fetch_max_wait_ms=100
                )
                try:
                    await stack.enter_async_context(reader)
                except NoMappings:
                    if topic is self.connections_topic and not self._needs_connections:
                        continue
                    raise
                async for record in reader.read_to_end(reader.ends):
                    self._take(topic, record)
                # Also where the newest records were deleted, and so no record came that ends there.
                self._read_to[topic.name] = max(self._read_to.get(topic.name, 0), *reader.ends.values())
                followed.append((topic, reader))
            await self._compile()
            self._stack = stack.pop_all()
        self._followed = followed
        self._tasks = [asyncio.create_task(self._follow(*one), name=f"follow {one[0].name}") for one in followed]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stack.aclose()

    # -- reading ------------------------------------------------------------------------------------------

    @property
    def version(self) -> int:
        """The newest version of the mappings, whether it compiles here or not. `settings` have already taken it into account."""
        return self._known

    @property
    def revision(self) -> int:
        """Grows with each edit of a mapping or connection that `settings` have taken into account."""
        return self._revision

    def settings(self) -> Settings:
        """The settings in force: those of the file, with the newest mappings and connections that compile here."""
        return self._in_force.settings

    @property
    def in_force(self) -> EffectiveMappings:
        """The same, with the overlay that gave them and the connections that lack a credential."""
        return self._in_force

    @property
    def unread_since_ms(self) -> int:
        """Since when one of the topics cannot be read; 0 while both can."""
        return min((one.since_ms for one in self._unread.values() if one.since_ms), default=0)

    def state(self) -> MappingState:
        """All mappings as the editor shows them."""
        return state_of(self.file, self._version_log, self._in_force)

    async def changed_since(self, revision: int) -> int:
        """Wait until `revision` is another one; returns it."""
        async with self._news:
            await self._news.wait_for(lambda: self.revision != revision)
            return self.revision

    async def read_to_now(self) -> Settings:
        """The settings in force with every edit that is on the topics now. Raises aiokafka's errors while Kafka is away."""
        ends = {topic.name: max((await reader.end_offsets()).values()) for topic, reader in self._followed}
        async with self._news:
            await self._news.wait_for(lambda: all(self._known_to.get(name, 0) >= end for name, end in ends.items()))
        return self.settings()

    async def write(self, topic: EditTopic, records: list[Record]) -> None:
        """Write edits, and wait until they have been taken into account here. Raises `TimeoutError` when that takes too long."""
        if not records:
            return
        async with open_batching_producer(self.file) as batching_producer:
            offsets = await batching_producer.produce(records)
        async with asyncio.timeout(WRITE_SECONDS), self._news:
            await self._news.wait_for(lambda: self._known_to.get(topic.name, 0) > max(offsets))

    # -- following ----------------------------------------------------------------------------------------

    async def _follow(self, topic: EditTopic, reader: TopicReader) -> None:
        while True:
            try:
                records = await reader.poll()
                self._unread[topic.name].reads()
                for record in records:
                    self._take(topic, record)
                if records:
                    await self._compile()
                    async with self._news:
                        self._news.notify_all()
            except KafkaError as error:
                self._unread[topic.name].fails()
                log.warning("the topic %s cannot be read now, trying again: %r", topic.name, error)
                await asyncio.sleep(RETRY_SECONDS)

    def _take(self, topic: EditTopic, record: KafkaRecord) -> None:
        try:
            topic.take(record)
        except InvalidMessage as error:
            log.error("the edit at offset %d of %s cannot be read: %s", record.offset, topic.name, error)
        self._read_to[topic.name] = record.offset + 1

    def _take_mapping(self, record: KafkaRecord) -> None:
        self._version_log.add(MappingEdit.from_bytes(record.value))

    def _take_connection(self, record: KafkaRecord) -> None:
        key = (record.key or b"").decode(errors="replace")
        if key.startswith(INSTALLATION_KEY):
            installation = Installation.from_bytes(record.value) if record.value is not None else None
            self.connection_log.take_installation(key.removeprefix(INSTALLATION_KEY), installation)
            return
        if key.startswith(LOCATION_KEY):
            self.connection_log.take_location_report(LocationReport.from_bytes(record.value))
            return
        if not key.startswith(CREDENTIAL_KEY):
            self.connection_log.add(ConnectionEdit.from_bytes(record.value))
            return
        connection, _, secret = key.removeprefix(CREDENTIAL_KEY).partition(":")
        credential = SealedCredential.from_bytes(record.value) if record.value is not None else None
        self.connection_log.take_credential(connection, secret, credential)

    async def _compile(self) -> None:
        # In a thread: compiling takes some tenths of a second, and the gateway's loop takes webhooks. So it works on a copy of
        # what was read. The version's number is set only afterwards: otherwise who waits for it would find the settings of the
        # version before.
        async with self._compiling:
            connections = self.connection_log
            sealed = connections.sealed() if self._opens_credentials else {}
            edits = Edits(VersionLog(list(self._version_log.versions)), connections.usable(), sealed)
            version, read_to = self._version_log.newest.version, dict(self._read_to)
            revision = version + connections.changes
            before, found = self._in_force.settings, await asyncio.to_thread(effective_mappings, self.file, edits)
            self._before_use(found.settings)
            self._in_force = found
            self._known, self._known_to, self._revision = version, read_to, revision
        now = self._in_force.settings
        if now.mapping_trouble and now.mapping_trouble != before.mapping_trouble:
            log.error("%s", now.mapping_trouble)
        for connection, words in now.connection_trouble.items():
            if before.connection_trouble.get(connection) != words:
                log.error("connection %s: %s", connection, words)


async def settings_now(settings: Settings, *, with_incomplete: bool = False) -> Settings:
    """The settings with the newest mappings and connections that compile here. Raises aiokafka's errors when Kafka cannot be reached.

    Without a topic of edits, these are the settings without those edits. `with_incomplete` takes in connections that lack a credential,
    and opens none, for who asks no vendor.
    """
    try:
        async with MappingVersions(
            settings, needs_connections=False, opens_credentials=not with_incomplete
        ) as versions:
            found = versions.in_force
            if not with_incomplete:
                return found.settings
            connections = {**found.settings.connections, **found.incomplete}
            return found.settings.model_copy(update={"connections": connections})
    except NoMappings:
        return settings
