"""`fetch`: gathers admitted changes into pending reads. `lofty.fetches` → table `fetches`, and offers to the reader."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streams.core.rows import FetchRow
from streams.core.to_ghl.dedupe import gather
from streams.kafka.batching_producer import Record
from streams.kafka.tables import Table
from streams.messages import Change
from streams.worker.agents.batches import Process
from streams.worker.agents.each_record import EachRecord
from streams.worker.output import Output


def fetch(
    *,
    fetches: Table[FetchRow],
    output: Output,
    offer: Callable[[FetchRow], None],
) -> Process:
    """The agent's process. `offer` makes an entity due in the reading dispatcher."""

    each = EachRecord("fetch", output)

    async def process(messages: list[Any]) -> None:
        parked: list[Record] = []
        due: dict[tuple[int, str], FetchRow] = {}
        for message in messages:
            with each.of(message, parked):
                change = Change.from_bytes(message.value)
                position = (message.partition, change.entity.key)
                row = gather(fetches.get(*position), change)
                fetches.put(*position, row)
                due[position] = row
        await output.produce(parked)
        await fetches.flush()
        for row in due.values():
            offer(row)

    return process
