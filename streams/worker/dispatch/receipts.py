"""Writes receipts: appended with all acknowledgements, then waited for until they are in the tables."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from streams.core.rows import OutboxRow
from streams.kafka.batching_producer import BatchingProducer, Record
from streams.messages import Entity, Outcome, Receipt
from streams.telemetry.tracing import headers_of
from streams.worker.partitions.applied_offsets import AppliedOffsets


class Receipts:
    """The history of what was written, one partition per GHL budget. `epoch` is ours as the owner of a connection's."""

    def __init__(
        self,
        topic: str,
        batching_producer: BatchingProducer,
        applied_offsets: AppliedOffsets,
        now_ms: Callable[[], int],
        epoch: Callable[[str], int],
    ) -> None:
        self._topic = topic
        self._batching_producer = batching_producer
        self._applied_offsets = applied_offsets
        self.now_ms = now_ms
        self.epoch = epoch

    def make(self, row: OutboxRow, outcome: Outcome, step: str, **facts: Any) -> Receipt:
        """A receipt about the desired state of `row`."""
        snapshot = row.snapshot
        return Receipt(
            connection=snapshot.connection,
            lead=snapshot.lead,
            kind=snapshot.kind,
            id=snapshot.id,
            outcome=outcome,
            step=step,
            at_ms=self.now_ms(),
            version_ms=snapshot.version_ms,
            fingerprint=snapshot.fingerprint,
            attempt=row.attempts + 1,
            update_time_ms=snapshot.update_time_ms,
            accepted_ms=snapshot.accepted_ms,
            epoch=self.epoch(snapshot.connection),
            trace=snapshot.trace,
            is_gone=snapshot.is_gone and snapshot.kind == "contact",
            **facts,
        )

    def about(self, entity: Entity, outcome: Outcome, step: str, **facts: Any) -> Receipt:
        """A receipt about an entity as such, whatever its desired state is."""
        return Receipt(
            connection=entity.connection,
            lead=entity.lead,
            kind=entity.kind,
            id=entity.id,
            outcome=outcome,
            step=step,
            at_ms=self.now_ms(),
            version_ms=0,
            epoch=self.epoch(entity.connection),
            **facts,
        )

    async def write(self, partition: int, receipt: Receipt) -> int:
        """Append a receipt; returns its offset once Kafka has it for good."""
        record = Record(
            self._topic, partition, receipt.entity.key.encode(), receipt.to_bytes(), headers_of(receipt.trace)
        )
        return (await self._batching_producer.produce([record]))[0]

    @asynccontextmanager
    async def intending(self, partition: int, intent: Receipt) -> AsyncIterator[None]:
        """Append an intent, and leave only once it is in the tables: the next plan must see it, whatever has gone wrong."""
        offset = await self.write(partition, intent)
        try:
            yield
        except Exception:
            await self._applied_offsets.wait(partition, offset)
            raise
        await self._applied_offsets.wait(partition, offset)

    async def settle(self, partition: int, receipt: Receipt) -> None:
        """Append a receipt and wait until it is in the tables."""
        await self._applied_offsets.wait(partition, await self.write(partition, receipt))
