"""`sweep`: takes orders of backfills. `lofty.sweeps` → table `sweeps`; the sweeper does the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streams.core.rows import SweepRow
from streams.kafka.batching_producer import BatchingProducer, Record
from streams.kafka.parking import Parking
from streams.kafka.tables import Table
from streams.messages import BackfillOrder
from streams.worker.agents.batches import Process
from streams.worker.agents.each_record import EachRecord


def sweep(
    *,
    sweeps: Table[SweepRow],
    batching_producer: BatchingProducer,
    parking: Parking,
    offer: Callable[[str], None],
    now_ms: Callable[[], int],
) -> Process:
    """The agent's process. `offer` tells that a connection's sweep has something to do."""

    each = EachRecord("sweep", parking, now_ms)

    async def process(messages: list[Any]) -> None:
        parked: list[Record] = []
        ordered: set[str] = set()
        for message in messages:
            with each.of(message, parked):
                order = BackfillOrder.from_bytes(message.value)
                row = sweeps.get(message.partition, order.connection) or SweepRow()
                sweeps.put(message.partition, order.connection, row.model_copy(update={"ordered": order.id}))
                ordered.add(order.connection)
        await batching_producer.produce(parked)
        await sweeps.flush()
        for connection in ordered:
            offer(connection)

    return process
