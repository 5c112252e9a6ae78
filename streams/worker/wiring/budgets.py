"""The budgets of a worker: what they allow, and the notes of their usage (`core/scheduling/allowance.py` says why)."""

from __future__ import annotations

from collections.abc import Callable

from streams.core.scheduling.budget_row import BudgetRow
from streams.core.scheduling.dispatcher import BudgetPolicy
from streams.kafka.tables import Table
from streams.settings import Connection, Settings
from streams.worker.dispatch.lofty_team import WINDOW_SECONDS


def lofty_policy(settings: Settings, connection: Connection) -> BudgetPolicy:
    """That of a connection's Lofty budget."""
    in_flight = settings.worker.in_flight_per_lofty_budget
    return BudgetPolicy(connection.lofty.requests_per_minute, WINDOW_SECONDS, in_flight, is_noted=True, is_spread=True)


def ghl_policy(settings: Settings, connection: Connection) -> BudgetPolicy:
    """That of a connection's GHL budget."""
    return BudgetPolicy(
        connection.ghl.requests_per_window,
        connection.ghl.window_seconds,
        settings.worker.in_flight_per_location,
        is_noted=True,
        daily_limit=connection.ghl.requests_per_day,
        live_reserve=connection.ghl.live_reserve,
        is_spread=True,
    )


class BudgetUsage:
    """The notes of one dispatcher's budgets. `row_of` gives a budget's key in the table, its partition, and our epoch there."""

    def __init__(self, budgets: Table[BudgetRow], row_of: Callable[[str], tuple[str, int, int]]) -> None:
        self._budgets = budgets
        self._row_of = row_of
        self._own_epochs: dict[str, int] = {}

    async def note(self, budget: str, row: BudgetRow) -> None:
        """Write a note; returns once Kafka has it."""
        key, partition, epoch = self._row_of(budget)
        self._own_epochs[budget] = epoch
        self._budgets.put(partition, key, row.model_copy(update={"epoch": epoch}))
        await self._budgets.flush()

    def of_another(self, budget: str) -> BudgetRow | None:
        """What another owner noted last, or we in an earlier life; None when the last note was this process's own."""
        key, partition, _ = self._row_of(budget)
        row = self._budgets.get(partition, key)
        return None if row is None or row.epoch == self._own_epochs.get(budget) else row
