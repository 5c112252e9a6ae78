"""All work on the Lofty budgets: reads, member lists, sweeps and Lofty commands."""

from __future__ import annotations

from collections.abc import Mapping

from streams.core.listed_states import ListedStates
from streams.core.scheduling.retry import Retry
from streams.messages.topics import CHANGES, OBSERVATIONS, SNAPSHOTS
from streams.worker.dispatch.active_leads import ActiveLeads
from streams.worker.dispatch.lofty_reader import LoftyReader
from streams.worker.dispatch.lofty_team import WINDOW_SECONDS, LoftyTeam
from streams.worker.dispatch.loop import DispatchLoop
from streams.worker.dispatch.members import Members
from streams.worker.dispatch.read_records import ReadRecords
from streams.worker.dispatch.sweep_changes import SweepChanges
from streams.worker.dispatch.vendor_reads import VendorReads
from streams.worker.dispatch.vendor_subjects import OF_LOFTY
from streams.worker.parts import WorkerParts
from streams.worker.wiring.lofty_writing import new_lofty_writer
from streams.worker.wiring.sweeping import new_sweeper


class LoftySide:
    """The handlers of the reading dispatcher `loop`."""

    def __init__(self, parts: WorkerParts, loop: DispatchLoop, teams: Mapping[str, LoftyTeam]) -> None:
        tables, metrics = parts.tables, parts.deps.metrics
        retry = Retry(parts.deps.now_ms, parts.deps.jitter)

        changes = SweepChanges(tables.swept, parts.output, parts.names.of(CHANGES), parts.settings.kafka.partitions)

        listed = ListedStates()
        self.members = Members(loop, teams)
        self.sweeper = new_sweeper(parts, loop, teams, changes, listed)
        active = ActiveLeads(teams, self.sweeper.schedules, tables.swept)

        def written(lane: str) -> None:
            listed.was_written(lane)
            active.touched(lane)

        self.reader = LoftyReader(
            teams=teams,
            fetches=tables.fetches,
            listed=listed,
            records=ReadRecords(parts.names.of(SNAPSHOTS), parts.output, self.members.agent),
            now_ms=parts.output.now_ms,
            failures=loop.failures,
            retry=retry,
            count=metrics.read,
            announce=changes.announce,
            touched=active.touched,
        )
        self.writer = new_lofty_writer(parts, loop, teams, retry, written)
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
