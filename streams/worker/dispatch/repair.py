"""Repairs one entity in its lane: corrects its link, so that the pipeline writes the entity again.

Nothing else of the contact is under way meanwhile, so a remedy is decided on the present link, never on an old read.
A remedy that has been overtaken is not applied: what overtook it brings the entity to its newest state by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from streams.core.rows import LinkRow, OutboxRow
from streams.core.to_ghl.delivery import desire
from streams.core.to_ghl.plan import UNKNOWN
from streams.kafka.tables import Table
from streams.messages import Entity, Outcome, Remedy, Snapshot
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.receipts import Receipts

STEP = "verify"
"""What receipts call it."""


class NotRepaired(Exception):
    """The repair must not be made, or no longer; the message says why."""


@dataclass(frozen=True, slots=True)
class Repair:
    """Applies remedies. `offer` makes an entity due in the writing dispatcher."""

    links: Table[LinkRow]
    outbox: Table[OutboxRow]
    receipts: Receipts
    offer: Callable[[OutboxRow], None]

    async def write_again(self, location: Location, entity: Entity, remedy: Remedy, snapshot: Snapshot) -> None:
        """Correct the link of an entity, and make the snapshot its desired state. Raises `NotRepaired`."""
        link = self.links.get(location.partition, entity.key) or LinkRow()
        self._refuse_if_overtaken(location, entity, link, snapshot)
        if remedy.cure in ("forget", "leave") and link.ghl_id is not None and link.ghl_id != remedy.ghl_id:
            return  # it was made again meanwhile, with its contact: to forget that one would make it twice
        if link.intent is None:  # else a create is in doubt, and the plan looks for what it made before anything else
            outcome, facts = _correction(remedy, link)
            await self.receipts.settle(location.partition, self.receipts.about(entity, outcome, STEP, **facts))
        if self.outbox.get(location.partition, entity.key) is not None:
            return  # a newer state came in meanwhile
        again = snapshot.model_copy(update={"origin": "replay"})
        row = desire(None, again, self.receipts.epoch(entity.connection))
        self.outbox.put(location.partition, entity.key, row)
        await self.outbox.flush()
        self.offer(row)

    def refuse_if_named(self, location: Location, keys: tuple[str, ...], ghl_id: str) -> None:
        """Raise `NotRepaired` when a link of these entities names what is to be removed."""
        for key in keys:
            link = self.links.get(location.partition, key)
            if link is not None and link.ghl_id == ghl_id and not link.is_deleted:
                raise NotRepaired(f"{ghl_id} is what the link of {key} names")

    def _refuse_if_overtaken(self, location: Location, entity: Entity, link: LinkRow, snapshot: Snapshot) -> None:
        if self.outbox.get(location.partition, entity.key) is not None:
            raise NotRepaired("a newer state is on its way, or parked")
        is_other = bool(link.settled) and not link.settled.startswith(f"{snapshot.fingerprint}/")
        if link.version_ms > snapshot.version_ms or (link.version_ms == snapshot.version_ms and is_other):
            raise NotRepaired("GHL was brought to a newer state meanwhile")


def _correction(remedy: Remedy, link: LinkRow) -> tuple[Outcome, dict[str, object]]:
    """The receipt that makes a link say what is so."""
    unknown = dict.fromkeys(remedy.fields, UNKNOWN)
    match remedy.cure:
        case "forget":
            return "failed", {"is_forgotten": True, "message": "is no longer in GHL"}
        case "leave":
            return "failed", {
                "is_forgotten": True,
                "parted_from": remedy.ghl_id,
                "message": f"contact {remedy.ghl_id} is another lead's",
            }
        case "adopt":
            return "applied", {
                "ghl_id": remedy.ghl_id,
                "refers_to": remedy.contact_id,
                "fields": unknown,
                "tags": (),
                "doubtful_tags": (),
            }
        case _:
            tags = tuple(sorted({*link.doubtful_tags, *remedy.tags}))
            return "doubtful", {"fields": link.fields | unknown, "doubtful_tags": tags}
