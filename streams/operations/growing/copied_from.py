"""The header by which a copied record names its source."""

from __future__ import annotations

from collections.abc import Iterable

from streams.kafka.topic_reader import KafkaRecord

HEADER = "copied-from"

Headers = tuple[tuple[str, bytes], ...]


def marked(headers: Iterable[tuple[str, bytes]], partition: int, offset: int) -> Headers:
    """The headers of a copy: those of the record, and where it was."""
    kept = tuple((name, value) for name, value in headers if name != HEADER)
    return (*kept, (HEADER, f"{partition}@{offset}".encode()))


def source_position(record: KafkaRecord) -> tuple[int, int] | None:
    """The partition and offset that a record was copied from; None for one that was not copied."""
    raw = next((value for name, value in record.headers or () if name == HEADER), None)
    if raw is None:
        return None
    partition, _, offset = raw.decode().partition("@")
    return int(partition), int(offset)


def first_unread(copies: Iterable[tuple[int, int | None]], committed: int) -> int | None:
    """Where a group goes on in a partition of the copy; None when all of these were worked off.

    `copies` are its records in order: the offset there, and the offset of the source (None where that is not known). `committed` is
    where the group goes on in the source. Records of unknown source right before that are read again.
    """
    unknown: int | None = None
    for offset, source in copies:
        if source is None:
            unknown = offset if unknown is None else unknown
        elif source >= committed:
            return offset if unknown is None else unknown
        else:
            unknown = None
    return unknown
