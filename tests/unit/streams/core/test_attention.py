"""Whose metrics are shown: before each alert on a connection or budget would be raised, and not of all others."""

from __future__ import annotations

from typing import Any

import pytest

from streams.core.attention import HOLD_MS, MOST_LATE, Attention, budget_in_need, connection_in_need
from streams.messages.worker_status import BudgetStatus, ConnectionStatus, OtherDeployment, SideStatus, SweepStatus

NOW = 10_000_000_000
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
WELL = SweepStatus(
    new_interval_ms=15 * MINUTE,
    full_interval_ms=DAY,
    look_interval_ms=7 * DAY,
    new_ended_ms=NOW - 10 * MINUTE,
    full_ended_ms=NOW - 20 * HOUR,
    oldest_look_ms=NOW - 6 * DAY,
)


def connection(name: str = "acme", writing: dict[str, Any] | None = None, **reading: Any) -> ConnectionStatus:
    """One that is well, but for what is given."""
    sides = {"reading": SideStatus(**{"sweep": WELL, **reading}), "writing": SideStatus(links=20, **(writing or {}))}
    return ConnectionStatus(connection=name, **sides)


def budget(name: str = "loc", **facts: Any) -> BudgetStatus:
    """One that works."""
    well = {
        "window_used": 3,
        "window_limit": 100,
        "quota_left": 150_000,
        "quota_limit": 200_000,
        "waiting": {"live": 9},
    }
    return BudgetStatus(dispatcher="write", budget=name, connections=("acme",), **{**well, **facts})


def test_what_is_well_is_not_shown() -> None:
    """Also while it works: changes on their way, a sweep that runs, a quota that is used."""
    busy = connection(undelivered={"fetch": 400}, oldest_accepted_ms=NOW - 5000)

    assert not connection_in_need(connection(), NOW)
    assert not connection_in_need(busy, NOW)
    assert not budget_in_need(budget())


@pytest.mark.parametrize(
    ("alert", "one"),
    [
        ("LoftyGhlConnectionOnHold", connection(on_hold="reads Lofty's members first")),
        ("LoftyGhlConnectionOnHold", connection(writing={"on_hold": "reads GHL's fields first"})),
        ("LoftyGhlOptOutLate", connection(oldest_opt_out_ms=NOW - 1)),
        ("LoftyGhlOptOutLate", connection(writing={"oldest_opt_out_ms": NOW - 1})),
        ("LoftyGhlOtherDeployment", connection(writing={"other_deployments": (OtherDeployment(deployment="x"),)})),
        ("LoftyGhlParkedWaits", connection(writing={"parked": {"deliver": 1}})),
        ("LoftyGhlSweepOverdue", connection(sweep=WELL.model_copy(update={"new_ended_ms": NOW - 30 * MINUTE}))),
        ("LoftyGhlSweepOverdue", connection(sweep=WELL.model_copy(update={"full_ended_ms": NOW - 37 * HOUR}))),
        ("LoftyGhlLooksOverdue", connection(sweep=WELL.model_copy(update={"oldest_look_ms": NOW - 9 * DAY + HOUR}))),
        ("status: keeps failing", connection(failing=1)),
    ],
)
def test_a_connection_is_shown_before_an_alert_on_it_is_raised(alert: str, one: ConnectionStatus) -> None:
    """Each of these is not enough for its alert, or only just."""
    assert connection_in_need(one, NOW), alert


@pytest.mark.parametrize(
    ("alert", "one"),
    [
        ("LoftyGhlAccessLost", budget(paused="no access")),
        ("LoftyGhlAccessLost", budget(paused="uninstalled")),
        ("LoftyGhlChangesStuck", budget(waiting={"live": 1}, window_used=0)),
        ("LoftyGhlQuotaNearlyGone", budget(quota_left=99_000)),
        ("LoftyGhlQuotaNearlyGone", budget(quota_left=0)),
    ],
)
def test_a_budget_is_shown_before_an_alert_on_it_is_raised(alert: str, one: BudgetStatus) -> None:
    """The quota half an hour before: the alert's forecast looks back so far."""
    assert budget_in_need(one), alert


def test_it_stays_shown_for_half_an_hour() -> None:
    """So that a value which goes down and up again is seen to do so."""
    attention = Attention()
    attention.look([budget(paused="no access")], [connection(failing=1, sweep=None)], NOW)
    attention.look([budget()], [connection(sweep=None)], NOW + HOLD_MS - 1)
    shown = attention.connections, attention.budgets
    attention.look([budget()], [connection(sweep=None)], NOW + HOLD_MS)

    assert shown == ({"acme"}, {("write", "loc")})
    assert (attention.connections, attention.budgets) == (frozenset(), frozenset())


def test_a_connection_that_another_worker_has_now_is_not_shown_here() -> None:
    """Its series go with it."""
    attention = Attention()
    attention.look([budget(paused="no access")], [connection(failing=1)], NOW)
    attention.look([], [], NOW + 1)

    assert (attention.connections, attention.budgets) == (frozenset(), frozenset())


def test_what_is_only_late_is_shown_up_to_a_number_the_latest_first() -> None:
    """A vendor that is away delays everybody: the scrape must not grow just then. No alert asks for these one by one."""
    attention = Attention()
    late = [connection(f"c{n:03d}", oldest_accepted_ms=NOW - 2 * MINUTE - n) for n in range(300)]
    attention.look([], [*late, connection("broken", failing=1)], NOW)

    assert attention.connections == {"broken", *(f"c{n:03d}" for n in range(300 - MOST_LATE, 300))}


def test_the_budgets_of_a_connection_that_is_shown_are_shown_unless_many_share_them() -> None:
    """An app of Lofty that a thousand connections share is none of one of them."""
    attention = Attention()
    shared = BudgetStatus(dispatcher="read", budget="our-app", connections=("acme", "other"), window_used=1)
    attention.look([budget(), shared], [connection(failing=1), connection("other")], NOW)

    assert attention.budgets == {("write", "loc")}
