"""Where tables' rows live on this machine: a shelf for each partition, with all tables of it and how far each has come.

A shelf's rows and its positions are written together, all or none: what a position says was read is there.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import Protocol, cast

from rocksdict import Options, Rdict, WriteBatch

Rows = Iterable[tuple[bytes, bytes | None]]
"""Keys and values; a value of None deletes."""

_POSITION = b"\x00position\x00"
_SEPARATOR = b"\x00"
_SIZES = ("rocksdb.estimate-num-keys", "rocksdb.total-sst-files-size", "rocksdb.cur-size-all-mem-tables")


class Store(Protocol):
    """Rows by partition, table and key."""

    def read(self, partition: int, table: bytes, key: bytes) -> bytes | None:
        """The row under a key, or None."""
        ...

    def write(self, partition: int, table: bytes, rows: Rows, position: int | None = None) -> None:
        """Write rows, all or none, and with them the changelog's position if it is given."""
        ...

    def scan(self, partition: int, table: bytes, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """All rows of a table in a partition whose keys begin with a prefix, in no promised order."""
        ...

    def keys(self, partition: int, table: bytes) -> Iterator[bytes]:
        """The keys of a table in a partition as it is now, whatever is written while they are read."""
        ...

    def size(self) -> tuple[int, int]:
        """Rows and bytes of all partitions that are open, as far as the store knows without counting."""
        ...

    def position(self, partition: int, table: bytes) -> int | None:
        """The offset of the last changelog record that is in the rows for certain; None for none."""
        ...

    def clear(self, partition: int) -> None:
        """Forget a partition."""
        ...

    def close(self) -> None:
        """Let go of all files."""
        ...


class MemoryStore:
    """Rows in memory: for the demo and for tests. Everything is read again from the changelogs at each start."""

    def __init__(self) -> None:
        self._rows: dict[tuple[int, bytes], dict[bytes, bytes]] = {}
        self._positions: dict[tuple[int, bytes], int] = {}
        self._bytes = 0

    def read(self, partition: int, table: bytes, key: bytes) -> bytes | None:
        rows = self._rows.get((partition, table))
        return None if rows is None else rows.get(key)

    def write(self, partition: int, table: bytes, rows: Rows, position: int | None = None) -> None:
        held = self._rows.setdefault((partition, table), {})
        for key, value in rows:
            before = held.pop(key, None)
            self._bytes -= 0 if before is None else len(key) + len(before)
            if value is not None:
                held[key] = value
                self._bytes += len(key) + len(value)
        if position is not None:
            self._positions[partition, table] = position

    def scan(self, partition: int, table: bytes, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        rows = self._rows.get((partition, table), {})
        yield from [(key, value) for key, value in rows.items() if key.startswith(prefix)]

    def keys(self, partition: int, table: bytes) -> Iterator[bytes]:
        return iter(list(self._rows.get((partition, table), {})))

    def size(self) -> tuple[int, int]:
        return sum(map(len, self._rows.values())), self._bytes

    def position(self, partition: int, table: bytes) -> int | None:
        return self._positions.get((partition, table))

    def clear(self, partition: int) -> None:
        for place in [place for place in self._rows if place[0] == partition]:
            self._bytes -= sum(len(key) + len(value) for key, value in self._rows.pop(place).items())
        for place in [place for place in self._positions if place[0] == partition]:
            del self._positions[place]

    def close(self) -> None:
        return


class RocksStore:
    """Rows in RocksDB, one database a partition: state outlives the process, recovery reads only what is new."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shelves: dict[int, Rdict] = {}

    def read(self, partition: int, table: bytes, key: bytes) -> bytes | None:
        value: bytes | None = self._shelf(partition).get(table + _SEPARATOR + key)
        return value

    def write(self, partition: int, table: bytes, rows: Rows, position: int | None = None) -> None:
        batch = WriteBatch(raw_mode=True)
        prefix = table + _SEPARATOR
        for key, value in rows:
            if value is None:
                batch.delete(prefix + key)
            else:
                batch.put(prefix + key, value)
        if position is not None:
            batch.put(_POSITION + table, str(position).encode())
        self._shelf(partition).write(batch)

    def scan(self, partition: int, table: bytes, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        begin = table + _SEPARATOR
        rows = cast(Iterator[tuple[bytes, bytes]], self._shelf(partition).items(from_key=begin + prefix))
        for key, value in rows:
            if not key.startswith(begin + prefix):
                return
            yield key[len(begin) :], value

    def keys(self, partition: int, table: bytes) -> Iterator[bytes]:
        begin = table + _SEPARATOR
        # Made at once, not when the first key is asked for: it sees the rows as they are now, which RocksDB keeps for it.
        keys = cast(Iterator[bytes], self._shelf(partition).keys(from_key=begin))
        return (key[len(begin) :] for key in takewhile(lambda key: key.startswith(begin), keys))

    def size(self) -> tuple[int, int]:
        found = [[shelf.property_int_value(name) or 0 for name in _SIZES] for shelf in self._shelves.values()]
        return sum(rows for rows, *_ in found), sum(sum(sizes) for _, *sizes in found)

    def position(self, partition: int, table: bytes) -> int | None:
        found = self._shelf(partition).get(_POSITION + table)
        return None if found is None else int(found)

    def clear(self, partition: int) -> None:
        if shelf := self._shelves.pop(partition, None):
            shelf.close()
        shutil.rmtree(self._path(partition), ignore_errors=True)

    def close(self) -> None:
        for shelf in self._shelves.values():
            shelf.close()
        self._shelves.clear()

    def _shelf(self, partition: int) -> Rdict:
        shelf = self._shelves.get(partition)
        if shelf is None:
            options = Options(raw_mode=True)
            options.create_if_missing(True)
            options.set_write_buffer_size(WRITE_BUFFER_BYTES)
            self._path(partition).parent.mkdir(parents=True, exist_ok=True)
            shelf = self._shelves[partition] = Rdict(str(self._path(partition)), options)
        return shelf

    def _path(self, partition: int) -> Path:
        return self._folder / f"partition-{partition:04}"


WRITE_BUFFER_BYTES = 32 * 1024 * 1024
"""What RocksDB gathers in memory before it writes a file."""
