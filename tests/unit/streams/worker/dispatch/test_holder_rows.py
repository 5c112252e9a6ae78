"""Whose a contact is after an upgrade: each contact gets its row once, and two leads on one contact are planned again."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from streams.core.rows import LinkRow
from streams.messages import Conflict, Entity
from streams.messages.topics import CONFLICTS_BUILT
from streams.worker.dispatch.conflict_rows import ConflictRows
from streams.worker.dispatch.holder_rows import BUILT, HolderRows
from streams.worker.dispatch.holders import Holders
from streams.worker.dispatch.identities import Identities
from streams.worker.dispatch.shared_contacts import SharedContacts
from tests.unit.streams.worker.dispatch.stage import PARTITION, Stage

ANN, BEN, CY = (Entity.contact("acme", lead) for lead in ("1", "2", "3"))


class Desk(Stage):
    """Links that a release without such rows has left: Ann and Ben on one contact, Cy on his own, and his note."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        locations: Any = {"acme": SimpleNamespace(connection="acme", location_id="loc")}
        holders = Holders(locations, self.links, self.backlinks)
        self.identities = Identities(
            holders,
            SharedContacts(holders, self.links, self.receipts),
            self.links,
            self.outbox,
            self.backlinks,
            self.receipts,
            lambda entity, _: self.asked.append(entity.key),
            lambda *_: None,
            lambda *_: None,
        )
        self.conflict_rows = ConflictRows(self.conflicts)
        self.is_owned = True
        self.rows = HolderRows(self.identities, self.conflict_rows, self.links, self.backlinks, lambda _: self.is_owned)
        for entity, contact in ((ANN, "c-1"), (BEN, "c-1"), (CY, "c-3"), (CY._replace(kind="note", id="9"), "n-9")):
            self.links.put(PARTITION, entity.key, LinkRow(ghl_id=contact, settled="f/m"))

    async def build(self) -> None:
        """To its end."""
        self.rows.acquire(PARTITION)
        while self.rows._tasks:
            await asyncio.sleep(0)

    def settled(self, entity: Entity) -> str | None:
        """What the link of an entity says."""
        link = self.links.get(PARTITION, entity.key)
        return link.settled if link is not None else None


async def test_each_contact_leads_to_its_lead_and_who_was_mixed_is_planned_again() -> None:
    """The first one holds the contact until it is decided whose it is; nothing is asked twice."""
    on = Desk()
    await on.build()
    assert on.identities.holders.holder(PARTITION, "c-1", BEN) == ANN
    assert on.identities.holders.holder(PARTITION, "c-3", ANN) == CY
    assert on.backlinks.get(PARTITION, "contact:n-9") is None
    assert (on.settled(ANN), on.settled(BEN), on.settled(CY)) == ("f/m", "", "f/m")
    assert on.asked == [BEN.key]
    await on.build()
    assert on.asked == [BEN.key]


async def test_conflicts_that_an_earlier_release_left_get_their_rows_once() -> None:
    """Also where the rows in `backlinks` are there already."""
    on = Desk()
    await on.build()
    assert on.conflict_rows.is_built(PARTITION)
    on.conflicts.delete(PARTITION, CONFLICTS_BUILT)
    conflict = Conflict(hash="p", contact_id="c-1", lead=ANN.key)
    on.links.put(PARTITION, CY.key, LinkRow(ghl_id="c-3", conflicts={"phone": conflict}, settled="f/m"))
    await on.build()
    assert {key for key, _ in on.conflicts.items(PARTITION)} == {CONFLICTS_BUILT, CY.key}


async def test_a_partition_that_goes_away_meanwhile_is_looked_through_by_its_next_owner() -> None:
    """Nothing says that it was done."""
    on = Desk()
    on.is_owned = False
    await on.build()
    assert (on.backlinks.get(PARTITION, BUILT), on.asked) == (None, [])


async def test_a_contact_whose_lead_is_deleted_or_only_shares_it_has_no_holder() -> None:
    """It may become another lead's."""
    on = Desk()
    await on.build()
    for change in ({"is_gone": True}, {"shares": BEN.key}, {"is_deleted": True}, {"ghl_id": "c-9"}):
        on.links.put(PARTITION, CY.key, LinkRow(ghl_id="c-3").model_copy(update=change))
        assert on.identities.holders.holder(PARTITION, "c-3", ANN) is None
