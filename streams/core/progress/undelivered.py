"""What is on its way and what is parked, counted as rows come and go: asking costs nothing, however many there are.

It mirrors the open rows of `fetches`, `outbox` and `errands`. For each connection it knows how many there are, and when the
oldest change among them was accepted.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Literal

Stage = Literal["fetch", "deliver", "write back"]
TopicPartition = tuple[int, str]
"""A partition and a key."""


@dataclass(frozen=True, slots=True)
class Open:
    """One row that is open: whose it is, since when, and whether it is parked."""

    connection: str
    accepted_ms: int
    is_parked: bool = False


class Undelivered:
    """The open rows of one stage."""

    def __init__(self) -> None:
        self._rows: dict[int, dict[str, Open]] = defaultdict(dict)
        self._counts: Counter[tuple[str, bool]] = Counter()
        self._oldest: dict[str, list[tuple[int, int, str]]] = defaultdict(list)

    def put(self, partition: int, key: str, row: Open | None) -> None:
        """A row was written; None: it was deleted, or is no longer open."""
        rows = self._rows[partition]
        before = rows.get(key)
        if before == row:
            return
        if before is not None:
            self._counts[before.connection, before.is_parked] -= 1
        if row is None:
            rows.pop(key, None)
            return
        rows[key] = row
        self._counts[row.connection, row.is_parked] += 1
        if not row.is_parked:
            self._queue(partition, key, row)

    def forget(self, partition: int) -> None:
        """The partition is another worker's."""
        for row in self._rows.pop(partition, {}).values():
            self._counts[row.connection, row.is_parked] -= 1

    def number(self, connection: str) -> int:
        """How many are on their way."""
        return self._counts.get((connection, False), 0)

    def parked(self, connection: str) -> int:
        """How many are parked."""
        return self._counts.get((connection, True), 0)

    def oldest_ms(self, connection: str) -> int | None:
        """When the oldest that is on its way was accepted; None without any."""
        queue = self._oldest.get(connection)
        while queue and not self._is_fresh(connection, queue[0]):
            heapq.heappop(queue)
        return queue[0][0] if queue else None

    def __len__(self) -> int:
        return sum(self._counts.values())

    def _queue(self, partition: int, key: str, row: Open) -> None:
        queue = self._oldest[row.connection]
        heapq.heappush(queue, (row.accepted_ms, partition, key))
        if len(queue) > 64 + 2 * self._counts[row.connection, False]:
            # Behind one that stays for long, entries of those that are gone would gather.
            fresh = [entry for entry in set(queue) if self._is_fresh(row.connection, entry)]
            heapq.heapify(fresh)
            self._oldest[row.connection] = fresh

    def _is_fresh(self, connection: str, entry: tuple[int, int, str]) -> bool:
        accepted_ms, partition, key = entry
        return self._rows.get(partition, {}).get(key) == Open(connection, accepted_ms)
