"""`sweep`: takes orders of backfills. `lofty.sweeps` → table `sweeps`; the sweeper does the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streams.core.rows import SweepRow
from streams.kafka.batching_producer import Appender, Record
from streams.kafka.parking import Parking
from streams.kafka.tables import Table
from streams.messages import SweepOrder
from streams.worker.agents.batches import Process
from streams.worker.agents.each_record import Each


def sweep(
    *,
    sweeps: Table[SweepRow],
    appender: Appender,
    parking: Parking,
    offer: Callable[[str], None],
    now_ms: Callable[[], int],
) -> Process:
    """The agent's process. `offer` tells that a connection's sweep has something to do."""

    each = Each("sweep", parking, now_ms)

    async def process(messages: list[Any]) -> None:
        parked: list[Record] = []
        ordered: set[str] = set()
        for message in messages:
            with each.of(message, parked):
                order = SweepOrder.from_bytes(message.value)
                row = sweeps.get(message.partition, order.connection) or SweepRow()
                sweeps.put(message.partition, order.connection, row.model_copy(update={"ordered": order.id}))
                ordered.add(order.connection)
        await appender.append(parked)
        await sweeps.flush()
        for connection in ordered:
            offer(connection)

    return process
