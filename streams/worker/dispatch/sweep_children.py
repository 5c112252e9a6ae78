"""Reads what hangs on the leads of a page: one list of one lead at a time. A list that cannot be read waits behind the others, then it is parked."""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from connectors.errors import ConnectorError
from connectors.outcome import FORBIDDEN, Disposition, classify
from streams.core.listed_states import Listing
from streams.core.progress.repeats import RepeatedFailures, defect, failure_of
from streams.core.rows import SweepRow, SweptRow
from streams.core.sweep import CHILD_LISTS, Listed, Schedule
from streams.core.sweep_rotation import leads_to_read
from streams.messages import Entity, Kind
from streams.worker.dispatch.failure_judge import Consequence, FailureJudge
from streams.worker.dispatch.lofty_team import WINDOW_SECONDS, LoftyTeam
from streams.worker.dispatch.loop import AGAIN, RequestSlot, WorkResult, is_ours
from streams.worker.dispatch.sweep_changes import SweepChanges
from streams.worker.dispatch.sweep_lists import read_children, read_leads
from streams.worker.dispatch.sweep_parking import SweepParking
from streams.worker.dispatch.sweep_waits import SweepWaits

log = logging.getLogger("lofty_ghl.sweep")


@dataclass(slots=True)
class SweptPage:
    """The page in hand: what it lists, and the lists of notes, tasks and appointments that are still to be read.

    `looks` counts the leads of which all were read.
    """

    started_ms: int
    leads: list[Listed]
    total: int | None
    lost: int = 0
    changes: int = 0
    looks: int = 0
    to_read: deque[tuple[Entity, Kind]] = field(default_factory=deque)
    lists_read: Counter[str] = field(default_factory=Counter)
    must_probe: bool = False
    """Whether the list of leads is read first, to see that the vendor answers: so many lists failed, and none is left that works."""


@dataclass(frozen=True, slots=True)
class SweepChildren:
    """Those of all connections."""

    changes: SweepChanges
    parking: SweepParking
    repeats: RepeatedFailures
    failures: FailureJudge
    waits: SweepWaits

    def plan(self, page: SweptPage, row: SweepRow, known: Sequence[SweptRow | None], schedule: Schedule) -> None:
        """The lists that the page needs; `known` is what was known of each of its leads.

        Two pages meet at a lead whose lists were read with the first, if they were due.
        """
        assert row.kind is not None
        first = 1 if row.offset and known and known[0] is not None else 0
        leads = leads_to_read(row.kind, known[first:], page.leads[first:], row.started_ms, schedule)
        page.to_read.extend((lead, kind) for lead in leads for kind in CHILD_LISTS)

    async def read(
        self, connection: str, team: LoftyTeam, row: SweepRow, page: SweptPage, slot: RequestSlot, listing: Listing
    ) -> WorkResult | None:
        """One request of those that the page needs. Returns what becomes of the sweep, None when a list was read."""
        if page.must_probe:
            await read_leads(team.client, row, row.offset, 1)
            slot.answered()
            self.repeats.succeeded("probe", connection, self.parking.now_ms() / 1000)
            page.must_probe = False
            return AGAIN
        lead, kind = page.to_read[0]
        try:
            children = await read_children(team.client, lead, kind)
        except Exception as error:
            if isinstance(error, ConnectorError) or is_ours(error):
                raise
            slot.answered()
            return await self._broken(connection, page, error)
        slot.answered()
        self.failures.served(team.budget, f"list {kind}", lead.key)
        self.repeats.succeeded(f"{lead.lane}:{kind}", connection, self.parking.now_ms() / 1000)
        known = self.changes.known_children(team.partition, lead, CHILD_LISTS[kind])
        kept_by = None if children.is_repaired else listing
        page.changes += await self.changes.compare(team.partition, row, children.listed, known, kept_by)
        page.to_read.popleft()
        page.lists_read[lead.key] += 1
        if page.lists_read[lead.key] == len(CHILD_LISTS):
            self.changes.looked(team.partition, lead, row)
            page.looks += 1
        return None

    async def failed(self, connection: str, team: LoftyTeam, page: SweptPage, error: ConnectorError) -> WorkResult:
        """A list was not read. What may be about its lead alone waits behind the others."""
        outcome = classify(error)
        lead, kind = page.to_read[0]
        key = f"{lead.lane}:{kind}"
        if page.must_probe and outcome.disposition is Disposition.RETRY:
            return self.waits.after(connection, error)  # it is the vendor: no list is to blame
        if page.must_probe:
            is_paused = self.failures.is_paused(team.budget, error, WINDOW_SECONDS)
            consequence: Consequence = "paused" if is_paused else "none"
        else:
            consequence = self.failures.failed(team.budget, f"list {kind}", lead.key, error, WINDOW_SECONDS)
            if outcome.name == FORBIDDEN and consequence != "park":
                # Only what is served meanwhile shows what the refusal is about. At the end, only refused lists would be left.
                page.to_read.popleft()
                page.to_read.insert(len(CHILD_LISTS), (lead, kind))
            if consequence == "park" or outcome.disposition is Disposition.REFUSED:
                page.to_read.popleft()
                words = f"the list of {kind}s of lead {lead.lead} is refused: {error}"
                await self.parking.park(connection, outcome.name, words, f"list-{kind}s of {lead.lead}")
                return AGAIN
        if consequence == "try again":
            return self.waits.after(connection, error)
        if consequence == "paused":
            return AGAIN
        if outcome.disposition is Disposition.GONE and not page.must_probe:
            page.to_read.popleft()  # the lead went while its page was worked off: the next run sees that
            return AGAIN
        failure = failure_of(error)
        if failure is not None:
            decision = self.repeats.failed(key, connection, failure, self.parking.now_ms() / 1000)
            if decision == "park":
                page.to_read.popleft()
                words = f"the list of {kind}s of lead {lead.lead} cannot be read: {failure.message}"
                await self.parking.park(connection, failure.cause, words, f"list-{kind}s of {lead.lead}")
                self.repeats.parked(key, connection)
                return AGAIN
            page.must_probe = decision == "pause"
            page.to_read.rotate(-1)
        return self.waits.after(connection, error)

    async def _broken(self, connection: str, page: SweptPage, error: Exception) -> WorkResult:
        """A list brings out a defect of ours."""
        lead, kind = page.to_read[0]
        key, failure = f"{lead.lane}:{kind}", defect(error)
        log.error("connection %s: the list of %ss of lead %s: %s", connection, kind, lead.lead, failure.message)
        if self.repeats.failed(key, connection, failure, self.parking.now_ms() / 1000) == "park":
            page.to_read.popleft()
            words = f"the list of {kind}s of lead {lead.lead}: {failure.message}"
            await self.parking.park(connection, failure.cause, words, f"list-{kind}s of {lead.lead}")
            self.repeats.parked(key, connection)
            return AGAIN
        page.to_read.rotate(-1)
        return self.waits.after(connection, error)
