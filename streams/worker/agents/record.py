"""`record`: receipts become links. `ghl.receipts` → tables `links` and `outbox`; then the lane is free for its next request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from streams.core.rows import LinkRow, OutboxRow
from streams.core.to_ghl.apply_receipt import (
    comes_back,
    has_won_back,
    is_overtaken,
    record_link,
    record_outbox,
    unsettle,
)
from streams.kafka.batching_producer import Record
from streams.kafka.tables import Table
from streams.messages import FENCE_KEY, Entity, InvalidMessage, Receipt, Snapshot
from streams.worker.agents.batches import Process
from streams.worker.output import Output
from streams.worker.partitions.applied_offsets import AppliedOffsets


def record(
    *,
    links: Table[LinkRow],
    outbox: Table[OutboxRow],
    output: Output,
    settled_as: Callable[[Snapshot], str],
    request_read: Callable[[Entity, int], asyncio.Future[int]],
    applied_offsets: AppliedOffsets,
    linked: Callable[[int, Entity, LinkRow], object],
    flush_linked: Callable[[], Awaitable[None]],
) -> Process:
    """The agent's process.

    `settled_as` is what a receipt reads when it satisfies a snapshot under the mapping in force.
    `linked(partition, entity, link)` is called with each link that has changed: GHL ids lead back to it, by rows
    that `flush_linked` waits for.
    `request_read(entity, update_time_ms)` asks Lofty for the notes and tasks of a contact that has come back, and for what was
    found unchanged and has become unknown since.
    """

    async def unsettle_children(partition: int, owner: Entity, contact_id: str) -> None:
        found = [
            (key, child, unsettled)
            for key, child in links.items(partition, f"{owner.lane}:")
            if key != owner.key and (unsettled := unsettle(child, contact_id)) is not None
        ]
        # Asked before the contact's link says that it is there: after a crash in between, this receipt asks again.
        if found:
            await asyncio.gather(*(request_read(Entity.from_key(key), child.version_ms) for key, child, _ in found))
        for key, _, unsettled in found:
            links.put(partition, key, unsettled)

    async def process(messages: list[Any]) -> None:
        parked: list[Record] = []
        newest: dict[int, int] = {}
        for message in messages:
            newest[message.partition] = message.offset
            if message.key == FENCE_KEY:
                continue
            try:
                receipt = Receipt.from_bytes(message.value)
            except InvalidMessage as error:
                parked.append(output.parking.unreadable("record", message, error, output.now_ms()))
                continue
            partition, key = message.partition, receipt.entity.key
            before = links.get(partition, key)
            after = record_link(before, receipt)
            if after.ghl_id is not None and comes_back(before, receipt):
                await unsettle_children(partition, receipt.entity, after.ghl_id)
            if is_overtaken(before, receipt):
                await request_read(receipt.entity, receipt.version_ms)
            if after != before:
                links.put(partition, key, after)
                linked(partition, receipt.entity, after)
            row = outbox.get(partition, key)
            wanted = settled_as(row.snapshot) if row is not None else ""
            if before is not None and has_won_back(before, receipt):
                receipt = receipt.model_copy(update={"settled": ""})  # the row stays: it is planned once more
            remaining = record_outbox(row, receipt, before, wanted=wanted)
            if remaining is None and row is not None:
                outbox.delete(partition, key)
            elif remaining is not None and remaining != row:
                outbox.put(partition, key, remaining)
        await output.produce(parked)
        await links.flush()
        await outbox.flush()
        await flush_linked()
        for partition, offset in newest.items():
            applied_offsets.advance(partition, offset)

    return process
