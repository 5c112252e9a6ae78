"""Where a table's rows live on this machine: by partition, as bytes.

Faust's own stores find the partition of a key through the event that is being processed.
Ours are told the partition, because the dispatcher reads and writes rows outside of any event.
Recovery from the changelog, standby replicas and the persisted offset stay Faust's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from faust.stores import memory, rocksdb
from faust.types import TP, EventT
from rocksdict import WriteBatch

Rows = Iterable[tuple[bytes, bytes | None]]


class PartitionedStore(Protocol):
    """A key-value store for each partition. A value of None deletes."""

    def read(self, partition: int, key: bytes) -> bytes | None:
        """The row under a key, or None."""
        ...

    def write(self, partition: int, rows: Rows) -> None:
        """Write rows, all or none."""
        ...

    def scan(self, partition: int) -> Iterator[tuple[bytes, bytes]]:
        """All rows of a partition, in no promised order."""
        ...


class MemoryStore(memory.Store):
    """Rows in memory: for the demo and for tests. Everything is read again from the changelog at each start."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._partitions: dict[int, dict[bytes, bytes]] = {}

    def read(self, partition: int, key: bytes) -> bytes | None:
        rows = self._partitions.get(partition)
        return None if rows is None else rows.get(key)

    def write(self, partition: int, rows: Rows) -> None:
        held = self._partitions.setdefault(partition, {})
        for key, value in rows:
            if value is None:
                held.pop(key, None)
            else:
                held[key] = value

    def scan(self, partition: int) -> Iterator[tuple[bytes, bytes]]:
        yield from list(self._partitions.get(partition, {}).items())

    def apply_changelog_batch(
        self, batch: Iterable[EventT], to_key: Callable[[Any], Any], to_value: Callable[[Any], Any]
    ) -> None:
        for event in batch:
            message = event.message
            assert message.key is not None, "a table's changelog has keys"
            self.write(message.partition, [(message.key, message.value)])

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        mine = self.table.changelog_topic.topics
        for tp in revoked:
            if tp.topic in mine:
                self._partitions.pop(tp.partition, None)

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        return

    def reset_state(self) -> None:
        self._partitions.clear()


class RocksStore(rocksdb.Store):
    """Rows in RocksDB, one database a partition: state outlives the process, recovery reads only what is new."""

    def read(self, partition: int, key: bytes) -> bytes | None:
        value: bytes | None = self._db_for_partition(partition).get(key)
        return value

    def write(self, partition: int, rows: Rows) -> None:
        batch = WriteBatch(raw_mode=True)
        for key, value in rows:
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        self._db_for_partition(partition).write(batch)

    def scan(self, partition: int) -> Iterator[tuple[bytes, bytes]]:
        yield from self._visible_items(self._db_for_partition(partition))
