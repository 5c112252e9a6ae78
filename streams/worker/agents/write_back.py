"""`write back`: turns each wanted write to Lofty into a Lofty command. `lofty.writes` → table `errands`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streams.core.to_lofty.plan import merge
from streams.core.to_lofty.rows import LoftyCommandRow
from streams.kafka.batching_producer import Record
from streams.kafka.tables import Table
from streams.messages.lofty_command import LoftyCommand
from streams.worker.agents.batches import Process
from streams.worker.agents.each_record import EachRecord
from streams.worker.output import Output


def write_back(
    *,
    commands: Table[LoftyCommandRow],
    output: Output,
    offer: Callable[[LoftyCommandRow], None],
) -> Process:
    """The agent's process."""

    each = EachRecord("write back", output)

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
        await output.produce(parked)
        await commands.flush()
        for row in due.values():
            offer(row)

    return process
