"""Looks for what hangs on a contact that was there before us, and links what is found (`core/to_ghl/adopt.py`).

One request answers for everything of the contact that waits in the outbox. Each of them gets a receipt before the next plan,
so a crash in between costs another request and nothing else.
It answers for a while also for what comes later (`child_listings.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from connectors.ghl.wire import GhlObject
from streams.core.rows import LinkRow, OutboxRow
from streams.core.to_ghl.adopt import HeldChild, adopted_fields, by_marker, may_be_unknown
from streams.core.to_ghl.directory import Directory
from streams.core.to_ghl.plan_child import FIND_STEPS
from streams.core.to_ghl.planning import wanted_child
from streams.kafka.tables import Table
from streams.worker.dispatch.child_listings import Held, Listings
from streams.worker.dispatch.ghl_calls import perform
from streams.worker.dispatch.ghl_sender import GhlSender
from streams.worker.dispatch.ghl_write import GhlWrite
from streams.worker.dispatch.loop import AGAIN, WorkResult
from streams.worker.dispatch.receipts import Receipts


@dataclass(frozen=True, slots=True)
class Adoption:
    """Adopts by marker, one request at a time."""

    outbox: Table[OutboxRow]
    links: Table[LinkRow]
    receipts: Receipts
    directory: Callable[[str], Directory]
    sender: GhlSender
    listings: Listings = field(default_factory=Listings)

    async def look(self, write: GhlWrite) -> WorkResult:
        """Link what the contact has in the form of `write.call` and is ours, and note what is not there."""
        contact_id, step, epoch = (
            write.call.contact_id or "",
            write.call.step,
            self.receipts.epoch(write.entity.connection),
        )
        if (held := self.listings.get(contact_id, step, epoch)) is not None:
            write.slot.answered(was_sent=False)
            return await self._listed(write, held)

        async def listed(held: Held) -> WorkResult:
            if step != "find appointment":  # that one is a search around the time of a single appointment
                self.listings.put(contact_id, step, epoch, held)
            return await self._listed(write, held)

        return await self.sender.request(write, _list(write), listed)

    async def _listed(self, write: GhlWrite, held: Held) -> WorkResult:
        partition, owner = write.partition, write.entity.owner
        rows = [write.row]
        if write.call.step != "find appointment":
            rows = [row for _, row in self.outbox.items(partition, f"{owner.lane}:")]
        contact = self.links.get(partition, owner.key) or LinkRow()
        await asyncio.gather(*(self._link(write, contact, row, held) for row in rows))
        return AGAIN

    async def _link(self, write: GhlWrite, contact: LinkRow, row: OutboxRow, held: Held) -> None:
        snapshot, step, partition = row.snapshot, write.call.step, write.partition
        form = next(form for form, find in FIND_STEPS.items() if find == step)
        if not may_be_unknown(form, snapshot.kind, self.links.get(partition, snapshot.entity.key), contact):
            return
        if found := held.pop((snapshot.kind, snapshot.id), None):
            wanted = wanted_child(snapshot, write.location.rules, self.directory(snapshot.connection), form)
            receipt = self.receipts.make(
                row,
                "applied",
                step,
                ghl_id=found.ghl_id,
                refers_to=write.call.contact_id,
                fields=adopted_fields(wanted, found),
                message="was there already: adopted by its marker",
            )
        else:
            receipt = self.receipts.make(row, "failed", step, message="GHL does not have it yet")
        await self.receipts.settle(partition, receipt)


async def _list(write: GhlWrite) -> Held:
    """What the contact has. An appointment is searched for around its time (`ghl_calls.py`)."""
    client, call = write.location.client, write.call
    match call.step:
        case "find note":
            notes = await client.list_notes(call.contact_id or "")
            return by_marker((HeldChild(one.id, _values(one)), one.body) for one in notes)
        case "find task":
            tasks = await client.list_tasks(call.contact_id or "")
            return by_marker((HeldChild(one.id, _values(one)), one.body) for one in tasks)
        case _:
            found = (await perform(client, write.location.location_id, call)).ghl_id
            return {} if found is None else {(write.entity.kind, write.entity.id): HeldChild(found)}


def _values(found: GhlObject) -> dict[str, Any]:
    return dict(found.model_dump(by_alias=True))
