"""The newest snapshot of every entity, read from `lofty.snapshots` and kept up to date while verify runs.

Only the newest is kept, in a store on disk that is removed at the end: so a million leads need no memory.
Keys are sorted there, so all of one lead lies together.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self

from aiokafka import TopicPartition
from rocksdict import Options, Rdict

from streams.kafka.clients import Consumer, client_options, start_consumer, stop_consumer
from streams.messages import Entity, InvalidMessage, Snapshot
from streams.operations.worker_queries.errors import NoTopic
from streams.settings import Settings


class LatestSnapshots:
    """`async with Newest(settings, topic, connections, partitions) as newest`: entered when the topic is read to its end."""

    def __init__(self, settings: Settings, topic: str, connections: Iterable[str], partitions: set[int]) -> None:
        self._topic = topic
        self._places = [TopicPartition(topic, number) for number in sorted(partitions)]
        self._prefixes = tuple(f"{name}:" for name in connections)
        self._consumer = Consumer(
            **client_options(settings), auto_offset_reset="earliest", fetch_max_wait_ms=50, enable_auto_commit=False
        )
        self._folder = tempfile.TemporaryDirectory(prefix="lofty-ghl-verify-")
        self._tail: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        # In raw mode keys and values are bytes; its types say "anything".
        self._rows: Any = Rdict(str(Path(self._folder.name) / "newest"), Options(raw_mode=True))
        try:
            await start_consumer(self._consumer)
            if self._topic not in await self._consumer.topics():
                raise NoTopic(self._topic)
            await self._catch_up()
        except BaseException:
            await self._close()
            raise
        self._tail = asyncio.create_task(self._follow(), name="newest snapshots")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._tail is not None:
            self._tail.cancel()
            await asyncio.gather(self._tail, return_exceptions=True)
        await self._close()

    def leads(self, connection: str) -> Iterator[str]:
        """The leads of a connection, sorted, as they are known when this is called."""
        last, start = "", f"{connection}:".encode()
        for key in self._rows.keys(from_key=start):
            if not key.startswith(start):
                return
            lead = key.decode().split(":")[1]
            if lead != last:
                yield lead
                last = lead

    def of(self, connection: str, lead: str) -> dict[str, Snapshot]:
        """The newest snapshots of a lead and all that hangs on it, by entity key; the contact first.

        Raises what ended the reading of the topic, if anything did.
        """
        if self._tail is not None and self._tail.done():
            self._tail.result()
        start, found = f"{connection}:{lead}:".encode(), {}
        for key, raw in self._rows.items(from_key=start):
            if not key.startswith(start):
                break
            found[key.decode()] = Snapshot.from_bytes(raw)
        return dict(sorted(found.items(), key=lambda one: one[1].kind != "contact"))

    def is_lead(self, connection: str, lead: str) -> bool:
        """Whether a lead is known and alive."""
        raw = self._rows.get(Entity.contact(connection, lead).key.encode())
        return raw is not None and not Snapshot.from_bytes(raw).is_gone

    def knows(self, connection: str, lead: str) -> bool:
        """Whether anything was ever read of a lead's contact."""
        return Entity.contact(connection, lead).key.encode() in self._rows

    # -- reading ------------------------------------------------------------------------------------------

    async def _catch_up(self) -> None:
        ends = await self._consumer.end_offsets(self._places)
        self._consumer.assign(self._places)
        while sum([await self._consumer.position(place) for place in self._places]) < sum(ends.values()):
            await self._take()

    async def _follow(self) -> None:
        while True:
            await self._take()

    async def _take(self) -> None:
        for messages in (await self._consumer.getmany(timeout_ms=200)).values():
            for message in messages:
                self._keep(message)

    def _keep(self, message: Any) -> None:
        key: bytes = message.key or b""
        if not key.decode(errors="replace").startswith(self._prefixes):
            return
        if message.value is None:
            self._rows.delete(key)
            return
        try:
            snapshot = Snapshot.from_bytes(message.value)
        except InvalidMessage:
            return  # `deliver` has parked it
        if snapshot.entity.key.encode() != key:
            return
        known = self._rows.get(key)
        if known is None or Snapshot.from_bytes(known).version_ms <= snapshot.version_ms:
            self._rows[key] = message.value

    async def _close(self) -> None:
        await stop_consumer(self._consumer)
        self._rows.close()
        self._folder.cleanup()
