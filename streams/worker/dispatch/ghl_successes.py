"""What follows when GHL did what was asked, or holds it already: a receipt that says what it holds, and the next plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from streams.core.fingerprint import field_hash
from streams.core.rows import Candidate, LinkRow, OutboxRow
from streams.core.to_ghl.apply_receipt import record_link
from streams.core.to_ghl.left_out import unreadable
from streams.core.to_ghl.plan import IDENTIFIERS, UNKNOWN, Call, Settled
from streams.core.to_ghl.planning import Prepared
from streams.kafka.tables import Table
from streams.messages import Snapshot
from streams.telemetry.metrics import Metrics
from streams.telemetry.tracing import trace_id
from streams.worker.dispatch.ghl_calls import Performed
from streams.worker.dispatch.ghl_write import GhlWrite
from streams.worker.dispatch.identities import Identities
from streams.worker.dispatch.loop import AGAIN, DONE, WorkResult
from streams.worker.dispatch.receipts import Receipts

NOTHING = field_hash(None)
"""The hash of a field that is to be empty."""


@dataclass(frozen=True, slots=True)
class GhlSuccesses:
    """`settled_as` is what a link reads when it satisfies a snapshot under the mapping in force.

    `suspect` is called with a connection of whose values GHL seems to have dropped some, with a 200.
    `held` says what has held a connection's changes back since a time: `quota`, `access`, or `no`.
    """

    links: Table[LinkRow]
    receipts: Receipts
    identities: Identities
    settled_as: Callable[[Snapshot], str]
    metrics: Metrics
    suspect: Callable[[str], None] = lambda _connection: None
    held: Callable[[str, int], str] = lambda _connection, _since_ms: "no"

    async def record_unchanged(
        self, partition: int, row: OutboxRow, because: str, prepared: Prepared, link: LinkRow | None
    ) -> WorkResult:
        """GHL holds what is wanted: a receipt settles the entity without a request."""
        self.metrics.same(row.snapshot.connection)
        facts = {"settled": self.settled_as(row.snapshot), "message": because, "flags": prepared.all_flags(link)}
        facts |= prepared.settles(link)
        self._count_unreadable(row.snapshot.connection, prepared, link)
        await self.receipts.settle(partition, self.receipts.make(row, "unchanged", "compare", **facts))
        return AGAIN if self.identities.is_won_back(partition, row) else DONE

    async def succeeded(self, write: GhlWrite, performed: Performed) -> WorkResult:
        """Record the answer of a request; the entity is settled, or planned again."""
        call, row, entity, partition = write.call, write.row, write.entity, write.partition
        if call.step == "find duplicate":
            await self.identities.named(write, Candidate(contact_id=performed.ghl_id or ""))
            return AGAIN
        if call.step == "read contact":
            return await self.identities.decide(write, performed.contact or {})
        if performed.ghl_id is None:
            # The search found nothing: the create never happened.
            await self.receipts.settle(partition, self.receipts.make(row, "failed", call.step))
            return AGAIN
        before = self.links.get(partition, entity.key)
        receipt = self.receipts.make(
            row,
            "applied",
            call.step,
            ghl_id=performed.ghl_id,
            refers_to=call.contact_id if entity.kind != "contact" else None,
            tags=call.tags,
            doubtful_tags=call.doubtful_tags,
            is_deleted=call.is_delete,
            is_new=performed.is_new,
            **left_out(call, performed, before or LinkRow()),
        )
        if receipt.refused or performed.shows_none:
            self.suspect(entity.connection)
        link = record_link(before, receipt)
        receipt = receipt.model_copy(update={"flags": write.prepared.all_flags(link)})
        contact = None if entity.kind == "contact" else self.links.get(partition, entity.owner.key)
        after = write.prepared.plan(link, contact, receipt.at_ms)
        is_settled = isinstance(after, Settled)
        if is_settled:
            facts = write.prepared.settles(link)
            facts["refused"] = {**(receipt.refused or {}), **facts.get("refused", {})} or None
            receipt = receipt.model_copy(update={"settled": self.settled_as(row.snapshot), **facts})
            self._measure_freshness(row.snapshot, receipt.at_ms)
            self._count_unreadable(entity.connection, write.prepared, link)
        if entity.kind == "contact" and not call.is_create and _gives_up(call):
            # Before the receipt: after a crash in between the request is sent again, and this done again.
            await self.identities.gave_up(partition, call.contact_id or "")
        await self.receipts.settle(partition, receipt)
        return DONE if is_settled and not self.identities.is_won_back(partition, row) else AGAIN

    def _count_unreadable(self, connection: str, prepared: Prepared, link: LinkRow | None) -> None:
        for what in unreadable(prepared.unreadable(link)):
            self.metrics.left_out(connection, what)

    def _measure_freshness(self, snapshot: Snapshot, at_ms: int) -> None:
        held = self.held(snapshot.connection, snapshot.accepted_ms)
        self.metrics.fresh(snapshot.connection, snapshot, at_ms, held=held, trace=trace_id(snapshot.trace))


def _gives_up(call: Call) -> bool:
    """Whether a contact may no longer have the e-mail or phone that it had."""
    return call.is_delete or any(name in call.body for name in IDENTIFIERS)


def left_out(call: Call, performed: Performed, before: LinkRow) -> dict[str, Any]:
    """What a receipt says of values that GHL dropped: as those that it refuses, they are left out until they change.

    Dropped is also what left the value that we had written before. A contact that was just created holds nothing there; another may
    still hold an older value. What GHL did not clear is not cleared again: that would go on for ever.
    """
    fields = dict(call.fields or {})
    kept = {name for name, shown in performed.shown.items() if shown == before.fields.get(name) != fields.get(name)}
    dropped = {name: fields[name] for name in {*performed.dropped, *kept} if fields.get(name)}
    if not dropped:
        return {"fields": call.fields}
    values = {name for name, hash_ in dropped.items() if hash_ != NOTHING}
    known = {name: hash_ for name, hash_ in fields.items() if name not in values}
    refused = {name: hash_ for name, hash_ in dropped.items() if name in values or not before.refused.get(name)}
    return {"fields": known if call.is_create else known | dict.fromkeys(values, UNKNOWN), "refused": refused or None}
