"""Looks for what hangs on a contact that was there before us, and links what is found (`core/to_ghl/adopt.py`).

One request answers for everything of the contact that waits in the outbox. Each of them gets a receipt before the next plan,
so a crash in between costs another request and nothing else.
It answers for a while also for what comes later (`child_listings.py`).
A contact that an earlier memory wrote is looked through as a whole; what is unknown there is asked for in Lofty.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from streams.core.rows import LinkRow, OutboxRow
from streams.core.to_ghl.adopt import adopted_fields, left_behind, may_be_unknown
from streams.core.to_ghl.directory import Directory
from streams.core.to_ghl.plan_child import FIND_STEPS
from streams.core.to_ghl.planning import wanted_child
from streams.kafka.tables import Table
from streams.worker.dispatch.child_listings import Held, Listings
from streams.worker.dispatch.ghl_sender import GhlSender
from streams.worker.dispatch.ghl_write import GhlWrite
from streams.worker.dispatch.held_children import list_appointments, list_held, read_appointment
from streams.worker.dispatch.loop import AGAIN, WorkResult
from streams.worker.dispatch.receipts import Receipts

AWAITED_SECONDS, MOST_AWAITED_MS = 5.0, 600_000
"""How often, and for how long, the contact of a lead to which something has moved is waited for."""


@dataclass(frozen=True, slots=True)
class _Unread:
    """The appointments of a contact that are still to be read, and what was found so far."""

    ids: list[str]
    held: Held = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Adoption:
    """Adopts by marker, one request at a time. `request_read` asks Lofty for an entity (`worker/agents/record.py`)."""

    outbox: Table[OutboxRow]
    links: Table[LinkRow]
    receipts: Receipts
    directory: Callable[[str], Directory]
    sender: GhlSender
    request_read: Callable[..., object]
    listings: Listings = field(default_factory=Listings)
    unread: dict[tuple[str, str, int], _Unread] = field(default_factory=dict)
    """Contacts whose appointments are being read. A restart begins again."""

    async def look(self, write: GhlWrite) -> WorkResult:
        """Link what the contact has in the form of `write.call` and is ours, and note what is not there."""
        if write.row.snapshot.moved_to and (stays := await self._stays(write)) is not None:
            return stays
        contact_id, step, epoch = (
            write.call.contact_id or "",
            write.call.step,
            self.receipts.epoch(write.entity.connection),
        )
        held = self.listings.get(contact_id, step, epoch)
        if step == "find appointment" and "calendarId" not in write.call.body and held is None:
            return await self._read_calendar(write, (contact_id, step, epoch))
        is_searched = step == "find appointment" and "calendarId" in write.call.body
        if held is not None and (not is_searched or (write.entity.kind, write.entity.id) in held):
            write.slot.answered(was_sent=False)
            return await self._listed(write, held)

        async def listed(held: Held) -> WorkResult:
            if step != "find appointment":  # that one is a search around the time of a single appointment
                self.listings.put(contact_id, step, epoch, held)
            return await self._listed(write, held)

        return await self.sender.request(write, list_held(write), listed)

    async def leave(self, write: GhlWrite) -> bool:
        """Before a deletion: what it deletes is not to be found from now on. True: it was found already, and is another lead's.

        Lofty has moved it to that lead, which has the same contact. Its link here is forgotten, and it stays.
        """
        call, entity = write.call, write.entity
        ghl_id, moved_to = call.ghl_id or "", write.row.snapshot.moved_to
        there = self.links.get(write.partition, entity._replace(lead=moved_to).key) if moved_to else None
        is_linked = there is not None and there.ghl_id == ghl_id and not there.is_deleted
        if not is_linked and not self.listings.is_taken(ghl_id, entity.key):
            self.listings.drop(call.contact_id or "", ghl_id)
            return False
        facts = {"is_forgotten": True, "message": f"{ghl_id} is that of another lead now, which has the same contact"}
        await self.receipts.settle(write.partition, self.receipts.make(write.row, "failed", "compare", **facts))
        return True

    async def _read_calendar(self, write: GhlWrite, key: tuple[str, str, int]) -> WorkResult:
        """List the appointments of a contact, then read each by its id, a request at a time: a list does not show their markers."""
        unread = self.unread.get(key)
        client = write.location.client
        if unread is None:

            async def listed(ids: list[str]) -> WorkResult:
                self.unread[key] = _Unread(ids)
                return AGAIN

            return await self.sender.request(write, list_appointments(client, write.call.contact_id or ""), listed)
        if unread.ids:
            ghl_id = unread.ids[-1]

            async def read(found: Held) -> WorkResult:
                unread.ids.remove(ghl_id)
                unread.held.update(found)
                return AGAIN

            return await self.sender.request(write, read_appointment(client, ghl_id), read)
        del self.unread[key]
        self.listings.put(*key, unread.held)
        write.slot.answered(was_sent=False)
        return await self._listed(write, unread.held)

    async def _listed(self, write: GhlWrite, held: Held) -> WorkResult:
        partition, owner = write.partition, write.entity.owner
        if write.entity.kind == "contact":
            return await self._looked_through(write, held)
        rows = [write.row]
        if write.call.step != "find appointment":
            every = (row for _, row in self.outbox.items(partition, f"{owner.lane}:"))
            rows = [row for row in every if not row.snapshot.moved_to or row.snapshot.entity == write.entity]
        contact = self.links.get(partition, owner.key) or LinkRow()
        await asyncio.gather(*(self._link(write, contact, row, held) for row in rows))
        return AGAIN

    async def _stays(self, write: GhlWrite) -> WorkResult | None:
        """What hangs on another lead now waits until it is known where that lead's contact is, and stays if it is this very one.

        None: it is to go.
        """
        row, partition = write.row, write.partition
        there = write.entity._replace(lead=row.snapshot.moved_to).owner
        waiting = self.outbox.get(partition, there.key)
        contact = self.links.get(partition, write.entity.owner.key) or LinkRow()
        is_left = left_behind(self.links.get(partition, there.key), contact)
        if is_left:
            return None
        write.slot.answered(was_sent=False)
        is_late = self.receipts.now_ms() > row.snapshot.read_ms + MOST_AWAITED_MS
        if is_left is None and not is_late and (waiting is None or not waiting.parked):
            if waiting is None:
                self.request_read(there, 0)
            return WorkResult.retry(AWAITED_SECONDS)
        because = f"hangs on lead {there.lead}, whose contact is the same one, or not known"
        link = self.links.get(partition, write.entity.key)
        return await self.sender.successes.record_unchanged(partition, row, because, write.prepared, link)

    async def _looked_through(self, write: GhlWrite, held: Held) -> WorkResult:
        """Ask Lofty for all that hangs there and that we neither know nor are about to write: it says whether it is the lead's.

        What hung on a lead that was deleted stays there, unless Lofty has moved it to another lead.
        """
        is_gone = write.row.snapshot.is_gone
        asked = 0
        for kind, lofty_id in held:
            entity = write.entity._replace(kind=kind, id=lofty_id)
            link = self.links.get(write.partition, entity.key) or LinkRow()
            if link.ghl_id is None and self.outbox.get(write.partition, entity.key) is None:
                if link.settled and not is_gone:  # deleted before its contact was known: that would count as written
                    await self.receipts.settle(
                        write.partition, self.receipts.about(entity, "doubtful", write.call.step)
                    )
                # It was in Lofty once, so what Lofty does not find is gone, not new.
                self.request_read(entity, link.version_ms, is_known_gone=not is_gone, only_moved=is_gone)
                asked += 1
        message = f"looked through for what an earlier memory left: Lofty is asked about {asked} of {len(held)}"
        facts = {"ghl_id": write.call.contact_id, "message": message}
        await self.receipts.settle(write.partition, self.receipts.make(write.row, "applied", write.call.step, **facts))
        return AGAIN

    async def _link(self, write: GhlWrite, contact: LinkRow, row: OutboxRow, held: Held) -> None:
        snapshot, step, partition = row.snapshot, write.call.step, write.partition
        form = next(form for form, find in FIND_STEPS.items() if find == step)
        if not may_be_unknown(form, snapshot.kind, self.links.get(partition, snapshot.entity.key), contact):
            return
        found = held.pop((snapshot.kind, snapshot.id), None)
        if found is not None and not self.listings.is_going(found.ghl_id):
            self.listings.take(found.ghl_id, snapshot.entity.key)
            wanted = wanted_child(snapshot, write.location.rules, self.directory(snapshot.connection), form)
            receipt = self.receipts.make(
                row,
                "applied",
                step,
                ghl_id=found.ghl_id,
                refers_to=write.call.contact_id,
                fields=adopted_fields(wanted, found, form),
                message="was there already: adopted by its marker",
            )
        else:
            receipt = self.receipts.make(row, "failed", step, message="GHL does not have it yet")
        await self.receipts.settle(partition, receipt)
