"""Who has a contact, by our tables: the lead that writes it, and those that share it.

`backlinks` lead from a contact to its lead: `contact:ID` to the one that writes it, `shared:ID:KEY` to those that share it.
A link changes in `record` alone, in the order of the receipts. So what depends on two links is seen there, whatever was planned
meanwhile: a lead that shares a contact which nobody writes is planned once more, and does not count as settled before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from streams.core.rows import LinkRow
from streams.core.to_ghl.shared_contact import gives_up
from streams.core.to_lofty.rows import BacklinkRow
from streams.kafka.tables import Table
from streams.messages import Entity
from streams.worker.dispatch.location import Location


@dataclass(frozen=True, slots=True)
class Holders:
    """Those of all connections whose GHL budget this worker owns."""

    locations: Mapping[str, Location]
    links: Table[LinkRow]
    backlinks: Table[BacklinkRow]
    _turns: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    def turn(self, contact_id: str) -> asyncio.Lock:
        """Leads of one contact decide about it one after the other: each sees what the one before has recorded."""
        lock = self._turns.get(contact_id)
        if lock is None:
            lock = self._turns[contact_id] = asyncio.Lock()
        return lock

    def holder(self, partition: int, contact_id: str, but: Entity) -> Entity | None:
        """The living lead, other than `but`, that writes this contact."""
        row = self.backlinks.get(partition, f"contact:{contact_id}")
        entity = Entity.from_key(row.entity) if row is not None else None
        return (
            entity if entity is not None and entity != but and self.is_holder(partition, entity, contact_id) else None
        )

    def is_holder(self, partition: int, entity: Entity, contact_id: str) -> bool:
        """Whether a lead writes this contact."""
        return holds(self.links.get(partition, entity.key), contact_id) and entity.connection in self.locations

    def is_held(self, partition: int, contact_id: str, sharer: Entity, shares: str) -> bool:
        """Whether another lead writes this contact, or the lead with which it is shared is about to adopt it.

        That is one that has no contact yet, and has not left this one.
        """
        if self.holder(partition, contact_id, sharer) is not None:
            return True
        entity = Entity.from_key(shares)
        link = self.links.get(partition, entity.key) or LinkRow()
        is_to_come = link.ghl_id is None and not link.is_gone and link.parted_from != contact_id
        return (is_to_come and entity.connection in self.locations) or self.is_holder(partition, entity, contact_id)

    def sharing(self, partition: int, contact_id: str, but: Entity) -> Iterator[Entity]:
        """The living leads, other than `but`, that share this contact."""
        for entity in self.behind(partition, f"shared:{contact_id}:"):
            link = self.links.get(partition, entity.key)
            if entity != but and link is not None and link.shares and link.ghl_id == contact_id and not link.is_gone:
                yield entity

    def behind(self, partition: int, prefix: str) -> list[Entity]:
        """The leads to which the rows with this prefix lead."""
        rows = [row for _, row in self.backlinks.items(partition, prefix)]
        return [one for one in (Entity.from_key(row.entity) for row in rows) if one.connection in self.locations]

    # -- for `record` -------------------------------------------------------------------------------------

    def heirs(self, partition: int, entity: Entity, before: LinkRow | None, after: LinkRow) -> list[Entity]:
        """Who shares a contact that this lead wrote and does not write from now on: one of them is to write it."""
        contact_id = gives_up(before, after) if entity.kind == "contact" else None
        if contact_id is None or self.holder(partition, contact_id, entity) is not None:
            return []
        return list(self.sharing(partition, contact_id, entity))

    def is_unwritten(self, partition: int, entity: Entity, link: LinkRow) -> bool:
        """Whether a living lead shares a contact that nobody writes: it is to take it over."""
        if not link.shares or link.ghl_id is None or link.is_deleted or link.is_gone:
            return False
        return entity.connection in self.locations and not self.is_held(partition, link.ghl_id, entity, link.shares)


def holds(link: LinkRow | None, contact_id: str) -> bool:
    """Whether a link is that of a living lead that writes this contact."""
    return link is not None and link.ghl_id == contact_id and not (link.is_deleted or link.is_gone or bool(link.shares))
