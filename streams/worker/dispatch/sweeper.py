"""Sweeps Lofty: pages of leads and what hangs on each, as work of the reading dispatcher; what differs becomes a change.

One sweep runs for each connection, in the worker that owns its Lofty budget, one request at a time and after all live reads.
How far it is, is in the table `sweeps` and moves with the partition: another owner continues at the unfinished page.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from connectors.errors import ConnectorError, NotSent
from streams.core.listed_states import ListedStates, Listing
from streams.core.progress.repeats import Failure
from streams.core.rows import SweepRow
from streams.core.scheduling.dispatcher import Item, Priority
from streams.core.sweep import (
    Schedule,
    change_of,
    connects,
    finish,
    go_back,
    go_on,
    is_suspicious,
    next_run,
    start_sweep,
)
from streams.kafka.tables import Table
from streams.messages import Entity
from streams.worker.dispatch.due_timers import DueTimers
from streams.worker.dispatch.lofty_team import LoftyTeam
from streams.worker.dispatch.loop import AGAIN, DONE, DispatchLoop, RequestSlot, WorkResult
from streams.worker.dispatch.sweep_changes import SweepChanges
from streams.worker.dispatch.sweep_children import SweepChildren, SweptPage
from streams.worker.dispatch.sweep_pages import SweepPages
from streams.worker.dispatch.sweep_waits import SweepWaits

log = logging.getLogger("lofty_ghl.sweep")

TENANT = "@sweep"
YIELD_ROWS = 500
"""After so many rows of a table others get their turn."""


@dataclass(slots=True)
class Sweeper:
    """All connections' sweeps. `pairs` are the team and location of each, as its row names them. `count(connection, result)` counts runs: ended, failed, suspicious.
    `record_end` writes what a run has done, by its row before and after its end, before that row is saved.
    """

    loop: DispatchLoop
    teams: Mapping[str, LoftyTeam]
    schedules: Mapping[str, Schedule]
    pairs: Mapping[str, Mapping[str, str]]
    sweeps: Table[SweepRow]
    changes: SweepChanges
    pages: SweepPages
    children: SweepChildren
    waits: SweepWaits
    listed: ListedStates
    record_end: Callable[[str, SweepRow, SweepRow], Awaitable[None]]
    now_ms: Callable[[], int]
    count: Callable[[str, str], None]
    _pages: dict[str, SweptPage] = field(default_factory=dict)
    _due: DueTimers = field(default_factory=DueTimers)

    def acquire(self, connection: str) -> None:
        """This worker owns the connection's Lofty budget now."""
        team = self.teams[connection]
        self._due.acquire(connection)
        self._pages.pop(connection, None)
        self.pages.forget(connection)
        self.waits.forget(connection)
        self.listed.forget(connection)
        row = self.sweeps.get(team.partition, connection)
        if row is None or not row.full_ended_ms:
            # The first runs are due a whole interval from now: what Lofty holds already is carried by a backfill.
            now_ms = self.now_ms()
            first = {"new_ended_ms": now_ms, "full_ended_ms": now_ms, "scheduled_ms": now_ms}
            after = (row or SweepRow()).model_copy(update=first)
        elif row.kind is not None and not row.is_listed:
            # How far its last page was worked off is not known, nor how the list has moved since: a page more is read.
            after = go_back(row)
        else:
            after = row
        after = after.model_copy(update=self.pairs[connection])
        if after != row:
            self.sweeps.put(team.partition, connection, after)
        self.offer_sweep(connection)

    def offer_sweep(self, connection: str) -> None:
        """Go on with the sweep, or begin the one that is due, or come back when one is. Between two runs nothing waits."""
        if not self._due.begins(connection):
            return
        team = self.teams[connection]
        row = self.sweeps.get(team.partition, connection) or SweepRow()
        kind, wait_ms = (row.kind, 0) if row.kind else next_run(row, self.schedules[connection], self.now_ms())
        if kind is None:
            self._due.later(connection, wait_ms / 1000, self.offer_sweep)
            return
        priority = Priority.BACKFILL if kind == "backfill" else Priority.SWEEP
        key = f"{TENANT}:{connection}"
        self.loop.offer_item(Item(key, key, team.budget, TENANT, priority))

    def release(self, connection: str) -> None:
        """Another worker owns the connection's Lofty budget from now on."""
        self._due.release(connection)
        self.listed.forget(connection)

    def handles(self, item: Item) -> bool:
        """Whether an item is work of a sweep."""
        return item.tenant == TENANT

    async def give_up(self, item: Item, failure: Failure) -> WorkResult | None:
        """Nothing: a sweep takes its pages apart and parks their leads itself."""
        return None

    async def __call__(self, item: Item, slot: RequestSlot) -> WorkResult:
        """One request of the sweep that runs, or the begin of one that is due."""
        connection = item.lane.removeprefix(f"{TENANT}:")
        team = self.teams[connection]
        row = self.sweeps.get(team.partition, connection) or SweepRow()
        if row.kind is None:
            kind, _ = next_run(row, self.schedules[connection], self.now_ms())
            if kind is None:
                slot.answered(was_sent=False)
                self.offer_sweep(connection)
                return DONE
            row = start_sweep(row, kind, self.now_ms())
            log.info("connection %s: a %s sweep of its leads begins", connection, kind)
            await self._save(connection, team, row)
        if row.is_listed:
            slot.answered(was_sent=False)
            return await self._end(connection, team, row)
        try:
            with self.listed.listing() as listing:
                found = await self._step(connection, team, row, slot, listing)
        except ConnectorError as error:
            slot.answered(was_sent=not isinstance(error, NotSent))
            return await self._failed(connection, team, row, error)
        if not self.pages.is_apart(connection):  # else it goes on failing until a whole page was read
            self.waits.forget(connection)
        return found

    # -- one request --------------------------------------------------------------------------------------

    async def _step(
        self, connection: str, team: LoftyTeam, row: SweepRow, slot: RequestSlot, listing: Listing
    ) -> WorkResult:
        page = self._pages.get(connection)
        if page is not None and page.started_ms == row.started_ms and not page.to_read:
            slot.answered(was_sent=False)  # its last list was parked
        elif page is not None and page.started_ms == row.started_ms:
            result = await self.children.read(connection, team, row, page, slot, listing)
            if result is not None:
                return result
        else:
            read = await self.pages.read(connection, team, row, slot)
            if read is None:
                return AGAIN
            leads = read.leads
            known = [self.changes.swept.get(team.partition, one.entity.key) for one in leads]
            # What is lost cannot be the lead at which two pages meet: then nobody can say whether the list has moved.
            if not read.lost and not connects(row, known):
                await self._save(connection, team, go_back(row))
                return AGAIN
            page = self._pages[connection] = SweptPage(row.started_ms, leads, read.total, read.lost)
            await self.pages.park_lost(connection, row, read)
            page.changes = await self.changes.compare(
                team.partition, row, leads, {}, listing if read.is_whole else None
            )
            self.children.plan(page, row, known, self.schedules[connection])
        if not page.to_read:
            await self.changes.swept.flush()
            await self._save(connection, team, go_on(row, page.leads, page.total, page.changes, page.lost, page.looks))
            del self._pages[connection]
        return AGAIN

    async def _end(self, connection: str, team: LoftyTeam, row: SweepRow) -> WorkResult:
        """All pages were read. A lead that is no longer listed is read on its own: only the trash says that it was deleted."""
        assert row.kind is not None
        gone: list[str] = []
        known = oldest_look_ms = 0
        if row.kind != "new":
            for number, (key, swept) in enumerate(self.changes.swept.items(team.partition, f"{connection}:")):
                if number % YIELD_ROWS == 0:
                    await asyncio.sleep(0)
                if Entity.from_key(key).kind == "contact":
                    known += 1
                    gone += [key] if swept.run_ms < row.started_ms else []
                    if swept.run_ms == row.started_ms and swept.children_ms:
                        oldest_look_ms = min(oldest_look_ms or swept.children_ms, swept.children_ms)
        if is_suspicious(len(gone), known):
            self.count(connection, "suspicious")
            log.error(
                "connection %s: Lofty no longer lists %d of %d leads. These are too many, so none is taken for deleted. "
                "Is the owner of the API key still an owner or admin of the team?",
                connection,
                len(gone),
                known,
            )
            gone = []
        leads = [Entity.from_key(key) for key in gone]
        await self.changes.announce([change_of(one, row.kind, "updated", None, self.now_ms()) for one in leads])
        for one in leads:
            for key, _ in list(self.changes.swept.items(team.partition, f"{one.lane}:")):
                self.changes.swept.delete(team.partition, key)
        await self.changes.swept.flush()
        after = finish(row, len(gone), self.now_ms(), oldest_look_ms)
        await self.record_end(connection, row, after)
        await self._save(connection, team, after)
        self.count(connection, "ended")
        log.info(
            "connection %s: the %s sweep saw %d leads and found %d changes",
            connection,
            row.kind,
            row.leads,
            after.changes,
        )
        return AGAIN

    async def _save(self, connection: str, team: LoftyTeam, row: SweepRow) -> None:
        # An order may have come in while a request was under way.
        current = self.sweeps.get(team.partition, connection)
        if current is not None:
            row = row.model_copy(update={"ordered": current.ordered, "ordered_by": current.ordered_by})
        self.sweeps.put(team.partition, connection, row)
        await self.sweeps.flush()

    async def _failed(self, connection: str, team: LoftyTeam, row: SweepRow, error: ConnectorError) -> WorkResult:
        page = self._pages.get(connection)
        if page is not None and page.started_ms == row.started_ms and page.to_read:
            return await self.children.failed(connection, team, page, error)
        return self.pages.failed(connection, team, row, error)
