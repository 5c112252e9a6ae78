"""Sends one planned request to GHL, and writes the receipt of its answer.

Before a create, an `intended` receipt must be with Kafka; after any answer, a receipt says what it was.
An answer that never came leaves the intent in place, and the next plan searches before it creates again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from connectors.errors import ConnectorError, NotSent, VendorError
from connectors.outcome import Disposition, classify
from streams.core.rows import OutboxRow
from streams.core.to_ghl.opportunity import adopted
from streams.core.to_ghl.plan import FOUND_BY
from streams.kafka.tables import Table
from streams.messages import Snapshot
from streams.telemetry.metrics import Metrics
from streams.worker.dispatch.ghl_calls import Performed, perform
from streams.worker.dispatch.ghl_failures import GhlFailures
from streams.worker.dispatch.ghl_successes import GhlSuccesses
from streams.worker.dispatch.ghl_write import GhlWrite
from streams.worker.dispatch.identities import Identities
from streams.worker.dispatch.loop import WorkResult
from streams.worker.dispatch.receipts import Receipts

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class GhlSender:
    """Sends; what follows is for `successes`, `failures` and, where GHL names a duplicate, `identities`."""

    outbox: Table[OutboxRow]
    receipts: Receipts
    successes: GhlSuccesses
    failures: GhlFailures
    identities: Identities
    metrics: Metrics
    under_way: dict[str, Snapshot] = field(default_factory=dict)
    """The state that each entity is being brought to right now, by a request that is no create."""

    async def send(self, write: GhlWrite) -> WorkResult:
        """Send the request; returns once its receipt is in the tables."""
        call = write.call
        if not call.is_create:
            return await self._send_change(write)
        identifiers = {name: call.body[name] for name in FOUND_BY if call.body.get(name)}
        intent = self.receipts.make(
            write.row,
            "intended",
            call.step,
            fields=call.fields,
            identifiers=identifiers or None,
            refers_to=call.contact_id,
        )
        async with self.receipts.intending(write.partition, intent):
            return await self._request(write)

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
        return await self.request(write, performing, lambda performed: self.successes.succeeded(write, performed))

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
            result = await self.identities.refused(write, error) or await self._took_up(write, error)
            return result or await self.failures.failed(write, error, self.successes.succeeded)
        write.slot.answered()
        self.failures.judge.served(location.budget, call.step, write.entity.key)
        self.metrics.wrote(location.connection, call.step, "applied")
        return await answered(answer)

    async def _took_up(self, write: GhlWrite, error: ConnectorError) -> WorkResult | None:
        """The contact has an opportunity in this pipeline, and GHL says which: that one is the lead's."""
        if write.call.step != "create opportunity" or not isinstance(error, VendorError):
            return None
        found = error.meta.get("existingId")
        if classify(error).disposition is not Disposition.ADOPT or not found:
            return None
        return await self.successes.succeeded(replace(write, call=adopted(write.call)), Performed(str(found)))
