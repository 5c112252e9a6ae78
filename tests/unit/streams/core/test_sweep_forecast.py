"""How long sweeps of all connections of a Lofty limit take, whether they fit, and what would help where they do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.sweep import Schedule
from streams.core.sweep_forecast import MOST_LOAD, QUIET_DAYS, Swept, forecast, requests_for
from streams.core.sweep_schedules import forecast_words, forecasts, late_words, remedies
from streams.messages.worker_status import BudgetStatus, SideStatus, SweepStatus

HOUR = 60 * 60 * 1000
DAY = 24 * HOUR
QUARTER = HOUR // 4


def team(leads: int, *, quiet_days: int = 7, full_ms: int | None = DAY, seen: int = 0, looks: int = 0) -> Swept:
    """A connection with its schedule."""
    return Swept("c", Schedule(QUARTER, full_ms, children=True, quiet_ms=quiet_days * DAY), leads, seen, looks)


def test_what_leads_cost() -> None:
    """Two lists each, and a page for a hundred; of those that are looked at only."""
    assert [requests_for(one) for one in (0, 1, 100, 101, 5000)] == [0, 3, 201, 204, 10050]
    assert requests_for(10_000, 1667) == 3434


@pytest.mark.parametrize(
    ("connections", "leads", "quiet_days", "hours", "is_kept"),
    [
        (1, 5000, 7, 0.06, True),
        (200, 2000, 7, 4.6, True),
        (200, 2000, 0, 26.8, False),
        (200, 6000, 7, 13.7, True),
        (200, 12000, 7, 27.5, False),
        (1, 0, 7, 0.0, True),
    ],
)
def test_how_long_a_sweep_of_all_takes(
    connections: int, leads: int, quiet_days: int, hours: float, *, is_kept: bool
) -> None:
    """At 500 requests a minute, before the first sweep has counted anything."""
    found = forecast([team(leads, quiet_days=quiet_days)] * connections, 500)
    assert found.sweep_minutes / 60 == pytest.approx(hours, abs=0.1)
    assert found.backfill_minutes == pytest.approx(connections * requests_for(leads) / 500)
    assert (found.is_kept, found.leads) == (is_kept, connections * leads)


def test_what_the_last_sweep_has_counted_counts() -> None:
    """A team whose agents touch half of its leads each day costs more than a quiet one."""
    quiet, busy = forecast([team(10_000)], 500), forecast([team(10_000, seen=5000, looks=2500)], 500)
    assert busy.sweep_minutes * 500 == requests_for(10_000, 5000)
    assert quiet.sweep_minutes < busy.sweep_minutes


def test_what_would_help_is_said() -> None:
    """Rotation where it is enough, seldomer sweeps, and other apps where connections can be spread."""
    found = forecast([team(2000, quiet_days=0)] * 200, 500)
    assert (found.quiet_days, found.full_hours, found.apps) == (7, 31, 2)
    assert remedies(found) == "quiet_days = 7, or full_hours = 31, or 2 apps of Lofty, each with a budget of its own"
    one = forecast([team(2_000_000)], 500)
    assert (one.quiet_days, one.full_hours, one.apps) == (14, 26, None)
    assert remedies(forecast([team(10)] * 9000, 500)).startswith("2 apps")
    crowd = Swept("c", Schedule(1000, None), 10)
    assert remedies(forecast([crowd], 50)) == "a longer new_minutes"


def test_a_connection_without_sweeps_takes_nothing_and_one_without_children_the_lists_alone() -> None:
    """A paused one is never due."""
    assert forecast([Swept("c", Schedule(None, None), 5000)], 500).load == 0
    assert Swept("c", Schedule(None, DAY, children=False), 5000).requests() == 50
    assert forecast([], 500).is_kept


@given(
    st.lists(
        st.builds(
            team,
            st.integers(0, 10**6),
            quiet_days=st.sampled_from([0, 1, 7, 30]),
            full_ms=st.sampled_from([None, 6 * HOUR, DAY, 7 * DAY]),
        ),
        max_size=30,
    ),
    st.integers(1, 5000),
)
def test_a_forecast_grows_with_what_is_asked_and_its_remedies_help(swept: list[Swept], limit: int) -> None:
    """More leads never take less; and each remedy that names a value keeps the schedules."""
    found = forecast(swept, limit)
    assert found.load >= 0
    assert forecast([*swept, team(1000)], limit).load >= found.load
    assert found.sweep_minutes <= found.backfill_minutes + 1e-9
    if found.is_kept:
        assert (found.quiet_days, found.full_hours, found.apps) == (None, None, None)
    if found.quiet_days is not None:
        assert found.quiet_days in QUIET_DAYS
        assert forecast([one.with_quiet(found.quiet_days) for one in swept], limit).load <= MOST_LOAD


def test_the_forecast_of_a_budget_is_of_all_its_connections_and_of_no_others() -> None:
    """By what a worker reports of them; GHL's budgets have none."""
    sweep = SweepStatus(
        total=2000,
        new_interval_ms=QUARTER,
        full_interval_ms=DAY,
        look_interval_ms=DAY,
        full_leads=2000,
        full_looks=2000,
    )
    names = [f"team-{number}" for number in range(200)]
    shared = BudgetStatus(
        dispatcher="read", budget="our-app", connections=tuple(names), window_limit=500, window_seconds=60
    )
    other = shared.model_copy(update={"budget": "harbor", "connections": ("harbor",)})
    writing = shared.model_copy(update={"dispatcher": "write"})
    readings = [(name, SideStatus(sweep=sweep)) for name in [*names, "harbor"]] + [("gone", None)]
    found = {budget.budget: one for budget, one in forecasts([shared, other, writing], readings)}
    assert {name: one.is_kept for name, one in found.items()} == {"our-app": False, "harbor": True}
    assert late_words(found["our-app"]) == (
        "the checks of 400000 leads of 200 connections need 114% of its requests: one of all takes 26 h 48 min, and they are due "
        "every 24 h"
    )
    assert forecast_words(found["harbor"]) == (
        "2000 leads of 1 connection: a sweep of all takes 8 min, a backfill of all 8 min; schedules take 1% of Lofty's limit"
    )
