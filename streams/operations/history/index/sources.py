"""What the index follows, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from streams.messages.topics import (
    AUDIT,
    CHANGES,
    ERRANDS_TABLE,
    FETCHES,
    FETCHES_TABLE,
    GHL_CHANGES,
    LINKS_TABLE,
    LOFTY_RECEIPTS,
    LOFTY_WRITES,
    OUTBOX_TABLE,
    PARKED,
    RECEIPTS,
    RESOLVED,
    SNAPSHOTS,
    TopicNames,
)

Holds = Literal["events", "rows", "parked", "resolved", "acts"]


@dataclass(frozen=True, slots=True)
class Source:
    """One topic. `code` is its number in the index, for ever; `short` is what the code calls it (a topic's or a table's name).

    `events` are kept by place, `rows` only with their newest record, `parked`, `resolved` and `acts` with what lists show of them.
    """

    code: int
    short: str
    topic: str
    holds: Holds
    is_compacted: bool = False


def sources(names: TopicNames) -> tuple[Source, ...]:
    """All of them, as they are called on the cluster."""
    return (
        Source(1, CHANGES, names.of(CHANGES), "events"),
        Source(2, FETCHES, names.of(FETCHES), "events"),
        Source(3, SNAPSHOTS, names.of(SNAPSHOTS), "events", is_compacted=True),
        Source(4, RECEIPTS, names.of(RECEIPTS), "events"),
        Source(5, GHL_CHANGES, names.of(GHL_CHANGES), "events"),
        Source(6, LOFTY_WRITES, names.of(LOFTY_WRITES), "events"),
        Source(7, LOFTY_RECEIPTS, names.of(LOFTY_RECEIPTS), "events"),
        Source(8, PARKED, names.of(PARKED), "parked"),
        Source(9, RESOLVED, names.of(RESOLVED), "resolved"),
        Source(10, AUDIT, names.of(AUDIT), "acts"),
        Source(11, LINKS_TABLE, names.changelog(LINKS_TABLE), "rows", is_compacted=True),
        Source(12, FETCHES_TABLE, names.changelog(FETCHES_TABLE), "rows", is_compacted=True),
        Source(13, OUTBOX_TABLE, names.changelog(OUTBOX_TABLE), "rows", is_compacted=True),
        Source(14, ERRANDS_TABLE, names.changelog(ERRANDS_TABLE), "rows", is_compacted=True),
    )
