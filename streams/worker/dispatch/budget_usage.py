"""Keeps the notes of what budgets spend in the table `budgets` (`core/scheduling/allowance.py` says why)."""

from __future__ import annotations

from collections.abc import Callable

from streams.core.scheduling.budget_row import BudgetRow
from streams.kafka.tables import Table


class BudgetUsage:
    """The notes of one dispatcher's budgets. `place` gives a budget's key in the table, its partition, and our epoch there."""

    def __init__(self, budgets: Table[BudgetRow], place: Callable[[str], tuple[str, int, int]]) -> None:
        self._budgets = budgets
        self._place = place
        self._ours: dict[str, int] = {}

    async def note(self, budget: str, row: BudgetRow) -> None:
        """Write a note; returns once Kafka has it."""
        key, partition, epoch = self._place(budget)
        self._ours[budget] = epoch
        self._budgets.put(partition, key, row.model_copy(update={"epoch": epoch}))
        await self._budgets.flush()

    def of_another(self, budget: str) -> BudgetRow | None:
        """What another owner noted last, or we in an earlier life; None when the last note was this process's own."""
        key, partition, _ = self._place(budget)
        row = self._budgets.get(partition, key)
        return None if row is None or row.epoch == self._ours.get(budget) else row
