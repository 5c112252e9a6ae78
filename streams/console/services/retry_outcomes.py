"""What came of parked records that were sent again: followed until each is settled, or parked once more.

This gateway alone remembers which records it sent, as nothing depends on it.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from streams.operations.parked.open_records import ParkedItem

KEPT = 50


@dataclass(frozen=True, slots=True)
class RetryOutcome:
    """What came of `total` records so far.

    `settled` are done, `waiting` are under way, `again` need attention again. `unknown` cannot be followed: they are about no
    single contact, or there is no index.
    """

    id: str
    at_ms: int
    by: str
    total: int
    settled: int
    waiting: int
    again: int
    unknown: int


@dataclass(frozen=True, slots=True)
class RetriedRecords:
    """The records of one retry: their ids, the entity of each that is about one, and their connections."""

    id: str
    at_ms: int
    by: str
    records: frozenset[str]
    entities: frozenset[str]
    connections: frozenset[str] = frozenset()

    def outcome(self, still_parked: Iterable[ParkedItem], pending: Collection[str] | None) -> RetryOutcome:
        """`still_parked` is what is open now; `pending` are those entities that have a row, None where nobody knows."""
        open_now = {item.parked.entity for item in still_parked if item.id not in self.records}
        again = self.entities & open_now
        left = self.entities - again
        waiting = left & set(pending) if pending is not None else set[str]()
        followed = len(left) if pending is not None else 0
        return RetryOutcome(
            *(self.id, self.at_ms, self.by, len(self.records)),
            settled=followed - len(waiting),
            waiting=len(waiting),
            again=len(again),
            unknown=len(self.records) - len(again) - followed,
        )


class Retries:
    """The newest fifty retries of this gateway."""

    def __init__(self) -> None:
        self._known: dict[str, RetriedRecords] = {}

    def add(self, items: Iterable[ParkedItem], at_ms: int, by: str) -> RetriedRecords:
        """Remember the records of a retry."""
        chosen = tuple(items)
        entities = frozenset(item.parked.entity for item in chosen if item.waits_by_row and item.parked.entity)
        connections = frozenset(item.connection or "" for item in chosen)
        records = frozenset(item.id for item in chosen)
        made = RetriedRecords(uuid.uuid4().hex[:12], at_ms, by, records, entities, connections)
        self._known[made.id] = made
        for old in list(self._known)[:-KEPT]:
            del self._known[old]
        return made

    def get(self, retry: str) -> RetriedRecords | None:
        """One retry; None for one that is not known here."""
        return self._known.get(retry)
