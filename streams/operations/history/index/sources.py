"""The topics that the index follows, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from streams.messages import topics
from streams.messages.topics import TopicNames

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
        IndexSource(1, topics.CHANGES, names.of(topics.CHANGES), "events"),
        IndexSource(2, topics.FETCHES, names.of(topics.FETCHES), "events"),
        IndexSource(3, topics.SNAPSHOTS, names.of(topics.SNAPSHOTS), "events"),
        IndexSource(4, topics.RECEIPTS, names.of(topics.RECEIPTS), "events"),
        IndexSource(5, topics.GHL_CHANGES, names.of(topics.GHL_CHANGES), "events"),
        IndexSource(6, topics.LOFTY_WRITES, names.of(topics.LOFTY_WRITES), "events"),
        IndexSource(7, topics.LOFTY_RECEIPTS, names.of(topics.LOFTY_RECEIPTS), "events"),
        IndexSource(8, topics.PARKED, names.of(topics.PARKED), "parked"),
        IndexSource(9, topics.RESOLVED, names.of(topics.RESOLVED), "resolved"),
        IndexSource(10, topics.AUDIT, names.of(topics.AUDIT), "acts"),
        IndexSource(11, topics.LINKS_TABLE, names.changelog(topics.LINKS_TABLE), "rows"),
        IndexSource(12, topics.FETCHES_TABLE, names.changelog(topics.FETCHES_TABLE), "rows"),
        IndexSource(13, topics.OUTBOX_TABLE, names.changelog(topics.OUTBOX_TABLE), "rows"),
        IndexSource(14, topics.ERRANDS_TABLE, names.changelog(topics.ERRANDS_TABLE), "rows"),
    )
