"""Writes what a read of Lofty has found to `lofty.snapshots`, or to `parked` why it found nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.errors import ConnectorError, VendorError
from streams.core.rows import FetchRow
from streams.core.to_ghl.lead_opportunity import as_opportunity
from streams.core.to_ghl.read_result import snapshot_of
from streams.kafka.batching_producer import Record, RecordTooLarge
from streams.messages import Parked
from streams.telemetry.tracing import headers_of
from streams.worker.output import Output

log = logging.getLogger("lofty_ghl.lofty_reader")


@dataclass(frozen=True, slots=True)
class TooLarge:
    """A snapshot that the topic does not take: why, and its bytes."""

    why: str
    content: bytes | None


@dataclass(frozen=True, slots=True)
class ReadRecords:
    """The records of reads. `agent` finds a Lofty agent's name and e-mail for a state."""

    snapshots_topic: str
    output: Output
    agent: Callable[[str, Mapping[str, Any]], dict[str, str] | None]

    async def write_snapshot(
        self,
        partition: int,
        row: FetchRow,
        state: dict[str, Any] | None,
        read_ms: int | None = None,
        moved_to: str = "",
    ) -> TooLarge | None:
        """Write what a pending read has found; `state` None means that the entity is gone, `read_ms` that it was found earlier.

        `moved_to` is the lead on which it hangs now.
        """
        if state is not None and (agent := self.agent(row.connection, state)):
            state = {**state, "_agent": agent}
        snapshot = snapshot_of(row, state, read_ms=self.output.now_ms() if read_ms is None else read_ms)
        if row.kind == "opportunity":
            snapshot = as_opportunity(snapshot)
        if moved_to:
            snapshot = snapshot.model_copy(update={"moved_to": moved_to})
        record = Record(
            self.snapshots_topic, partition, row.entity.key.encode(), snapshot.to_bytes(), headers_of(snapshot.trace)
        )
        if record.size > self.output.parking.limits.state:
            most = self.output.parking.limits.state
            why = f"it has {record.size} bytes, at most {most} can be kept beside earlier states"
            return TooLarge(why, record.value)
        try:
            await self.output.produce([record])
        except RecordTooLarge as error:  # the topic takes less than our limits say
            return TooLarge(str(error), record.value)
        return None

    async def park(
        self, row: FetchRow, reason: str, error: ConnectorError | None, message: str = "", original: bytes | None = None
    ) -> None:
        """Park a pending read, with Lofty's own words or ours."""
        answer = error if isinstance(error, VendorError) else None
        parked = Parked(
            stage="fetch",
            reason=reason,
            message=message or str(error),
            at_ms=self.output.now_ms(),
            source="read",
            entity=row.entity.key,
            connection=row.connection,
            status=answer.status if answer else None,
            original=Parked.encode(row.to_bytes() if original is None else original),
        )
        await self.output.park(parked)
        log.warning("%s is parked until it changes again: %s", row.entity.key, parked.message)
