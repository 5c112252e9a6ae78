"""Writes the receipts of what was done in Lofty: for reports, nothing is decided by them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from connectors.errors import VendorError
from streams.core.to_lofty.rows import LoftyCommandRow
from streams.kafka.batching_producer import Record
from streams.messages.lofty_command import LoftyReceipt
from streams.worker.output import Output


@dataclass(frozen=True, slots=True)
class LoftyReceipts:
    """The receipts on `topic`."""

    topic: str
    output: Output

    async def write(
        self,
        row: LoftyCommandRow,
        partition: int,
        outcome: Literal["intended", "applied", "unchanged", "failed", "refused"],
        step: str,
        answer: VendorError | None = None,
        message: str | None = None,
    ) -> None:
        """Write the result of one request for a Lofty command; returns when Kafka has it."""
        write = row.write
        receipt = LoftyReceipt(
            connection=write.connection,
            lead=write.lead,
            about=write.about,
            outcome=outcome,
            step=f"{step} {write.target}",
            at_ms=self.output.now_ms(),
            lofty_id=row.lofty_id,
            status=answer.status if answer else None,
            message=message,
            because=write.because,
            accepted_ms=write.accepted_ms,
        )
        await self.output.produce([Record(self.topic, partition, write.lane.encode(), receipt.to_bytes())])
