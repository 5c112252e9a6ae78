"""To which partitions of a copy with more partitions a record belongs. Pure.

The new number is a multiple of the old one. So what was in partition p is in p, p + old, p + 2 old, ... afterwards: each partition
of the copy has one source, and the order of that is its order.

A record whose budget cannot be known from it (a webhook's id; a key of a connection that was removed) is copied to each partition
where it may be asked for. Nobody asks for it in the others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from streams.core.to_lofty.rows import BacklinkRow
from streams.messages import FENCE_KEY, InvalidMessage
from streams.messages.partitioning import ghl_budget, lofty_budget, partition_of
from streams.messages.topics import (
    AUDIT,
    BACKLINKS_TABLE,
    BUDGETS_TABLE,
    CHANGES,
    CONFLICTS_TABLE,
    CONNECTIONS,
    ERRANDS_TABLE,
    EVENTS_TABLE,
    FETCHES,
    FETCHES_TABLE,
    GHL_CHANGES,
    INSPECTIONS,
    LINKS_TABLE,
    LOFTY_RECEIPTS,
    LOFTY_WRITES,
    MAPPINGS,
    NOTIFICATIONS,
    OBSERVATIONS,
    OUTBOX_TABLE,
    PARKED,
    PEOPLE,
    RECEIPTS,
    REPLAY_RUNS,
    REPLAYS,
    RESOLVED,
    RUNS,
    SEEN_TABLE,
    SNAPSHOTS,
    STATUS,
    SWEEPS,
    SWEEPS_TABLE,
    SWEPT_TABLE,
    TABLES,
    TOKENS,
    TOKENS_TABLE,
    TOPICS,
    TopicNames,
)
from streams.settings import Connection

ONE_PARTITION = frozenset({MAPPINGS, CONNECTIONS, PEOPLE})
BY_KEY = frozenset({CHANGES, PARKED, RESOLVED, AUDIT, REPLAY_RUNS, RUNS})
BY_LOFTY = frozenset({FETCHES, SWEEPS, LOFTY_WRITES, LOFTY_RECEIPTS})
BY_GHL = frozenset({SNAPSHOTS, RECEIPTS, INSPECTIONS, OBSERVATIONS, REPLAYS})
TABLES_BY_LOFTY = frozenset({FETCHES_TABLE, SWEEPS_TABLE, SWEPT_TABLE, ERRANDS_TABLE})
TABLES_BY_GHL = frozenset({OUTBOX_TABLE, LINKS_TABLE, CONFLICTS_TABLE})
NOT_COPIED = frozenset({STATUS})
"""What processes say of themselves every few seconds."""

COPIED_TOPICS = tuple(spec.name for spec in TOPICS if spec.name not in NOT_COPIED)
COMPACTED = frozenset(spec.name for spec in TOPICS if spec.retention_days is None)


@dataclass(frozen=True, slots=True)
class Source:
    """A topic, or the changelog of a table, by our name."""

    name: str
    is_table: bool = False

    def topic(self, names: TopicNames) -> str:
        """Its name in Kafka."""
        return names.changelog(self.name) if self.is_table else names.of(self.name)


SOURCES = tuple(Source(name) for name in COPIED_TOPICS) + tuple(Source(name, is_table=True) for name in TABLES)


@dataclass(slots=True)
class CopyTargets:
    """Where records go, by the connections of a deployment."""

    old: int
    new: int
    lofty: dict[str, str] = field(default_factory=dict)
    """The placement key of each connection's Lofty budget."""
    ghl: dict[str, str] = field(default_factory=dict)
    locations: dict[str, str] = field(default_factory=dict)
    """The placement key of the GHL budget of each location."""

    def __post_init__(self) -> None:
        if self.old < 1 or self.new <= self.old or self.new % self.old:
            raise ValueError(f"expected a multiple of {self.old} that is greater, got {self.new}")

    @classmethod
    def of(cls, connections: Iterable[Connection], old: int, new: int) -> CopyTargets:
        """For these connections."""
        made = cls(old, new)
        for one in connections:
            made.lofty[one.name] = lofty_budget(one.lofty_budget)
            made.ghl[one.name] = made.locations[one.ghl.location_id] = ghl_budget(one.ghl_budget)
        return made

    @property
    def fingerprint(self) -> str:
        """Equal while the same records go to the same places."""
        places = [sorted(one.items()) for one in (self.lofty, self.ghl, self.locations)]
        return hashlib.sha256(repr((self.old, self.new, places)).encode()).hexdigest()[:16]

    def candidates(self, partition: int) -> tuple[int, ...]:
        """Every partition of the copy where a record of this partition may belong."""
        return tuple(range(partition, self.new, self.old))

    def source_of(self, target: int) -> int:
        """The partition whose records a partition of the copy holds."""
        return target % self.old

    def targets(self, source: Source, partition: int, key: bytes, value: bytes | None) -> tuple[int, ...]:
        """Where a record goes; nowhere for what only its writer needed."""
        if source == Source(RECEIPTS) and key == FENCE_KEY:
            return ()
        try:
            text = key.decode()
        except UnicodeDecodeError:
            return (partition,)
        placement = (
            self._table_placement(source.name, text, value) if source.is_table else self._placement(source.name, text)
        )
        if placement is None:
            # A record of a queue is to be processed once. Rows are asked for by who owns their key.
            return self.candidates(partition) if source.is_table or source.name in COMPACTED else (partition,)
        if partition_of(placement, self.old) != partition:
            return (partition,)  # not where it is looked for, and so it stays: an old row of a budget that was renamed
        return (partition_of(placement, self.new),)

    def _placement(self, topic: str, key: str) -> str | None:
        connection = key.partition(":")[0]
        if topic in ONE_PARTITION:
            return topic
        if topic in BY_KEY:
            return key
        if topic in BY_LOFTY:
            return self.lofty.get(connection)
        if topic in BY_GHL:
            return self.ghl.get(connection)
        if topic == GHL_CHANGES:
            return self._of_location(connection)
        if topic == NOTIFICATIONS:
            return key.split("/")[1] if "/" in key else None
        return self._token(key) if topic == TOKENS else None

    def _table_placement(self, table: str, key: str, value: bytes | None) -> str | None:
        connection = key.partition(":")[0]
        if table == SWEEPS_TABLE and connection.startswith("@"):
            return self.ghl.get(key.partition(":")[2])  # the search for opt-outs of a connection
        if table in TABLES_BY_LOFTY:
            return self.lofty.get(connection)
        if table in TABLES_BY_GHL:
            return self.ghl.get(connection)
        if table == SEEN_TABLE:
            return ":".join(key.split(":")[:2])  # the lane: changes are partitioned by it
        if table == BUDGETS_TABLE:
            return key
        if table == TOKENS_TABLE:
            return self._token(key)
        if table == EVENTS_TABLE:
            return self._of_location(key.partition(":")[2] if connection.startswith("@") else connection)
        return self._of_entity(value) if table == BACKLINKS_TABLE else None

    def _of_location(self, location: str) -> str:
        return self.locations.get(location) or ghl_budget(location)

    def _token(self, token: str) -> str | None:
        of_lofty = token.removeprefix("lofty-connection:")
        return token if of_lofty == token else self.lofty.get(of_lofty)

    def _of_entity(self, value: bytes | None) -> str | None:
        """Of a backlink: its key is an id of GHL's."""
        if value is None:
            return None
        try:
            return self.ghl.get(BacklinkRow.from_bytes(value).entity.partition(":")[0])
        except InvalidMessage:
            return None
