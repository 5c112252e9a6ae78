"""What is on its way in this worker's tables, and how many links there are: counted as rows come and go."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from streams.core.back_rows import ErrandRow
from streams.core.rows import FetchRow, OutboxRow
from streams.core.undelivered import Open, Undelivered
from streams.state import State
from streams.tables.counting import RowCount


@dataclass(slots=True)
class OpenRows:
    """The open rows of `fetches`, `outbox` and `errands`, and the number of links, of the partitions that are ours.

    Rows that are there when a partition is gained are told one by one, by who takes them up anyway.
    """

    fetches: Undelivered = field(default_factory=Undelivered)
    outbox: Undelivered = field(default_factory=Undelivered)
    errands: Undelivered = field(default_factory=Undelivered)
    links: RowCount = field(default_factory=RowCount)

    def watch(self, state: State) -> None:
        """Be told of each row from now on."""
        state.fetches.watch = self.fetch
        state.outbox.watch = self.desired
        state.errands.watch = self.errand
        state.links.rows = self.links

    def forget(self, partitions: Iterable[int]) -> None:
        """The partitions go to another worker. (The table itself forgets the count of its links.)"""
        for partition in partitions:
            for one in (self.fetches, self.outbox, self.errands):
                one.forget(partition)

    def fetch(self, partition: int, key: str, row: FetchRow | None) -> None:
        """A read that is due, or parked; None: it is done."""
        opened = Open(row.connection, row.accepted_ms, bool(row.parked)) if row is not None else None
        self.fetches.put(partition, key, opened)

    def desired(self, partition: int, key: str, row: OutboxRow | None) -> None:
        """A state that is to be written, or parked; None: it is written."""
        opened = None
        if row is not None:
            opened = Open(row.snapshot.connection, row.snapshot.accepted_ms, bool(row.parked))
        self.outbox.put(partition, key, opened)

    def errand(self, partition: int, key: str, row: ErrandRow | None) -> None:
        """What is to be written to Lofty, or parked; None, or settled: it is done."""
        opened = None
        if row is not None and not row.is_settled:
            opened = Open(row.write.connection, row.write.accepted_ms, bool(row.parked))
        self.errands.put(partition, key, opened)

    def numbers(self) -> dict[str, int]:
        """Rows by table."""
        return {
            "fetches": len(self.fetches),
            "outbox": len(self.outbox),
            "errands": len(self.errands),
            "links": self.links.total,
        }
