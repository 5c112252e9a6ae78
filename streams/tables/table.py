"""A table whose rows are words, addressed by partition and key, with a compacted changelog topic behind it.

`put` and `delete` change the local store at once and append to the changelog; `flush` waits until Kafka has all of it.
An agent acknowledges its events only after its outputs *and* its tables are flushed: so nothing that is committed can be
missing from a changelog.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import Generic, TypeVar

from streams.appender import Appender, Record
from streams.tables.store import Store
from streams.words.word import Word

PERSIST_EVERY = 200
"""Changelog records after which the local store notes how far it is. A crash reads at most so many again."""

Row = TypeVar("Row", bound=Word)


class Table(Generic[Row]):
    """Rows of one type, by partition and key. `changelog` is the name of its topic."""

    def __init__(self, name: str, row: type[Row], changelog: str, store: Store, appender: Appender) -> None:
        self.name = name
        self.changelog = changelog
        self.key = name.encode()
        self._row = row
        self._store = store
        self._appender = appender
        self._last: dict[int, asyncio.Future[int]] = {}
        self._acknowledged: dict[int, int] = {}
        self._persisted: dict[int, int] = {}
        self._failure: BaseException | None = None

    def get(self, partition: int, key: str) -> Row | None:
        """The row under a key, or None. Raises `NotAWord` for a row that a newer version wrote."""
        raw = self._store.read(partition, self.key, key.encode())
        return None if raw is None else self._row.from_bytes(raw)

    def put(self, partition: int, key: str, row: Row) -> None:
        """Write a row here; `flush` makes it last."""
        self._write(partition, key.encode(), row.to_bytes())

    def delete(self, partition: int, key: str) -> None:
        """Delete a row here; `flush` makes it last."""
        self._write(partition, key.encode(), None)

    def items(self, partition: int) -> Iterator[tuple[str, Row]]:
        """All rows of a partition."""
        for key, raw in self._store.scan(partition, self.key):
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
        self._store.write(partition, self.key, (), offset)

    def _write(self, partition: int, key: bytes, value: bytes | None) -> None:
        self._store.write(partition, self.key, [(key, value)])
        future = self._last[partition] = self._appender.enqueue(Record(self.changelog, partition, key, value))
        future.add_done_callback(partial(self._note, partition))

    def _note(self, partition: int, future: asyncio.Future[int]) -> None:
        if future.cancelled():
            self._failure = self._failure or asyncio.CancelledError(f"an append to {self.changelog} was cancelled")
        elif (error := future.exception()) is not None:
            self._failure = self._failure or error
        elif partition in self._last and future.result() >= 0:
            self._acknowledged[partition] = future.result()
