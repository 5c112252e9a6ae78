"""What a person's decision does to the links of both leads."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from streams.core.rows import LinkRow
from streams.core.to_ghl.apply_receipt import record_link
from streams.messages import Conflict, Entity, Receipt, Remedy
from streams.worker.dispatch.decisions import Decisions
from streams.worker.dispatch.repair import NotRepaired

ANN, BEN = Entity.contact("acme", "1"), Entity.contact("acme", "2")
PHONE = {"phone": Conflict(hash="h", contact_id="x", lead=ANN.key)}
EMAIL = {"email": Conflict(hash="h", contact_id="z")}


async def decided(ben: LinkRow | None, cure: Any, contact_id: str = "x", entity: Entity = BEN) -> dict[str, Any]:
    """The links of both after a decision about Ben, and whom Lofty was asked for (`read`)."""
    links: dict[str, Any] = {ANN.key: LinkRow(ghl_id="x", settled="f/m"), BEN.key: ben}
    read: list[Entity] = []

    async def settle(_: int, receipt: Receipt) -> None:
        links[receipt.entity.key] = record_link(links[receipt.entity.key], receipt)

    def about(entity: Entity, outcome: str, step: str, **facts: Any) -> Receipt:
        known = {**entity._asdict(), "outcome": outcome, "step": step, "at_ms": 1, "version_ms": 0}
        return Receipt.model_validate(known | facts)

    decisions = Decisions(
        cast(Any, SimpleNamespace(get=lambda _, key: links.get(key))),
        cast(Any, SimpleNamespace(about=about, settle=settle)),
        lambda entity, _: read.append(entity),
    )
    await decisions.record(cast(Any, SimpleNamespace(partition=0)), entity, Remedy(cure=cure, contact_id=contact_id))
    return {"ann": links[ANN.key], "ben": links[BEN.key], "read": read}


@pytest.mark.parametrize("cure", ["same", "apart"])
async def test_who_has_a_contact_keeps_it_and_both_leads_know(cure: str) -> None:
    """Whichever contact a merge leaves. Ann's link stays settled."""
    found = await decided(LinkRow(ghl_id="y", conflicts=PHONE, settled="f/m"), cure)
    assert (found["ben"].ghl_id, found["ben"].conflicts, found["ben"].decided) == ("y", PHONE, {"x": cure})
    assert (found["ann"].settled, found["ann"].decided) == ("f/m", {"y": cure})
    assert found["read"] == [BEN]


async def test_who_shares_a_contact_leaves_it_only_if_the_two_are_two() -> None:
    """What hangs on it is moved from there."""
    shared = LinkRow(ghl_id="x", shares=ANN.key, conflicts=PHONE, settled="f/m")
    left = (await decided(shared, "apart"))["ben"]
    assert (left.ghl_id, left.shares, left.parted_from, left.decided) == (None, "", "x", {"x": "apart"})
    stays = (await decided(shared, "same"))["ben"]
    assert (stays.ghl_id, stays.shares, stays.decided) == ("x", ANN.key, {"x": "same"})


async def test_decisions_about_two_contacts_are_both_kept_though_the_first_ends_all_conflicts() -> None:
    """A lead without a contact tries again for everything that it went without."""
    first = (await decided(LinkRow(conflicts=PHONE | EMAIL), "same"))["ben"]
    assert first.conflicts == {}
    assert (await decided(first, "same", "z"))["ben"].decided == {"x": "same", "z": "same"}


@pytest.mark.parametrize(("link", "contact_id", "entity"), [
    (None, "x", BEN), (LinkRow(), "", BEN), (LinkRow(), "x", Entity("acme", "2", "note", "2")),
])  # fmt: skip
async def test_what_is_no_lead_of_ours_is_refused(link: LinkRow | None, contact_id: str, entity: Entity) -> None:
    """Also a decision that names no contact."""
    with pytest.raises(NotRepaired):
        await decided(link, "same", contact_id, entity)
