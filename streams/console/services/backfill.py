"""Backfills: how far each connection's reading of Lofty is, and ordering one.

The workers do it, and go on over restarts of workers and gateways alike; here it is only ordered and watched.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from streams.console.auth.audit_log import Actor, AuditWriter
from streams.console.auth.scope import check_visible, no_such_connection, visible
from streams.console.errors import Conflict
from streams.console.services.kafka_errors import KafkaTurn, on_kafka
from streams.core.rows import SweepRow
from streams.kafka.topic_reader import each_record
from streams.messages import InvalidMessage
from streams.messages.topics import SWEEPS_TABLE, TopicNames
from streams.operations.backfill import Backfill, Estimate
from streams.settings import Connection, Settings
from streams.settings.partitions import ConnectionPartitions

KEPT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class BackfillState:
    """How far one connection's reading is. `kind`: what runs now (new, full, backfill), empty for nothing.

    `is_ordered`: a backfill is under way or waits for a worker. `leads` of `total` were read by this run, or by the last.
    `is_imported`: a backfill, or a check of all leads, has ended at some time.
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
        self._kept: tuple[float, dict[str, SweepRow]] = (-KEPT_SECONDS, {})
        self._looking = KafkaTurn()

    async def all(self) -> tuple[BackfillState, ...]:
        """Every connection that whoever asks may see."""
        rows = await self._rows()
        known = visible(sorted(self._settings().connections.items()), lambda pair: pair[0])
        return tuple(_state(one, rows.get(name, SweepRow())) for name, one in known)

    async def rows(self) -> dict[str, SweepRow]:
        """The row of each connection that has one."""
        return await self._rows()

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
        self._kept = (-KEPT_SECONDS, {})
        state = _state(chosen, row)
        return BackfillState(**{**{name: getattr(state, name) for name in BackfillState.__slots__}, "is_ordered": True})

    async def _rows(self) -> dict[str, SweepRow]:
        async with self._looking:
            at, rows = self._kept
            if time.monotonic() - at < KEPT_SECONDS:
                return rows

            async def read() -> dict[str, SweepRow]:
                connection_partitions = ConnectionPartitions(self._settings())
                partitions = sorted({connection_partitions.lofty(one) for one in self._settings().connections.values()})
                topic = TopicNames(self._settings().kafka.topic_prefix).changelog(SWEEPS_TABLE)
                found: dict[str, SweepRow] = {}
                async for record in each_record(self._settings(), topic, partitions):
                    try:
                        found[(record.key or b"").decode()] = SweepRow.from_bytes(record.value or b"")
                    except InvalidMessage:
                        continue
                return found

            rows = await on_kafka(read)
            self._kept = (time.monotonic(), rows)
            return rows


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
