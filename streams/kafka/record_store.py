"""Keeps records of topics by key for as long as a command runs: on disk, so that a million snapshots need no memory.

The folder is removed at the end. Keys are sorted, so all of one lead lies together, and an interrupted replay continues
behind the last key that it has sent.
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

from rocksdict import Options, Rdict

from streams.kafka.topic_reader import KafkaRecord, each_record
from streams.settings import Settings

KeyOf = Callable[[KafkaRecord], bytes | None]
"""The key under which a record is kept; None to drop it."""

Replaces = Callable[[bytes, bytes], bool]
"""Whether a new value replaces the old one."""

_HEAD = struct.Struct(">iqq")
_REPORT_EVERY = 5_000


def always(_new: bytes, _old: bytes) -> bool:
    """The later record on the topic wins."""
    return True


class StoredRecord(NamedTuple):
    """A record's value and its position on the topic. `at_ms` is Kafka's timestamp."""

    partition: int
    offset: int
    at_ms: int
    value: bytes


class RecordStore:
    """`with RecordStore() as store:` has a section for each topic, and keeps one record for each key of a section."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="lofty-ghl-")
        # In raw mode keys and values are bytes; its types say "anything".
        self._sections: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for rows in self._sections.values():
            rows.close()
        self._folder.cleanup()

    async def fill(
        self,
        section: str,
        settings: Settings,
        topic: str,
        partitions: Iterable[int] | None,
        key_of: KeyOf,
        replaces: Replaces = always,
        report: Callable[[int], None] = lambda number: None,
    ) -> None:
        """Read a topic to its present end. `report` takes the number of records that were read so far."""
        number = 0
        async for record in each_record(settings, topic, partitions):
            number += 1
            if number % _REPORT_EVERY == 0:
                report(number)
            if (key := key_of(record)) is not None:
                self.put(section, key, record, replaces)
        report(number)

    def put(self, section: str, key: bytes, record: KafkaRecord, replaces: Replaces = always) -> None:
        """Keep a record unless the stored one stays; a record without a value deletes the key."""
        rows = self._rows(section)
        if record.value is None:
            rows.delete(key)
        elif replaces is always or (known := rows.get(key)) is None or replaces(record.value, known[_HEAD.size :]):
            rows[key] = _HEAD.pack(record.partition, record.offset, record.timestamp) + record.value

    def get(self, section: str, key: bytes) -> StoredRecord | None:
        """The record of a key."""
        raw = self._rows(section).get(key)
        return None if raw is None else _unpack(raw)

    def items(self, section: str, after: bytes = b"") -> Iterator[tuple[bytes, StoredRecord]]:
        """All records sorted by key, from the first key behind `after`."""
        for key, raw in self._rows(section).items(from_key=after):
            if key != after or not after:
                yield key, _unpack(raw)

    def keys(self, section: str, prefix: bytes) -> Iterator[bytes]:
        """The keys that begin with a prefix, sorted."""
        for key in self._rows(section).keys(from_key=prefix):
            if not key.startswith(prefix):
                return
            yield key

    def _rows(self, section: str) -> Any:
        rows = self._sections.get(section)
        if rows is None:
            path = str(Path(self._folder.name) / section)
            rows = self._sections[section] = Rdict(path, Options(raw_mode=True))
        return rows


def _unpack(raw: bytes) -> StoredRecord:
    partition, offset, at_ms = _HEAD.unpack_from(raw)
    return StoredRecord(partition, offset, at_ms, raw[_HEAD.size :])
