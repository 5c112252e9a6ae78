"""`inspect`: questions of verify are offered to the writing dispatcher. `ghl.inspections` → offers, and a word that each was taken.

Nothing is kept: a question that a restart forgot is asked again by whoever waits for the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streams.kafka.batching_producer import Record
from streams.messages import Inspection, Observation
from streams.worker.agents.batches import Process
from streams.worker.agents.each_record import EachRecord
from streams.worker.output import Output


def inspect(
    *,
    take_question: Callable[[Inspection], Observation | None],
    output: Output,
    observations_topic: str,
) -> Process:
    """The agent's process. `take_question` returns the client's acknowledgement that its question was taken."""

    each = EachRecord("inspect", output)

    async def process(messages: list[Any]) -> None:
        outputs: list[Record] = []
        for message in messages:
            with each.of(message, outputs):
                inspection = Inspection.from_bytes(message.value)
                if taken := take_question(inspection):
                    record = Record(observations_topic, message.partition, taken.lane.encode(), taken.to_bytes())
                    outputs.append(record)
        await output.produce(outputs)

    return process
