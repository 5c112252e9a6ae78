"""The tables of a worker: what it remembers, and where the local copies stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from faust.types.app import AppT

from streams.appender import Appender
from streams.core.rows import BudgetRow, FetchRow, LinkRow, OutboxRow, SeenRow
from streams.tables import Table
from streams.topics import BUDGETS_TABLE, FETCHES_TABLE, LINKS_TABLE, OUTBOX_TABLE, SEEN_TABLE
from streams.words import Word

Row = TypeVar("Row", bound=Word)


@dataclass(frozen=True, slots=True)
class State:
    """All tables (DESIGN §4)."""

    seen: Table[SeenRow]
    fetches: Table[FetchRow]
    outbox: Table[OutboxRow]
    links: Table[LinkRow]
    budgets: Table[BudgetRow]

    @classmethod
    def of(cls, app: AppT, appender: Appender, partitions: int) -> State:
        """Declare the tables of an application."""

        def table(name: str, row: type[Row]) -> Table[Row]:
            return Table(app, name, row, appender, partitions=partitions)

        return cls(
            seen=table(SEEN_TABLE, SeenRow),
            fetches=table(FETCHES_TABLE, FetchRow),
            outbox=table(OUTBOX_TABLE, OutboxRow),
            links=table(LINKS_TABLE, LinkRow),
            budgets=table(BUDGETS_TABLE, BudgetRow),
        )

    def release(self, partitions: set[int]) -> None:
        """The partitions go to another worker, or this one stops."""
        tables: tuple[Table[Any], ...] = (self.seen, self.fetches, self.outbox, self.links, self.budgets)
        for table in tables:
            for partition in partitions:
                table.release(partition)
