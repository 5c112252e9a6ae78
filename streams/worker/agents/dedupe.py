"""`dedupe`: lets a change through once. `lofty.changes` → `lofty.fetches`, beside the table `seen`.

The outputs are acknowledged by Kafka before `seen` remembers them: a crash in between repeats a change, and never loses one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from streams.core.rows import SeenRow
from streams.core.to_ghl.dedupe import admit, raised, remember
from streams.kafka.batching_producer import Record
from streams.kafka.tables import Table
from streams.messages import Change, Parked
from streams.telemetry.tracing import headers_of, of_headers
from streams.worker.agents.batches import Process
from streams.worker.agents.each_record import EachRecord
from streams.worker.output import Output


def dedupe(
    *,
    seen: Table[SeenRow],
    output: Output,
    fetches_topic: str,
    lofty_partitions: Mapping[str, int],
    count: Callable[[str], None],
    new_trace: Callable[[], str] = str,
    traced: Callable[[str, int], None] | None = None,
) -> Process:
    """The agent's process. `lofty_partitions` is the partition of each connection's Lofty budget.

    A change without a trace is given that of its record's headers, else one by `new_trace`.
    `traced(trace, began_ns)` is called for each that was let through.
    """

    each = EachRecord("dedupe", output, lambda: count("parked"))

    async def process(messages: list[Any]) -> None:
        outputs: list[Record] = []
        began_ns, traces = time.time_ns(), list[str]()
        remembered: dict[tuple[int, str], SeenRow] = {}
        for message in messages:
            with each.of(message, outputs):
                change = Change.from_bytes(message.value)
                partition = lofty_partitions.get(change.connection)
                if partition is None:
                    outputs.append(output.parking.record(_unknown_connection(change, message, output.now_ms())))
                    count("parked")
                    continue
                entity = change.entity
                position = (message.partition, entity.key)
                row = remembered.get(position) or seen.get(*position)
                admission = admit(row, change)
                count(admission)
                if admission == "admitted":
                    admitted = raised(row, change)
                    if not admitted.trace:
                        admitted = admitted.model_copy(update={"trace": of_headers(message.headers) or new_trace()})
                    traces.append(admitted.trace)
                    value = message.value if admitted is change else admitted.to_bytes()
                    headers = headers_of(admitted.trace)
                    outputs.append(Record(fetches_topic, partition, entity.lane.encode(), value, headers))
                    remembered[position] = remember(row, change)
        await output.produce(outputs)
        if traced is not None:
            for trace in traces:
                traced(trace, began_ns)
        for (partition, key), row in remembered.items():
            seen.put(partition, key, row)
        await seen.flush()

    return process


def _unknown_connection(change: Change, message: Any, now_ms: int) -> Parked:
    return Parked(
        stage="dedupe",
        reason="unknown connection",
        message=f"connection {change.connection!r} is not in this worker's configuration: add it, or discard the record",
        at_ms=now_ms,
        source=f"{message.topic}/{message.partition}@{message.offset}",
        entity=change.entity.key,
        connection=change.connection,
        original=Parked.encode(message.value),
    )
