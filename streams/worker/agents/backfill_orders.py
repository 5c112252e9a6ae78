"""`backfill_orders`: takes orders of backfills. `lofty.sweeps` → table `sweeps`; the sweeper does the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streams.core.rows import SweepRow
from streams.kafka.batching_producer import Record
from streams.kafka.tables import Table
from streams.messages import BackfillOrder
from streams.worker.agents.batches import Process
from streams.worker.agents.each_record import EachRecord
from streams.worker.output import Output


def backfill_orders(
    *,
    sweeps: Table[SweepRow],
    output: Output,
    offer: Callable[[str], None],
) -> Process:
    """The agent's process. `offer` is called when a connection's sweep has something to do."""

    each = EachRecord("sweep", output)

    async def process(messages: list[Any]) -> None:
        parked: list[Record] = []
        ordered: set[str] = set()
        for message in messages:
            with each.of(message, parked):
                order = BackfillOrder.from_bytes(message.value)
                row = sweeps.get(message.partition, order.connection) or SweepRow()
                taken = {"ordered": order.id, "ordered_by": order.by}
                sweeps.put(message.partition, order.connection, row.model_copy(update=taken))
                ordered.add(order.connection)
        await output.produce(parked)
        await sweeps.flush()
        for connection in ordered:
            offer(connection)

    return process
