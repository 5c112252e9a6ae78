"""Timeouts that aiokafka's clients lack: their single timeout is too short for some requests, and too long for others.

- `patient`: a broker that refused a connection is left alone for a moment.
- `bound_connecting`: a broker that accepts a connection and does not answer blocks nobody, while there is another to ask.
- `bound_group_requests`: each request of a group member to its coordinator has its own timeout.

A client that is cancelled while it starts leaves no connection behind (`_closing_at_cancellation`).
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

import aiokafka.client
from aiokafka.client import AIOKafkaClient, ConnectionGroup
from aiokafka.cluster import ClusterMetadata
from aiokafka.conn import AIOKafkaConnection, CloseReason, create_conn
from aiokafka.errors import KafkaConnectionError, KafkaError, RequestTimedOutError
from aiokafka.protocol.metadata import MetadataRequest

CONNECT_SECONDS = 3.0
"""How long a broker may take to accept a client, or to list the brokers, while there is another one to ask."""

LEAST_RECONNECT_SECONDS = 0.05
MOST_RECONNECT_SECONDS = 1.0
"""The pause after a broker refused a connection: the first one, and the longest. As in Java's client."""


_opened_by: dict[asyncio.Task[Any] | None, list[AIOKafkaConnection]] = {}


async def _noted_conn(*place: Any, **options: Any) -> AIOKafkaConnection:
    connection = await create_conn(*place, **options)
    if (opened := _opened_by.get(asyncio.current_task())) is not None:
        opened.append(connection)
    return connection


aiokafka.client.create_conn = _noted_conn


@contextmanager
def _closing_at_cancellation() -> Iterator[None]:
    """Close what was opened within, if that is cancelled.

    XXX: aiokafka's clients list the brokers over a first connection, which they close when that ends or fails, but not when it
    is cancelled: a page that gives Kafka up after its few seconds left it to the garbage collector. To be removed once aiokafka
    closes it in a `finally`.
    """
    task = asyncio.current_task()
    opened = _opened_by[task] = []
    try:
        yield
    except asyncio.CancelledError:
        for connection in opened:
            connection.close()
        raise
    finally:
        del _opened_by[task]


def patient(
    client: AIOKafkaClient,
    *,
    now: Callable[[], float] = time.monotonic,
    rest: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Let a client pause before it reconnects to a broker that refused; who needs that broker waits meanwhile.

    XXX: aiokafka reconnects as often as its fetcher, its coordinator and its metadata refresh ask, and each failure wakes that
    refresh. Together those of a worker made forty attempts a second while Kafka was away. To be removed once aiokafka has a
    setting such as Java's `reconnect.backoff.max.ms`.
    """
    call = client._get_conn
    refused: dict[Any, int] = {}
    until: dict[Any, float] = {}

    async def get_conn(node_id: Any, *, group: Any = ConnectionGroup.DEFAULT, **options: Any) -> Any:
        known = client._conns.get((node_id, group))
        if (known is None or not known.connected()) and (seconds := until.get(node_id, 0.0) - now()) > 0:
            await rest(seconds)
            if until.get(node_id, 0.0) > now():
                return None  # another caller has just tried, in vain
        connection = await call(node_id, group=group, **options)
        if connection is not None:
            refused.pop(node_id, None)
            until.pop(node_id, None)
        elif until.get(node_id, 0.0) <= now():  # of several concurrent attempts, one counts
            times = refused[node_id] = refused.get(node_id, 0) + 1
            until[node_id] = now() + min(MOST_RECONNECT_SECONDS, LEAST_RECONNECT_SECONDS * 2 ** min(times - 1, 10))
        return connection

    client._get_conn = get_conn


def bound_connecting(client: AIOKafkaClient) -> None:
    """Let a client ask the next broker when one does not answer in `CONNECT_SECONDS`.

    XXX: aiokafka has one timeout for all requests, and its clients open one connection after another: a broker that hangs keeps
    each of them from its start, from all other brokers and from newer metadata for that long. To be removed once aiokafka has
    a setting such as Java's `socket.connection.setup.timeout.ms`.
    """
    bootstrap, call, update = client.bootstrap, client._get_conn, client._metadata_update
    silent_at: dict[Any, float] = {}
    whole_ms = client._request_timeout_ms
    short_ms = min(whole_ms, int(CONNECT_SECONDS * 1000))

    async def bootstrap_bounded() -> None:
        with _closing_at_cancellation():
            await bootstrap_from_one()

    async def bootstrap_from_one() -> None:
        if len(client.hosts) > 1:
            client._request_timeout_ms = short_ms
            try:
                await bootstrap()
            except KafkaConnectionError:
                pass  # none answers soon: perhaps all are slow
            else:
                return
        client._request_timeout_ms = whole_ms
        await bootstrap()

    async def get_conn(node_id: Any, *, group: Any = ConnectionGroup.DEFAULT, **options: Any) -> Any:
        known = client._conns.get((node_id, group))
        if known is not None and known.connected():
            return known
        client._request_timeout_ms = short_ms if len(client.cluster.brokers()) > 1 else whole_ms
        connection = await call(node_id, group=group, **options)
        if connection is not None:
            connection._request_timeout = whole_ms / 1000
        return connection

    async def update_bounded(cluster: ClusterMetadata, topics: Collection[str]) -> bool:
        nodes = [broker.nodeId for broker in client.cluster.brokers()]
        random.shuffle(nodes)
        if len(nodes) > 1:
            request = MetadataRequest(list(topics) if topics else None)
            for node in sorted(
                nodes, key=lambda one: silent_at.get(one, 0.0)
            ):  # the broker that was silent last comes last
                try:
                    async with asyncio.timeout(CONNECT_SECONDS):
                        if (connection := await client._get_conn(node)) is None:
                            continue
                        metadata = await connection.send(request)
                except (KafkaError, TimeoutError):
                    silent_at[node] = time.monotonic()
                    continue
                silent_at.pop(node, None)
                if metadata.brokers:
                    cluster.update_metadata(metadata)
                return bool(metadata.brokers)
        return bool(await update(cluster, topics))  # perhaps all are slow

    client.bootstrap = bootstrap_bounded
    client._get_conn = get_conn
    client._metadata_update = update_bounded


REQUEST_SECONDS = 15.0
"""How long a consumer waits for an answer, before it gives a hanging broker up and asks another."""

JOIN_SECONDS = 90.0
"""The same for answers that depend on the other members of a group."""


LOOKUP_SECONDS = 2.0
"""How long to wait for one broker's answer about the group's coordinator, while there is another to ask."""


def bound_group_requests(client: AIOKafkaClient, heartbeat_seconds: float) -> None:
    """Bound a group member's requests to its coordinator: late where they wait for other members, early for a heartbeat.

    aiokafka has one timeout for all. Long enough for a rebalance, it is longer than a session: a coordinator that hangs
    would cost a member its partitions although another broker has replaced it.
    """
    get_conn, send = client._get_conn, client.send

    async def get_patient_conn(node_id: Any, *, group: Any = ConnectionGroup.DEFAULT, **options: Any) -> Any:
        connection = await get_conn(node_id, group=group, **options)
        if connection is not None and group == ConnectionGroup.COORDINATION:
            connection._request_timeout = JOIN_SECONDS
        return connection

    async def send_bounded(node_id: Any, request: Any, *, group: Any = ConnectionGroup.DEFAULT) -> Any:
        kind = type(request).__name__
        if kind.startswith("FindCoordinator") and len(client.cluster.brokers()) > 1:
            try:  # the next attempt picks another broker at random
                async with asyncio.timeout(LOOKUP_SECONDS):
                    return await send(node_id, request, group=group)
            except TimeoutError:
                raise RequestTimedOutError from None
        if group != ConnectionGroup.COORDINATION or kind.startswith(("JoinGroup", "SyncGroup")):
            return await send(node_id, request, group=group)
        try:
            async with asyncio.timeout(heartbeat_seconds if kind.startswith("Heartbeat") else REQUEST_SECONDS):
                return await send(node_id, request, group=group)
        except TimeoutError:
            if (connection := client._conns.get((node_id, group))) is not None:
                connection.close(reason=CloseReason.CONNECTION_TIMEOUT)
            raise RequestTimedOutError from None

    client._get_conn = get_patient_conn
    client.send = send_bounded
