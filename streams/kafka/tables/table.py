"""A table whose rows are words, addressed by partition and key, with a compacted changelog topic behind it.

`put` and `delete` count here at once and append to the changelog; `flush` waits until Kafka has all of it.
An agent acknowledges its events only after its outputs *and* its tables are flushed: so nothing that is committed can be
missing from a changelog.

What Kafka has not acknowledged yet is in memory only. A row that the local store held and the changelog never got would
look written after a crash: the events that made it are read again, change nothing, and no other process ever learns about it.
So the store gets a row together with its offset, when it is acknowledged.

**Nothing is stored of a partition that was released** until it is acquired again: its rows stay in memory, as an agent that is
still at work must see what it wrote. One row that is left out and a later one that is stored with its offset would make the
next recovery begin behind the first: a pending read was lost that way, and a note written twice.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from streams.kafka.batching_producer import BatchingProducer, Record, RecordTooLarge
from streams.kafka.changelog_losses import ChangelogLost, Loss, recreated_words
from streams.kafka.tables.counting import RowCount, connection_of
from streams.kafka.tables.store import Store
from streams.messages.message import Message, NewerMessage

Row = TypeVar("Row", bound=Message)


@dataclass(frozen=True, slots=True, eq=False)
class _PendingWrite:
    """A row that is on its way to the changelog; None deletes. `tenure` counts how often its partition was acquired before."""

    value: bytes | None
    tenure: int


class Table(Generic[Row]):
    """Rows of one type, by partition and key. `changelog` is the name of its topic.

    `end` ends the process: it is called when a row was written by a newer release, before the error is raised.
    """

    def __init__(
        self,
        name: str,
        row: type[Row],
        changelog: str,
        store: Store,
        batching_producer: BatchingProducer,
        end: Callable[[str], None] = lambda _why: None,
    ) -> None:
        self.name = name
        self.changelog = changelog
        self.key = name.encode()
        self._row = row
        self._end = end
        self._store = store
        self._batching_producer = batching_producer
        self._pending: dict[int, dict[bytes, _PendingWrite]] = {}
        self._last: dict[int, asyncio.Future[int]] = {}
        self._released: set[int] = set()
        self._tenures: Counter[int] = Counter()
        self._newest: dict[int, int] = {}
        """By partition: the newest offset of the changelog that is known; what is appended later is behind it."""
        self._failure: BaseException | None = None
        self.watch: Callable[[int, str, Row | None], None] | None = None
        """Called with each row that is put, and with None for each that is deleted."""
        self.failed: Callable[[str, BaseException], None] | None = None
        """Called when Kafka did not take a row: the table then differs from the changelog, so the process must not continue."""
        self.rows: RowCount | None = None
        """Counts the rows of the partitions that were passed to it."""

    def get(self, partition: int, key: str) -> Row | None:
        """The row under a key, or None. Raises `NewerMessage` for one that a newer release wrote."""
        raw_key = key.encode()
        pending = self._pending.get(partition, {}).get(raw_key)
        raw = pending.value if pending else self._store.read(partition, self.key, raw_key)
        return None if raw is None else self._read(partition, raw_key, raw)

    def put(self, partition: int, key: str, row: Row) -> None:
        """Write a row; `flush` makes it last. Raises `RecordTooLarge` for one that no changelog takes: nothing has changed."""
        self._write(partition, key.encode(), row.to_bytes())
        if self.watch is not None:
            self.watch(partition, key, row)

    def delete(self, partition: int, key: str) -> None:
        """Delete a row; `flush` makes it last."""
        self._write(partition, key.encode(), None)
        if self.watch is not None:
            self.watch(partition, key, None)

    def items(
        self, partition: int, prefix: str = "", wanted: Callable[[bytes], bool] = lambda _key: True
    ) -> Iterator[tuple[str, Row]]:
        """All rows of a partition, or those whose keys begin with `prefix` and are `wanted`. The others are not read."""
        begin = prefix.encode()
        pending = {key: one for key, one in self._pending.get(partition, {}).items() if key.startswith(begin)}
        for key, raw in self._store.scan(partition, self.key, begin):
            if key not in pending and wanted(key):
                yield key.decode(), self._read(partition, key, raw)
        for key, one in pending.items():
            if one.value is not None and wanted(key):
                yield key.decode(), self._read(partition, key, one.value)

    def count(self, partition: int) -> None:
        """Begin to count the rows of a partition that is ours now, in the background."""
        if self.rows is None:
            return
        unwritten: Counter[str] = Counter()
        for key, one in self._pending.get(partition, {}).items():
            difference = (one.value is not None) - (self._store.read(partition, self.key, key) is not None)
            unwritten[connection_of(key)] += difference
        self.rows.begin(partition, self._store.keys(partition, self.key), unwritten)

    async def flush(self) -> None:
        """Wait until Kafka has every change made so far, by whomever. Raises the producer's error if it has not."""
        # A partition's records are acknowledged in order, so the last one is enough.
        waiting = [future for future in self._last.values() if not future.done()]
        if waiting:
            await asyncio.wait(waiting)
        await asyncio.sleep(0)  # an answer that has just come is passed to `_acknowledged` in the loop's next turn
        if self._failure is not None:
            raise self._failure

    def release(self, partition: int) -> None:
        """The partition goes to another worker, or this one stops: nothing of it is stored from now on."""
        self._released.add(partition)
        if self.rows is not None:
            self.rows.forget(partition)

    def acquire(self, partition: int) -> None:
        """The partition is this worker's, and its store holds all that its changelog held a moment ago."""
        self._released.discard(partition)
        self._pending.pop(partition, None)
        self._tenures[partition] += 1
        self._newest[partition] = -1 if (at := self._store.position(partition, self.key)) is None else at

    def _read(self, partition: int, key: bytes, raw: bytes) -> Row:
        try:
            return self._row.from_bytes(raw)
        except NewerMessage as error:
            where = f"{self.changelog}/{partition}, key {key.decode(errors='replace')}"
            self._end(f"A row of a newer release is in the table {self.name} ({where}): {error}.")
            raise

    def _write(self, partition: int, key: bytes, value: bytes | None) -> None:
        record = Record(self.changelog, partition, key, value)
        if record.size > self._batching_producer.max_record_bytes:
            raise RecordTooLarge(self.changelog, record.size, self._batching_producer.max_record_bytes)
        if self.rows is not None and self.rows.counts(partition):
            self.rows.changed(partition, key, existed=self._exists(partition, key), exists=value is not None)
        pending = self._pending.setdefault(partition, {})[key] = _PendingWrite(value, self._tenures[partition])
        future = self._last[partition] = self._batching_producer.enqueue(record)
        future.add_done_callback(partial(self._acknowledged, partition, key, pending))

    def _exists(self, partition: int, key: bytes) -> bool:
        pending = self._pending.get(partition, {}).get(key)
        return (pending.value if pending else self._store.read(partition, self.key, key)) is not None

    def _acknowledged(self, partition: int, key: bytes, pending: _PendingWrite, future: asyncio.Future[int]) -> None:
        if future.cancelled():
            self._failure = self._failure or asyncio.CancelledError(f"an append to {self.changelog} was cancelled")
            return
        if (error := future.exception()) is not None:
            self._failure = self._failure or error
            if partition not in self._released and self.failed is not None:
                self.failed(self.name, error)
            return
        if partition in self._released:
            return  # it stays in `_pending`, and is read back from the changelog should the partition return
        offset, newest = future.result(), self._newest.get(partition, -1)
        if pending.tenure == self._tenures[partition] and 0 <= offset <= newest:
            lost = Loss(self.name, self.changelog, partition, recreated_words(offset, newest))
            self._failure = self._failure or ChangelogLost([lost])
            self._end(f"{self._failure}.")
            return
        self._newest[partition] = max(offset, newest)
        try:
            if pending.tenure == self._tenures[partition] or self._is_newer(partition, future.result()):
                self._store.write(partition, self.key, [(key, pending.value)], future.result())
        except Exception as error:  # nobody awaits this callback: whoever flushes must hear of it
            self._failure = self._failure or error
            return
        held = self._pending.get(partition, {})
        if held.get(key) is pending:
            del held[key]

    def _is_newer(self, partition: int, offset: int) -> bool:
        """Whether a row of an earlier tenure came into the changelog after that was read back."""
        position = self._store.position(partition, self.key)
        return position is None or offset > position
