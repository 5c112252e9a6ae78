"""Stores tables' rows on this machine: a database for each partition, with all of its tables and the changelog position of each.

Rows and positions are written together, all or none: what a position covers is in the rows.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn, Protocol, cast

from rocksdict import Options, Rdict, WriteBatch

from streams.kafka.tables.opening import Opening, never_ended, unguarded

Rows = Iterable[tuple[bytes, bytes | None]]
"""Keys and values; a value of None deletes."""

log = logging.getLogger("lofty_ghl.tables")

_POSITION = b"\x00position\x00"
_ORIGIN = b"\x00origin"
_SEPARATOR = b"\x00"
_SIZES = ("rocksdb.estimate-num-keys", "rocksdb.total-sst-files-size", "rocksdb.cur-size-all-mem-tables")


class StoreFailed(RuntimeError):
    """The local store failed. The text says why, and what to do."""


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

    def origin(self, partition: int, table: bytes) -> str:
        """The id of the topic that a table's rows were read from; empty while it is not known."""
        ...

    def set_origin(self, partition: int, table: bytes, topic_id: str) -> None:
        """Note the id of the topic that a table's rows are read from."""
        ...

    def close(self) -> None:
        """Let go of all files."""
        ...

    def set_aside(self) -> tuple[str, ...]:
        """The names of damaged parts that are kept for a person to look at; they may be deleted at any time."""
        ...


class MemoryStore:
    """Rows in memory: for the demo and for tests. Everything is read again from the changelogs at each start."""

    def __init__(self) -> None:
        self._rows: dict[tuple[int, bytes], dict[bytes, bytes]] = {}
        self._positions: dict[tuple[int, bytes], int] = {}
        self._origins: dict[tuple[int, bytes], str] = {}
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

    def origin(self, partition: int, table: bytes) -> str:
        return self._origins.get((partition, table), "")

    def set_origin(self, partition: int, table: bytes, topic_id: str) -> None:
        self._origins[partition, table] = topic_id

    def close(self) -> None:
        return

    def set_aside(self) -> tuple[str, ...]:
        return ()


class RocksStore:
    """Rows in RocksDB, one database a partition: state outlives the process, recovery reads only what is new.

    **A damaged database** is set aside and made again, empty, when it is opened or asked for a position: Kafka has
    everything, and recovery reads it again. Of each partition the newest damaged one is kept, as `damaged-partition-…`.
    Damage that shows later, while the partition is worked on, ends the process; its next start sets the database aside.
    So does a database whose opening never ends, where `opening` guards it.

    **A disk that refuses** (full, no right, held by another process) ends the process: `end` is called with the reason, and what
    was asked raises `StoreFailed`. Nothing is set aside then, as nothing is damaged.
    """

    def __init__(
        self,
        folder: Path,
        end: Callable[[str], None] = lambda _why: None,
        opening: Opening = unguarded,
        sharers: int = 1,
    ) -> None:
        """`sharers`: so many processes have a store on this machine, and divide the memory for what is not written yet."""
        self._write_buffer_bytes = WRITE_BUFFER_BYTES // sharers
        self._folder = folder
        self._end = end
        self._opening = opening
        self._databases: dict[int, Rdict] = {}

    def read(self, partition: int, table: bytes, key: bytes) -> bytes | None:
        database = self._database(partition)
        try:
            value: bytes | None = database.get(table + _SEPARATOR + key)
        except Exception as error:  # RocksDB's own, which has no type
            self._fail(partition, error)
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
        database = self._database(partition)
        try:
            database.write(batch)
        except Exception as error:  # as above
            self._fail(partition, error)

    def scan(self, partition: int, table: bytes, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        database, begin = self._database(partition), table + _SEPARATOR
        rows = cast(Iterator[tuple[bytes, bytes]], database.items(from_key=begin + prefix))
        last = begin + prefix
        for key, value in rows:
            if not key.startswith(begin + prefix):
                return
            last = key
            yield key[len(begin) :], value
        self._demand_end(partition, database, last)

    def keys(self, partition: int, table: bytes) -> Iterator[bytes]:
        database, begin = self._database(partition), table + _SEPARATOR
        # Made at once, not when the first key is asked for: it sees the rows as they are now, which RocksDB keeps for it.
        keys = cast(Iterator[bytes], database.keys(from_key=begin))

        def each() -> Iterator[bytes]:
            last = begin
            for key in keys:
                if not key.startswith(begin):
                    return
                last = key
                yield key[len(begin) :]
            self._demand_end(partition, database, last)

        return each()

    def size(self) -> tuple[int, int]:
        found = [[database.property_int_value(name) or 0 for name in _SIZES] for database in self._databases.values()]
        return sum(rows for rows, *_ in found), sum(sum(sizes) for _, *sizes in found)

    def position(self, partition: int, table: bytes) -> int | None:
        database = self._database(partition)
        try:
            found = database.get(_POSITION + table)
        except Exception as error:  # as above
            if not _is_damage(error):
                self._fail(partition, error)
            # Positions are asked before a partition is read, or worked on: it is read from its beginning instead.
            self._close(self._databases.pop(partition))
            self._set_aside(partition, error)
            return None
        return None if found is None else int(found)

    def origin(self, partition: int, table: bytes) -> str:
        found = self.read(partition, _ORIGIN, table)
        return "" if found is None else found.decode()

    def set_origin(self, partition: int, table: bytes, topic_id: str) -> None:
        self.write(partition, _ORIGIN, [(table, topic_id.encode())])

    def close(self) -> None:
        for database in self._databases.values():
            self._close(database)
        self._databases.clear()

    def set_aside(self) -> tuple[str, ...]:
        return tuple(sorted(one.name for one in self._folder.glob(f"{_DAMAGED}*")))

    def _database(self, partition: int) -> Rdict:
        database = self._databases.get(partition)
        if database is None:
            try:
                database = self._open(partition)
            except Exception as error:  # as above, or the folder's
                self._fail(partition, error)
            self._databases[partition] = database
        return database

    def _open(self, partition: int) -> Rdict:
        path, mark = self._path(partition), self._mark(partition)
        path.parent.mkdir(parents=True, exist_ok=True)
        if mark.exists():
            self._set_aside(partition, mark.read_text(encoding="utf-8", errors="replace"))
            mark.unlink()
        hung = self._folder / f"partition-{partition:04}.is-opening"
        if never_ended(hung):
            self._set_aside(partition, "opening it never ended")
        options = Options(raw_mode=True)
        options.create_if_missing(True)
        options.set_write_buffer_size(self._write_buffer_bytes)
        with self._opening(hung):
            try:
                return Rdict(str(path), options)
            except Exception as error:  # as above
                if not _is_damage(error):
                    raise
                self._set_aside(partition, error)
                return Rdict(str(path), options)

    def _demand_end(self, partition: int, database: Rdict, last: bytes) -> None:
        """Rows ended with the database, or with a damaged block: RocksDB's iterator keeps silent about that unless it is asked."""
        rows = database.iter()
        rows.seek(last)
        if rows.valid():
            rows.next()
        try:
            rows.status()
        except Exception as error:  # as above
            self._fail(partition, error)

    def _fail(self, partition: int, error: Exception) -> NoReturn:
        path = self._path(partition)
        if isinstance(error, StoreFailed):
            raise error
        if partition in self._databases and _is_damage(error):
            with suppress(OSError):
                self._mark(partition).write_text(str(error), encoding="utf-8")
            why = f"The local store {path} is damaged: {error}. The next start sets it aside and reads it again from Kafka."
        else:
            why = f"The local store {path} refuses: {error}. {_what_to_do(error)}"
        self._end(why)
        raise StoreFailed(why) from error

    def _set_aside(self, partition: int, why: object) -> None:
        path = self._path(partition)
        if not path.exists():
            return
        for former in self._folder.glob(f"{_DAMAGED}{path.name}-*"):
            if former.is_dir():
                shutil.rmtree(former, ignore_errors=True)
            else:
                former.unlink()
        kept = self._folder / f"{_DAMAGED}{path.name}-{datetime.now(UTC):%Y%m%dT%H%M%S}Z"
        path.rename(kept)
        log.error(
            "the local store %s is damaged (%s): it is kept as %s and read again from Kafka", path, why, kept.name
        )

    def _close(self, database: Rdict) -> None:
        try:
            database.close()
        except Exception as error:  # as above; what it held is in Kafka, and its next opening finds the damage
            log.warning("a local store could not be closed in order: %s", error)

    def _path(self, partition: int) -> Path:
        return self._folder / f"partition-{partition:04}"

    def _mark(self, partition: int) -> Path:
        return self._folder / f"partition-{partition:04}.is-damaged"


_DAMAGED = "damaged-"
_DAMAGES = (
    "Corruption",
    "Invalid argument",
    "Not implemented",
    "No such file",
    "File exists",
    "Is a directory",
    "Not a directory",
)
"""What RocksDB says of a database that no permission, free space or waiting would repair."""

_TO_DO = {
    "No space left": "Make room on that disk, then start again.",
    "Disk quota": "Make room for this user on that disk, then start again.",
    "File too large": "Raise the limit on file sizes, then start again.",
    "Read-only file system": "Mount it writable, or set another worker.data_dir.",
    "Permission denied": "Let this user write to it (chown), or set another worker.data_dir.",
    "lock": "Another process holds it: each worker needs a worker.data_dir of its own.",
}


def _is_damage(error: Exception) -> bool:
    return not isinstance(error, OSError) and any(one in str(error) for one in _DAMAGES)


def _what_to_do(error: Exception) -> str:
    to_do = next((do for said, do in _TO_DO.items() if said in str(error)), "Check that disk, then start again.")
    return f"{to_do} Nothing is lost: what is not kept here is in Kafka."


WRITE_BUFFER_BYTES = 32 * 1024 * 1024
"""What RocksDB gathers in memory before it writes a file."""
