"""Records what a person says of a lead and another GHL contact, in the lead's lane, and has the lead planned again.

Both leads learn it, since nobody knows which of the two contacts a merge in GHL leaves: GHL's API cannot merge.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, cast

from streams.core.rows import LinkRow
from streams.kafka.tables import Table
from streams.messages import Entity, IdentityDecision, Outcome, Remedy
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.receipts import Receipts
from streams.worker.dispatch.repair import NotRepaired

STEP = "decide who it is"
"""What receipts call it."""

DECISIONS: frozenset[str] = frozenset({"same", "apart"})


@dataclass(frozen=True, slots=True)
class Decisions:
    """`request_read` asks Lofty for an entity's state, so that it is planned again."""

    links: Table[LinkRow]
    receipts: Receipts
    request_read: Callable[[Entity, int], object]

    async def record(self, location: Location, entity: Entity, remedy: Remedy) -> None:
        """Record a decision about `remedy.contact_id`; it is kept also where the conflict has ended meanwhile.

        Raises `NotRepaired` for what is no lead that we know.
        """
        link, contact_id = self.links.get(location.partition, entity.key), remedy.contact_id or ""
        if link is None or entity.kind != "contact" or not contact_id:
            raise NotRepaired(f"{entity.key} is no lead that was brought to GHL, or no other contact was named")
        conflict = next((one for one in link.conflicts.values() if one.contact_id == contact_id), None)
        decision = cast(IdentityDecision, remedy.cure)
        outcome, facts = _consequence(link, contact_id, decision)
        await self._settle(location, entity, outcome, contact_id, remedy, facts)
        other = conflict.lead if conflict is not None else ""
        if other and link.ghl_id not in (None, contact_id) and self.links.get(location.partition, other) is not None:
            await self._settle(location, Entity.from_key(other), "unchanged", str(link.ghl_id), remedy, {})
        self.request_read(entity, link.version_ms)

    async def _settle(
        self,
        location: Location,
        entity: Entity,
        outcome: Outcome,
        contact_id: str,
        remedy: Remedy,
        facts: dict[str, Any],
    ) -> None:
        words = {"same": "one person", "apart": "two people"}[remedy.cure]
        message = f"{remedy.by or 'somebody'} decided: this lead and contact {contact_id} are {words}"
        receipt = self.receipts.about(
            entity, outcome, STEP, decided={contact_id: remedy.cure}, message=message, **facts
        )
        await self.receipts.settle(location.partition, receipt)


def _consequence(
    link: LinkRow, contact_id: str, decision: IdentityDecision
) -> tuple[Literal["failed", "doubtful"], dict[str, Any]]:
    """What else the receipt says: a lead leaves a contact that it shares, or tries again for what it went without.

    One that has a contact of its own keeps it without the value until somebody has merged the two.
    """
    if decision == "apart" and link.shares and link.ghl_id == contact_id:
        return "failed", {"is_forgotten": True, "parted_from": contact_id}
    if decision == "same" and link.ghl_id is None:
        return "doubtful", {"conflicts": {}}
    return "doubtful", {}
