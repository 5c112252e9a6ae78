"""`write back`: what shall be in Lofty becomes an errand. `lofty.writes` → table `errands`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streams.core.to_lofty.plan import merge
from streams.core.to_lofty.rows import ErrandRow
from streams.kafka.batching_producer import Appender, Record
from streams.kafka.parking import Parking
from streams.kafka.tables import Table
from streams.messages.lofty_command import LoftyWrite
from streams.worker.agents.batches import Process
from streams.worker.agents.each_record import Each


def write_back(
    *,
    errands: Table[ErrandRow],
    appender: Appender,
    parking: Parking,
    offer: Callable[[ErrandRow], None],
    now_ms: Callable[[], int],
) -> Process:
    """The agent's process."""

    each = Each("write back", parking, now_ms)

    async def process(messages: list[Any]) -> None:
        parked: list[Record] = []
        due: dict[tuple[int, str], ErrandRow] = {}
        for message in messages:
            with each.of(message, parked):
                write = LoftyWrite.from_bytes(message.value)
                row = merge(errands.get(message.partition, write.key), write)
                if row is not None:
                    errands.put(message.partition, write.key, row)
                    due[message.partition, write.key] = row
        await appender.append(parked)
        await errands.flush()
        for row in due.values():
            offer(row)

    return process
