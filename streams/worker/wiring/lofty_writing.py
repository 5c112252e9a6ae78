"""Puts together what writes to Lofty."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from streams.core.scheduling.retry import Retry
from streams.core.to_ghl.opportunity import stage_hash
from streams.core.to_lofty.plan import lead_body, stage_body
from streams.core.to_lofty.rows import LoftyCommandRow
from streams.kafka.batching_producer import Record
from streams.mapping import StageTable, map_contact
from streams.mapping.lofty_sync import STAGE, STAGE_WRITTEN
from streams.messages.ghl_event import GhlEvent
from streams.messages.lofty_command import STAGE_COMMAND
from streams.messages.topics import GHL_CHANGES, LOFTY_RECEIPTS, LOFTY_WRITES
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
        if row.write.about == STAGE_COMMAND:
            return stage_body(row, lead, StageTable(c.stages), c.back.stage)
        return lead_body(row.write, lead, map_contact(c.mapping, lead, region=c.region).fields, c.back)

    async def ended(row: LoftyCommandRow) -> None:
        """Report it to where the contact's events are judged."""
        command = row.write
        c = connections.get(command.connection)
        if c is None:
            return
        now_ms = parts.deps.now_ms()
        event = GhlEvent(
            type=STAGE_WRITTEN,
            location=c.ghl.location_id,
            id=command.contact,
            contact=command.contact,
            at_ms=now_ms,
            accepted_ms=now_ms,
            body={"stage": stage_hash((command.state or {}).get("fields", {}).get(STAGE))},
        )
        topic, partition = parts.names.of(GHL_CHANGES), connections.ghl(c)
        await parts.output.produce([Record(topic, partition, event.lane.encode(), event.to_bytes())])

    return LoftyWriter(
        teams=teams,
        commands=parts.tables.lofty_commands,
        receipts=LoftyReceipts(parts.names.of(LOFTY_RECEIPTS), parts.output),
        writes_topic=parts.names.of(LOFTY_WRITES),
        output=parts.output,
        loop=loop,
        retry=retry,
        compare=compare,
        ended=ended,
        touched=touched,
        flows=lambda connection: connections.flows(connection, "to_lofty"),
        count=lambda *labels: metrics.lofty_writes.labels(*labels).inc(),
    )
