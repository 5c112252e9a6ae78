"""A Faust table whose rows are words, addressed by partition and key.

`put` and `delete` change the local store at once and append to the changelog; `flush` waits until Kafka has all of it. An agent acknowledges its events only after its outputs *and* its tables are flushed: so nothing that is
committed can be missing from a topic, and nothing depends on Faust's producer buffer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import Any, Generic, TypeVar, cast

import faust
from faust.types import TP, StoreT
from faust.types.app import AppT
from yarl import URL

from streams.appender import Appender, Record
from streams.tables.store import MemoryStore, PartitionedStore, RocksStore
from streams.words.word import Word


class _FaustTable(faust.Table):
    """Faust's table over one of our stores. Faust recovers it, keeps its standbys and creates its changelog."""

    def _new_store_by_url(self, url: str | URL) -> StoreT[Any, Any]:
        store = RocksStore if URL(url).scheme == "rocksdb" else MemoryStore
        made: StoreT[Any, Any] = store(
            url,
            self.app,
            self,
            table_name=self.name,
            key_type=self.key_type,
            key_serializer=self.key_serializer,
            value_serializer=self.value_serializer,
            value_type=self.value_type,
            loop=self.loop,
            options=self.options,
        )
        return made


PERSIST_EVERY = 200
"""Changelog records after which the local store notes how far it is. A crash reads at most so many again."""

Row = TypeVar("Row", bound=Word)


class Table(Generic[Row]):
    """Rows of one type, by partition and key."""

    def __init__(self, app: AppT, name: str, row: type[Row], appender: Appender, *, partitions: int) -> None:
        self._row = row
        self._appender = appender
        self._last: dict[int, asyncio.Future[int]] = {}
        self._acknowledged: dict[int, int] = {}
        self._persisted: dict[int, int] = {}
        self._failure: BaseException | None = None
        self._faust = _FaustTable(app, name=name, key_type=bytes, value_type=bytes, partitions=partitions)
        app.tables.add(self._faust)
        self.changelog: str = self._faust.changelog_topic.get_topic_name()

    @property
    def _store(self) -> PartitionedStore:
        return cast(PartitionedStore, self._faust.data)  # whatever `_new_store_by_url` made

    def get(self, partition: int, key: str) -> Row | None:
        """The row under a key, or None. Raises `NotAWord` for a row that a newer version wrote."""
        raw = self._store.read(partition, key.encode())
        return None if raw is None else self._row.from_bytes(raw)

    def put(self, partition: int, key: str, row: Row) -> None:
        """Write a row here; `flush` makes it last."""
        self._write(partition, key.encode(), row.to_bytes())

    def delete(self, partition: int, key: str) -> None:
        """Delete a row here; `flush` makes it last."""
        self._write(partition, key.encode(), None)

    def items(self, partition: int) -> Iterator[tuple[str, Row]]:
        """All rows of a partition."""
        for key, raw in self._store.scan(partition):
            yield key.decode(), self._row.from_bytes(raw)

    async def flush(self) -> None:
        """Wait until Kafka has every change made so far, by whomever. Raises the producer's error if it has not."""
        # A partition's records are acknowledged in order, so its last one stands for all.
        waiting = [future for future in self._last.values() if not future.done()]
        if waiting:
            await asyncio.wait(waiting)
        if self._failure is not None:
            raise self._failure
        for partition, offset in self._acknowledged.items():
            if offset - self._persisted.get(partition, -1) >= PERSIST_EVERY:
                self._persist(partition)

    def release(self, partition: int) -> None:
        """The partition goes to another worker, or this one stops: note how far the local store is."""
        if self._acknowledged.get(partition, -1) > self._persisted.get(partition, -1):
            self._persist(partition)
        for held in (self._last, self._acknowledged, self._persisted):
            held.pop(partition, None)

    def _persist(self, partition: int) -> None:
        offset = self._persisted[partition] = self._acknowledged[partition]
        self._faust.data.set_persisted_offset(TP(self.changelog, partition), offset)

    def _write(self, partition: int, key: bytes, value: bytes | None) -> None:
        self._store.write(partition, [(key, value)])
        future = self._last[partition] = self._appender.enqueue(Record(self.changelog, partition, key, value))
        future.add_done_callback(partial(self._note, partition))

    def _note(self, partition: int, future: asyncio.Future[int]) -> None:
        if future.cancelled():
            self._failure = self._failure or asyncio.CancelledError(f"an append to {self.changelog} was cancelled")
        elif (error := future.exception()) is not None:
            self._failure = self._failure or error
        elif partition in self._last:
            self._acknowledged[partition] = future.result()
