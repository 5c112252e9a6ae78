"""What a lead does with a contact that another lead has, too, before anything is written on it.

`core/to_ghl/shared_contact.py` decides; here is what it decides on (`holders.py`), and the receipts that come of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from streams.core.rows import LinkRow, OutboxRow
from streams.core.to_ghl.plan import UNKNOWN, DesiredContact
from streams.core.to_ghl.refused_values import conflicts_of
from streams.core.to_ghl.shared_contact import inherited, move_of_sharer, move_of_writer
from streams.kafka.tables import Table
from streams.messages import Entity, Outcome
from streams.worker.dispatch.holders import Holders
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.receipts import Receipts

TAKE_OVER = "take over contact"
"""The step of the receipt by which a lead writes a contact from now on that it only shared."""


@dataclass(frozen=True, slots=True)
class SharedContacts:
    """One lead of a contact at a time: each sees what the one before has recorded."""

    holders: Holders
    links: Table[LinkRow]
    receipts: Receipts

    async def put_right(
        self, entity: Entity, location: Location, row: OutboxRow, link: LinkRow | None, desired: DesiredContact | None
    ) -> bool:
        """Make sure that a linked contact is this lead's to write. True: its link has changed, so it is planned again."""
        contact_id = link.ghl_id if link is not None else None
        if link is None or contact_id is None or link.is_deleted:
            return False
        holder = self.holders.holder(location.partition, contact_id, entity)
        if not link.shares and not row.snapshot.is_gone and holder is None:
            return False
        async with self.holders.turn(contact_id):
            now = self.links.get(location.partition, entity.key) or LinkRow()
            if now.ghl_id != contact_id or now.is_deleted:
                return True
            if now.shares:
                return await self._put_sharer_right(entity, location, row, now, contact_id, desired)
            return await self._put_writer_right(entity, location, row, now, contact_id)

    async def _put_sharer_right(
        self,
        entity: Entity,
        location: Location,
        row: OutboxRow,
        link: LinkRow,
        contact_id: str,
        desired: DesiredContact | None,
    ) -> bool:
        partition, is_gone = location.partition, row.snapshot.is_gone
        if not is_gone and desired is None:
            return False
        writer = Entity.from_key(link.shares)
        known = self.links.get(partition, writer.key) or LinkRow()
        was_held = known.is_gone and known.ghl_id == contact_id
        is_held = self.holders.is_held(partition, contact_id, entity, link.shares)
        move = move_of_sharer(
            is_gone=is_gone,
            has_in_common=desired is not None and bool(conflicts_of(desired.fields, link)),
            is_held=is_held,
            has_heir=any(self.holders.sharing(partition, contact_id, entity)),
            was_held_to_the_end=was_held,
        )
        if move == "stay":
            return False
        if move == "leave":
            words = f"contact {contact_id} is that of {link.shares}"
            if not is_gone:
                words = f"has no longer what it had in common with {link.shares}"
            return await self._leave(partition, row, contact_id, words)
        left = inherited(link, known, location.rules.lead_deleted_tag) if was_held else inherited(link, LinkRow())
        wanted = desired.fields if desired is not None else {}
        left["fields"] = {name: UNKNOWN for name, value in wanted.items() if value is not None} | left["fields"]
        facts: dict[str, Any] = {**left, "ghl_id": contact_id, "tags": (), "shares": "", "conflicts": {}}
        words = f"{link.shares} has left it"
        await self.receipts.settle(partition, self.receipts.make(row, "applied", TAKE_OVER, message=words, **facts))
        if was_held:
            await self.part(partition, writer)
        return True

    async def _put_writer_right(
        self, entity: Entity, location: Location, row: OutboxRow, link: LinkRow, contact_id: str
    ) -> bool:
        partition, holder = location.partition, self.holders.holder(location.partition, contact_id, entity)
        heirs = list(self.holders.sharing(partition, contact_id, entity))
        is_gone = row.snapshot.is_gone
        if move_of_writer(is_gone=is_gone, is_held=holder is not None, has_heir=bool(heirs)) == "stay":
            return False
        # What we wrote for the one that is gone is not to stay, whichever of them takes the contact over. They are planned again
        # once this one has left (`worker/agents/record.py`).
        for heir in heirs if is_gone else ():
            known = self.links.get(partition, heir.key) or LinkRow()
            words = f"{entity.key} leaves the contact"
            facts = inherited(known, link)
            await self.receipts.settle(
                partition, self.receipts.about(heir, "doubtful", "compare", message=words, **facts)
            )
        owner = holder or next(iter(heirs), entity)
        return await self._leave(partition, row, contact_id, f"contact {contact_id} is that of {owner.key}")

    async def _leave(self, partition: int, row: OutboxRow, contact_id: str, words: str) -> bool:
        receipt = self.receipts.make(row, "failed", "compare", is_forgotten=True, message=words, parted_from=contact_id)
        await self.receipts.settle(partition, receipt)
        return True

    async def part(self, partition: int, entity: Entity) -> None:
        """A lead that had another's contact loses it, and gets its own."""
        words, link = "its contact has another lead's id", self.links.get(partition, entity.key) or LinkRow()
        facts: dict[str, Any] = {"is_forgotten": True, "parted_from": link.ghl_id, "message": words}
        await self.plan_again(partition, entity, "failed", **facts)

    async def forget_gone(self, partition: int, contact_id: str, but: Entity) -> None:
        """A contact is no longer in GHL, as a write for `but` has shown: the other leads that had it begin again without one."""
        writer = self.holders.holder(partition, contact_id, but)
        for entity in [*self.holders.sharing(partition, contact_id, but), *([writer] if writer else [])]:
            words = f"contact {contact_id} is no longer in GHL"
            await self.plan_again(partition, entity, "failed", is_forgotten=True, message=words)

    async def plan_again(self, partition: int, entity: Entity, outcome: Outcome = "doubtful", **facts: Any) -> None:
        """Another lead's contact is no longer settled, and its lead is read again."""
        await self.receipts.settle(
            partition, self.receipts.about(entity, outcome, "compare", reads_again=True, **facts)
        )
