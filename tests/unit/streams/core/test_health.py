"""What is wrong with a deployment, and what is only the pipeline at work."""

from __future__ import annotations

from typing import Any

import pytest

from streams.core.health import troubles
from streams.core.overview import overview
from streams.words.worker_status import BudgetStatus, ConnectionStatus, LagStatus, SideStatus, SweepStatus, WorkerStatus

NOW = 10_000_000_000
MINUTE = 60_000


def worker(**facts: Any) -> WorkerStatus:
    """A worker that is well and owns all."""
    given = {"fenced": (0, 1), "assigned": (0, 1), "is_ready": True, "at_ms": NOW - 1000} | facts
    return WorkerStatus(instance="w1", started_ms=NOW - 100 * MINUTE, partitions=2, **given)


def wrong(*statuses: WorkerStatus) -> list[str]:
    """What is said to be wrong."""
    found = overview(statuses, NOW, partitions=2, connections=["acme"])
    return [f"{one.subject}: {one.says}" for one in troubles(found)]


def side(**facts: Any) -> tuple[ConnectionStatus, ...]:
    """The reading side of the connection, with an empty writing side."""
    return (ConnectionStatus(connection="acme", reading=SideStatus(**facts), writing=SideStatus()),)


def test_a_worker_that_is_well_is_nothing_to_act_on() -> None:
    """Also while work waits, a budget pauses for some seconds, and a topic is read."""
    pause = BudgetStatus(
        dispatcher="write", budget="loc", paused="throttled", paused_since_ms=NOW - 5000, paused_until_ms=NOW + 5000
    )
    lag = LagStatus(topic="lofty.changes", records=900, oldest_ms=NOW - MINUTE)
    assert wrong(worker(budgets=(pause,), lags=(lag,), connections=side(oldest_accepted_ms=NOW - MINUTE))) == []


def test_without_any_worker_that_alone_is_told() -> None:
    """With when the last one was heard."""
    assert wrong() == ["workers: none is alive: nothing is carried"]
    [one] = wrong(worker(at_ms=NOW - 5 * MINUTE))
    assert one == "workers: none is alive; the last was heard 300 s ago: nothing is carried"


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"fenced": (0,)}, "nobody acts for 1 of 2 partitions"),
        ({"mapping_trouble": "line 3: no"}, "worker w1: line 3: no"),
        ({"connections": side(parked={"fetch": 2})}, "connection acme: 2 parked"),
        ({"connections": side(on_hold="no access")}, "connection acme: on hold: no access"),
        ({"connections": side(oldest_accepted_ms=NOW - 61 * MINUTE)}, "connection acme: a change waits since 61 min"),
        (
            {"connections": side(sweep=SweepStatus(full_ended_ms=NOW - 300 * MINUTE, full_interval_ms=120 * MINUTE))},
            "connection acme: the last full sweep ended 5 h ago",
        ),
        (
            {"budgets": (BudgetStatus(dispatcher="write", budget="loc", paused="access", because="401"),)},
            "GHL budget loc: paused: 401",
        ),
        (
            {"budgets": (BudgetStatus(dispatcher="write", budget="loc", quota_left=0, quota_reset_seconds=7200),)},
            "the daily quota is used up; it begins anew in 2.0 h",
        ),
        (
            {"lags": (LagStatus(topic="ghl.receipts", records=3, oldest_ms=NOW - 6 * MINUTE),)},
            "topic ghl.receipts: 3 records wait, since 6 min",
        ),
    ],
)
def test_what_somebody_should_act_on_is_wrong(facts: dict[str, Any], says: str) -> None:
    """Each with its subject."""
    found = wrong(worker(**facts))
    assert len(found) == 1
    assert says in found[0]


def test_a_backfill_may_take_hours() -> None:
    """Its changes are old by nature."""
    filling = side(oldest_accepted_ms=NOW - 600 * MINUTE, sweep=SweepStatus(running="backfill"))
    assert wrong(worker(connections=filling)) == []
