"""Writes the end of an import or of a full check to the history of runs, the topic `runs`."""

from __future__ import annotations

from dataclasses import dataclass

from streams.core.rows import SweepRow
from streams.kafka.batching_producer import Record
from streams.messages.partitioning import partition_of
from streams.messages.run import Run
from streams.worker.output import Output


@dataclass(frozen=True, slots=True)
class SweepRuns:
    """`partitions` is the number of partitions of the topic."""

    output: Output
    topic: str
    partitions: int

    async def ended(self, connection: str, before: SweepRow, after: SweepRow) -> None:
        """A run has ended: `before` is its row, `after` the one with what it found. A search for new leads is too frequent to be kept.

        Its id follows from its begin, so that a worker which takes over and ends it once more writes the same record.
        """
        if before.kind is None or before.kind == "new":
            return
        now_ms = self.output.now_ms()
        run = Run(
            id=f"{connection}-{before.started_ms}",
            kind=before.kind,
            connections=(connection,),
            by=before.ordered_by if before.kind == "backfill" else "",
            began_ms=before.started_ms,
            moved_ms=now_ms,
            ended_ms=now_ms,
            words=f"{after.changes} change{'' if after.changes == 1 else 's'} found",
            counts={"read": before.leads},
        )
        await self.output.produce(
            [Record(self.topic, partition_of(run.id, self.partitions), run.id.encode(), run.to_bytes())]
        )
