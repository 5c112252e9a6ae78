"""Whether the sweeps of all connections of a Lofty budget can be made in time, by what workers report. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from streams.core.sweep import Schedule
from streams.core.sweep_forecast import SweepForecast, Swept, forecast
from streams.messages.worker_status import BudgetStatus, SideStatus, SweepStatus


def forecasts(
    budgets: Iterable[BudgetStatus], readings: Iterable[tuple[str, SideStatus | None]]
) -> Iterator[tuple[BudgetStatus, SweepForecast]]:
    """The forecast of each Lofty budget; `readings` are the reading sides of the connections, by name."""
    sweeps = {name: side.sweep for name, side in readings if side is not None and side.sweep is not None}
    for budget in budgets:
        if budget.dispatcher == "read" and budget.window_limit and budget.window_seconds:
            swept = [_swept(name, sweeps[name]) for name in budget.connections if name in sweeps]
            yield budget, forecast(swept, round(budget.window_limit * 60 / budget.window_seconds))


def forecast_words(found: SweepForecast) -> str:
    """How long a sweep and a backfill of all connections of a limit take, and what the schedules take of it."""
    connections = f"{found.connections} connection{'' if found.connections == 1 else 's'}"
    return (
        f"{found.leads} leads of {connections}: a sweep of all takes {length(found.sweep_minutes)}, a backfill of all "
        f"{length(found.backfill_minutes)}; schedules take {found.load:.0%} of Lofty's limit"
    )


def late_words(found: SweepForecast) -> str:
    """What is wrong with schedules that cannot be kept."""
    every = f"{found.longest_hours:g} h"
    return (
        f"the checks of {found.leads} leads of {found.connections} connection{'' if found.connections == 1 else 's'} need "
        f"{found.load:.0%} of its requests: one of all takes {length(found.sweep_minutes)}, and they are due every {every}"
    )


def remedies(found: SweepForecast) -> str:
    """The settings that would help."""
    ways = (
        (found.quiet_days, "quiet_days = {}"),
        (found.full_hours, "full_hours = {}"),
        (found.apps, "{} apps of Lofty, each with a budget of its own"),
    )
    return ", or ".join(words.format(value) for value, words in ways if value) or "a longer new_minutes"


def length(minutes: float) -> str:
    """A time as people write it."""
    hours, rest = divmod(max(1, round(minutes)), 60)
    return f"{hours} h {rest} min" if hours else f"{rest} min"


def _swept(connection: str, sweep: SweepStatus) -> Swept:
    looks_ms, full_ms = sweep.look_interval_ms, sweep.full_interval_ms
    is_rotating = looks_ms is not None and full_ms is not None and looks_ms > full_ms
    schedule = Schedule(
        sweep.new_interval_ms,
        full_ms,
        children=looks_ms is not None,
        quiet_ms=looks_ms if is_rotating and looks_ms else 0,
    )
    return Swept(connection, schedule, sweep.total or sweep.full_leads, sweep.full_leads, sweep.full_looks)
