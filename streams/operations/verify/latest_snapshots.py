"""The newest snapshot of every entity, read from `lofty.snapshots` and kept up to date while verify runs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack
from typing import Self

from streams.kafka.record_store import RecordStore
from streams.kafka.topic_reader import KafkaRecord, TopicReader
from streams.messages import Entity, InvalidMessage, Snapshot
from streams.messages.topics import SNAPSHOTS
from streams.operations.worker_queries.errors import NoTopic
from streams.settings import Settings


class LatestSnapshots:
    """`async with LatestSnapshots(...) as newest`: it is entered once the topic is read to its end."""

    def __init__(self, settings: Settings, topic: str, connections: Iterable[str], partitions: set[int]) -> None:
        self._prefixes = tuple(f"{name}:" for name in connections)
        self._reader = TopicReader(settings, topic, sorted(partitions), missing=NoTopic(topic))
        self._follower: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self._store = stack.enter_context(RecordStore())
            await stack.enter_async_context(self._reader)
            async for record in self._reader.read_to_end(self._reader.ends):
                self._keep(record)
            self._stack = stack.pop_all()
        self._follower = asyncio.create_task(self._follow(), name="newest snapshots")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._follower is not None:
            self._follower.cancel()
            await asyncio.gather(self._follower, return_exceptions=True)
        await self._stack.aclose()

    def leads(self, connection: str) -> Iterator[str]:
        """The leads of a connection that are known now, sorted."""
        last = ""
        for key in self._store.keys(SNAPSHOTS, f"{connection}:".encode()):
            lead = key.decode().split(":")[1]
            if lead != last:
                yield lead
                last = lead

    def of(self, connection: str, lead: str) -> dict[str, Snapshot]:
        """The newest snapshots of a lead and of its notes, tasks and appointments, by entity key; the contact first.

        Raises the error that ended the reading of the topic, if one did.
        """
        if self._follower is not None and self._follower.done():
            self._follower.result()
        keys = self._store.keys(SNAPSHOTS, f"{connection}:{lead}:".encode())
        found = {key.decode(): snapshot for key in keys if (snapshot := self._snapshot(key)) is not None}
        return dict(sorted(found.items(), key=lambda item: item[1].kind != "contact"))

    def keys(self, connection: str, lead: str) -> tuple[str, ...]:
        """The keys of a lead and of what hangs on it, and those under which something hangs now that hung on it before.

        What a lead shared, or has left, may be on its contact as another lead's: its key says which one has it.
        """
        own = self.of(connection, lead)
        return tuple(dict.fromkeys((*own, *(self._moved(key, one) for key, one in own.items() if one.moved_to))))

    def _moved(self, key: str, snapshot: Snapshot) -> str:
        """Where something hangs now, over any number of merges."""
        seen = {key}
        found: Snapshot | None = snapshot
        while found is not None and found.moved_to:
            key = found.entity._replace(lead=found.moved_to).key
            if key in seen:
                break
            seen.add(key)
            found = self._snapshot(key.encode())
        return key

    def is_lead(self, connection: str, lead: str) -> bool:
        """Whether a lead is known and was not deleted."""
        snapshot = self._snapshot(Entity.contact(connection, lead).key.encode())
        return snapshot is not None and not snapshot.is_gone

    def has_child(self, connection: str, kind: str, id: str) -> bool:
        """Whether any lead has this note, task or appointment, and it was not deleted. Looks through all keys."""
        end = f":{kind}:{id}".encode()
        keys = (key for key in self._store.keys(SNAPSHOTS, f"{connection}:".encode()) if key.endswith(end))
        return any(one is not None and not one.is_gone for one in map(self._snapshot, keys))

    def knows(self, connection: str, lead: str) -> bool:
        """Whether a snapshot of the lead's contact is known."""
        return self._snapshot(Entity.contact(connection, lead).key.encode()) is not None

    def _snapshot(self, key: bytes) -> Snapshot | None:
        record = self._store.get(SNAPSHOTS, key)
        return None if record is None else Snapshot.from_bytes(record.value)

    async def _follow(self) -> None:
        while True:
            for record in await self._reader.poll():
                self._keep(record)

    def _keep(self, record: KafkaRecord) -> None:
        key: bytes = record.key or b""
        if not key.decode(errors="replace").startswith(self._prefixes):
            return
        if record.value is not None:
            try:
                snapshot = Snapshot.from_bytes(record.value)
            except InvalidMessage:
                return  # `deliver` has parked it
            if snapshot.entity.key.encode() != key:
                return
        self._store.put(SNAPSHOTS, key, record, _is_not_older)


def _is_not_older(new: bytes, old: bytes) -> bool:
    return Snapshot.from_bytes(old).version_ms <= Snapshot.from_bytes(new).version_ms
