"""`inspect`: questions of verify are offered to the writing dispatcher. `ghl.inspections` → offers, and a word that each was taken.

Nothing is kept: a question that a restart forgot is asked again by whoever waits for the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streams.kafka.batching_producer import BatchingProducer, Record
from streams.kafka.parking import Parking
from streams.messages import Inspection, Observation
from streams.worker.agents.batches import Process
from streams.worker.agents.each_record import EachRecord


def inspect(
    *,
    ask: Callable[[Inspection], Observation | None],
    batching_producer: BatchingProducer,
    parking: Parking,
    observations_topic: str,
    now_ms: Callable[[], int],
) -> Process:
    """The agent's process. `ask` takes a question; what it returns tells the asker so."""

    each = EachRecord("inspect", parking, now_ms)

    async def process(messages: list[Any]) -> None:
        outputs: list[Record] = []
        for message in messages:
            with each.of(message, outputs):
                inspection = Inspection.from_bytes(message.value)
                if taken := ask(inspection):
                    record = Record(observations_topic, message.partition, taken.lane.encode(), taken.to_bytes())
                    outputs.append(record)
        await batching_producer.produce(outputs)

    return process
