"""`deliver`: the latest snapshot becomes the desired state. `lofty.snapshots` → table `outbox`, and offers to the writer.

A snapshot that its link already satisfies needs no write and no row: replaying a whole topic costs one comparison each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streams.core.rows import LinkRow, OutboxRow
from streams.core.to_ghl.delivery import accept, desire
from streams.kafka.batching_producer import BatchingProducer, Record
from streams.kafka.parking import Parking
from streams.kafka.tables import Table
from streams.messages import Receipt, Snapshot
from streams.worker.agents.batches import Process
from streams.worker.agents.each_record import EachRecord


def deliver(
    *,
    outbox: Table[OutboxRow],
    links: Table[LinkRow],
    batching_producer: BatchingProducer,
    parking: Parking,
    receipts_topic: str,
    settled_as: Callable[[Snapshot], str],
    offer: Callable[[OutboxRow], None],
    epoch: Callable[[int], int],
    under_way: Callable[[str], Snapshot | None],
    now_ms: Callable[[], int],
    count: Callable[[str, str], None],
) -> Process:
    """The agent's process. `settled_as` is what a link reads when it satisfies a snapshot under the mapping in force.

    `count(decision, connection)` is told what became of each. `epoch` is ours as the owner of a partition.
    `under_way` is the state of an entity that is being written right now.
    """

    each = EachRecord("deliver", parking, now_ms, lambda: count("parked", ""))

    async def process(messages: list[Any]) -> None:
        outputs: list[Record] = []
        due: dict[tuple[int, str], OutboxRow] = {}
        for message in messages:
            with each.of(message, outputs):
                if message.value is None:
                    continue  # Kafka's own tombstone: the key was cleaned away by a person; nothing is wanted
                snapshot = Snapshot.from_bytes(message.value)
                place = (message.partition, snapshot.entity.key)
                row, link = outbox.get(*place), links.get(*place)
                wanted = settled_as(snapshot)
                acceptance = accept(row, link, snapshot, wanted)
                count(acceptance, snapshot.connection)
                if acceptance == "unchanged":
                    receipt = _unchanged(snapshot, now_ms(), epoch(message.partition))
                    outputs.append(Record(receipts_topic, message.partition, message.key, receipt.to_bytes()))
                elif acceptance == "accepted":
                    row = desire(row, snapshot, epoch(message.partition), under_way(snapshot.entity.key))
                    outbox.put(*place, row)
                    due[place] = row
        await batching_producer.produce(outputs)
        await outbox.flush()
        for row in due.values():
            offer(row)

    return process


def _unchanged(snapshot: Snapshot, now_ms: int, epoch: int) -> Receipt:
    """It settles nothing: that is for the entity's lane alone to say (`core/to_ghl/apply_receipt.py`)."""
    return Receipt(
        connection=snapshot.connection,
        lead=snapshot.lead,
        kind=snapshot.kind,
        id=snapshot.id,
        outcome="unchanged",
        step="compare",
        at_ms=now_ms,
        version_ms=snapshot.version_ms,
        update_time_ms=snapshot.update_time_ms,
        accepted_ms=snapshot.accepted_ms,
        epoch=epoch,
    )
