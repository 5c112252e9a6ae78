"""`deliver`: the latest snapshot becomes the desired state. `lofty.snapshots` → table `outbox`, and offers to the writer.

A snapshot that its link already satisfies needs no write and no row: replaying a whole topic costs one comparison each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streams.core.rows import OutboxRow
from streams.core.to_ghl.delivery import accept
from streams.kafka.batching_producer import Record
from streams.messages import Receipt, Snapshot
from streams.telemetry.tracing import headers_of
from streams.worker.agents.batches import Process
from streams.worker.agents.desired_states import DesiredStates
from streams.worker.agents.each_record import EachRecord
from streams.worker.output import Output


def deliver(
    *,
    desired: DesiredStates,
    output: Output,
    receipts_topic: str,
    snapshots_topic: str,
    count: Callable[[str, str], None],
) -> Process:
    """The agent's process. `count(decision, connection)` counts what became of each snapshot.

    What a lead's snapshot says of its opportunity goes to `snapshots_topic`, and comes back as a snapshot of its own.
    """

    each = EachRecord("deliver", output, lambda: count("parked", ""))

    async def process(messages: list[Any]) -> None:
        outputs: list[Record] = []
        due: dict[str, OutboxRow] = {}
        for message in messages:
            with each.of(message, outputs):
                if message.value is None:
                    continue  # Kafka's own tombstone: the key was cleaned away by a person; nothing is wanted
                snapshot = Snapshot.from_bytes(message.value)
                partition, key = message.partition, snapshot.entity.key
                row, link = desired.outbox.get(partition, key), desired.links.get(partition, key)
                acceptance = accept(row, link, snapshot, desired.wanted(snapshot, link))
                count(acceptance, snapshot.connection)
                if acceptance == "unchanged":
                    receipt = _unchanged(snapshot, output.now_ms(), desired.epoch(partition))
                    outputs.append(Record(receipts_topic, partition, message.key, receipt.to_bytes()))
                elif acceptance == "accepted":
                    due[key] = desired.put(partition, snapshot)
                if acceptance != "stale":
                    outputs += opportunity_records(desired, snapshots_topic, partition, snapshot)
        await output.produce(outputs)
        await desired.offer_all(due)

    return process


def opportunity_records(desired: DesiredStates, topic: str, partition: int, lead: Snapshot) -> list[Record]:
    """The snapshot of a lead's opportunity, if there is news of it."""
    found = desired.opportunity(partition, lead)
    if found is None:
        return []
    return [Record(topic, partition, found.entity.key.encode(), found.to_bytes(), headers_of(found.trace))]


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
