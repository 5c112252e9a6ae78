"""What follows when GHL did not do what was asked: a receipt that says what is known, and a retry, a pause or a parked record."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from connectors.errors import ConnectorError, NotSent, VendorError
from connectors.outcome import Disposition, classify, is_cut_off, names_missing_contact
from streams.core.progress.repeats import failure_of
from streams.core.rows import LinkRow, OutboxRow
from streams.core.scheduling.retry import Retry
from streams.core.to_ghl.plan import doubt
from streams.core.to_ghl.refused_values import may_stand, refused_values
from streams.kafka.tables import Table
from streams.messages import Entity, Outcome, Parked, Receipt
from streams.worker.dispatch.failure_judge import FailureJudge
from streams.worker.dispatch.ghl_calls import Performed
from streams.worker.dispatch.ghl_write import GhlWrite
from streams.worker.dispatch.loop import AGAIN, BLOCKED, DONE, PARKED, WorkResult
from streams.worker.dispatch.receipts import Receipts
from streams.worker.output import Output

log = logging.getLogger("lofty_ghl.ghl_writer")

REST_SECONDS = 10.0
"""How long GHL may go on working on a create whose answer we no longer wait for, at most.

Notes, tasks and appointments are listed, and a list shows a write at once. A contact is searched for, which lags.
"""

FINDS = ("find note", "find task", "find appointment", "find opportunity")

Succeeded = Callable[[GhlWrite, Performed], Awaitable[WorkResult]]
"""What follows when the answer means success all the same."""


@dataclass(frozen=True, slots=True)
class GhlFailures:
    """`request_read` asks Lofty for an entity's state."""

    outbox: Table[OutboxRow]
    links: Table[LinkRow]
    receipts: Receipts
    output: Output
    judge: FailureJudge
    retry: Retry
    request_read: Callable[[Entity, int], object]

    async def failed(self, write: GhlWrite, error: ConnectorError, succeeded: Succeeded) -> WorkResult:
        """A request failed. `succeeded` goes on where the failure says that what was wanted is so."""
        call, outcome = write.call, classify(error)
        answer = error if isinstance(error, VendorError) else None
        disposition, location = outcome.disposition, write.location
        consequence = self.judge.failed(location.budget, call.step, write.entity.key, error, location.window_seconds)
        if consequence == "park":
            disposition = Disposition.REFUSED
        match disposition:
            case Disposition.GONE if call.is_delete:
                return await succeeded(write, Performed(call.ghl_id or call.contact_id))
            case Disposition.GONE:
                return await self._gone(write, answer)
            case Disposition.ADOPT if call.step == "create opportunity":
                # GHL does not say which one it has: it is looked for as one in doubt is.
                return await self._back_off(write, error, write.location.rules.search_lag_ms / 1000)
            case Disposition.REFUSED | Disposition.ADOPT:
                return await self._refused(write, error, outcome.name, may_leave_out=consequence != "park")
            case Disposition.THROTTLED | Disposition.PAUSE | Disposition.REFRESH:
                if call.is_create:
                    await self._settle_failed(write, error)
                return await self._back_off(write, error) if consequence == "try again" else AGAIN
            case _:
                return await self._unanswered(write, error)

    async def _refused(self, write: GhlWrite, error: ConnectorError, reason: str, *, may_leave_out: bool) -> WorkResult:
        """GHL said no: to single values, which are left out from now on, or to all of it, which is then parked."""
        call, row, contact = write.call, write.row, write.prepared.contact
        answer = error if isinstance(error, VendorError) else None
        field_id = contact.external_id_field if contact is not None else None
        is_unsure = may_stand(call, answer.status if answer else None, field_id)
        if may_leave_out and (refused := refused_values(call, answer)):
            outcome: Outcome = "doubtful" if is_unsure else "failed"
            receipt = self._receipt_of(row, outcome, call.step, str(error), error)
            await self.receipts.settle(write.partition, receipt.model_copy(update={"refused": refused}))
            return AGAIN
        said: Literal["refused", "parked"] = "parked" if is_unsure else "refused"
        return await self.park(write.partition, row, call.step, reason, error=error, outcome=said)

    async def _unanswered(self, write: GhlWrite, error: ConnectorError) -> WorkResult:
        """Nobody knows whether it happened, unless it was never sent."""
        is_create, was_sent = write.call.is_create, not isinstance(error, NotSent)
        if is_create and not was_sent:
            await self._settle_failed(write, error)
        elif not is_create and was_sent:
            facts = doubt(write.call, self.links.get(write.partition, write.entity.key))
            doubtful = self.receipts.make(write.row, "doubtful", write.call.step, **facts)
            await self.receipts.settle(write.partition, doubtful)
        # A search that came too soon would find nothing, and that would be taken for an answer.
        lag = write.location.rules.search_lag_ms / 1000
        rest = lag if write.entity.kind == "contact" else min(lag, REST_SECONDS)
        return await self._back_off(write, error, rest if is_create and is_cut_off(error) else 0.0)

    async def _settle_failed(self, write: GhlWrite, error: ConnectorError) -> None:
        receipt = self._receipt_of(write.row, "failed", write.call.step, str(error), error)
        await self.receipts.settle(write.partition, receipt)

    async def _back_off(self, write: GhlWrite, error: ConnectorError, least_seconds: float = 0.0) -> WorkResult:
        key = write.entity.key
        row = self.outbox.get(write.partition, key)
        if row is None:
            return DONE
        wait = max(least_seconds, self.retry.wait_seconds(row.attempts + 1))
        self.outbox.put(write.partition, key, self.retry.postponed(row, wait, str(error)))
        await self.outbox.flush()
        log.info("%s waits %.1f s after attempt %d: %s", key, wait, row.attempts + 1, error)
        return WorkResult.retry(wait, failure_of(error))

    async def _gone(self, write: GhlWrite, answer: VendorError | None) -> WorkResult:
        """The entity is no longer in GHL. Its link is forgotten, and the policy decides whether it is created again."""
        entity, step, partition = write.entity, write.call.step, write.partition
        if step == "read contact" and answer is not None:
            return await self._back_off(write, answer)
        names_contact = names_missing_contact(answer)
        if names_contact and step in FINDS and await self._is_elsewhere(write, answer):
            return AGAIN
        if step in ("create appointment", "create opportunity", *FINDS) and not names_contact:
            # What is missing is not the contact.
            return await self.park(partition, write.row, step, "not found", error=answer)
        is_contact_gone = entity.kind == "contact" or write.call.is_create or names_contact
        if is_contact_gone and write.location.contact_deleted_in_ghl == "leave" and answer is not None:
            return await self.park(partition, write.row, step, "contact deleted in GHL", error=answer)
        forgotten = self.receipts.make(write.row, "failed", step, is_forgotten=True, message=str(answer))
        await self.receipts.settle(partition, forgotten)
        if entity.kind == "contact" or not is_contact_gone:
            return AGAIN
        owner = self.receipts.about(entity.owner, "failed", step, is_forgotten=True, message=str(answer))
        await self.receipts.settle(partition, owner)
        self.request_contact(partition, entity, write.row)
        return BLOCKED

    async def _is_elsewhere(self, write: GhlWrite, answer: VendorError | None) -> bool:
        """Whether the contact that is gone is one that the lead has left before: then nothing hangs there, and that is all."""
        contact = self.links.get(write.partition, write.entity.owner.key) or LinkRow()
        if contact.parted_from != write.call.contact_id or contact.ghl_id == write.call.contact_id:
            return False
        failed = self.receipts.make(write.row, "failed", write.call.step, message=str(answer))
        await self.receipts.settle(write.partition, failed)
        return True

    def request_contact(self, partition: int, entity: Entity, row: OutboxRow) -> None:
        """Ask for a contact with at least the version that its link knows: what is read would otherwise count as stale."""
        link = self.links.get(partition, entity.owner.key) or LinkRow()
        self.request_read(entity.owner, max(link.version_ms, row.snapshot.update_time_ms))

    async def park(
        self,
        partition: int,
        row: OutboxRow,
        step: str,
        reason: str,
        message: str = "",
        *,
        error: ConnectorError | None = None,
        outcome: Literal["refused", "parked"] = "refused",
    ) -> WorkResult:
        """Set the entity aside. `refused` is GHL's answer, and ends an intent; `parked` is ours, and leaves the intent."""
        answer = error if isinstance(error, VendorError) else None
        snapshot, message = row.snapshot, message or str(error)
        parked = Parked(
            stage="deliver",
            reason=reason,
            message=message,
            at_ms=self.output.now_ms(),
            source=step,
            entity=snapshot.entity.key,
            connection=snapshot.connection,
            status=answer.status if answer else None,
            trace_id=answer.trace_id if answer else None,
            original=Parked.encode(snapshot.to_bytes()),
        )
        await self.output.park(parked)
        log.warning("%s is parked until it changes again: %s", snapshot.entity.key, message)
        await self.receipts.settle(partition, self._receipt_of(row, outcome, step, message, error))
        return PARKED

    def _receipt_of(
        self, row: OutboxRow, outcome: Outcome, step: str, message: str, error: ConnectorError | None
    ) -> Receipt:
        answer = error if isinstance(error, VendorError) else None
        status, trace_id = (answer.status, answer.trace_id) if answer else (None, None)
        return self.receipts.make(row, outcome, step, message=message, status=status, trace_id=trace_id)
