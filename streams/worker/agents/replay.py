"""`replay`: a snapshot is brought to GHL once more. `lofty.replays` → table `outbox`, and offers to the writer.

Replays come after all live work: their topic is their own, so that no snapshot queues behind them, and what they offer has
the priority of its origin. A replay never brings an older state back: see `accept_again`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streams.core.rows import OutboxRow
from streams.core.to_ghl.delivery import accept_again
from streams.kafka.batching_producer import Record
from streams.messages import Redelivery
from streams.worker.agents.batches import Process
from streams.worker.agents.deliver import opportunity_records
from streams.worker.agents.desired_states import DesiredStates
from streams.worker.agents.each_record import EachRecord
from streams.worker.output import Output


def replay(*, desired: DesiredStates, output: Output, snapshots_topic: str, count: Callable[[str], None]) -> Process:
    """The agent's process. `count(decision)` counts what became of each snapshot.

    A lead whose stage has a pair only now gets its opportunity: that goes to `snapshots_topic`.
    """

    each = EachRecord("replay", output, lambda: count("parked"))

    async def process(messages: list[Any]) -> None:
        outputs: list[Record] = []
        due: dict[str, OutboxRow] = {}
        for message in messages:
            with each.of(message, outputs):
                snapshot = Redelivery.from_bytes(message.value).snapshot
                partition, key = message.partition, snapshot.entity.key
                row, link = desired.outbox.get(partition, key), desired.links.get(partition, key)
                acceptance = accept_again(row, link, snapshot, desired.wanted(snapshot, link))
                count(acceptance)
                if acceptance == "accepted":
                    due[key] = desired.put(partition, snapshot.model_copy(update={"origin": "replay"}))
                if acceptance != "stale":
                    again = snapshot.model_copy(update={"origin": "replay"})
                    outputs += opportunity_records(desired, snapshots_topic, partition, again)
        await output.produce(outputs)
        await desired.offer_all(due)

    return process
