"""All work on the Lofty budgets: reads, member lists, sweeps and Lofty commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.core.scheduling.retry import Retry
from streams.core.sweep import pair_of, schedule_of
from streams.core.to_lofty.plan import lead_body
from streams.core.to_lofty.rows import LoftyCommandRow
from streams.mapping import map_contact
from streams.messages.topics import CHANGES, LOFTY_RECEIPTS, LOFTY_WRITES, SNAPSHOTS
from streams.worker.dispatch.lofty_reader import LoftyReader
from streams.worker.dispatch.lofty_receipts import LoftyReceipts
from streams.worker.dispatch.lofty_team import LoftyTeam
from streams.worker.dispatch.lofty_writer import LoftyWriter
from streams.worker.dispatch.loop import DispatchLoop
from streams.worker.dispatch.members import Members
from streams.worker.dispatch.sweep_changes import SweepChanges
from streams.worker.dispatch.sweeper import Sweeper
from streams.worker.parts import WorkerParts


class LoftySide:
    """The handlers of the reading dispatcher `loop`."""

    def __init__(self, parts: WorkerParts, loop: DispatchLoop, teams: Mapping[str, LoftyTeam]) -> None:
        tables, metrics = parts.tables, parts.deps.metrics
        connections = parts.settings.connections
        retry = Retry(parts.deps.now_ms, parts.deps.jitter)

        def compare(row: LoftyCommandRow, lead: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
            c = connections[row.write.connection]
            return lead_body(row.write, lead, map_contact(c.mapping, lead, region=c.region).fields, c.back)

        self.members = Members(loop, teams)
        self.sweeper = Sweeper(
            loop=loop,
            teams=teams,
            schedules={name: schedule_of(c.sweep) for name, c in connections.items()},
            pairs={name: pair_of(c) for name, c in connections.items()},
            sweeps=tables.sweeps,
            changes=SweepChanges(tables.swept, parts.output, parts.names.of(CHANGES), parts.settings.kafka.partitions),
            output=parts.output,
            repeats=parts.deps.repeats(),
            failures=loop.failures,
            retry=retry,
            count=lambda connection, result: metrics.sweeps.labels(connection, result).inc(),
        )
        self.reader = LoftyReader(
            teams=teams,
            fetches=tables.fetches,
            snapshots_topic=parts.names.of(SNAPSHOTS),
            output=parts.output,
            agent=self.members.agent,
            failures=loop.failures,
            retry=retry,
            count=metrics.read,
        )
        self.writer = LoftyWriter(
            teams=teams,
            commands=tables.lofty_commands,
            receipts=LoftyReceipts(parts.names.of(LOFTY_RECEIPTS), parts.output),
            writes_topic=parts.names.of(LOFTY_WRITES),
            output=parts.output,
            loop=loop,
            retry=retry,
            compare=compare,
            count=lambda *labels: metrics.lofty_writes.labels(*labels).inc(),
        )
        self.handlers = (self.sweeper, self.writer, self.members, self.reader)
