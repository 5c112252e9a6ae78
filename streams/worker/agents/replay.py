"""`replay`: a snapshot is brought to GHL once more. `lofty.replays` → table `outbox`, and offers to the writer.

Behind all live work: its topic is its own, so that no snapshot queues behind it, and what it offers has the priority of its
origin. It never brings an older state back: see `accept_again`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streams.core.rows import LinkRow, OutboxRow
from streams.core.to_ghl.delivery import accept_again, desire
from streams.kafka.batching_producer import BatchingProducer, Record
from streams.kafka.parking import Parking
from streams.kafka.tables import Table
from streams.messages import Redelivery, Snapshot
from streams.worker.agents.batches import Process
from streams.worker.agents.each_record import EachRecord


def replay(
    *,
    outbox: Table[OutboxRow],
    links: Table[LinkRow],
    batching_producer: BatchingProducer,
    parking: Parking,
    settled_as: Callable[[Snapshot], str],
    offer: Callable[[OutboxRow], None],
    epoch: Callable[[int], int],
    under_way: Callable[[str], Snapshot | None],
    now_ms: Callable[[], int],
    count: Callable[[str], None],
) -> Process:
    """The agent's process; its arguments are those of `deliver`."""

    each = EachRecord("replay", parking, now_ms, lambda: count("parked"))

    async def process(messages: list[Any]) -> None:
        parked: list[Record] = []
        due: dict[tuple[int, str], OutboxRow] = {}
        for message in messages:
            with each.of(message, parked):
                snapshot = Redelivery.from_bytes(message.value).snapshot
                place = (message.partition, snapshot.entity.key)
                row = outbox.get(*place)
                acceptance = accept_again(row, links.get(*place), snapshot, settled_as(snapshot))
                count(acceptance)
                if acceptance == "accepted":
                    again = snapshot.model_copy(update={"origin": "replay"})
                    row = desire(row, again, epoch(message.partition), under_way(snapshot.entity.key))
                    outbox.put(*place, row)
                    due[place] = row
        await batching_producer.produce(parked)
        await outbox.flush()
        for row in due.values():
            offer(row)

    return process
