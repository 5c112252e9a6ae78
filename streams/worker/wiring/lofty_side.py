"""All work on the Lofty budgets: reads, member lists, sweeps and Lofty commands."""

from __future__ import annotations

from collections.abc import Mapping

from streams.core.listed_states import ListedStates
from streams.core.scheduling.retry import Retry
from streams.messages.topics import CHANGES, OBSERVATIONS
from streams.worker.dispatch.active_leads import ActiveLeads
from streams.worker.dispatch.lofty_team import WINDOW_SECONDS, LoftyTeam
from streams.worker.dispatch.loop import DispatchLoop
from streams.worker.dispatch.members import Members
from streams.worker.dispatch.settling_reads import SettlingReads
from streams.worker.dispatch.sweep_changes import SweepChanges
from streams.worker.dispatch.vendor_reads import VendorReads
from streams.worker.dispatch.vendor_subjects import OF_LOFTY
from streams.worker.parts import WorkerParts
from streams.worker.wiring.lofty_reading import new_lofty_reader
from streams.worker.wiring.lofty_writing import new_lofty_writer
from streams.worker.wiring.sweeping import new_sweeper


class LoftySide:
    """The handlers of the reading dispatcher `loop`."""

    def __init__(
        self, parts: WorkerParts, loop: DispatchLoop, teams: Mapping[str, LoftyTeam], settling: SettlingReads
    ) -> None:
        tables = parts.tables
        retry = Retry(parts.deps.now_ms, parts.deps.jitter)

        changes = SweepChanges(tables.swept, parts.output, parts.names.of(CHANGES), parts.settings.kafka.partitions)

        listed = ListedStates()
        self.members = Members(loop, teams)
        self.sweeper = new_sweeper(parts, loop, teams, changes, listed)
        active = ActiveLeads(teams, self.sweeper.schedules, tables.swept)

        def written(lane: str) -> None:
            listed.was_written(lane)
            active.touched(lane)

        self.reader = new_lofty_reader(
            parts, loop, teams, settling, listed, self.members, changes.announce, active.touched
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
