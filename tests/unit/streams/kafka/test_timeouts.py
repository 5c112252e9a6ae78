"""Clients of Kafka that rest before they call a broker again, and do not wait for ever for one that hangs."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.client import AIOKafkaClient, ConnectionGroup
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    NodeNotReadyError,
    NotCoordinatorForGroupError,
    RequestTimedOutError,
)
from aiokafka.protocol.commit import OffsetCommitRequest
from aiokafka.protocol.coordination import FindCoordinatorRequest
from aiokafka.protocol.group import HeartbeatRequest, JoinGroupRequest, SyncGroupRequest
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.structs import BrokerMetadata

from streams.kafka import group_lag
from streams.kafka import timeouts as patience
from streams.kafka.clients import Consumer
from streams.kafka.group_lag import GroupLag
from streams.kafka.timeouts import bound_connecting, bound_group_requests, patient
from streams.settings import Settings
from streams.settings.model import GatewaySettings, Kafka, WorkerSettings
from streams.worker.faust_app import new_faust_app
from tests.deadlines import within
from tests.kafka.broker import Broker

DEADLINE_SECONDS = within(60)


class Connection:
    """To one broker."""

    def __init__(self) -> None:
        self._request_timeout = 15.0
        self.is_open = True

    def connected(self) -> bool:
        """Whether it is."""
        return self.is_open

    def close(self, reason: object = None) -> None:
        """Close it."""
        self.is_open = False


class Client:
    """Stands for aiokafka's client: its brokers take connections or refuse them, answer requests or hang."""

    def __init__(self, *refusing: int) -> None:
        self.refusing = set(refusing)
        self.hangs = False
        self.calls: list[int] = []
        self._conns: dict[Any, Connection] = {}

    async def _get_conn(self, node_id: int, *, group: Any = ConnectionGroup.DEFAULT) -> Connection | None:
        known = self._conns.get((node_id, group))
        if known is not None and known.connected():
            return known
        self.calls.append(node_id)
        await asyncio.sleep(0)
        if node_id in self.refusing:
            return None
        return self._conns.setdefault((node_id, group), Connection())

    async def send(self, node_id: int, request: Any, *, group: Any = ConnectionGroup.DEFAULT) -> str:
        """Ask one broker."""
        if await self._get_conn(node_id, group=group) is None:
            raise NodeNotReadyError
        if self.hangs:
            await asyncio.Event().wait()
        return "answered"


class Clock:
    """Goes on when somebody rests: by as long as all who rest together wanted."""

    def __init__(self) -> None:
        self.at = 100.0
        self.rests: list[float] = []

    def now(self) -> float:
        """In seconds."""
        return self.at

    async def rest(self, seconds: float) -> None:
        """Let the time pass."""
        self.rests.append(round(seconds, 2))
        until = self.at + seconds
        await asyncio.sleep(0)
        self.at = max(self.at, until)


@pytest.fixture
def clock() -> Clock:
    """Rests take no time."""
    return Clock()


def made_patient(clock: Clock, *refusing: int) -> Any:
    """A client that is."""
    client: Any = Client(*refusing)
    patient(client, now=clock.now, rest=clock.rest)
    return client


async def test_a_broker_that_refuses_is_called_more_and_more_seldom(clock: Clock) -> None:
    """Up to once a second, by whomever it is needed."""
    client = made_patient(clock, 1)
    for _ in range(12):
        assert await client._get_conn(1) is None

    assert len(client.calls) == 12
    assert clock.rests == [0.05, 0.1, 0.2, 0.4, 0.8, *[1.0] * 6]


async def test_many_who_need_it_at_once_call_once(clock: Clock) -> None:
    """The fetcher, the coordinator and the look for metadata of one client wait together."""
    client = made_patient(clock, 1)
    await client._get_conn(1)
    found = await asyncio.gather(*(client._get_conn(1) for _ in range(20)))

    assert set(found) == {None}
    assert len(client.calls) <= 1 + 20
    assert clock.rests == [0.05] * 20


async def test_another_broker_is_called_at_once_and_one_that_is_back_as_well(clock: Clock) -> None:
    """A refusal concerns who refused; a connection that stands is never waited for."""
    client = made_patient(clock, 1)
    await client._get_conn(1)
    assert await client._get_conn(2) is not None
    assert clock.rests == []
    client.refusing.clear()
    first = await client._get_conn(1)
    again = await client._get_conn(1)
    first.close()
    client._conns.clear()
    third = await client._get_conn(1)

    assert first is again
    assert third is not None
    assert len(clock.rests) == 1


@pytest.mark.usefixtures("virtual_time")
@pytest.mark.parametrize("request_of", [HeartbeatRequest, OffsetCommitRequest])
async def test_a_request_to_a_coordinator_that_hangs_ends_and_its_connection_is_closed(
    request_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the next goes to whoever is the coordinator now."""
    monkeypatch.setattr(patience, "REQUEST_SECONDS", 0.01)
    client: Any = Client()
    client.hangs = True
    bound_group_requests(client, 0.01)
    request = object.__new__(request_of)
    with pytest.raises(RequestTimedOutError):
        async with asyncio.timeout(DEADLINE_SECONDS):
            await client.send(1, request, group=ConnectionGroup.COORDINATION)

    assert not client._conns[1, ConnectionGroup.COORDINATION].is_open


@pytest.mark.usefixtures("virtual_time")
@pytest.mark.parametrize("request_of", [JoinGroupRequest, SyncGroupRequest])
async def test_what_waits_for_the_other_members_waits_for_long(request_of: Any) -> None:
    """A rebalance lasts as long as the slowest member lets go."""
    client: Any = Client()
    client.hangs = True
    bound_group_requests(client, 0.01)
    joining = asyncio.create_task(client.send(1, object.__new__(request_of), group=ConnectionGroup.COORDINATION))
    with pytest.raises(RequestTimedOutError):
        await client.send(1, object.__new__(HeartbeatRequest), group=ConnectionGroup.COORDINATION)
    is_waiting = not joining.done()
    joining.cancel()
    other = await client._get_conn(1)

    assert is_waiting
    assert client._conns[1, ConnectionGroup.COORDINATION]._request_timeout == patience.JOIN_SECONDS
    assert other._request_timeout == 15.0


@pytest.mark.parametrize(
    "away",
    [
        [KafkaTimeoutError("Failed to get offsets by times in 40000 ms")],
        [KafkaConnectionError("Unable to bootstrap")],
        [NotCoordinatorForGroupError(), NodeNotReadyError(), KafkaTimeoutError()],
    ],
)
async def test_where_the_group_goes_on_is_asked_until_kafka_answers(
    away: list[KafkaError], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An agent that asks has records in hand: it must not end its worker because Kafka is away."""
    monkeypatch.setattr(group_lag, "RETRY_SECONDS", 0.0)
    lag, answers = GroupLag(Settings.model_construct(), "g"), iter(away)

    async def started() -> Any:
        for error in answers:
            raise error

        async def beginning_offsets(places: Any) -> Any:
            return dict.fromkeys(places, 3)

        async def committed(_: object) -> int:
            return 7

        return SimpleNamespace(beginning_offsets=beginning_offsets, committed=committed)

    lag._started = started  # type: ignore[method-assign]  # no Kafka here
    assert await asyncio.wait_for(lag.resumes_at(("t", 0)), DEADLINE_SECONDS) == 7


async def test_what_asking_again_does_not_change_is_raised() -> None:
    """A missing right is for a person."""
    lag = GroupLag(Settings.model_construct(), "g")

    async def started() -> Any:
        raise GroupAuthorizationFailedError("g")

    lag._started = started  # type: ignore[method-assign]  # no Kafka here
    with pytest.raises(GroupAuthorizationFailedError):
        await lag.resumes_at(("t", 0))


async def test_consumers_of_ours_and_of_faust_are_patient() -> None:
    """Whoever makes them."""
    settings = Settings(kafka=Kafka(), gateway=GatewaySettings(), worker=WorkerSettings(), connections={})
    ours = Consumer(bootstrap_servers="127.0.0.1:1")
    app = new_faust_app(settings, SimpleNamespace(group="g"), SimpleNamespace())  # type: ignore[arg-type]  # not asked
    app.finalize()
    thread = app.consumer._thread  # type: ignore[attr-defined]  # Faust's part
    theirs = thread._create_worker_consumer(app.transport)
    thread.thread_loop.close()
    produces = app.producer._new_producer()  # type: ignore[attr-defined]  # Faust's part
    ours._closed = theirs._closed = produces._closed = True  # none was ever started
    bounded = {one._metadata_update.__name__ for one in (ours._client, theirs._client, produces.client)}
    defaults = {one._client._get_conn.__name__ for one in (ours, theirs)}

    assert defaults == {"get_conn", "get_patient_conn"}
    assert bounded == {"update_bounded"}
    assert produces._request_timeout_ms == 15_000
    assert (theirs._retry_backoff_ms, theirs._request_timeout_ms) == (250, 15_000)
    assert ours._request_timeout_ms == 15_000


@asynccontextmanager
async def standing_still() -> AsyncIterator[int]:
    """A port that takes connections and says nothing, as that of a machine that stands still."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()


MINUTES_MS = 30 * 60 * 1000


@pytest.fixture
def in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first is asked first, and does not answer for long."""
    monkeypatch.setattr(random, "shuffle", lambda _: None)
    monkeypatch.setattr(patience, "CONNECT_SECONDS", 1.0)


@pytest.mark.usefixtures("in_order")
async def test_a_client_starts_though_its_first_broker_stands_still(embedded_kafka: Broker) -> None:
    """And though all were slow, it waits for its whole time."""
    async with standing_still() as port:
        client = AIOKafkaClient(
            bootstrap_servers=f"127.0.0.1:{port},{embedded_kafka.bootstrap}", request_timeout_ms=MINUTES_MS
        )
        bound_connecting(client)
        async with asyncio.timeout(DEADLINE_SECONDS):
            await client.bootstrap()
        await client.close()

        alone = AIOKafkaClient(bootstrap_servers=f"127.0.0.1:{port},127.0.0.1:{port}", request_timeout_ms=2_000)
        bound_connecting(alone)
        with pytest.raises(KafkaConnectionError):
            await asyncio.wait_for(alone.bootstrap(), DEADLINE_SECONDS)
        await alone.close()


async def test_a_client_that_is_cancelled_while_it_starts_leaves_no_connection(
    embedded_kafka: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page gives Kafka up after a few seconds, perhaps while the brokers are listed."""
    asked: asyncio.Queue[AIOKafkaConnection] = asyncio.Queue()
    send = AIOKafkaConnection.send

    async def hanging(self: AIOKafkaConnection, request: Any, **options: Any) -> Any:
        if isinstance(request, MetadataRequest):
            asked.put_nowait(self)
            await asyncio.Event().wait()
        return await send(self, request, **options)

    monkeypatch.setattr(AIOKafkaConnection, "send", hanging)
    client = AIOKafkaClient(bootstrap_servers=embedded_kafka.bootstrap, request_timeout_ms=MINUTES_MS)
    bound_connecting(client)
    starting = asyncio.create_task(client.bootstrap())
    connection = await asyncio.wait_for(asked.get(), DEADLINE_SECONDS)
    assert connection.connected()
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting

    assert not connection.connected()
    assert not patience._opened_by
    await client.close()


async def until_connected(client: AIOKafkaClient, node: int) -> Any:
    """A connection. On a busy machine it may take longer than the second that is given for it, and is tried again then."""
    while (connection := await client._get_conn(node)) is None:
        pass
    return connection


@pytest.mark.usefixtures("in_order")
async def test_metadata_comes_from_another_and_others_are_connected_to_while_one_stands_still(
    embedded_kafka: Broker,
) -> None:
    """Whether there is a connection to it already or not."""
    async with standing_still() as port:
        client = AIOKafkaClient(bootstrap_servers=embedded_kafka.bootstrap, request_timeout_ms=MINUTES_MS)
        bound_connecting(client)
        await client.bootstrap()
        [well] = client.cluster.brokers()
        still = BrokerMetadata(-7, "127.0.0.1", port, None)
        client.cluster._brokers = {still.nodeId: still, well.nodeId: well}
        async with asyncio.timeout(DEADLINE_SECONDS):
            both = await asyncio.gather(client._get_conn(still.nodeId), until_connected(client, well.nodeId))
            assert both[0] is None
            assert both[1]._request_timeout == MINUTES_MS / 1000
            while not await client.force_metadata_update():
                pass  # it, too, took longer than a second
        await client.close()


@pytest.mark.usefixtures("virtual_time")
async def test_who_coordinates_is_asked_of_another_when_one_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the session is over; the only broker is waited for."""
    monkeypatch.setattr(patience, "LOOKUP_SECONDS", 0.01)
    client: Any = Client()
    client.hangs = True
    client.cluster = SimpleNamespace(brokers=lambda: [1, 2])
    bound_group_requests(client, 5.0)
    request = FindCoordinatorRequest("group", 0)
    with pytest.raises(RequestTimedOutError):
        await asyncio.wait_for(client.send(1, request), DEADLINE_SECONDS)
    client.cluster.brokers = lambda: [1]
    waiting = asyncio.create_task(client.send(1, request))
    done, _ = await asyncio.wait([waiting], timeout=100 * patience.LOOKUP_SECONDS)
    waiting.cancel()

    assert not done
