"""A status in parts: small, whole again where it is read, and nothing to those of an earlier release."""

from __future__ import annotations

import pytest

from streams.core.status_parts import AT_ONCE, FEW, IN_A_PART, Parts, StatusCollector, Turns
from streams.messages import GatewayStatus, InvalidMessage, StatusPart, WorkerStatus
from streams.messages.worker_status import BudgetStatus, ConnectionStatus, SideStatus, SweepStatus
from streams.operations.status.overview import overview

NOW = 1_000_000_000
LIMIT = 400_000
"""Bytes that a worker may say at a time, however many connections it has."""


def status(connections: int, at_ms: int = NOW, parked: int = 0) -> WorkerStatus:
    """A worker with so many connections, each with its two budgets, in words of usual length."""
    names = [f"connection-number-{number:05}" for number in range(connections)]
    side = SideStatus(
        undelivered={"fetch": 12, "write back": 3},
        parked={"fetch": parked, "write back": 0},
        oldest_accepted_ms=NOW,
        links=120_000,
        sweep=SweepStatus(
            started_ms=NOW, leads=100_000, total=120_000, changes=17, new_ended_ms=NOW, full_ended_ms=NOW
        ),
        token_expires_ms=NOW,
    )
    return WorkerStatus(
        instance="w1",
        started_ms=NOW,
        at_ms=at_ms,
        is_ready=True,
        partitions=1,
        fenced=(0,),
        budgets=tuple(
            BudgetStatus(
                dispatcher=dispatcher,
                budget=name,
                connections=(name,),
                waiting={"live": 7, "backfill": 12_345},
                window_used=12,
                window_limit=100,
                window_seconds=10.0,
                quota_left=100_000,
                quota_limit=200_000,
                quota_reset_seconds=12_345.678,
                quota_regime="free",
            )
            for name in names
            for dispatcher in ("read", "write")
        ),
        connections=tuple(ConnectionStatus(connection=name, reading=side, writing=side) for name in names),
    )


def names_of(of: WorkerStatus) -> list[str]:
    return [one.connection for one in of.connections]


def test_a_status_of_few_connections_stays_one_record() -> None:
    """As every release reads it."""
    whole = status(FEW)
    parts = Parts(names_of(whole))
    assert (parts.count, parts.split(whole, ())) == (0, (whole, ()))


@pytest.mark.parametrize("connections", [FEW + 1, 1_000, 3_000])
def test_what_is_said_at_a_time_is_bounded_and_all_of_it_comes(connections: int) -> None:
    """Within a minute."""
    turns, heard, looks = Turns(), StatusCollector(), 0
    while True:
        whole = status(connections, NOW + looks * 5000, parked=looks)
        of = Parts(names_of(whole))
        said, parts = of.split(whole, turns.take(of.count))
        records = [part.to_bytes() for part in parts] + [said.to_bytes()]
        assert sum(map(len, records)) < LIMIT
        assert len(parts) <= AT_ONCE
        for record in records:
            heard.take(record)
        looks += 1
        [known] = heard.workers
        if len(known.connections) == connections:
            break
    assert looks <= 12, "a minute, at a look each five seconds"
    assert known.parts == known.parts_heard == -(-connections // IN_A_PART)
    assert {one.connection for one in known.connections} == {one.connection for one in whole.connections}
    assert len(known.budgets) == 2 * connections
    seen = overview(heard.workers, whole.at_ms, partitions=1)
    assert len([one for one in seen.connections if one.is_owned and one.reads and one.writes]) == connections


def test_each_part_has_its_turn_though_their_number_changes() -> None:
    """A rebalance takes connections away and brings others."""
    turns = Turns()
    assert [turns.take(count, 2) for count in (3, 3, 2, 5, 0, 1)] == [(0, 1), (2, 0), (1, 0), (1, 2), (), (0,)]


def test_a_budget_is_told_with_the_first_of_its_connections() -> None:
    """Once, and also when none of them is reported here."""
    parts = Parts([f"c{number:04}" for number in range(2 * FEW)])
    assert [parts.of(names) for names in (("c0000", "c0199"), ("c0199",), ("strange",), ())] == [0, 3, 3, 3]


def test_an_earlier_release_takes_neither_a_part_nor_a_gateway_for_a_worker() -> None:
    """It reads each record of the topic as a worker's, and leaves out what is none."""
    part = StatusPart(part_of="w1", number=0, at_ms=NOW)
    told = GatewayStatus(gateway="g1", begun_ms=NOW, at_ms=NOW)
    for word in (part, told):
        with pytest.raises(InvalidMessage):
            WorkerStatus.from_bytes(word.to_bytes())


def test_the_newest_word_of_each_counts_whatever_order_they_come_in() -> None:
    """Gateways, workers and parts; what cannot be read is left out."""
    heard = StatusCollector()
    for at in (3, 1, 2):
        heard.take(GatewayStatus(gateway="g1", begun_ms=0, at_ms=at).to_bytes())
        heard.take(WorkerStatus(instance="w1", started_ms=0, at_ms=at, partitions=1, parts=1).to_bytes())
        heard.take(
            StatusPart(
                part_of="w1", number=0, at_ms=at, connections=(ConnectionStatus(connection=f"c{at}"),)
            ).to_bytes()
        )
    for garbage in (b"", None, b"[]", b"{}", b"\xff"):
        heard.take(garbage)
    assert [one.at_ms for one in heard.gateways] == [3]
    assert [(one.at_ms, one.connections[0].connection) for one in heard.workers] == [(3, "c3")]
    heard.forget(4)
    assert (heard.workers, heard.gateways) == ((), ())
