"""Sweeps Lofty: pages of leads and what hangs on each, as work of the reading dispatcher; what differs becomes a change.

One sweep runs for each connection, in the worker that owns its Lofty budget, one request at a time and after all live reads.
How far it is, is in the table `sweeps` and moves with the partition: another owner continues at the unfinished page.
A page that cannot be read is taken apart into ever smaller ones: its good leads are compared, the bad one is parked.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.errors import AnswerTooLarge, ConnectorError, MalformedAnswer, NotSent
from connectors.outcome import FORBIDDEN, Classification, Disposition, classify
from streams.core.progress.repeats import Failure, RepeatedFailures, defect, failure_of
from streams.core.rows import SweepRow
from streams.core.scheduling.dispatcher import Item, Priority
from streams.core.sweep import (
    CHILD_KINDS,
    PAGE,
    Listed,
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
from streams.messages import Entity, Kind
from streams.worker.dispatch.due_timers import DueTimers
from streams.worker.dispatch.failure_judge import Consequence, FailureJudge
from streams.worker.dispatch.lofty_team import WINDOW_SECONDS, LoftyTeam
from streams.worker.dispatch.loop import AGAIN, DONE, DispatchLoop, RequestSlot, WorkResult, is_ours
from streams.worker.dispatch.sweep_changes import SweepChanges
from streams.worker.dispatch.sweep_lists import listed_leads, read_children, read_leads
from streams.worker.dispatch.sweep_parking import SweepParking

log = logging.getLogger("lofty_ghl.sweep")

TENANT = "@sweep"
YIELD_ROWS = 500
"""After so many rows of a table others get their turn."""
REFUSED_SECONDS = 600.0
"""How long a sweep waits after an answer that a retry would not change."""
APART_AFTER = 2
"""After so many failures in the same way a page is taken apart."""
PIECE = 10


@dataclass(slots=True)
class _Apart:
    """A page that is read in pieces: those that are still to be read (offset, size), what the others held, what is bad."""

    started_ms: int
    offset: int
    pieces: deque[tuple[int, int]]
    states: dict[int, tuple[dict[str, Any], ...]] = field(default_factory=dict)
    total: int | None = None
    bad: dict[int, ConnectorError] = field(default_factory=dict)


@dataclass(slots=True)
class _Page:
    """The page in hand: what it lists, and the lists of notes, tasks and appointments that are still to be read."""

    started_ms: int
    leads: list[Listed]
    total: int | None
    released: int = 0
    changes: int = 0
    to_read: deque[tuple[Entity, Kind]] = field(default_factory=deque)
    must_probe: bool = False
    """Whether the list of leads is read first, to see that the vendor answers: so many lists failed, and none is left that works."""


@dataclass(slots=True)
class Sweeper:
    """All connections' sweeps. `pairs` are the team and location of each, as its row names them. `count(connection, result)` counts runs: ended, failed, suspicious.
    `record_end` writes what a run has done, by its row before and after its end, before that row is saved.

    `wait_seconds` is the wait after so many failures.
    """

    loop: DispatchLoop
    teams: Mapping[str, LoftyTeam]
    schedules: Mapping[str, Schedule]
    pairs: Mapping[str, Mapping[str, str]]
    sweeps: Table[SweepRow]
    changes: SweepChanges
    record_end: Callable[[str, SweepRow, SweepRow], Awaitable[None]]
    parking: SweepParking
    repeats: RepeatedFailures
    failures: FailureJudge
    wait_seconds: Callable[[int], float]
    count: Callable[[str, str], None]
    _pages: dict[str, _Page] = field(default_factory=dict)
    _apart: dict[str, _Apart] = field(default_factory=dict)
    _failures: dict[str, int] = field(default_factory=dict)
    _due: DueTimers = field(default_factory=DueTimers)

    def acquire(self, connection: str) -> None:
        """This worker owns the connection's Lofty budget now."""
        team = self.teams[connection]
        self._due.acquire(connection)
        self._pages.pop(connection, None)
        self._apart.pop(connection, None)
        self._failures.pop(connection, None)
        row = self.sweeps.get(team.partition, connection)
        if row is None or not row.full_ended_ms:
            # The first runs are due a whole interval from now: what Lofty holds already is carried by a backfill.
            now_ms = self.parking.now_ms()
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
        kind, wait_ms = (row.kind, 0) if row.kind else next_run(row, self.schedules[connection], self.parking.now_ms())
        if kind is None:
            self._due.later(connection, wait_ms / 1000, self.offer_sweep)
            return
        priority = Priority.BACKFILL if kind == "backfill" else Priority.SWEEP
        key = f"{TENANT}:{connection}"
        self.loop.offer_item(Item(key, key, team.budget, TENANT, priority))

    def release(self, connection: str) -> None:
        """Another worker owns the connection's Lofty budget from now on."""
        self._due.release(connection)

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
            kind, _ = next_run(row, self.schedules[connection], self.parking.now_ms())
            if kind is None:
                slot.answered(was_sent=False)
                self.offer_sweep(connection)
                return DONE
            row = start_sweep(row, kind, self.parking.now_ms())
            log.info("connection %s: a %s sweep of its leads begins", connection, kind)
            await self._save(connection, team, row)
        if row.is_listed:
            slot.answered(was_sent=False)
            return await self._end(connection, team, row)
        try:
            found = await self._step(connection, team, row, slot)
        except ConnectorError as error:
            slot.answered(was_sent=not isinstance(error, NotSent))
            return await self._failed(connection, team, row, error)
        if connection not in self._apart:  # else it goes on failing until a whole page was read
            self._failures.pop(connection, None)
        return found

    # -- one request --------------------------------------------------------------------------------------

    async def _step(self, connection: str, team: LoftyTeam, row: SweepRow, slot: RequestSlot) -> WorkResult:
        page = self._pages.get(connection)
        if page is not None and page.started_ms == row.started_ms and not page.to_read:
            slot.answered(was_sent=False)  # its last list was parked
        elif page is not None and page.started_ms == row.started_ms and page.must_probe:
            await read_leads(team.client, row, row.offset, 1)
            slot.answered()
            self.repeats.succeeded("probe", connection, self.parking.now_ms() / 1000)
            page.must_probe = False
            return AGAIN
        elif page is not None and page.started_ms == row.started_ms:
            lead, kind = page.to_read[0]
            try:
                children = await read_children(team.client, lead, kind)
            except Exception as error:
                if isinstance(error, ConnectorError) or is_ours(error):
                    raise
                slot.answered()
                return await self._list_broken(connection, page, error)
            slot.answered()
            self.failures.served(team.budget, f"list {kind}", lead.key)
            self.repeats.succeeded(f"{lead.lane}:{kind}", connection, self.parking.now_ms() / 1000)
            page.changes += await self.changes.compare(
                team.partition, row, children, self.changes.known_children(team.partition, lead, kind)
            )
            page.to_read.popleft()
        else:
            answer = await self._leads(connection, team, row, slot)
            if answer is None:
                return AGAIN  # a piece of a page was read
            states, total, released = answer
            leads, broken = listed_leads(connection, states)
            known = [self.changes.swept.get(team.partition, one.entity.key) for one in leads]
            released += len(states) - len(leads)
            # What is lost cannot be the lead at which two pages meet: then nobody can say whether the list has moved.
            if not released and not connects(row, known):
                await self._save(connection, team, go_back(row))
                return AGAIN
            page = self._pages[connection] = _Page(row.started_ms, leads, total, released)
            await self.parking.odd(connection, row, states)
            await self.parking.broken(connection, row, broken)
            page.changes = await self.changes.compare(team.partition, row, leads, {})
            if self.schedules[connection].children and row.kind != "new":
                # Two pages meet at a lead whose children were read with the first.
                new = leads[1:] if row.offset and known and known[0] is not None else leads
                page.to_read.extend((one.entity, kind) for one in new for kind in CHILD_KINDS)
        if not page.to_read:
            await self.changes.swept.flush()
            await self._save(connection, team, go_on(row, page.leads, page.total, page.changes, page.released))
            del self._pages[connection]
        return AGAIN

    async def _leads(
        self, connection: str, team: LoftyTeam, row: SweepRow, slot: RequestSlot
    ) -> tuple[list[dict[str, Any]], int | None, int] | None:
        """A page's leads, what Lofty says there are, and how many of the page are lost. None: a piece of it was read."""
        apart = self._apart.get(connection)
        if apart is None or (apart.started_ms, apart.offset) != (row.started_ms, row.offset):
            self._apart.pop(connection, None)
            page = await read_leads(team.client, row, row.offset, PAGE)
            slot.answered()
            self.failures.served(team.budget, "list leads", connection)
            return list(page.leads), page.total, 0
        offset, size = apart.pieces[0]
        try:
            page = await read_leads(team.client, row, offset, size)
        except ConnectorError as error:
            if not _is_about_content(error):
                raise
            apart.pieces.popleft()
            if size > 1:
                apart.pieces.extend((offset + number, 1) for number in range(size))
            else:
                apart.bad[offset] = error
            if not apart.states and (not apart.pieces or apart.pieces[0][1] == 1):
                del self._apart[connection]  # not one piece can be read: it is not about a lead
                raise
        else:
            apart.pieces.popleft()
            apart.states[offset], apart.total = page.leads, page.total
            self.failures.served(team.budget, "list leads", connection)
        end = apart.total
        apart.pieces = deque(one for one in apart.pieces if end is None or one[0] < end)
        slot.answered()
        if apart.pieces:
            return None
        del self._apart[connection]
        for number, found in sorted(apart.bad.items()):
            await self.parking.bad(connection, row, number, found)
        states = [state for _, piece in sorted(apart.states.items()) for state in piece]
        return states, apart.total, len(apart.bad)

    async def _list_broken(self, connection: str, page: _Page, error: Exception) -> WorkResult:
        """A list of notes, tasks or appointments brings out a defect of ours. It waits behind the others, then it is parked."""
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
        failures = self._failures[connection] = self._failures.get(connection, 0) + 1
        return WorkResult.retry(self.wait_seconds(failures))

    async def _end(self, connection: str, team: LoftyTeam, row: SweepRow) -> WorkResult:
        """All pages were read. A lead that is no longer listed is read on its own: only the trash says that it was deleted."""
        assert row.kind is not None
        gone: list[str] = []
        known = 0
        if row.kind != "new":
            for number, (key, swept) in enumerate(self.changes.swept.items(team.partition, f"{connection}:")):
                if number % YIELD_ROWS == 0:
                    await asyncio.sleep(0)
                if Entity.from_key(key).kind == "contact":
                    known += 1
                    gone += [key] if swept.run_ms < row.started_ms else []
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
        await self.changes.announce([change_of(one, row.kind, "updated", None, self.parking.now_ms()) for one in leads])
        for one in leads:
            for key, _ in list(self.changes.swept.items(team.partition, f"{one.lane}:")):
                self.changes.swept.delete(team.partition, key)
        await self.changes.swept.flush()
        after = finish(row, len(gone))
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
        outcome = classify(error)
        page = self._pages.get(connection)
        if page is not None and page.started_ms == row.started_ms and page.to_read:
            return await self._list_failed(connection, team, page, error, outcome)
        if self.failures.is_paused(team.budget, error, WINDOW_SECONDS):
            return AGAIN
        if outcome.disposition is Disposition.RETRY:
            failures = self._failures.get(connection, 0) + 1
            if failures >= APART_AFTER and _is_about_content(error) and connection not in self._apart:
                self._apart[connection] = _Apart(row.started_ms, row.offset, _pieces(row))
            return self._back_off(connection, error)
        self.count(connection, "failed")
        log.error("connection %s: its sweep failed, and tries again in ten minutes: %s", connection, error)
        return WorkResult.retry(REFUSED_SECONDS)

    async def _list_failed(
        self, connection: str, team: LoftyTeam, page: _Page, error: ConnectorError, outcome: Classification
    ) -> WorkResult:
        """A list of notes, tasks or appointments was not read. What may be about its lead alone waits behind the others."""
        lead, kind = page.to_read[0]
        key = f"{lead.lane}:{kind}"
        if page.must_probe and outcome.disposition is Disposition.RETRY:
            return self._back_off(connection, error)  # it is the vendor: no list is to blame
        if page.must_probe:
            is_paused = self.failures.is_paused(team.budget, error, WINDOW_SECONDS)
            consequence: Consequence = "paused" if is_paused else "none"
        else:
            consequence = self.failures.failed(team.budget, f"list {kind}", lead.key, error, WINDOW_SECONDS)
            if outcome.name == FORBIDDEN and consequence != "park":
                # Only what is served meanwhile shows what the refusal is about. At the end, only refused lists would be left.
                page.to_read.popleft()
                page.to_read.insert(len(CHILD_KINDS), (lead, kind))
            if consequence == "park" or outcome.disposition is Disposition.REFUSED:
                page.to_read.popleft()
                words = f"the list of {kind}s of lead {lead.lead} is refused: {error}"
                await self.parking.park(connection, outcome.name, words, f"list-{kind}s of {lead.lead}")
                return AGAIN
        if consequence == "try again":
            return self._back_off(connection, error)
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
        return self._back_off(connection, error)

    def _back_off(self, connection: str, error: ConnectorError) -> WorkResult:
        failures = self._failures[connection] = self._failures.get(connection, 0) + 1
        wait = self.wait_seconds(failures)
        log.info("connection %s: its sweep waits %.1f s after failure %d: %s", connection, wait, failures, error)
        return WorkResult.retry(wait)


def _pieces(row: SweepRow) -> deque[tuple[int, int]]:
    ends = (row.offset + number for number in range(0, PAGE, PIECE))
    return deque((offset, PIECE) for offset in ends if row.total is None or offset < row.total)


def _is_about_content(error: ConnectorError) -> bool:
    """Whether an answer came that cannot be read, or that is too large: of fewer leads it may be neither."""
    return isinstance(error, MalformedAnswer | AnswerTooLarge)
