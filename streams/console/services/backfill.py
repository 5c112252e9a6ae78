"""Backfills: how far each connection's reading of Lofty is, and ordering one.

The workers do it, and go on over restarts of workers and gateways alike; here it is only ordered and watched.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from streams.console.auth.audit_log import Actor, AuditWriter
from streams.console.auth.scope import check_visible, no_such_connection, visible
from streams.console.errors import Conflict
from streams.console.services.kafka_errors import on_kafka, seconds_left, unreachable
from streams.core.rows import SweepRow
from streams.kafka.followed_topic import FollowedTopic
from streams.kafka.topic_reader import KafkaRecord
from streams.messages import InvalidMessage
from streams.messages.topics import SWEEPS_TABLE
from streams.operations.backfill import Backfill, Estimate
from streams.settings import Connection, Settings
from streams.settings.partitions import ConnectionPartitions

FIRST_READ_SECONDS = 10.0

Rows = dict[tuple[int, str], SweepRow]
"""By partition and connection: one that moves to another limit of Lofty leaves its row behind where it was."""


@dataclass(frozen=True, slots=True)
class BackfillState:
    """How far one connection's reading is. `kind`: what runs now (`new`, `full`, `backfill`), empty for nothing.

    `is_ordered`: an import is under way or waits for a worker. `leads` of `total` were read by this run, or by the last.
    `is_imported`: an import, or a check of all leads, has ended at some time.
    """

    connection: str
    is_ordered: bool
    kind: str
    started_ms: int
    leads: int
    changes: int
    total: int | None
    minutes: float | None
    estimate: str
    new_ended_ms: int
    full_ended_ms: int
    requests_per_minute: int
    is_imported: bool


class Backfills:
    """Of all connections."""

    def __init__(self, settings: Callable[[], Settings], audit: AuditWriter, now_ms: Callable[[], int]) -> None:
        self._settings = settings
        self._audit = audit
        self._now_ms = now_ms
        self.followed = FollowedTopic(settings(), SWEEPS_TABLE, Rows, _take, is_table=True)

    async def all(self) -> tuple[BackfillState, ...]:
        """Every connection that whoever asks may see."""
        known = visible(sorted(self._settings().connections.items()), lambda pair: pair[0])
        return tuple([_state(one, await self.row(one) or SweepRow()) for _, one in known])

    async def start(self) -> None:
        """Follow how far the workers are."""
        self.followed.start()

    async def stop(self) -> None:
        """Stop following."""
        await self.followed.stop()

    async def row(self, connection: Connection) -> SweepRow | None:
        """How far the worker is with a connection; None where it has not begun. Raises `Unavailable`."""
        if not await self.followed.until_read(seconds_left(FIRST_READ_SECONDS)):
            raise unreachable(self.followed.problem)
        partition = ConnectionPartitions(self._settings()).lofty(connection)
        return self.followed.known.get((partition, connection.name))

    async def order(self, by: Actor, connection: str) -> BackfillState:
        """Order one. Raises `Conflict` when one is under way."""
        check_visible(connection)
        chosen = self._settings().connections.get(connection)
        if chosen is None:
            raise no_such_connection(connection)
        async with self._audit.acting(by, "backfill", {"connection": connection}) as result:

            async def order() -> SweepRow:
                async with Backfill(self._settings(), chosen) as one:
                    if one.is_under_way:
                        raise Conflict(f"An import of {connection} is under way already.")
                    order_id = uuid.uuid4().hex[:12]
                    await one.order(order_id, self._now_ms(), by.name)
                    result.detail = f"order {order_id}"
                    return one.row

            row = await on_kafka(order)
        state = _state(chosen, row)
        return BackfillState(**{**{name: getattr(state, name) for name in BackfillState.__slots__}, "is_ordered": True})


def _take(rows: Rows, record: KafkaRecord) -> None:
    where = record.partition, (record.key or b"").decode(errors="replace")
    if record.value is None:
        rows.pop(where, None)
        return
    with suppress(InvalidMessage):  # another release wrote it; the row before stays
        rows[where] = SweepRow.from_bytes(record.value)


def _state(connection: Connection, row: SweepRow) -> BackfillState:
    estimate = Estimate(row.total, connection.lofty.requests_per_minute)
    minutes = estimate.minutes
    return BackfillState(
        connection=connection.name,
        is_ordered=row.ordered != row.served,
        kind=row.kind or "",
        started_ms=row.started_ms,
        leads=row.leads,
        changes=row.changes,
        total=row.total,
        minutes=None if minutes is None else round(minutes, 1),
        estimate=str(estimate),
        new_ended_ms=row.new_read_ms,
        full_ended_ms=row.full_read_ms,
        requests_per_minute=connection.lofty.requests_per_minute,
        is_imported=bool(row.served or row.full_read_ms),
    )
