"""The lease: nobody sends a request who has not heard from Kafka for longer than the session timeout."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from connectors.errors import NotSent
from connectors.http.request import Request, Response
from streams.worker.partitions.lease import SHARE, Lease, LeasedTransport
from tests.deadlines import within

SESSION = 10.0


@dataclass
class Clock:
    """Time as the test says."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class HeartbeatRequest_v1:
    """Named as aiokafka names it."""


@dataclass
class ProduceRequest_v8:
    """Records on their way."""


@dataclass
class OffsetFetchRequest_v1:
    """A request that renews nothing."""


@dataclass
class Answer:
    """What the coordinator answers."""

    error_code: int


def a_lease(over: Callable[[], None] = lambda: None) -> tuple[Lease, Clock]:
    """A lease and its clock."""
    clock = Clock()
    return Lease(SESSION, clock, over), clock


async def heartbeat(lease: Lease, clock: Clock, *, takes: float, error_code: int = 0, request: object = None) -> None:
    """One exchange with the coordinator that takes some seconds."""

    async def send(_: object) -> Answer:
        clock.now += takes
        return Answer(error_code)

    await lease.observer(send)(request or HeartbeatRequest_v1())


def test_a_new_worker_holds_no_lease() -> None:
    """Before Kafka was heard from, nothing is ours."""
    lease, _ = a_lease()
    assert not lease.is_held


async def test_a_lease_counts_from_when_its_heartbeat_was_sent() -> None:
    """A slow answer does not lengthen it: Kafka's own count began before the answer."""
    lease, clock = a_lease()
    await heartbeat(lease, clock, takes=3.0)
    assert lease.is_held
    clock.now = 100.0 + SHARE * SESSION
    assert not lease.is_held


async def test_a_worker_that_was_frozen_holds_nothing_when_it_wakes() -> None:
    """The clock went on."""
    lease, clock = a_lease()
    await heartbeat(lease, clock, takes=0.0)
    clock.now += 2 * SESSION
    assert not lease.is_held
    await heartbeat(lease, clock, takes=0.0)
    assert lease.is_held


async def test_an_answer_that_waited_through_the_freeze_renews_nothing() -> None:
    """It answers a heartbeat of before."""
    lease, clock = a_lease()
    await heartbeat(lease, clock, takes=2 * SESSION)
    assert not lease.is_held


@pytest.mark.parametrize("error_code", [22, 25, 82])
async def test_a_worker_that_kafka_does_not_know_any_more_holds_nothing(error_code: int) -> None:
    """Illegal generation, unknown member, fenced instance: the process must end."""
    told: list[str] = []
    lease, clock = a_lease(lambda: told.append("over"))
    await heartbeat(lease, clock, takes=0.0)
    await heartbeat(lease, clock, takes=0.0, error_code=error_code)
    assert not lease.is_held
    assert told == ["over"]


async def test_a_worker_that_leaves_in_order_is_not_ended() -> None:
    """It is right that it is no longer a member."""
    told: list[str] = []
    lease, clock = a_lease(lambda: told.append("over"))
    lease.give_up()
    await heartbeat(lease, clock, takes=0.0, error_code=25)
    assert told == []


async def test_records_wait_while_the_lease_is_not_held() -> None:
    """What a frozen worker had in hand is not written when it wakes; after an outage of the broker it is."""
    lease, clock = a_lease()
    sent = []

    async def wire(_node: int, request: object, **_: object) -> None:
        sent.append(request)

    guarded = lease.guarding(wire)
    await guarded(0, OffsetFetchRequest_v1())
    writing = asyncio.create_task(guarded(0, ProduceRequest_v8()))
    await asyncio.sleep(0)
    assert len(sent) == 1
    await heartbeat(lease, clock, takes=0.0)
    await asyncio.wait_for(writing, within(60))
    assert len(sent) == 2


async def test_a_rebalance_under_way_does_not_end_the_lease() -> None:
    """We are a member still; partitions go by `release`, in order."""
    lease, clock = a_lease()
    await heartbeat(lease, clock, takes=0.0, error_code=27)
    assert lease.is_held


async def test_other_requests_renew_nothing() -> None:
    """Only what the coordinator counts as a sign of life."""
    lease, clock = a_lease()
    await heartbeat(lease, clock, takes=0.0, request=OffsetFetchRequest_v1())
    assert not lease.is_held


async def test_without_a_lease_nothing_is_sent() -> None:
    """And the caller knows for certain that nothing was."""
    lease, clock = a_lease()
    sent = []

    async def wire(request: Request) -> Response:
        sent.append(request)
        return Response(200, {}, b"")

    transport = LeasedTransport(wire, lease)
    with pytest.raises(NotSent, match="has not heard from Kafka"):
        await transport(Request("GET", "https://example.com/"))
    assert sent == []
    await heartbeat(lease, clock, takes=0.0)
    assert (await transport(Request("GET", "https://example.com/"))).status == 200
