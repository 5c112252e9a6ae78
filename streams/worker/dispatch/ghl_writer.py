"""Writes GHL: one planned request for one entity, then its receipt. The protocol is DESIGN §6, the failures are §7.

Before a create, an `intended` receipt must be with Kafka; after any answer, a receipt says what it was.
An answer that never came leaves the intent standing, and the next plan looks before it creates again.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from connectors.errors import ConnectorError, NotSent, VendorError
from connectors.outcome import FORBIDDEN, Classification, Disposition, classify, is_cut_off
from streams.core.progress.repeats import Failure, failure_of
from streams.core.refusals import Judgement, Refusals
from streams.core.rows import LinkRow, OutboxRow
from streams.core.scheduling.dispatcher import Item, Verdict
from streams.core.scheduling.pauses import pause_after
from streams.core.to_ghl.apply_receipt import record_link
from streams.core.to_ghl.directory import Directory
from streams.core.to_ghl.plan import FOUND_BY, UNKNOWN, Blocked, Call, NotBefore, Settled, Stuck, doubt
from streams.core.to_ghl.plan_contact import may_stand
from streams.core.to_ghl.planning import Prepared, doubts, overruled, prepare
from streams.kafka.tables import Table
from streams.messages import Entity, Outcome, Parked, Receipt, Snapshot
from streams.telemetry.metrics import Metrics
from streams.telemetry.tracing import take_in_hand, trace_id
from streams.worker.dispatch.ghl_calls import Performed, perform
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.loop import AGAIN, BLOCKED, DONE, RequestSlot, WorkResult
from streams.worker.dispatch.receipts import Receipts
from streams.worker.dispatch.retry import Retry
from streams.worker.output import Output

log = logging.getLogger("lofty_ghl.ghl_writer")


@dataclass(frozen=True, slots=True)
class GhlWriter:
    """Everything that writing needs. `request_read` requests a read of an entity's state from Lofty, `lacks` a custom field.

    `held` says what has held a connection's changes back since a time: `quota`, `access`, or `no`.
    `lofty_was_edited` is told of fields that GHL owns and that Lofty holds differently.
    """

    locations: Mapping[str, Location]
    outbox: Table[OutboxRow]
    links: Table[LinkRow]
    receipts: Receipts
    output: Output
    directory: Callable[[str], Directory]
    lacks: Callable[[str, dict[str, str]], bool]
    request_read: Callable[[Entity, int], object]
    lofty_was_edited: Callable[[Entity, Mapping[str, str]], Awaitable[None]]
    pause: Callable[[str, float, str], None]
    settled_as: Callable[[Snapshot], str]
    retry: Retry
    metrics: Metrics
    held: Callable[[str, int], str] = lambda _connection, _since_ms: "no"
    refusals: Refusals = field(default_factory=Refusals)
    under_way: dict[str, Snapshot] = field(default_factory=dict)
    """The state that each entity is being brought to right now, by a request that is no create."""

    def handles(self, item: Item) -> bool:
        """Every item that no other part handles is a write."""
        return True

    async def __call__(self, item: Item, slot: RequestSlot) -> WorkResult:
        """Bring one entity one request closer to its desired state."""
        entity = Entity.from_key(item.key)
        place = self.locations[entity.connection]
        row = self.outbox.get(place.partition, entity.key)
        if row is None:
            return DONE
        if row.parked:
            return WorkResult(Verdict.PARKED)
        take_in_hand(trace=row.snapshot.trace, failures=row.attempts)
        prepared = prepare(row, place.rules, self.directory(entity.connection))
        if prepared.missing and self.lacks(entity.connection, prepared.missing):
            return AGAIN  # the location gets its fields first; the entity is planned again after that
        link = self.links.get(place.partition, entity.key)
        if row.before:
            return await self._doubt_before(entity, place, row, link)
        if wanted := overruled(prepared, link, place.rules.owners):
            await self.lofty_was_edited(entity, wanted)
        match prepared.plan(link, self._contact(entity, place), self.output.now_ms()):
            case Settled(because):
                self.metrics.same(place.connection)
                slot.answered(was_sent=False)
                facts = {"message": because, "flags": prepared.flags}
                receipt = self.receipts.make(
                    row, "unchanged", "compare", settled=self.settled_as(row.snapshot), **facts
                )
                await self.receipts.settle(place.partition, receipt)
                return DONE
            case Blocked():
                return self._wait_for_contact(entity, place, row)
            case Stuck(because):
                return await self._park(place, row, "create contact", "not findable", None, because, outcome="parked")
            case NotBefore(at_ms):
                return WorkResult(Verdict.RETRY, self.retry.due_in_seconds(at_ms))
            case Call() as call:
                return await self._send(entity, place, row, call, prepared, slot)

    async def _doubt_before(self, entity: Entity, place: Location, row: OutboxRow, link: LinkRow | None) -> WorkResult:
        """An earlier owner may have been writing other states of this entity when it ended: what they touch is not known."""
        if link is not None and link.ghl_id is not None:
            facts = doubts(row, place.rules, self.directory(entity.connection), link)
            await self.receipts.settle(place.partition, self.receipts.make(row, "doubtful", "compare", **facts))
        current = self.outbox.get(place.partition, entity.key)
        if current is not None:
            self.outbox.put(place.partition, entity.key, current.model_copy(update={"before": ()}))
            await self.outbox.flush()
        return AGAIN

    def _contact(self, entity: Entity, place: Location) -> LinkRow | None:
        return None if entity.kind == "contact" else self.links.get(place.partition, entity.owner.key)

    def _wait_for_contact(self, entity: Entity, place: Location, row: OutboxRow) -> WorkResult:
        """The contact is on its way, or parked, or was never asked for: then it is now."""
        if self.outbox.get(place.partition, entity.owner.key) is None:
            self._ask_for_contact(entity, place, row)
        return BLOCKED

    def _ask_for_contact(self, entity: Entity, place: Location, row: OutboxRow) -> None:
        """Not with an earlier version than its link knows: what is read would count as stale."""
        link = self._contact(entity, place) or LinkRow()
        self.request_read(entity.owner, max(link.version_ms, row.snapshot.update_time_ms))

    async def _send(
        self, entity: Entity, place: Location, row: OutboxRow, call: Call, prepared: Prepared, slot: RequestSlot
    ) -> WorkResult:
        if not call.is_create:
            return await self._change(entity, place, row, call, prepared, slot)
        identifiers = {name: call.body[name] for name in FOUND_BY if call.body.get(name)}
        intent = self.receipts.make(row, "intended", call.step, fields=call.fields, identifiers=identifiers or None)
        async with self.receipts.intending(place.partition, intent):
            return await self._request(entity, place, row, call, prepared, slot)

    async def _change(
        self, entity: Entity, place: Location, row: OutboxRow, call: Call, prepared: Prepared, slot: RequestSlot
    ) -> WorkResult:
        """Send what is no create. A state that replaces this one meanwhile remembers it until the answer is recorded."""
        self.under_way[entity.key] = row.snapshot
        try:
            finish = await self._request(entity, place, row, call, prepared, slot)
        finally:
            del self.under_way[entity.key]
        current = self.outbox.get(place.partition, entity.key)
        if current is not None and row.snapshot in current.before:
            before = tuple(one for one in current.before if one != row.snapshot)
            self.outbox.put(place.partition, entity.key, current.model_copy(update={"before": before}))
            await self.outbox.flush()
        return finish

    async def _request(
        self, entity: Entity, place: Location, row: OutboxRow, call: Call, prepared: Prepared, slot: RequestSlot
    ) -> WorkResult:
        try:
            performed = await perform(place.client, place.location_id, call)
        except ConnectorError as error:
            outcome = classify(error)
            slot.answered(was_sent=not isinstance(error, NotSent))
            self.metrics.wrote(place.connection, call.step, outcome.name)
            return await self._failed(entity, place, row, call, prepared, error, outcome)
        slot.answered()
        self.refusals.served(place.budget, call.step, entity.key)
        self.metrics.wrote(place.connection, call.step, "applied")
        return await self._succeeded(entity, place, row, call, prepared, performed)

    async def _succeeded(
        self, entity: Entity, place: Location, row: OutboxRow, call: Call, prepared: Prepared, performed: Performed
    ) -> WorkResult:
        if performed.ghl_id is None:
            # We looked and nothing is there: the create never happened.
            await self.receipts.settle(place.partition, self.receipts.make(row, "failed", call.step))
            return AGAIN
        receipt = self.receipts.make(
            row,
            "applied",
            call.step,
            ghl_id=performed.ghl_id,
            refers_to=call.contact_id if entity.kind != "contact" else None,
            fields=call.fields,
            tags=call.tags,
            doubtful_tags=call.doubtful_tags,
            is_deleted=call.is_delete,
            flags=prepared.flags,
        )
        before = self.links.get(place.partition, entity.key)
        after = prepared.plan(record_link(before, receipt), self._contact(entity, place), self.output.now_ms())
        is_settled = isinstance(after, Settled)
        if is_settled:
            receipt = receipt.model_copy(update={"settled": self.settled_as(row.snapshot)})
            self._fresh(place, row.snapshot, receipt.at_ms)
        await self.receipts.settle(place.partition, receipt)
        return DONE if is_settled else AGAIN

    def _fresh(self, place: Location, snapshot: Snapshot, at_ms: int) -> None:
        held = self.held(place.connection, snapshot.accepted_ms)
        self.metrics.fresh(place.connection, snapshot, at_ms, held=held, trace=trace_id(snapshot.trace))

    async def _failed(
        self,
        entity: Entity,
        place: Location,
        row: OutboxRow,
        call: Call,
        prepared: Prepared,
        error: ConnectorError,
        outcome: Classification,
    ) -> WorkResult:
        answer = error if isinstance(error, VendorError) else None
        disposition, judgement = outcome.disposition, None
        if outcome.name == FORBIDDEN:
            judgement = self.refusals.refused(place.budget, call.step, entity.key)
        if judgement is Judgement.PARK:
            disposition = Disposition.REFUSED
        elif judgement is not Judgement.TRY_AGAIN and (pause := pause_after(error, place.window_seconds)):
            self.pause(place.budget, *pause)
        match disposition:
            case Disposition.ADOPT if answer is not None:
                return await self._adopt(entity, place, row, call, prepared, answer)
            case Disposition.GONE if call.is_delete:
                return await self._succeeded(
                    entity, place, row, call, prepared, Performed(call.ghl_id or call.contact_id)
                )
            case Disposition.GONE:
                return await self._gone(entity, place, row, call, answer)
            case Disposition.REFUSED:
                field_id = prepared.contact.external_id_field if prepared.contact is not None else None
                is_unsure = may_stand(call, answer.status if answer else None, field_id)
                said: Literal["refused", "parked"] = "parked" if is_unsure else "refused"
                return await self._park(place, row, call.step, outcome.name, error, outcome=said)
            case Disposition.THROTTLED | Disposition.PAUSE | Disposition.REFRESH:
                if call.is_create:
                    await self.receipts.settle(place.partition, self._receipt_of(row, "failed", call.step, error))
                if judgement is Judgement.TRY_AGAIN:
                    return await self._back_off(entity, place, error, 0.0)
                return AGAIN
            case _:
                if call.is_create and isinstance(error, NotSent):
                    await self.receipts.settle(place.partition, self._receipt_of(row, "failed", call.step, error))
                elif not call.is_create and not isinstance(error, NotSent):
                    facts = doubt(call, self.links.get(place.partition, entity.key))
                    await self.receipts.settle(place.partition, self.receipts.make(row, "doubtful", call.step, **facts))
                # A look that came too soon would find nothing, and that would be taken for an answer.
                rests = call.is_create and is_cut_off(error)
                return await self._back_off(entity, place, error, place.rules.search_lag_ms / 1000 if rests else 0.0)

    async def give_up(self, item: Item, failure: Failure) -> WorkResult:
        """Park a write that fails in the same way again and again. A create that is in doubt stays in doubt."""
        place = self.locations[item.tenant]
        row = self.outbox.get(place.partition, item.key)
        if row is None:
            return DONE
        if row.parked:
            return WorkResult(Verdict.PARKED)
        return await self._park(place, row, "write", failure.cause, None, failure.message, outcome="parked")

    async def _back_off(
        self, entity: Entity, place: Location, error: ConnectorError, least_seconds: float
    ) -> WorkResult:
        row = self.outbox.get(place.partition, entity.key)
        if row is None:
            return DONE
        wait = max(least_seconds, self.retry.wait_seconds(row.attempts + 1))
        postponed = self.retry.postponed(row, wait, str(error))
        self.outbox.put(place.partition, entity.key, postponed)
        await self.outbox.flush()
        log.info("%s waits %.1f s after attempt %d: %s", entity.key, wait, row.attempts + 1, error)
        return WorkResult(Verdict.RETRY, wait, failure_of(error))

    async def _adopt(
        self, entity: Entity, place: Location, row: OutboxRow, call: Call, prepared: Prepared, answer: VendorError
    ) -> WorkResult:
        """A duplicate refusal is an answer. On a create the contact is ours to adopt; on an update a field is not ours."""
        if call.is_create:
            # What stands there is not known: everything is compared again, what we may have written is cleared.
            adopted = replace(call, fields=dict.fromkeys(call.fields or {}, UNKNOWN), tags=())
            return await self._succeeded(
                entity, place, row, adopted, prepared, Performed(str(answer.meta["contactId"]))
            )
        name = str(answer.meta.get("matchingField") or "")
        current = self.outbox.get(place.partition, entity.key)
        if name not in call.body or current is None or name in current.omit:
            return await self._park(place, row, call.step, "duplicate", answer)
        if current.snapshot.fingerprint == row.snapshot.fingerprint:
            self.outbox.put(place.partition, entity.key, current.model_copy(update={"omit": (*current.omit, name)}))
            await self.outbox.flush()
        return AGAIN

    async def _gone(
        self, entity: Entity, place: Location, row: OutboxRow, call: Call, answer: VendorError | None
    ) -> WorkResult:
        """What we wanted to change is not in GHL any more. Its link is forgotten, and made anew if the policy says so."""
        is_told = "contact not found" in str(answer).lower()
        if call.step in ("create appointment", "find note", "find task", "find appointment") and not is_told:
            return await self._park(place, row, call.step, "not found", answer)  # what is missing is not the contact
        is_contact_gone = entity.kind == "contact" or call.is_create or is_told
        if is_contact_gone and place.contact_deleted_in_ghl == "leave" and answer is not None:
            return await self._park(place, row, call.step, "contact deleted in GHL", answer)
        forgotten = self.receipts.make(row, "failed", call.step, is_forgotten=True, message=str(answer))
        await self.receipts.settle(place.partition, forgotten)
        if entity.kind == "contact" or not is_contact_gone:
            return AGAIN
        owner = self.receipts.about(entity.owner, "failed", call.step, is_forgotten=True, message=str(answer))
        await self.receipts.settle(place.partition, owner)
        self._ask_for_contact(entity, place, row)
        return BLOCKED

    async def _park(
        self,
        place: Location,
        row: OutboxRow,
        step: str,
        reason: str,
        error: ConnectorError | None,
        message: str = "",
        outcome: Literal["refused", "parked"] = "refused",
    ) -> WorkResult:
        """Set the entity aside. `refused` is GHL's answer, and ends an intent; `parked` is ours, and leaves it standing."""
        answer = error if isinstance(error, VendorError) else None
        snapshot = row.snapshot
        parked = Parked(
            stage="deliver",
            reason=reason,
            message=message or str(error),
            at_ms=self.output.now_ms(),
            source=step,
            entity=snapshot.entity.key,
            connection=snapshot.connection,
            status=answer.status if answer else None,
            trace_id=answer.trace_id if answer else None,
            original=Parked.encode(snapshot.to_bytes()),
        )
        await self.output.park(parked)
        log.warning("%s is parked until it changes again: %s", snapshot.entity.key, parked.message)
        receipt = self._receipt_of(row, outcome, step, error, message)
        await self.receipts.settle(place.partition, receipt)
        return WorkResult(Verdict.PARKED)

    def _receipt_of(
        self, row: OutboxRow, outcome: Outcome, step: str, error: ConnectorError | None, message: str = ""
    ) -> Receipt:
        answer = error if isinstance(error, VendorError) else None
        return self.receipts.make(
            row,
            outcome,
            step,
            message=message or str(error),
            status=answer.status if answer else None,
            trace_id=answer.trace_id if answer else None,
        )
