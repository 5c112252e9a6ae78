"""Keeps records of topics by their keys while a replay is planned: on disk, so that a million snapshots need no memory.

The folder is removed at the end. Keys come out sorted, so all of one lead lies together, and a replay that was cut off goes on
after the last key that it had handed over.
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

from aiokafka import ConsumerRecord
from rocksdict import Options, Rdict

from streams.kafka.clients import each_record
from streams.settings import Settings

KeyOf = Callable[["ConsumerRecord[bytes, bytes]"], bytes | None]
"""Under which key a record is kept; None: not at all."""

Beats = Callable[[bytes, bytes], bool]
"""Whether a new value replaces the one that is kept."""

_HEAD = struct.Struct(">iqq")
_TELL_EVERY = 5_000


def always(_new: bytes, _old: bytes) -> bool:
    """What comes later on the topic counts."""
    return True


class Kept(NamedTuple):
    """A record, and where it stands on its topic. `at_ms` is Kafka's time of it."""

    partition: int
    offset: int
    at_ms: int
    value: bytes


class Shelf:
    """`with Shelf() as shelf:` — one board for each topic; of each key the last record is kept, or the one that `beats`."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="lofty-ghl-replay-")
        # In raw mode keys and values are bytes; its types say "anything".
        self._boards: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for board in self._boards.values():
            board.close()
        self._folder.cleanup()

    async def fill(
        self,
        board: str,
        settings: Settings,
        topic: str,
        partitions: Iterable[int] | None,
        key_of: KeyOf,
        beats: Beats = always,
        tell: Callable[[int], None] = lambda number: None,
    ) -> int:
        """Read a topic until now; a record without a value takes its key away. Returns how many records were read."""
        rows, number = self._board(board), 0
        async for record in each_record(settings, topic, partitions):
            number += 1
            if number % _TELL_EVERY == 0:
                tell(number)
            key = key_of(record)
            if key is None:
                continue
            if record.value is None:
                rows.delete(key)
            elif beats is always or (known := rows.get(key)) is None or beats(record.value, known[_HEAD.size :]):
                rows[key] = _HEAD.pack(record.partition, record.offset, record.timestamp) + record.value
        tell(number)
        return number

    def get(self, board: str, key: bytes) -> Kept | None:
        """The record of a key."""
        raw = self._board(board).get(key)
        return None if raw is None else _unpack(raw)

    def items(self, board: str, after: bytes = b"") -> Iterator[tuple[bytes, Kept]]:
        """All records by their keys, sorted, from the first key behind `after`."""
        for key, raw in self._board(board).items(from_key=after):
            if key != after or not after:
                yield key, _unpack(raw)

    def _board(self, name: str) -> Any:
        board = self._boards.get(name)
        if board is None:
            board = self._boards[name] = Rdict(str(Path(self._folder.name) / name), Options(raw_mode=True))
        return board


def _unpack(raw: bytes) -> Kept:
    partition, offset, at_ms = _HEAD.unpack_from(raw)
    return Kept(partition, offset, at_ms, raw[_HEAD.size :])
