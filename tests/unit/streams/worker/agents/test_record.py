"""What a receipt does to the links of other leads: a contact that several have is written by one of them at any time."""

from __future__ import annotations

import asyncio
from typing import Any

from streams.core.fingerprint import field_hash
from streams.core.rows import LinkRow
from streams.core.to_ghl.lead_opportunity import opportunity_of
from streams.core.to_ghl.plan import UNKNOWN
from streams.messages import Conflict, Entity
from streams.worker.dispatch.holders import Holders
from tests.unit.streams.worker.dispatch.stage import NOW_MS, PARTITION
from tests.unit.streams.worker.dispatch.writer_stage import WriterStage

ANN, BEN = Entity.contact("acme", "1"), Entity.contact("acme", "2")
STATE = {"leadId": 2, "firstName": "Ben", "emails": ["home@x.test"]}
CONFLICT = {"email": Conflict(hash=field_hash("home@x.test"), contact_id="c-1", lead=ANN.key)}


class Shared(WriterStage):
    """Ann's contact is Ben's, too."""

    def __init__(self) -> None:
        super().__init__()
        ann = LinkRow(ghl_id="c-1", fields={"city": "h"}, settled="f/mapping")
        ben = LinkRow(ghl_id="c-1", shares=ANN.key, conflicts=CONFLICT, settled="f/mapping", version_ms=NOW_MS - 1)
        for entity, link in ((ANN, ann), (BEN, ben)):
            self.links.put(PARTITION, entity.key, link)
            self.identities.linked(PARTITION, entity, link)

    async def leaves(self) -> None:
        """Ann was deleted."""
        facts: dict[str, Any] = {"is_forgotten": True, "parted_from": "c-1"}
        await self.receipts.settle(PARTITION, self.receipts.about(ANN, "failed", "compare", **facts))

    async def settles(self, **facts: Any) -> LinkRow:
        """What waited for Ben is done; his link."""
        row = self.outbox.get(PARTITION, BEN.key)
        assert row is not None
        receipt = self.receipts.make(row, "applied", "write opt-outs", settled="f/mapping", **facts)
        await self.receipts.settle(PARTITION, receipt)
        return self.ben

    @property
    def ben(self) -> LinkRow:
        """His link."""
        link = self.links.get(PARTITION, BEN.key)
        assert link is not None
        return link

    async def asked_for(self) -> list[str]:
        """Of whom Lofty was asked."""
        await asyncio.sleep(0)
        return [one.key.decode() for one in self.log.records["asked"]]


async def test_who_shares_a_contact_is_planned_again_once_nobody_writes_it() -> None:
    """Though it was settled."""
    on = Shared()
    await on.leaves()
    assert (on.ben.settled, await on.asked_for()) == ("", [BEN.key])


async def test_who_shares_a_contact_is_not_read_where_an_edit_of_its_own_waits() -> None:
    """That is planned in any case. What is parked is read, with its version, or the answer would be stale."""
    on = Shared()
    read: list[int] = []
    on.reads = lambda _, version_ms: read.append(version_ms)
    on.wants(BEN, STATE)
    await on.leaves()
    assert (on.ben.settled, read) == ("", [])
    row = on.outbox.get(PARTITION, BEN.key)
    assert row is not None
    on.outbox.put(PARTITION, BEN.key, row.model_copy(update={"parked": "refused"}))
    on.links.put(PARTITION, ANN.key, LinkRow(ghl_id="c-1"))
    await on.leaves()
    assert read == [NOW_MS]


async def test_who_is_read_again_for_a_receipt_is_read_with_the_version_that_waits() -> None:
    """The same, for every receipt that says so."""
    on = Shared()
    read: list[int] = []
    on.reads = lambda _, version_ms: read.append(version_ms)
    on.wants(BEN, STATE)
    await on.receipts.settle(PARTITION, on.receipts.about(BEN, "doubtful", "compare", reads_again=True))
    assert read == [NOW_MS]


async def test_what_was_under_way_for_who_shares_a_contact_settles_nothing_once_nobody_writes_it() -> None:
    """Its request was planned before. The row stays, so that the contact is taken over."""
    on = Shared()
    on.wants(BEN, STATE)
    await on.leaves()
    link = await on.settles(fields={})
    assert link.settled == ""
    assert on.outbox.get(PARTITION, BEN.key) is not None
    assert on.identities.is_won_back(PARTITION, on.outbox.get(PARTITION, BEN.key))  # type: ignore[arg-type]  # it is there


async def test_it_settles_as_long_as_somebody_writes_it() -> None:
    """Nothing else is to be done."""
    on = Shared()
    on.wants(BEN, STATE)
    assert ((await on.settles(fields={})).settled, on.outbox.get(PARTITION, BEN.key)) == ("f/mapping", None)


async def test_what_became_unknown_meanwhile_stays_unknown() -> None:
    """It was written for the lead that is gone; the receipt of what was under way does not know of it."""
    on = Shared()
    on.wants(BEN, STATE)
    doubt = on.receipts.about(BEN, "doubtful", "compare", fields={"city": UNKNOWN}, doubtful_tags=("buyer",))
    await on.receipts.settle(PARTITION, doubt)
    link = await on.settles(fields={"optOuts": "sms"})
    assert (link.fields, link.doubtful_tags) == ({"city": UNKNOWN, "optOuts": "sms"}, ("buyer",))


async def test_a_contact_that_another_living_lead_writes_has_no_heir() -> None:
    """Cy has adopted it, by his Lofty id."""
    on = Shared()
    cy, link = Entity.contact("acme", "3"), LinkRow(ghl_id="c-1", settled="f/mapping")
    on.links.put(PARTITION, ANN.key, LinkRow(parted_from="c-1"))
    on.links.put(PARTITION, cy.key, link)
    on.identities.linked(PARTITION, cy, link)
    holders: Holders = on.identities.holders
    assert holders.heirs(PARTITION, ANN, LinkRow(ghl_id="c-1"), LinkRow(parted_from="c-1")) == []
    assert not holders.is_unwritten(PARTITION, BEN, on.ben)


async def test_the_opportunity_of_who_writes_a_contact_again_is_planned_again() -> None:
    """Its stage may have changed while the other lead wrote the contact; as long as that one does, nothing is asked."""
    on, opportunity = Shared(), opportunity_of(BEN)
    on.links.put(PARTITION, opportunity.key, LinkRow(ghl_id="o", settled="f/mapping", version_ms=NOW_MS))
    on.wants(BEN, STATE)
    await on.settles(fields={})
    before = await on.asked_for()
    on.wants(BEN, {**STATE, "zipCode": "60601"})
    await on.settles(fields={}, shares="")
    link = on.links.get(PARTITION, opportunity.key)
    assert link is not None
    assert (opportunity.key in before, link.settled, opportunity.key in await on.asked_for()) == (False, "", True)
