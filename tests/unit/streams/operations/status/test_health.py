"""What is wrong with a deployment, and what is only the pipeline at work."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from streams.messages import GatewayStatus
from streams.messages.growth import AtWork, Growth, GrowthState, Move
from streams.messages.worker_status import (
    STUCK_LOOKS,
    BudgetStatus,
    ConnectionStatus,
    LagStatus,
    SideStatus,
    SweepStatus,
    WorkerStatus,
)
from streams.operations.status.health import problems_of
from streams.operations.status.overview import ParkedOpen, overview

NOW = 10_000_000_000
MINUTE = 60_000


def worker(**facts: Any) -> WorkerStatus:
    """A worker that is well and owns all."""
    given = {
        "fenced": (0, 1),
        "assigned": (0, 1),
        "is_ready": True,
        "at_ms": NOW - 1000,
        "configuration": "ours",
        "connections": side(),
    } | facts
    return WorkerStatus(instance="w1", started_ms=NOW - 100 * MINUTE, partitions=2, **given)


def gateway(**facts: Any) -> GatewayStatus:
    """A gateway that is well."""
    given = {"is_ready": True, "at_ms": NOW - 1000, "begun_ms": NOW - 100 * MINUTE, "configuration": "ours"} | facts
    return GatewayStatus(gateway="g1", **given)


def wrong(*statuses: WorkerStatus, gateways: tuple[GatewayStatus, ...] | None = None) -> list[str]:
    """What is said to be wrong."""
    found = overview(statuses, NOW, partitions=2, connections=["acme"], gateways=gateways, configuration="ours")
    return [f"{one.subject}: {one.says}" for one in problems_of(found)]


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
    assert wrong() == ["workers: none is alive: nothing is synced"]
    [one] = wrong(worker(at_ms=NOW - 5 * MINUTE))
    assert one == "workers: none is alive; the last reported 300 s ago: nothing is synced"


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"fenced": (0,)}, "no worker owns 1 of 2 partitions"),
        ({"mapping_trouble": "line 3: no"}, "worker w1: line 3: no"),
        ({"connection_trouble": {"acme": "no key opens it"}}, "connection acme: worker w1: no key opens it"),
        ({"connections": side(parked={"fetch": 2})}, "connection acme: 2 parked"),
        ({"connections": side(on_hold="no access")}, "connection acme: on hold: no access"),
        (
            {"connections": side(oldest_accepted_ms=NOW - 61 * MINUTE)},
            "connection acme: a change has waited for 61 min",
        ),
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
            "the daily quota is used up; it resets in 2.0 h",
        ),
        (
            {"lags": (LagStatus(topic="ghl.receipts", records=3, oldest_ms=NOW - 6 * MINUTE),)},
            "topic ghl.receipts: 3 records wait, the oldest for 6 min",
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


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"appends_failing_seconds": 61.0, "is_ready": False}, "Kafka has acknowledged none of its records for 61 s"),
        ({"is_ready": False}, "is alive but not ready, 100 min after its start"),
        ({"stuck_looks": STUCK_LOOKS}, f"makes no progress: no commit moved in {STUCK_LOOKS} checks"),
        ({"stores_set_aside": ("damaged-partition-0001",)}, "a damaged local store was set aside"),
        ({"configuration": "another"}, "uses another configuration"),
        ({"connections": side(failing=3, failing_in="500: no")}, "3 reads keep failing at Lofty: 500: no"),
        ({"connections": ()}, "connection acme: no worker serves its Lofty and GHL side"),
        (
            {"connections": (ConnectionStatus(connection="acme", reading=SideStatus()),)},
            "connection acme: no worker serves its GHL side",
        ),
        ({"fenced": (0,), "is_ready": False}, "no worker owns 1 of 2 partitions"),
    ],
)
def test_each_fault_of_a_worker_is_named(facts: dict[str, Any], says: str) -> None:
    """One line of its own."""
    found = [one for one in wrong(worker(**facts)) if says in one]
    assert len(found) == 1, wrong(worker(**facts))


def test_a_write_that_fails_in_the_same_way_is_named_with_its_error() -> None:
    """Two are bad luck, three are not."""
    failing = (
        ConnectionStatus(connection="acme", reading=SideStatus(), writing=SideStatus(failing=3, failing_in="x")),
    )
    few = (ConnectionStatus(connection="acme", reading=SideStatus(), writing=SideStatus(failing=2, failing_in="x")),)
    assert wrong(worker(connections=failing)) == ["connection acme: 3 writes keep failing at GHL: x"]
    assert wrong(worker(connections=few)) == []


def test_a_worker_that_has_just_started_may_be_unready_and_own_less() -> None:
    """It reads its tables; what it does not report yet is no fault."""
    young = worker(fenced=(0,), is_ready=False, connections=())
    assert wrong(young.model_copy(update={"started_ms": NOW - MINUTE})) == []


def test_connections_of_which_a_part_was_not_heard_yet_are_no_fault() -> None:
    """A worker with many connections reports them one part after another."""
    assert wrong(worker(connections=(), parts=2, parts_heard=1)) == []
    assert len(wrong(worker(connections=(), parts=2, parts_heard=2))) == 1


def move(state: GrowthState, *, since_ms: int, last_ms: int) -> Move:
    """A move of two partitions to four, in this state since then; a command was at work last."""
    facts = {"from_prefix": "", "from_partitions": 2, "to_prefix": "grown-4.", "to_partitions": 4, "began_ms": 1}
    growth = Growth.model_validate({**facts, "state": state, "holder": "h", "at_ms": since_ms, "since_ms": since_ms})
    return Move(growth=growth, at_work=AtWork(holder="h", at_ms=last_ms))


def test_a_move_that_goes_on_is_nothing_to_act_on() -> None:
    """For hours, while its command is at work; and no worker is missing in a pause."""
    copying = move("copying", since_ms=NOW - 300 * MINUTE, last_ms=NOW - MINUTE)
    assert wrong(worker(), gateways=(gateway(move=copying),)) == []
    closing = move("closing", since_ms=NOW - MINUTE, last_ms=NOW)
    assert wrong(worker(), gateways=(gateway(move=closing),)) == []


def test_a_move_that_stands_still_is_named_with_the_command_that_goes_on() -> None:
    """Workers that are paused for long, and a copy that nobody works on."""
    closing = move("closing", since_ms=NOW - 16 * MINUTE, last_ms=NOW)
    [paused] = wrong(worker(), gateways=(gateway(move=closing),))
    assert paused.startswith(
        "more partitions: no worker may run, so nothing is synced: the move from 2 to 4 partitions"
    )
    assert "(for 16 min)" in paused
    rests = move("copying", since_ms=NOW - 300 * MINUTE, last_ms=NOW - 61 * MINUTE)
    found = overview(
        [worker()], NOW, partitions=2, connections=["acme"], gateways=[gateway(move=rests)], configuration="ours"
    )
    [problem] = problems_of(found)
    assert "no command has worked on it for 61 min" in problem.says
    assert problem.mend == "lofty-ghl partitions grow --to 4"
    assert (problem.about.cause, problem.about.since_ms) == ("copy rests", NOW - 61 * MINUTE)


def test_no_worker_is_to_be_started_while_none_may_run() -> None:
    """It would end at once: what helps is to finish the move."""
    switching = move("switching", since_ms=NOW - MINUTE, last_ms=NOW)
    [problem] = wrong(gateways=(gateway(move=switching),))
    assert problem.startswith("more partitions: no worker may run")
    copying = move("copying", since_ms=NOW - MINUTE, last_ms=NOW)
    assert wrong(gateways=(gateway(move=copying),))[0].startswith("workers: none is alive")


def test_gateways_are_named() -> None:
    """None that lives, one that is silent, not ready, or of another configuration."""
    assert wrong(worker(), gateways=(gateway(),)) == []
    assert "gateways: none is alive: no webhook is accepted" in wrong(worker(), gateways=())[0]
    silent = wrong(worker(), gateways=(gateway(at_ms=NOW - 2 * MINUTE),))
    assert "the last reported 120 s ago" in silent[0]
    failing = wrong(worker(), gateways=(gateway(is_ready=False, appends_failing_seconds=30.0),))
    assert failing == ["gateway g1: is not ready: Kafka has acknowledged none of its records for 30 s"]
    blind = wrong(worker(), gateways=(gateway(unread={"people": NOW - 2 * MINUTE, "mappings": NOW - 9_000}),))
    assert blind == ["gateway g1: has not read the topic people for 120 s: edits since then are not known there"]
    other = wrong(worker(), gateways=(gateway(configuration="another", connections=3),))
    assert other == ["gateway g1: uses another configuration than this one (3 connections)"]
    both = wrong(gateways=())
    assert [one.partition(":")[0] for one in both] == ["workers", "gateways"]


CROWDED = BudgetStatus(dispatcher="read", budget="our-app", connections=("acme",), window_limit=500, window_seconds=60)


@pytest.mark.parametrize(("leads", "is_named"), [(200_000, False), (400_000, True)])
def test_sweeps_that_cannot_be_made_in_time_are_named_with_what_helps(leads: int, *, is_named: bool) -> None:
    """Before they are late."""
    swept = side(sweep=SweepStatus(total=leads, full_interval_ms=24 * 60 * MINUTE, look_interval_ms=24 * 60 * MINUTE))
    found = overview(
        [worker(budgets=(CROWDED,), connections=swept)], NOW, partitions=2, connections=["acme"], configuration="ours"
    )
    named = [one for one in problems_of(found) if one.about.cause == "schedule"]
    assert bool(named) is is_named
    if is_named:
        assert "one of all takes 26 h 48 min" in named[0].says
        assert "quiet_days = 7" in named[0].mend


@pytest.mark.parametrize(("days", "is_named"), [(8, False), (10, True)])
def test_notes_of_a_lead_that_were_not_looked_at_as_is_promised_are_named(days: int, *, is_named: bool) -> None:
    """A week, and two sweeps more."""
    day = 24 * 60 * MINUTE
    sweep = SweepStatus(
        full_ended_ms=NOW - day, full_interval_ms=day, look_interval_ms=7 * day, oldest_look_ms=NOW - days * day
    )
    named = [one for one in wrong(worker(connections=side(sweep=sweep))) if "notes, tasks and appointments" in one]
    assert bool(named) is is_named, named


@pytest.mark.parametrize(
    ("heard", "changes", "is_told"),
    [({}, 4, True), ({"lofty": NOW - 25 * 60 * MINUTE}, 4, True), ({"lofty": NOW - MINUTE}, 4, False), ({}, 0, False)],
)
def test_webhooks_that_do_not_come_are_named(heard: dict[str, int], changes: int, is_told: bool) -> None:
    """When a sweep found what they should have reported. A quiet week is no fault."""
    swept = side(sweep=SweepStatus(changes=changes, new_ended_ms=NOW - MINUTE))
    old = gateway(begun_ms=NOW - 48 * 60 * MINUTE, heard_ms=heard)
    found = [one for one in wrong(worker(connections=swept), gateways=(old,)) if one.startswith("webhooks: ")]
    assert bool(found) is is_told


def test_parked_deliveries_and_what_was_passed_over_are_named() -> None:
    """Each stage and reason; of what is gone, the words say where."""
    waits = (
        ParkedOpen("intake", "unknown shape", 2),
        ParkedOpen("dedupe", "passed over", 1, "Kafka had deleted the records 3 to 9 of lofty.changes/1"),
    )
    found = replace(overview([worker()], NOW, partitions=2, connections=["acme"]), parked_open=waits)
    assert [(one.subject, one.says) for one in problems_of(found)] == [
        ("stage intake", "2 parked: unknown shape"),
        ("Kafka", "Kafka had deleted the records 3 to 9 of lofty.changes/1"),
    ]


def test_a_process_that_ended_without_a_word_is_named_until_another_follows_it() -> None:
    """Its disk refused, or it was killed: the others carry on, and a person should know. (After 15 minutes it is forgotten.)"""
    gone = worker(host="b", at_ms=NOW - MINUTE).model_copy(update={"instance": "w2"})
    [silent] = wrong(worker(host="a"), gone)
    assert silent == "worker w2: stopped reporting 60 s ago on b, without a shutdown"
    follower = worker(host="b").model_copy(update={"instance": "w3", "started_ms": NOW - MINUTE // 2})
    assert wrong(worker(host="a"), gone, follower) == []
    assert wrong(worker(host="a"), gone.model_copy(update={"is_stopping": True})) == []
    lost = gateway(host="b", at_ms=NOW - MINUTE).model_copy(update={"gateway": "g2"})
    assert wrong(worker(), gateways=(gateway(host="a"), lost)) == [
        "gateway g2: stopped reporting 60 s ago on b, without a shutdown"
    ]


@pytest.mark.parametrize(
    ("paused", "because", "is_named"),
    [
        (("to_ghl", "to_lofty"), "nobody has granted access yet", False),
        (("to_ghl", "to_lofty"), "wrong account: team 7", True),
        (("to_ghl",), "nobody has granted access yet", True),
        ((), "nobody has granted access yet", True),
    ],
)
def test_a_connection_that_is_not_switched_on_may_wait_for_its_owner(
    paused: tuple[str, ...], because: str, is_named: bool
) -> None:
    """Nobody is sent a message about an agency that is just being added; another account's access is wrong at any time."""
    budget = BudgetStatus(dispatcher="write", budget="loc", connections=("acme",), paused="no access", because=because)
    connection = ConnectionStatus(connection="acme", reading=SideStatus(), writing=SideStatus(), paused=paused)
    named = wrong(worker(budgets=(budget,), connections=(connection,)))
    assert bool(named) is is_named, named
