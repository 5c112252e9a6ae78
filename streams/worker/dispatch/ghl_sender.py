"""Sends one planned request to GHL, and writes the receipt of its answer.

Before a create, an `intended` receipt must be with Kafka; after any answer, a receipt says what it was.
An answer that never came leaves the intent in place, and the next plan searches before it creates again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from connectors.errors import ConnectorError, NotSent
from connectors.outcome import classify
from streams.core.rows import LinkRow, OutboxRow
from streams.core.to_ghl.apply_receipt import record_link
from streams.core.to_ghl.plan import FOUND_BY, UNKNOWN, Call, Settled
from streams.core.to_ghl.planning import Prepared
from streams.kafka.tables import Table
from streams.messages import Entity, Snapshot
from streams.telemetry.metrics import Metrics
from streams.telemetry.tracing import trace_id
from streams.worker.dispatch.ghl_calls import Performed, perform
from streams.worker.dispatch.ghl_failures import GhlFailures
from streams.worker.dispatch.ghl_write import GhlWrite
from streams.worker.dispatch.loop import AGAIN, DONE, WorkResult
from streams.worker.dispatch.receipts import Receipts

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class GhlSender:
    """`settled_as` is what a link reads when it satisfies a snapshot under the mapping in force.

    `dropped` is called when GHL has answered 200 and dropped values.
    `held` says what has held a connection's changes back since a time: `quota`, `access`, or `no`.
    """

    outbox: Table[OutboxRow]
    links: Table[LinkRow]
    receipts: Receipts
    failures: GhlFailures
    settled_as: Callable[[Snapshot], str]
    metrics: Metrics
    dropped: Callable[[Entity, frozenset[str]], None] = lambda _entity, _names: None
    held: Callable[[str, int], str] = lambda _connection, _since_ms: "no"
    under_way: dict[str, Snapshot] = field(default_factory=dict)
    """The state that each entity is being brought to right now, by a request that is no create."""

    async def send(self, write: GhlWrite) -> WorkResult:
        """Send the request; returns once its receipt is in the tables."""
        call = write.call
        if not call.is_create:
            return await self._send_change(write)
        identifiers = {name: call.body[name] for name in FOUND_BY if call.body.get(name)}
        intent = self.receipts.make(
            write.row, "intended", call.step, fields=call.fields, identifiers=identifiers or None
        )
        async with self.receipts.intending(write.partition, intent):
            return await self._request(write)

    async def record_unchanged(
        self, partition: int, row: OutboxRow, because: str, prepared: Prepared, link: LinkRow | None
    ) -> None:
        """GHL holds what is wanted: a receipt settles the entity without a request."""
        self.metrics.same(row.snapshot.connection)
        facts = {"settled": self.settled_as(row.snapshot), "message": because, "flags": prepared.all_flags(link)}
        facts |= prepared.settles(link)
        await self.receipts.settle(partition, self.receipts.make(row, "unchanged", "compare", **facts))

    async def _send_change(self, write: GhlWrite) -> WorkResult:
        """Send what is no create. A state that replaces this one meanwhile remembers it until the answer is recorded."""
        key, partition, snapshot = write.entity.key, write.partition, write.row.snapshot
        self.under_way[key] = snapshot
        try:
            result = await self._request(write)
        finally:
            del self.under_way[key]
        current = self.outbox.get(partition, key)
        if current is not None and snapshot in current.before:
            before = tuple(state for state in current.before if state != snapshot)
            self.outbox.put(partition, key, current.model_copy(update={"before": before}))
            await self.outbox.flush()
        return result

    async def _request(self, write: GhlWrite) -> WorkResult:
        location = write.location
        performing = perform(location.client, location.location_id, write.call)
        return await self.request(write, performing, lambda performed: self._succeeded(write, performed))

    async def request(
        self, write: GhlWrite, asking: Awaitable[Answer], answered: Callable[[Answer], Awaitable[WorkResult]]
    ) -> WorkResult:
        """Await the request of `write.call`, and go on with its answer, or with what its failure means."""
        location, call = write.location, write.call
        try:
            answer = await asking
        except ConnectorError as error:
            write.slot.answered(was_sent=not isinstance(error, NotSent))
            self.metrics.wrote(location.connection, call.step, classify(error).name)
            return await self.failures.failed(write, error, self._succeeded)
        write.slot.answered()
        self.failures.judge.served(location.budget, call.step, write.entity.key)
        self.metrics.wrote(location.connection, call.step, "applied")
        return await answered(answer)

    async def _succeeded(self, write: GhlWrite, performed: Performed) -> WorkResult:
        call, row, entity, partition = write.call, write.row, write.entity, write.partition
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
            **_left_out(call, performed),
        )
        if performed.dropped:
            self.dropped(entity, performed.dropped)
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
        await self.receipts.settle(partition, receipt)
        return DONE if is_settled else AGAIN

    def _measure_freshness(self, snapshot: Snapshot, at_ms: int) -> None:
        held = self.held(snapshot.connection, snapshot.accepted_ms)
        self.metrics.fresh(snapshot.connection, snapshot, at_ms, held=held, trace=trace_id(snapshot.trace))


def _left_out(call: Call, performed: Performed) -> dict[str, Any]:
    """What a receipt says of values that GHL dropped: as those that it refuses, they are left out until they change."""
    fields = dict(call.fields or {})
    refused = {name: fields[name] for name in performed.dropped if fields.get(name)}
    return (
        {"fields": fields | dict.fromkeys(refused, UNKNOWN), "refused": refused} if refused else {"fields": call.fields}
    )
