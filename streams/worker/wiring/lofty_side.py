"""All work on the Lofty budgets: reads, member lists, sweeps and Lofty commands."""

from __future__ import annotations

from collections.abc import Mapping

from streams.core.scheduling.retry import Retry
from streams.core.sweep import pair_of, schedule_of
from streams.messages.topics import CHANGES, OBSERVATIONS, RUNS, SNAPSHOTS
from streams.worker.dispatch.lofty_reader import LoftyReader
from streams.worker.dispatch.lofty_team import WINDOW_SECONDS, LoftyTeam
from streams.worker.dispatch.loop import DispatchLoop
from streams.worker.dispatch.members import Members
from streams.worker.dispatch.sweep_changes import SweepChanges
from streams.worker.dispatch.sweep_parking import SweepParking
from streams.worker.dispatch.sweep_runs import SweepRuns
from streams.worker.dispatch.sweeper import Sweeper
from streams.worker.dispatch.vendor_reads import VendorReads
from streams.worker.dispatch.vendor_subjects import OF_LOFTY
from streams.worker.parts import WorkerParts
from streams.worker.wiring.lofty_writing import new_lofty_writer


class LoftySide:
    """The handlers of the reading dispatcher `loop`."""

    def __init__(self, parts: WorkerParts, loop: DispatchLoop, teams: Mapping[str, LoftyTeam]) -> None:
        tables, metrics = parts.tables, parts.deps.metrics
        connections = parts.connections
        retry = Retry(parts.deps.now_ms, parts.deps.jitter)

        changes = SweepChanges(tables.swept, parts.output, parts.names.of(CHANGES), parts.settings.kafka.partitions)

        self.members = Members(loop, teams)
        self.sweeper = Sweeper(
            loop=loop,
            teams=teams,
            schedules=connections.view(lambda c: schedule_of(c.sweep)),
            pairs=connections.view(pair_of),
            sweeps=tables.sweeps,
            changes=changes,
            record_end=SweepRuns(parts.output, parts.names.of(RUNS), parts.settings.kafka.partitions).ended,
            parking=SweepParking(parts.output),
            repeats=parts.deps.repeats(),
            failures=loop.failures,
            wait_seconds=retry.wait_seconds,
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
            announce=changes.announce,
        )
        self.writer = new_lofty_writer(parts, loop, teams, retry)
        self.reads = VendorReads(
            loop=loop,
            sides=teams,
            reads=OF_LOFTY,
            window_seconds=lambda _: WINDOW_SECONDS,
            output=parts.output,
            observations_topic=parts.names.of(OBSERVATIONS),
            retry=retry,
        )
        self.handlers = (self.sweeper, self.writer, self.members, self.reads, self.reader)
