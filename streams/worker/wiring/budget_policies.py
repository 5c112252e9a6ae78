"""What the budgets of a connection allow."""

from __future__ import annotations

from streams.core.scheduling.dispatcher import BudgetPolicy
from streams.settings import Connection, Settings
from streams.worker.dispatch.lofty_team import WINDOW_SECONDS


def lofty_policy(settings: Settings, connection: Connection) -> BudgetPolicy:
    """That of a connection's Lofty budget."""
    in_flight = settings.worker.in_flight_per_lofty_budget
    return BudgetPolicy(connection.lofty.requests_per_minute, WINDOW_SECONDS, in_flight, is_noted=True)


def ghl_policy(settings: Settings, connection: Connection) -> BudgetPolicy:
    """That of a connection's GHL budget."""
    return BudgetPolicy(
        connection.ghl.requests_per_window,
        connection.ghl.window_seconds,
        settings.worker.in_flight_per_location,
        is_noted=True,
        daily_limit=connection.ghl.requests_per_day,
        live_reserve=connection.ghl.live_reserve,
    )
