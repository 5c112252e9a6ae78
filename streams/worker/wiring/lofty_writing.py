"""Puts together what writes to Lofty."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from streams.core.scheduling.retry import Retry
from streams.core.to_lofty.plan import lead_body
from streams.core.to_lofty.rows import LoftyCommandRow
from streams.mapping import map_contact
from streams.messages.topics import LOFTY_RECEIPTS, LOFTY_WRITES
from streams.worker.dispatch.lofty_receipts import LoftyReceipts
from streams.worker.dispatch.lofty_team import LoftyTeam
from streams.worker.dispatch.lofty_writer import LoftyWriter
from streams.worker.dispatch.loop import DispatchLoop
from streams.worker.parts import WorkerParts


def new_lofty_writer(
    parts: WorkerParts, loop: DispatchLoop, teams: Mapping[str, LoftyTeam], retry: Retry, touched: Callable[[str], None]
) -> LoftyWriter:
    """The handler of Lofty commands in the reading dispatcher `loop`."""
    connections, metrics = parts.connections, parts.deps.metrics

    def compare(row: LoftyCommandRow, lead: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
        c = connections[row.write.connection]
        return lead_body(row.write, lead, map_contact(c.mapping, lead, region=c.region).fields, c.back)

    return LoftyWriter(
        teams=teams,
        commands=parts.tables.lofty_commands,
        receipts=LoftyReceipts(parts.names.of(LOFTY_RECEIPTS), parts.output),
        writes_topic=parts.names.of(LOFTY_WRITES),
        output=parts.output,
        loop=loop,
        retry=retry,
        compare=compare,
        touched=touched,
        flows=lambda connection: connections.flows(connection, "to_lofty"),
        count=lambda *labels: metrics.lofty_writes.labels(*labels).inc(),
    )
