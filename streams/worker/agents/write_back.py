"""`write back`: what shall be in Lofty becomes an errand. `lofty.writes` → table `commands`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streams.core.to_lofty.plan import merge
from streams.core.to_lofty.rows import LoftyCommandRow
from streams.kafka.batching_producer import BatchingProducer, Record
from streams.kafka.parking import Parking
from streams.kafka.tables import Table
from streams.messages.lofty_command import LoftyCommand
from streams.worker.agents.batches import Process
from streams.worker.agents.each_record import EachRecord


def write_back(
    *,
    commands: Table[LoftyCommandRow],
    batching_producer: BatchingProducer,
    parking: Parking,
    offer: Callable[[LoftyCommandRow], None],
    now_ms: Callable[[], int],
) -> Process:
    """The agent's process."""

    each = EachRecord("write back", parking, now_ms)

    async def process(messages: list[Any]) -> None:
        parked: list[Record] = []
        due: dict[tuple[int, str], LoftyCommandRow] = {}
        for message in messages:
            with each.of(message, parked):
                write = LoftyCommand.from_bytes(message.value)
                row = merge(commands.get(message.partition, write.key), write)
                if row is not None:
                    commands.put(message.partition, write.key, row)
                    due[message.partition, write.key] = row
        await batching_producer.produce(parked)
        await commands.flush()
        for row in due.values():
            offer(row)

    return process
