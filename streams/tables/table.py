"""A Faust table whose rows are words, addressed by partition and key.

`put` and `delete` change the local store at once and append to the changelog; `flush` waits until Kafka has all of it. An agent acknowledges its events only after its outputs *and* its tables are flushed: so nothing that is
committed can be missing from a topic, and nothing depends on Faust's producer buffer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
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


Row = TypeVar("Row", bound=Word)


class Table(Generic[Row]):
    """Rows of one type, by partition and key."""

    def __init__(self, app: AppT, name: str, row: type[Row], appender: Appender, *, partitions: int) -> None:
        self._row = row
        self._appender = appender
        self._unflushed: list[tuple[int, asyncio.Future[int]]] = []
        self._persisted: dict[int, int] = {}
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
        unflushed = list(self._unflushed)
        if not unflushed:
            return
        await asyncio.wait([acknowledged for _, acknowledged in unflushed])
        newest: dict[int, int] = {}
        for partition, acknowledged in unflushed:
            newest[partition] = max(acknowledged.result(), newest.get(partition, -1))
        self._unflushed = [one for one in self._unflushed if not one[1].done()]
        for partition, offset in newest.items():
            if offset > self._persisted.get(partition, -1):
                self._persisted[partition] = offset
                self._faust.data.set_persisted_offset(TP(self.changelog, partition), offset)

    def _write(self, partition: int, key: bytes, value: bytes | None) -> None:
        self._store.write(partition, [(key, value)])
        acknowledged = self._appender.enqueue(Record(self.changelog, partition, key, value))
        self._unflushed.append((partition, acknowledged))
