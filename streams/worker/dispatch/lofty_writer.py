"""Writes Lofty: one planned request for one Lofty command, as work of the team's budget, in the contact's lane.

The protocol is that of writing GHL: an intent before a create, a marker in what is created, a look before a second try.
One lane changes one row, so the row itself is the state, and the receipts on `lofty.receipts` are for those who look.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.errors import ConnectorError, NotSent, VendorError
from connectors.outcome import Classification, Disposition, classify
from streams.core.progress.repeats import Failure, failure_of
from streams.core.scheduling.dispatcher import Item, Priority
from streams.core.scheduling.retry import Retry
from streams.core.to_ghl.plan import NotBefore, Settled
from streams.core.to_lofty.plan import (
    DELETED,
    NOT_SEARCHABLE,
    Create,
    Delete,
    FindCreated,
    PutLead,
    ReadLead,
    SetFinished,
    Step,
    Update,
    before,
    created,
    looked,
    plan,
    undone,
    written,
)
from streams.core.to_lofty.rows import LoftyCommandRow
from streams.kafka.tables import Table
from streams.messages import Entity, Parked
from streams.telemetry.tracing import take_in_hand
from streams.worker.dispatch.lofty_receipts import LoftyReceipts
from streams.worker.dispatch.lofty_team import WINDOW_SECONDS, LoftyTeam
from streams.worker.dispatch.loop import AGAIN, DONE, DispatchLoop, RequestSlot, WorkResult
from streams.worker.output import Output

log = logging.getLogger("lofty_ghl.lofty_writer")

PREFIX = "@command:"
RANK = 1

_DEFINITE = frozenset(
    {
        Disposition.REFUSED,
        Disposition.ADOPT,
        Disposition.GONE,
        Disposition.THROTTLED,
        Disposition.PAUSE,
        Disposition.REFRESH,
    }
)
"""Answers after which what was asked certainly did not happen."""


CompareLead = Callable[[LoftyCommandRow, Mapping[str, Any]], tuple[dict[str, Any], tuple[str, ...]]]
"""What of a lead as it is now must be written, and the fields in which Lofty was edited meanwhile."""


@dataclass(frozen=True, slots=True)
class LoftyWriter:
    """Everything that writing Lofty needs. `loop` is the reading dispatcher, because Lofty has one budget for both.

    `count` counts a request by connection, step and outcome. `touched` is called with a lane before and after each request in it. `flows` is false for a connection that is paused: its commands wait.
    `ended` is called with a command for a stage when Lofty has it, or keeps its own.
    """

    teams: Mapping[str, LoftyTeam]
    commands: Table[LoftyCommandRow]
    receipts: LoftyReceipts
    writes_topic: str
    output: Output
    loop: DispatchLoop
    retry: Retry
    compare: CompareLead
    count: Callable[[str, str, str], None]
    touched: Callable[[str], None]
    ended: Callable[[LoftyCommandRow], Awaitable[None]]
    flows: Callable[[str], bool] = lambda _connection: True

    def offer_command(self, row: LoftyCommandRow) -> None:
        """Tell the dispatcher that a Lofty command is due."""
        write = row.write
        team = self.teams.get(write.connection)
        if team is None or row.parked or row.is_settled or not self.flows(write.connection):
            return
        priority = Priority.OPT_OUT if write.is_opt_out else Priority.LIVE
        item = Item(PREFIX + write.key, write.lane, team.budget, write.connection, priority, RANK)
        self.loop.offer_item(item, wait_seconds=(row.not_before_ms - self.output.now_ms()) / 1000)

    def handles(self, item: Item) -> bool:
        """Whether an item is a Lofty command."""
        return item.key.startswith(PREFIX)

    async def __call__(self, item: Item, slot: RequestSlot) -> WorkResult:
        """Bring one thing in Lofty one request closer to its desired state."""
        key, team = item.key.removeprefix(PREFIX), self.teams[item.tenant]
        row = self.commands.get(team.partition, key)
        if row is None or row.parked:
            return DONE
        take_in_hand(failures=row.attempts)
        step = plan(row, self.output.now_ms(), visibility_ms=team.visibility_ms)
        match step:
            case Settled(because):
                slot.answered(was_sent=False)
                return await self._settle(row, team, because)
            case NotBefore(at_ms):
                return WorkResult.retry(self.retry.due_in_seconds(at_ms))
            case Create():
                await self.receipts.write(row, team.partition, "intended", "create")
        if doubt := before(row, step, self.output.now_ms()):
            await self._change(row, team, **doubt)
        try:
            facts = await self._perform(team, row, step)
        except ConnectorError as error:
            outcome = classify(error)
            slot.answered(was_sent=not isinstance(error, NotSent))
            self.count(team.connection, _name(step), outcome.name)
            return await self._failed(row, team, step, error, outcome)
        slot.answered()
        self.loop.failures.served(team.budget, _name(step), row.write.key)
        self.count(team.connection, _name(step), "applied")
        if facts is None:
            return await self._park(row, team, _name(step), "not findable", NOT_SEARCHABLE)
        # A lead is read before each try to write it: what failed is tried ever more rarely all the same.
        if not isinstance(step, ReadLead):
            facts |= {"attempts": 0, "last_error": ""}
        if facts.get("is_settled") and row.write.contact:
            # First: after a crash in between the lead is read again, and this reported again.
            await self.ended(row)
        now = await self._change(row, team, **facts)
        if not isinstance(step, ReadLead | FindCreated):
            await self.receipts.write(now, team.partition, "applied", _name(step))
        return AGAIN

    async def _perform(self, team: LoftyTeam, row: LoftyCommandRow, step: Step) -> dict[str, Any] | None:
        """Do the request; returns what the row reads after it, None after a look that says nothing."""
        self.touched(row.write.lane)
        try:
            return await self._request(team, row, step)
        finally:
            self.touched(row.write.lane)

    async def _request(self, team: LoftyTeam, row: LoftyCommandRow, step: Step) -> dict[str, Any] | None:
        write, client = row.write, team.client
        is_note, lofty_id = write.target == "note", row.lofty_id or ""
        match step:
            case Create(fields) if is_note:
                return created(row, step, await client.create_note(write.lead, fields["content"]))
            case Create(fields):
                return created(row, step, await client.create_task(write.lead, fields))
            case FindCreated():
                return looked(row, await (client.list_notes(write.lead) if is_note else client.list_tasks(write.lead)))
            case Update(fields) if is_note:
                await client.update_note(lofty_id, write.lead, fields["content"])
                return {"written": written(row, step)}
            case Update(fields):
                await client.update_task(lofty_id, fields)
                return {"written": written(row, step)}
            case SetFinished(is_finished):
                await (client.finish_task(lofty_id) if is_finished else client.unfinish_task(lofty_id))
                return {"is_finished": is_finished}
            case Delete():
                await (client.delete_note(lofty_id) if is_note else client.delete_task(lofty_id))
                return dict(DELETED)
            case ReadLead():
                return self._compared(row, await client.get_lead(write.lead))
            case PutLead(body):
                await client.update_lead(write.lead, body)
                return {"is_settled": True, "body": None}
        raise AssertionError(step)

    def _compared(self, row: LoftyCommandRow, lead: dict[str, Any]) -> dict[str, Any]:
        body, kept = self.compare(row, lead)
        if kept:
            log.info("%s: Lofty was edited since, so its value stays: %s", row.write.key, ", ".join(kept))
        return {"body": body} if body else {"is_settled": True}

    # -- what goes wrong ----------------------------------------------------------------------------------

    async def _failed(
        self, row: LoftyCommandRow, team: LoftyTeam, step: Step, error: ConnectorError, outcome: Classification
    ) -> WorkResult:
        answer = error if isinstance(error, VendorError) else None
        is_definite = isinstance(error, NotSent) or outcome.disposition in _DEFINITE
        if is_definite and (facts := undone(row, step)):
            await self._change(row, team, **facts)
        match self.loop.failures.failed(team.budget, _name(step), row.write.key, error, WINDOW_SECONDS):
            case "park":
                return await self._park(row, team, _name(step), outcome.name, str(error), answer)
            case "paused":
                return AGAIN
        match outcome.disposition:
            case Disposition.GONE if isinstance(step, Delete):
                await self._change(row, team, **DELETED)
                return AGAIN
            case Disposition.GONE if not isinstance(step, Create | FindCreated):
                gone = await self._change(row, team, is_gone=True)
                await self.receipts.write(
                    gone, team.partition, "unchanged", _name(step), answer, "it is no longer in Lofty"
                )
                return await self._settle(gone, team, "deleted in Lofty by hand: left alone")
            case Disposition.REFUSED | Disposition.ADOPT | Disposition.GONE:
                return await self._park(row, team, _name(step), outcome.name, str(error), answer)
        wait = self.retry.wait_seconds(row.attempts + 1)
        waiting = await self._change(
            row,
            team,
            attempts=row.attempts + 1,
            not_before_ms=self.output.now_ms() + int(wait * 1000),
            last_error=str(error),
        )
        await self.receipts.write(waiting, team.partition, "failed", _name(step), answer, str(error))
        return WorkResult.retry(wait, failure_of(error))

    async def give_up(self, item: Item, failure: Failure) -> WorkResult:
        """Park a Lofty command that fails in the same way again and again. What its row says of a create in doubt stays."""
        team = self.teams[item.tenant]
        row = self.commands.get(team.partition, item.key.removeprefix(PREFIX))
        if row is None or row.parked:
            return DONE
        return await self._park(row, team, "write", failure.cause, failure.message)

    async def _park(
        self,
        row: LoftyCommandRow,
        team: LoftyTeam,
        step: str,
        reason: str,
        message: str,
        answer: VendorError | None = None,
    ) -> WorkResult:
        write = row.write
        parked = Parked(
            stage="write back",
            reason=reason,
            message=message,
            at_ms=self.output.now_ms(),
            source=f"{self.writes_topic}/{team.partition}@{step}",
            entity=Entity.contact(write.connection, write.lead).key,
            connection=write.connection,
            status=answer.status if answer else None,
            original=Parked.encode(write.to_bytes()),
        )
        await self.output.park(parked)
        log.warning(
            "%s is parked until GHL reports it again, or you run `lofty-ghl parked retry`: %s", write.key, message
        )
        await self._change(row, team, parked=reason)
        await self.receipts.write(row, team.partition, "refused", step, answer, message)
        current = self.commands.get(team.partition, write.key)
        return DONE if current is None or current.parked else AGAIN

    # -- the row ------------------------------------------------------------------------------------------

    async def _settle(self, row: LoftyCommandRow, team: LoftyTeam, because: str) -> WorkResult:
        if row.is_settled:
            return DONE
        current = await self._change(row, team, is_settled=True)
        if current.write != row.write:
            return AGAIN  # another state was wanted meanwhile
        log.debug("%s: %s", row.write.key, because)
        return DONE

    async def _change(self, row: LoftyCommandRow, team: LoftyTeam, **facts: Any) -> LoftyCommandRow:
        """Write what became known into the present row: it may want a newer state meanwhile."""
        current = self.commands.get(team.partition, row.write.key) or row
        if current.write != row.write:
            for name in ("is_settled", "body", "parked", "attempts", "not_before_ms", "last_error"):
                facts.pop(name, None)  # these were said of the state before
        changed = current.model_copy(update=facts)
        self.commands.put(team.partition, row.write.key, changed)
        await self.commands.flush()
        return changed


_NAMES: dict[type[Any], str] = {
    Create: "create",
    FindCreated: "find",
    Update: "update",
    SetFinished: "finish",
    Delete: "delete",
    ReadLead: "read",
    PutLead: "update",
}


def _name(step: Step) -> str:
    if isinstance(step, SetFinished) and not step.is_finished:
        return "reopen"
    return _NAMES[type(step)]
