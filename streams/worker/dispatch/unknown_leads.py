"""Asks Lofty about a lead that only a contact in GHL names, by its Lofty id: it may have been deleted while nothing knew of it.

Where our memory was lost, a lead that is deleted by then is in no list of Lofty, and no link names its contact. Lofty's trash
alone tells it from a lead that is hidden from us, or was never this team's. If it is there, the contact becomes the lead's again
(`Identities.recall`), and then what the policy says of deleted leads is done. If Lofty shows the lead, it is written as any other.
If Lofty does not know it, nothing happens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from streams.core.rows import LinkRow, OutboxRow
from streams.core.to_lofty.rows import BacklinkRow, own_contact
from streams.kafka.tables import Table
from streams.messages import Entity
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.receipts import Receipts
from streams.worker.dispatch.repair import STEP, NotRepaired


@dataclass(frozen=True, slots=True)
class UnknownLeads:
    """`request_read` asks Lofty for a lead of at least this version; what Lofty does not show is not parked."""

    links: Table[LinkRow]
    outbox: Table[OutboxRow]
    backlinks: Table[BacklinkRow]
    receipts: Receipts
    request_read: Callable[[Entity, int], object]

    async def ask(self, location: Location, entity: Entity, contact_id: str) -> None:
        """Ask about a lead, for the sake of this contact. Raises `NotRepaired` for one that our tables know meanwhile."""
        partition = location.partition
        link = self.links.get(partition, entity.key)
        if entity.kind != "contact" or not contact_id:
            raise NotRepaired(f"{entity.key} is no lead, or no contact was named")
        if self.outbox.get(partition, entity.key) is not None:
            raise NotRepaired("a newer state is on its way, or parked")
        if link is not None and link.ghl_id is not None:
            raise NotRepaired(f"the lead has contact {link.ghl_id}")
        row = BacklinkRow(entity=entity.key, contact_id=contact_id, asked_ms=self.receipts.now_ms())
        self.backlinks.put(partition, own_contact(entity), row)
        await self.backlinks.flush()
        if link is not None and link.settled:  # else its state would count as written
            await self.receipts.settle(partition, self.receipts.about(entity, "doubtful", STEP))
        self.request_read(entity, link.version_ms if link is not None else 0)
