"""The overview of a deployment: what its workers say, put together."""

from __future__ import annotations

from typing import Any

from streams.messages.worker_status import (
    BudgetStatus,
    ConnectionStatus,
    LagStatus,
    SideStatus,
    SweepStatus,
    WorkerStatus,
)
from streams.operations.status.overview import ALIVE_MS, newest, overview, rates

NOW = 1_800_000_000_000


def said(instance: str, *, ago_ms: int = 1_000, **facts: Any) -> WorkerStatus:
    """What a worker said some time ago."""
    whole = {"instance": instance, "started_ms": NOW - 60_000, "at_ms": NOW - ago_ms, "partitions": 4, "is_ready": True}
    return WorkerStatus(**{**whole, **facts})


def test_a_worker_that_was_heard_of_lately_is_alive() -> None:
    """Twenty seconds of silence are too long."""
    seen = overview([said("a"), said("b", ago_ms=ALIVE_MS + 1)], NOW, partitions=4)
    assert [(one.status.instance, one.is_alive, one.state) for one in seen.workers] == [
        ("a", True, "ready"),
        ("b", False, "silent"),
    ]


def test_a_worker_that_said_that_it_stops_is_not_alive() -> None:
    """Its last word is enough: nobody waits twenty seconds for it."""
    seen = overview([said("a", ago_ms=2_000), said("a", is_stopping=True)], NOW, partitions=1)
    assert [(one.state, one.is_alive) for one in seen.workers] == [("stopping", False)]


def test_partitions_that_no_living_worker_acts_for_are_told() -> None:
    """What a silent worker owned may be nobody's by now."""
    seen = overview([said("a", fenced=(0, 2)), said("b", fenced=(3,), ago_ms=30_000)], NOW, partitions=4)
    assert seen.unowned == (1, 3)


def test_the_two_sides_of_a_connection_come_from_two_workers() -> None:
    """Lofty's budget and GHL's may be placed apart."""
    sweep = SweepStatus(running="full", leads=10, total=100)
    reading = SideStatus(undelivered={"fetch": 3}, oldest_accepted_ms=NOW - 5_000, sweep=sweep)
    writing = SideStatus(undelivered={"deliver": 2}, oldest_accepted_ms=NOW - 9_000, links=40, parked={"deliver": 1})
    seen = overview(
        [
            said("a", connections=(ConnectionStatus(connection="acme", reading=reading),)),
            said("b", connections=(ConnectionStatus(connection="acme", writing=writing),)),
        ],
        NOW,
        partitions=4,
        connections=["acme"],
    )
    [acme] = seen.connections
    assert acme.is_owned
    assert acme.undelivered == {"fetch": 3, "deliver": 2}
    assert (acme.oldest_accepted_ms, acme.links, acme.parked) == (NOW - 9_000, 40, {"deliver": 1})


def test_a_connection_of_which_nobody_tells_is_there_all_the_same() -> None:
    """It is configured, so an empty place is shown, not none."""
    seen = overview([said("a")], NOW, partitions=4, connections=["acme"])
    assert [(one.connection, one.is_owned, one.links) for one in seen.connections] == [("acme", False, None)]


def test_of_two_that_tell_of_one_budget_the_later_word_counts() -> None:
    """While a partition moves, its former owner has just reported it."""
    before = BudgetStatus(dispatcher="write", budget="loc", waiting={"live": 9}, connections=("acme",))
    after = BudgetStatus(dispatcher="write", budget="loc", waiting={"live": 1}, connections=("acme",))
    seen = overview([said("b", ago_ms=500, budgets=(after,)), said("a", budgets=(before,))], NOW, partitions=4)
    assert seen.budgets == (after,)
    assert seen.waiting == {"live": 1}


def test_lags_are_sums_with_the_oldest_of_all() -> None:
    """Each worker reports its own partitions."""
    one = LagStatus(topic="lofty.changes", records=3, oldest_ms=NOW - 4_000)
    other = LagStatus(topic="lofty.changes", records=2, oldest_ms=NOW - 7_000)
    idle = LagStatus(topic="ghl.receipts")
    seen = overview([said("a", lags=(one, idle)), said("b", lags=(other,))], NOW, partitions=4)
    assert seen.lags == (idle, LagStatus(topic="lofty.changes", records=5, oldest_ms=NOW - 7_000))


def test_more_than_one_version_shows() -> None:
    """A change of the mapping or the release is under way."""
    seen = overview([said("a", mapping_version=4), said("b", mapping_version=5)], NOW, partitions=4)
    assert seen.mapping_versions == (4, 5)


def test_order_of_arrival_changes_nothing() -> None:
    """Words of one worker may be read in any order."""
    words = [said("a", ago_ms=9_000), said("a", ago_ms=1_000), said("a", ago_ms=5_000)]
    assert [one.at_ms for one in newest(words)] == [NOW - 1_000]
    assert overview(words, NOW, partitions=1) == overview(reversed(words), NOW, partitions=1)


def test_rates_come_from_two_words_of_one_start() -> None:
    """A worker that was started meanwhile has no rate yet, rather than a wrong one."""
    before = [said("a", ago_ms=11_000, stages={"dedupe": 100}, totals={"writes": 10})]
    after = [said("a", stages={"dedupe": 300}, totals={"writes": 15}), said("new", stages={"dedupe": 1_000})]
    assert rates(before, after) == {"dedupe": 20.0, "writes": 0.5}


def test_a_status_is_small_and_reads_back() -> None:
    """What is as at the start is left out on the wire; two hundred idle connections stay far below a record's limit."""
    sides = SideStatus(links=5_000, sweep=SweepStatus(new_ended_ms=NOW, full_ended_ms=NOW, new_interval_ms=900_000))
    connections = tuple(
        ConnectionStatus(connection=f"agency-{number:03}", reading=sides, writing=sides) for number in range(200)
    )
    status = said("a", connections=connections)
    raw = status.to_bytes()
    assert WorkerStatus.from_bytes(raw) == status
    assert len(raw) < 100_000
