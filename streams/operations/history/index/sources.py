"""The topics that the index follows, as data."""

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

Content = Literal["events", "rows", "parked", "resolved", "acts"]


@dataclass(frozen=True, slots=True)
class IndexSource:
    """One topic. `code` is its number in the index and never changes; `short` is the name of the topic or table in the code.

    Of `events` the index stores where each record is, of `rows` only where the newest record of a key is.
    Of `parked`, `resolved` and `acts` it also stores what lists show.
    """

    code: int
    short: str
    topic: str
    holds: Content


def sources(names: TopicNames) -> tuple[IndexSource, ...]:
    """All topics that the index follows, with their names on the cluster."""
    return (
        IndexSource(1, CHANGES, names.of(CHANGES), "events"),
        IndexSource(2, FETCHES, names.of(FETCHES), "events"),
        IndexSource(3, SNAPSHOTS, names.of(SNAPSHOTS), "events"),
        IndexSource(4, RECEIPTS, names.of(RECEIPTS), "events"),
        IndexSource(5, GHL_CHANGES, names.of(GHL_CHANGES), "events"),
        IndexSource(6, LOFTY_WRITES, names.of(LOFTY_WRITES), "events"),
        IndexSource(7, LOFTY_RECEIPTS, names.of(LOFTY_RECEIPTS), "events"),
        IndexSource(8, PARKED, names.of(PARKED), "parked"),
        IndexSource(9, RESOLVED, names.of(RESOLVED), "resolved"),
        IndexSource(10, AUDIT, names.of(AUDIT), "acts"),
        IndexSource(11, LINKS_TABLE, names.changelog(LINKS_TABLE), "rows"),
        IndexSource(12, FETCHES_TABLE, names.changelog(FETCHES_TABLE), "rows"),
        IndexSource(13, OUTBOX_TABLE, names.changelog(OUTBOX_TABLE), "rows"),
        IndexSource(14, ERRANDS_TABLE, names.changelog(ERRANDS_TABLE), "rows"),
    )
