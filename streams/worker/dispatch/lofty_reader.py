"""Reads Lofty: one request for one pending read, then its snapshot on `lofty.snapshots`.

What a sweep found to differ was in a list already, and is taken from there (`core/listed_states.py`).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.errors import ConnectorError, NotSent
from connectors.outcome import NAMES_NOTHING, Classification, Disposition, classify
from streams.core.listed_states import ListedStates
from streams.core.progress.repeats import Failure, failure_of
from streams.core.rows import FetchRow
from streams.core.scheduling.dispatcher import Item
from streams.core.scheduling.retry import Retry
from streams.kafka.tables import Table
from streams.messages import Change, Entity
from streams.telemetry.tracing import take_in_hand
from streams.worker.dispatch.failure_judge import FailureJudge
from streams.worker.dispatch.lofty_team import WINDOW_SECONDS, LoftyTeam
from streams.worker.dispatch.loop import AGAIN, DONE, RequestSlot, WorkResult
from streams.worker.dispatch.merged_leads import MergedLeads, hangs_on
from streams.worker.dispatch.read_records import ReadRecords

log = logging.getLogger("lofty_ghl.lofty_reader")

WAIT_SECONDS = 0.2
"""How long a read waits for the one that shows whether lists hold all."""


@dataclass(frozen=True, slots=True)
class LoftyReader:
    """Everything that reading needs.

    `count` counts a read by connection, kind and outcome. `settle` says how many seconds a read still waits for its burst to end,
    `read_burst` asks for a list if several reads of it wait, and returns whether it did. `announce` writes changes to `lofty.changes`.
    `merged` follows what hung on a lead that Lofty does not know. `touched` is called with the lane of a lead of which a webhook makes us read something.

    A note, task or appointment is read by its own id, and names its lead. One that names another lead has moved, as when Lofty merges two leads:
    it is gone here, and a change there.
    """

    teams: Mapping[str, LoftyTeam]
    fetches: Table[FetchRow]
    listed: ListedStates
    settle: Callable[[FetchRow], float]
    read_burst: Callable[[Entity, LoftyTeam, RequestSlot], Awaitable[bool]]
    records: ReadRecords
    now_ms: Callable[[], int]
    failures: FailureJudge
    retry: Retry
    count: Callable[[str, str, str], None]
    announce: Callable[[list[Change]], Awaitable[None]]
    touched: Callable[[str], None]
    merged: MergedLeads = field(default_factory=MergedLeads)

    def handles(self, item: Item) -> bool:
        """Every item that no other part handles is a read."""
        return True

    async def __call__(self, item: Item, slot: RequestSlot) -> WorkResult:
        """Read one entity."""
        entity = Entity.from_key(item.key)
        team = self.teams[entity.connection]
        row = self.fetches.get(team.partition, entity.key)
        if row is None or row.parked:
            return DONE
        take_in_hand(trace=row.trace, failures=row.attempts)
        if (wait := self.settle(row)) > 0:
            slot.answered(was_sent=False)
            return WorkResult.retry(wait)
        turn = self.listed.turn(row, self.now_ms())
        if turn != "request":
            slot.answered(was_sent=False)
            return WorkResult.retry(WAIT_SECONDS) if turn == "wait" else await self._take(entity, team, row)
        if row.origin == "webhook":
            self.touched(entity.lane)
        if await self.read_burst(entity, team, slot):
            return AGAIN
        subject = self.merged.subject(row)
        try:
            state = await team.read(subject, with_trash=row.confirms and subject == entity)
        except ConnectorError as error:
            outcome = classify(error)
            slot.answered(was_sent=not isinstance(error, NotSent))
            self.count(team.connection, subject.kind, outcome.name)
            return await self._failed(entity, team, row, error, outcome)
        slot.answered()
        self.failures.served(team.budget, f"read {entity.kind}", entity.key)
        self.count(team.connection, subject.kind, "read")
        if subject != entity:
            return await self._followed(entity, team, row, state)
        if self.listed.was_read(entity, state, self.now_ms()) == "poorer":
            log.warning(
                "connection %s: Lofty's list holds less of a %s than a read of it alone, so each is read alone for a day",
                *(team.connection, entity.kind),
            )
        return await self._found(entity, team, row, state)

    async def _take(self, entity: Entity, team: LoftyTeam, row: FetchRow) -> WorkResult:
        """What a list held of it is the answer."""
        taken = self.listed.take(entity)
        self.count(team.connection, entity.kind, "listed")
        return await self._found(entity, team, row, taken.state, taken.read_ms)

    async def _found(
        self, entity: Entity, team: LoftyTeam, row: FetchRow, state: dict[str, Any], read_ms: int | None = None
    ) -> WorkResult:
        if (lead := hangs_on(entity, state)) != entity.lead:
            await self._announce_moved(entity._replace(lead=lead), row)
            return await self._emit(entity, team, row, None, moved_to=lead)
        if row.only_moved:
            return self._done(entity, team, row)
        # A lead that only the trash shows is deleted.
        return await self._emit(entity, team, row, None if row.confirms else state, read_ms)

    async def _emit(
        self,
        entity: Entity,
        team: LoftyTeam,
        row: FetchRow,
        state: dict[str, Any] | None,
        read_ms: int | None = None,
        moved_to: str = "",
    ) -> WorkResult:
        refused = await self.records.write_snapshot(team.snapshots_partition, row, state, read_ms, moved_to)
        if refused is not None:
            return await self._park(entity, team, row, "too large", None, refused.why, refused.content)
        return self._done(entity, team, row)

    def _done(self, entity: Entity, team: LoftyTeam, row: FetchRow) -> WorkResult:
        current = self.fetches.get(team.partition, entity.key)
        if current is not None and current.generation == row.generation:
            # Not waited for: a deletion that is lost is one read too many after a restart.
            self.fetches.delete(team.partition, entity.key)
            return DONE
        return AGAIN  # it changed again while we read

    async def _announce_moved(self, entity: Entity, row: FetchRow) -> None:
        change = Change(
            **entity._asdict(),
            operation="updated",
            update_time_ms=row.newest_update_ms,
            accepted_ms=row.accepted_ms,
            origin="dependency",
            trace=row.trace,
        )
        await self.announce([change])

    async def _failed(
        self, entity: Entity, team: LoftyTeam, row: FetchRow, error: ConnectorError, outcome: Classification
    ) -> WorkResult:
        match self.failures.failed(team.budget, f"read {entity.kind}", entity.key, error, WINDOW_SECONDS):
            case "try again":
                return await self._back_off(entity, team, str(error))
            case "park":
                return await self._park(entity, team, row, outcome.name, error)
            case "paused":
                return AGAIN
        is_followed = self.merged.subject(row) != entity
        match outcome.disposition:
            case Disposition.GONE | Disposition.REFUSED if is_followed:
                return await self._followed(entity, team, row, None)
            case Disposition.GONE:
                return await self._not_found(entity, team, row, str(error))
            case Disposition.REFUSED if outcome.name == NAMES_NOTHING:
                return await self._not_found(entity, team, row, str(error), names_nothing=True)
            case Disposition.REFUSED | Disposition.ADOPT:
                return await self._park(entity, team, row, outcome.name, error)
            case _:
                return await self._back_off(entity, team, str(error), failure_of(error))

    async def _not_found(
        self, entity: Entity, team: LoftyTeam, row: FetchRow, why: str, *, names_nothing: bool = False
    ) -> WorkResult:
        if row.only_moved:
            return self._done(entity, team, row)
        match self.merged.not_found(row, self.now_ms(), visibility_ms=team.visibility_ms, names_nothing=names_nothing):
            case "gone":
                return await self._emit(entity, team, row, None)
            case "ask again":
                return await self._back_off(entity, team, f"not visible yet: {why}")
            case "ask the trash":
                self.fetches.put(team.partition, entity.key, row.model_copy(update={"confirms": True}))
                await self.fetches.flush()
                return AGAIN
            case "ask on":
                return AGAIN
            case "no lead":
                return await self._no_lead(entity, team, row, why)
            case "not visible":
                return await self._not_visible(entity, team, row, why)
            case "unknown":
                return await self._park(entity, team, row, NAMES_NOTHING, None, why)

    async def _followed(
        self, entity: Entity, team: LoftyTeam, row: FetchRow, state: dict[str, Any] | None
    ) -> WorkResult:
        """Lofty does not know the lead, and this is what it says of something that hung there, or of the lead on which that hangs now."""
        match self.merged.told(row, state):
            case "ask on":
                return AGAIN
            case "merged":
                log.info("%s was merged into another lead: what hung there hangs on that one", entity.key)
                return await self._emit(entity, team, row, None)
            case "no lead":
                return await self._no_lead(entity, team, row, "what hangs on its contact leads to no other lead")

    async def _no_lead(self, entity: Entity, team: LoftyTeam, row: FetchRow, why: str) -> WorkResult:
        """Nothing is lost, but for another lead that waited for the answer, and needs the contact: somebody must look at the two."""
        if row.origin == "dependency":
            return await self._not_visible(entity, team, row, why)
        log.info("%s is no lead that Lofty shows, nor is it in the trash: its contact in GHL stays", entity.key)
        return self._done(entity, team, row)

    async def _not_visible(self, entity: Entity, team: LoftyTeam, row: FetchRow, why: str) -> WorkResult:
        hint = "the lead is neither visible nor in the trash: is it hidden from the owner of the API key?"
        return await self._park(entity, team, row, "not visible", None, f"{why}; {hint}")

    async def give_up(self, item: Item, failure: Failure) -> WorkResult:
        """Park a read that fails in the same way again and again. The key may be one that does not read back."""
        team = self.teams[item.tenant]
        row = self.fetches.get(team.partition, item.key)
        if row is None or row.parked:
            return DONE
        return await self._park(row.entity, team, row, failure.cause, None, failure.message)

    async def _back_off(self, entity: Entity, team: LoftyTeam, why: str, failure: Failure | None = None) -> WorkResult:
        row = self.fetches.get(team.partition, entity.key)
        if row is None:
            return DONE
        wait = self.retry.wait_seconds(row.attempts + 1)
        postponed = self.retry.postponed(row, wait, why)
        self.fetches.put(team.partition, entity.key, postponed)
        await self.fetches.flush()
        log.info("%s waits %.1f s after attempt %d: %s", entity.key, wait, row.attempts + 1, why)
        return WorkResult.retry(wait, failure)

    async def _park(
        self,
        entity: Entity,
        team: LoftyTeam,
        row: FetchRow,
        reason: str,
        error: ConnectorError | None,
        message: str = "",
        original: bytes | None = None,
    ) -> WorkResult:
        await self.records.park(row, reason, error, message, original)
        current = self.fetches.get(team.partition, entity.key)
        if current is not None and current.generation != row.generation:
            return AGAIN
        self.fetches.put(team.partition, entity.key, row.model_copy(update={"parked": reason}))
        await self.fetches.flush()
        return DONE
