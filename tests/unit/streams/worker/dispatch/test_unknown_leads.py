"""A lead that was deleted while nothing knew of it, from the question to what becomes of its contact."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest

from streams.core.rows import Candidate, LinkRow
from streams.core.scheduling.dispatcher import Verdict
from streams.core.to_ghl.directory import Directory
from streams.core.to_lofty.rows import BacklinkRow, own_contact
from streams.messages import Entity
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.repair import NotRepaired
from streams.worker.dispatch.unknown_contacts import Then
from streams.worker.dispatch.unknown_leads import MOST_ASKED, UnknownLeads
from tests.unit.streams.worker.dispatch.stage import PARTITION, TakenSlot, answer, item_of
from tests.unit.streams.worker.dispatch.writer_stage import WriterStage

ANN, BEN = Entity.contact("acme", "1"), Entity.contact("acme", "2")
AGE_MS = 36 * 3_600_000
READ, TAG, DELETE = "GET /contacts/c-old", "POST /contacts/c-old/tags", "DELETE /contacts/c-old"
LOOK = ["GET /contacts/c-old/notes", "GET /contacts/c-old/tasks"]


def shown(lofty_id: str = "2", tags: tuple[str, ...] = ()) -> Any:
    """The contact, with this Lofty id."""
    fields = [{"id": "f-lead", "value": lofty_id}]
    return answer(200, {"contact": {"id": "c-old", "email": "b@x.test", "tags": [*tags], "customFields": fields}})


@dataclass
class Contacts:
    """Those whose notes and tasks are to be read."""

    waiting: dict[str, Then] = field(default_factory=dict)

    def read(self, _: Location, lead: Entity, __: str, then: Then) -> bool:
        """Each one once."""
        is_new = lead.key not in self.waiting
        self.waiting[lead.key] = then
        return is_new

    def forget(self, _: str) -> None:
        """Nothing waits here for long."""


class Desk(WriterStage):
    """A contact has the Lofty id of Ben, whom no link knows; `read` are the leads that Lofty was asked for."""

    def __init__(self, *script: Any, policy: str = "tag") -> None:
        super().__init__(*script, directory=Directory(custom_fields={"lofty lead id": "f-lead"}), lead_deleted=policy)
        self.read: list[tuple[str, int]] = []
        self.hanging: list[tuple[str, ...]] = []
        self.gone: list[str] = []
        self.contacts = Contacts()
        self.unknown = UnknownLeads(
            self.writer.locations,
            {"acme": AGE_MS},
            self.links,
            self.outbox,
            self.backlinks,
            self.receipts,
            self._request,
            self.contacts,  # type: ignore[arg-type]  # a stand-in
        )
        self.location = self.writer.locations["acme"]

    def _request(self, entity: Entity, version_ms: int, *, hanging: tuple[str, ...], is_known_gone: bool) -> None:
        self.read.append((entity.key, version_ms))
        self.hanging.append(hanging)
        self.gone += [entity.key] if is_known_gone else []

    async def ask(self, contact_id: str = "c-old", lead: Entity = BEN, *, is_known_gone: bool = False) -> None:
        """Ask Lofty about a lead."""
        await self.unknown.ask(self.location, lead, contact_id, ("note:5",), is_known_gone=is_known_gone)

    async def look(self, connection: str = "acme", hanging: tuple[str, ...] | None = ("note:5",)) -> int:
        """Look once, and read what hangs on the contacts that were found."""
        found = await self.unknown.look(connection)
        for then in [self.contacts.waiting.pop(key) for key in [*self.contacts.waiting]]:
            with suppress(NotRepaired):
                await then(hanging)
        return found

    async def is_gone(self) -> None:
        """Lofty's trash has Ben; his turns, to the end."""
        self.wants(BEN, None)
        for _ in range(9):
            if (await self.writer(item_of(BEN), TakenSlot())).verdict is Verdict.DONE:
                return
        raise AssertionError(self.ghl.lines)

    @property
    def link(self) -> LinkRow:
        """Ben's."""
        return self.links.get(PARTITION, BEN.key) or LinkRow()


@pytest.mark.parametrize(
    ("policy", "tags", "then"),
    [
        ("tag", (), [TAG, *LOOK]),
        ("tag", ("lofty-deleted",), LOOK),
        ("delete", (), [DELETE]),
        ("ignore", (), LOOK),
    ],
)
async def test_its_contact_is_treated_by_the_policy(policy: str, tags: tuple[str, ...], then: list[str]) -> None:
    """It is read first; the row is used once. Of what hangs there Lofty is asked whether it has moved to another lead, and no more:
    what counts as written of it does so still, since what hung on a deleted lead stays.
    """
    notes = answer(200, {"notes": [{"id": "n-1", "body": "said<br>[lofty-note:5]"}]})
    done = [] if policy == "ignore" or tags else [answer(200, {"tags": ["lofty-deleted"], "succeded": True})]
    on = Desk(shown(tags=tags), *done, notes, answer(200, {"tasks": []}), policy=policy)
    hangs = BEN._replace(kind="note", id="5")
    on.links.put(PARTITION, hangs.key, LinkRow(settled="f/m"))
    await on.ask()
    await on.is_gone()
    assert on.links.get(PARTITION, hangs.key) == LinkRow(settled="f/m")
    assert on.read == [(BEN.key, 0)]
    assert on.ghl.lines == [READ, *then]
    assert (on.link.ghl_id, on.link.is_gone, on.link.recalled_ms > 0) == ("c-old", True, True)
    assert on.backlinks.get(PARTITION, own_contact(BEN)) is None
    assert on.looked_for == ([BEN._replace(kind="note", id="5").key] if LOOK[0] in then else [])


async def test_nobody_is_recalled_for_whom_lofty_was_not_asked() -> None:
    """While leads are read for the first time, another one may have that contact."""
    on = Desk()
    on.backlinks.put(PARTITION, own_contact(BEN), BacklinkRow(entity=BEN.key, contact_id="c-old"))
    await on.is_gone()
    assert (on.ghl.lines, on.link.ghl_id) == ([], None)


async def test_a_contact_that_has_another_id_by_now_is_left() -> None:
    """Another lead has adopted it, or a person has emptied the field."""
    on = Desk(shown("3"), policy="delete")
    await on.ask()
    await on.is_gone()
    assert (on.ghl.lines, on.link.ghl_id) == ([READ], None)


async def test_a_contact_that_is_gone_meanwhile_is_forgotten() -> None:
    """There is nothing to tag."""
    on = Desk(answer(400, {"message": "Contact not found for id: c-old"}))
    await on.ask()
    await on.is_gone()
    assert (on.ghl.lines, on.link.ghl_id, on.link.settled) == ([READ], None, "f/mapping")


@pytest.mark.parametrize("policy", ["tag", "delete"])
@pytest.mark.parametrize("shares", ["", BEN.key])
async def test_a_contact_that_a_living_lead_writes_or_shares_is_left(policy: str, shares: str) -> None:
    """Also while its id is still that of the deleted one."""
    on = Desk(shown(), policy=policy)
    link = LinkRow(ghl_id="c-old", shares=shares, settled="f/mapping")
    on.links.put(PARTITION, ANN.key, link)
    on.identities.linked(PARTITION, ANN, link)
    await on.ask()
    await on.is_gone()
    assert (on.ghl.lines, on.link.ghl_id) == ([READ], None)


@pytest.mark.parametrize(("policy", "then"), [("tag", [TAG, *LOOK]), ("delete", [])])
async def test_a_contact_about_which_another_lead_waits_is_not_deleted(policy: str, then: list[str]) -> None:
    """A tag goes again when that one adopts the contact; a deletion would not."""
    nothing = (answer(200, {"notes": []}), answer(200, {"tasks": []}))
    on = Desk(shown(), answer(200, {"tags": [], "succeded": True}), *nothing, policy=policy)
    on.wants(ANN, {"leadId": 1})
    row = on.outbox.get(PARTITION, ANN.key)
    assert row is not None
    on.outbox.put(PARTITION, ANN.key, row.model_copy(update={"candidate": Candidate(contact_id="c-old")}))
    await on.ask()
    await on.is_gone()
    assert on.ghl.lines == [READ, *then]


async def test_a_lead_that_was_read_as_deleted_before_is_asked_about_once_more() -> None:
    """Its state counts as written, as it had no contact: that no longer holds."""
    on = Desk(shown(), answer(200, {"tags": ["lofty-deleted"], "succeded": True}))
    on.links.put(PARTITION, BEN.key, LinkRow(settled="f/mapping", is_gone=True, version_ms=7))
    await on.ask()
    assert (on.read, on.gone, on.link.settled) == ([(BEN.key, 7)], [BEN.key], "")


@pytest.mark.parametrize("is_known_gone", [True, False])
async def test_lofty_is_asked_with_what_hangs_on_the_contact(is_known_gone: bool) -> None:
    """By it a lead is known that was merged. What Lofty said before, as only verify knows, is said again."""
    on = Desk()
    await on.ask(is_known_gone=is_known_gone)
    assert (on.hanging, on.gone) == ([("note:5",)], [BEN.key] if is_known_gone else [])


@pytest.mark.parametrize("case", ["a contact", "on its way", "no contact named", "no lead"])
async def test_what_is_known_meanwhile_is_not_asked_about(case: str) -> None:
    """The refusal is the answer to verify."""
    on = Desk()
    if case == "a contact":
        on.links.put(PARTITION, BEN.key, LinkRow(ghl_id="c-ben"))
    if case == "on its way":
        on.wants(BEN, {"leadId": 2})
    lead = BEN._replace(kind="note", id="5") if case == "no lead" else BEN
    with pytest.raises(NotRepaired):
        await on.ask("" if case == "no contact named" else "c-old", lead)
    assert on.read == []


# -- by itself -----------------------------------------------------------------------------------------------------


def noted(on: Desk, count: int = 1, **facts: Any) -> list[Entity]:
    """Leads of which the location has contacts, and that no link knows."""
    leads = [Entity.contact("acme", str(100 + number)) for number in range(count)]
    for lead in leads:
        row = BacklinkRow(entity=lead.key, contact_id=f"c-{lead.lead}", **facts)
        on.backlinks.put(PARTITION, own_contact(lead), row)
    return leads


@pytest.mark.parametrize(("age_ms", "asked"), [(AGE_MS - 1, 0), (AGE_MS, 1)])
async def test_a_worker_asks_by_itself_once_a_full_sweep_has_read_every_lead(age_ms: int, asked: int) -> None:
    """Each one once, and what hangs on its contact is read before."""
    on = Desk()
    noted(on, at_ms=on.now_ms - age_ms)
    assert [await on.look() for _ in range(2)] == [asked, 0]
    assert len(on.read) == asked


async def test_nothing_is_asked_while_ghl_cannot_say_what_hangs_on_the_contact() -> None:
    """Lofty is asked once: a merge would never be known."""
    on = Desk()
    noted(on)
    assert [await on.look(hanging=None), len(on.read), await on.look(), len(on.read)] == [1, 0, 1, 1]


async def test_some_are_asked_about_at_a_time_and_those_being_written_are_not() -> None:
    """A hundred; the others follow."""
    on = Desk()
    leads = noted(on, MOST_ASKED + 20)
    on.wants(leads[0], {"leadId": 100})
    on.links.put(PARTITION, leads[1].key, LinkRow(ghl_id="c-101"))
    assert [await on.look() for _ in range(3)] == [MOST_ASKED, 18, 0]


async def test_of_other_connections_nothing_is_asked() -> None:
    """They have rows of their own in the same partition."""
    on = Desk()
    other = Entity.contact("acme2", "1")
    on.backlinks.put(PARTITION, own_contact(other), BacklinkRow(entity=other.key, contact_id="c-1"))
    on.backlinks.put(PARTITION, "contact:c-1", BacklinkRow(entity=other.key))
    assert [await on.look() for _ in range(2)] == [0, 0]
    assert own_contact(Entity.contact("acme", "1")) not in dict(on.backlinks.items(PARTITION))


async def test_a_contact_that_a_lead_of_another_connection_has_is_not_asked_about() -> None:
    """Two teams may write to one location: each finds the contacts of both."""
    on, other = Desk(), Entity.contact("acme2", "9")
    [lead] = noted(on)
    on.backlinks.put(PARTITION, f"contact:c-{lead.lead}", BacklinkRow(entity=other.key))
    on.links.put(PARTITION, other.key, LinkRow(ghl_id=f"c-{lead.lead}"))
    assert (await on.look(), on.backlinks.get(PARTITION, own_contact(lead))) == (0, None)


async def test_a_contact_of_ours_whose_link_is_lost_is_asked_about_later() -> None:
    """It has no link, or was read as deleted since. Not one that left its contact, or that lives and has none."""
    on = Desk()
    links = [None, LinkRow(is_gone=True), LinkRow(is_gone=True, parted_from="c-2"), LinkRow(), LinkRow(ghl_id="c-4")]
    for number, link in enumerate(links):
        lead = Entity.contact("acme", str(number))
        on.backlinks.put(PARTITION, f"contact:c-{number}", BacklinkRow(entity=lead.key))
        if link is not None:
            on.links.put(PARTITION, lead.key, link)
    first = await on.look()
    on.now_ms += AGE_MS
    assert (first, await on.look()) == (0, 2)
    assert [key for key, _ in on.read] == ["acme:0:contact:0", "acme:1:contact:1"]


async def test_lost_links_are_looked_for_once_for_all_connections_of_a_partition() -> None:
    """Its rows may be millions, and a table is lost only while no process has it."""
    on = Desk()
    location = on.writer.locations["acme"]
    on.unknown.locations = {"acme": location, "other": location, "elsewhere": replace(location, partition=9)}
    on.unknown.ages_ms = {"acme": AGE_MS, "other": AGE_MS, "elsewhere": AGE_MS}
    leads = [Entity.contact(name, "1") for name in ("acme", "other", "elsewhere", "unconfigured")]
    for lead in leads:
        on.backlinks.put(PARTITION, f"contact:c-{lead.connection}", BacklinkRow(entity=lead.key))
    await on.look()
    noted = [lead.connection for lead in leads if on.backlinks.get(PARTITION, own_contact(lead)) is not None]
    late = Entity.contact("acme", "2")
    on.backlinks.put(PARTITION, "contact:c-late", BacklinkRow(entity=late.key))
    await on.look("other")
    assert (noted, on.backlinks.get(PARTITION, own_contact(late))) == (["acme", "other"], None)


@pytest.mark.parametrize("is_held", [True, False])
async def test_a_lead_that_turned_out_not_to_have_its_contact_is_asked_about_once(is_held: bool) -> None:
    """The row that said so is gone. That of a living lead stays."""
    on = Desk(shown("3"))
    on.backlinks.put(PARTITION, "contact:c-old", BacklinkRow(entity=ANN.key if is_held else BEN.key))
    await on.ask()
    await on.is_gone()
    assert (on.backlinks.get(PARTITION, "contact:c-old") is not None) is is_held


@pytest.mark.usefixtures("virtual_time")
async def test_it_looks_every_hour_while_the_connection_is_its_own() -> None:
    """Also after a look that failed."""
    on = Desk()
    looked: list[float] = []
    began = asyncio.get_running_loop().time()

    def failing(*_: object) -> Any:
        looked.append(asyncio.get_running_loop().time() - began)
        raise RuntimeError("planned")

    on.unknown.backlinks = SimpleNamespace(items=failing)  # type: ignore[assignment]  # a table that fails
    on.unknown.acquire("acme")
    on.unknown.acquire("another")
    await asyncio.sleep(2 * 3600 + 60)
    on.unknown.release("acme")
    await asyncio.sleep(9 * 3600)
    assert looked == pytest.approx([3600.0, 7200.0])
