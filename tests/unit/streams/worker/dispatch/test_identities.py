"""Whose a duplicate is, from GHL's refusal to the next create: the writer against a scripted GHL, over real tables and receipts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from connectors.http.request import Response
from streams.core.fingerprint import field_hash
from streams.core.rows import LinkRow
from streams.core.scheduling.dispatcher import Verdict
from streams.core.to_ghl.contact_identity import KEPT
from streams.core.to_ghl.directory import Directory
from streams.core.to_lofty.rows import BacklinkRow, own_contact
from streams.messages import Conflict, Entity
from streams.worker.dispatch.loop import WorkResult
from tests.unit.streams.worker.dispatch.stage import (
    PARTITION,
    Scripted,
    TakenSlot,
    answer,
    item_of,
)
from tests.unit.streams.worker.dispatch.writer_stage import WriterStage

ANN, BEN = Entity.contact("acme", "1"), Entity.contact("acme", "2")
PHONE = "+15305550104"
LEAD = {"leadId": 2, "firstName": "Ben", "emails": ["ben@x.test"], "phones": [PHONE]}
FIELDS = {"lofty lead id": "f-lead", "lofty phone": "f-phone"}
MADE = answer(201, {"contact": {"id": "c-ben"}})
UPDATED = answer(200, {"contact": {"id": "c-ben"}})
GONE = answer(400, {"message": "Contact not found for id: c-ann"})


def named(contact: str = "c-ann", field: str = "phone") -> Response:
    """GHL's refusal of a duplicate."""
    meta = {"contactId": contact, "matchingField": field}
    return answer(400, {"message": "This location does not allow duplicated contacts.", "meta": meta})


def held(**changes: Any) -> Response:
    """Ann's contact, as GHL shows it."""
    ann = {"id": "c-ann", "firstName": "Ann", "email": "ann@x.test", "phone": PHONE, **changes}
    return answer(200, {"contact": {**ann, "customFields": [{"id": "f-lead", "value": "1"}]}})


class Desk(WriterStage):
    """Ann's contact is in GHL and linked; Ben has the same telephone, and waits in the outbox."""

    def __init__(self, *script: Scripted, link: LinkRow | None = None, state: dict[str, Any] = LEAD) -> None:
        super().__init__(*script, directory=Directory(custom_fields=FIELDS))
        ann = LinkRow(ghl_id="c-ann", fields={"phone": field_hash(PHONE)}, settled="f/mapping")
        self.links.put(PARTITION, ANN.key, ann)
        self.identities.linked(PARTITION, ANN, ann)
        if link is not None:
            self.links.put(PARTITION, BEN.key, link)
        self.wants(BEN, state)

    async def work(self) -> WorkResult:
        """Ben's turns, until nothing more can be done at once."""
        for _ in range(20):
            result = await self.writer(item_of(BEN), TakenSlot())
            await asyncio.sleep(0)
            if result.verdict is not Verdict.AGAIN:
                return result
        raise AssertionError(f"no end: {self.ghl.lines}")

    def then_gives_up(self, response: Response) -> Callable[[], Response]:
        """An answer, while Ann's contact gives its telephone up."""

        def answered() -> Response:
            self.giving_up = asyncio.ensure_future(self.identities.gave_up(PARTITION, "c-ann"))
            return response

        return answered

    @property
    def ben(self) -> LinkRow:
        """His link."""
        link = self.links.get(PARTITION, BEN.key)
        assert link is not None
        return link

    def shared_email(self, contact: str, owner: Entity) -> dict[str, Conflict]:
        """Ben's e-mail is that of another lead's contact."""
        return {"email": Conflict(hash=field_hash("ben@x.test"), contact_id=contact, lead=owner.key)}

    def sent(self) -> list[tuple[str, str | None]]:
        """Each write, with its telephone."""
        bodies = [self.ghl.body(number) for number in range(len(self.ghl.asked))]
        return [(line, (body or {}).get("phone")) for line, body in zip(self.ghl.lines, bodies, strict=True)]


CREATE, READ, READ_OWN = "POST /contacts/", "GET /contacts/c-ann", "GET /contacts/c-old"


async def test_the_second_of_a_couple_gets_a_contact_without_the_telephone_and_shows_it() -> None:
    """Read, judged, left out; the value is kept in a field of its own, and nothing of Ann's is written."""
    on = Desk(named(), held(), MADE)
    assert (await on.work()).verdict is Verdict.DONE
    assert on.sent() == [(CREATE, PHONE), (READ, None), (CREATE, None)]
    assert {"id": "f-phone", "field_value": PHONE} in on.ghl.body()["customFields"]
    assert (on.ben.ghl_id, on.ben.conflicts["phone"].lead) == ("c-ben", ANN.key)
    assert on.links.get(PARTITION, ANN.key).ghl_id == "c-ann"  # type: ignore[union-attr]  # it was put above


async def test_a_telephone_that_is_given_up_while_it_is_being_decided_is_tried_again() -> None:
    """What GHL refused, and what was read, is about a state that is over."""
    on = Desk()
    on.ghl.script = [named(), on.then_gives_up(held()), MADE]
    assert (await on.work()).verdict is Verdict.DONE
    assert on.sent() == [(CREATE, PHONE), (READ, None), (CREATE, PHONE)]
    assert on.ben.conflicts == {}


async def test_one_that_is_given_up_while_an_update_is_refused_is_tried_again() -> None:
    """Here nothing is read: the contact is Ben's own."""
    known = LinkRow(ghl_id="c-ben", fields={"firstName": field_hash("Ben"), "email": field_hash("ben@x.test")})
    on = Desk(link=known)
    on.ghl.script = [on.then_gives_up(named()), UPDATED, UPDATED]
    await on.work()
    assert [phone for line, phone in on.sent() if line.startswith("PUT")][:2] == [PHONE, PHONE]
    assert on.ben.conflicts == {}


async def test_one_that_is_given_up_while_the_contact_is_settled_without_it_is_tried_again() -> None:
    """The receipt that settles it comes after the one that says that the value is free: its work is not done.

    Ben gives up a telephone himself, for which Cy waits: meanwhile Ann gives up hers.
    """
    written = {"firstName": "Ben", "email": "ben@x.test", "phone": "+15305550177"}
    known = LinkRow(ghl_id="c-ben", fields={name: field_hash(value) for name, value in written.items()})
    on = Desk(link=known)
    cy = Entity.contact("acme", "3")
    conflict = Conflict(hash=field_hash("+15305550177"), contact_id="c-ben", lead=BEN.key)
    waiting = LinkRow(ghl_id="c-cy", conflicts={"phone": conflict})
    on.links.put(PARTITION, cy.key, waiting)
    on.identities.linked(PARTITION, cy, waiting)
    on.ghl.script = [named(), on.then_gives_up(UPDATED), UPDATED]
    assert (await on.work()).verdict is Verdict.DONE
    assert [phone for _, phone in on.sent()] == [PHONE, None, PHONE]
    assert (on.ben.conflicts, on.ben.settled, on.outbox.get(PARTITION, BEN.key)) == ({}, "f/mapping", None)


async def test_who_gave_it_up_before_the_request_is_not_asked_again_and_again() -> None:
    """A refusal that is newer than that counts."""
    on = Desk(named(), held(), MADE)
    await on.identities.gave_up(PARTITION, "c-ann")
    on.now_ms += 1
    await on.work()
    assert on.sent()[-1] == (CREATE, None)
    assert len(on.sent()) == 3


async def test_a_contact_that_has_nothing_in_common_any_more_is_passed_once() -> None:
    """Named again, it is judged by GHL's word: what it matched is not seen by us."""
    changed = held(phone="+15305550199")
    on = Desk(named(), changed, named(), changed, MADE)
    assert (await on.work()).verdict is Verdict.DONE
    assert [phone for line, phone in on.sent() if line == CREATE] == [PHONE, PHONE, None]


async def test_a_contact_that_ghl_names_and_does_not_have_is_not_asked_for_without_end() -> None:
    """Passed once; named again, it is tried later, as every failure that may end."""
    on = Desk(named(), GONE, named(), GONE)
    result = await on.work()
    assert result.verdict is Verdict.RETRY
    assert result.wait_seconds > 0
    row = on.outbox.get(PARTITION, BEN.key)
    assert row is not None
    assert row.attempts == 1
    assert "c-ann" in row.last_error


async def test_one_who_is_refused_without_e_mail_and_telephone_is_parked() -> None:
    """Nothing that was sent could be left out."""
    on = Desk(answer(200, {"contacts": [], "total": 0}), named(), state={"leadId": 2, "firstName": "Ben"})
    assert (await on.work()).verdict is Verdict.PARKED


@pytest.mark.parametrize("hanging", [("note:5",), None])
@pytest.mark.parametrize("living", [True, False])
async def test_a_contact_with_the_id_of_a_lead_that_no_link_knows_waits_for_lofty(
    living: bool, hanging: tuple[str, ...] | None
) -> None:
    """What hangs there is read, then Lofty is asked once, also where GHL cannot say it. A lead that turns out to be deleted, or merged,
    leaves its contact to the one with the same e-mail.
    """
    shown = answer(
        200,
        {"contact": {"id": "c-old", "email": "ben@x.test", "customFields": [{"id": "f-lead", "value": "9"}]}},
    )
    other = Entity.contact("acme", "9")
    on = Desk(named("c-old", "email"), shown)
    assert (await on.work()).verdict is Verdict.RETRY
    assert on.asked_about == []
    lead, contact_id, then = on.read_before[0]
    assert (lead, contact_id) == (other.key, "c-old")
    for _ in range(2):  # the second time it has been asked
        await then(hanging)
    on.ghl.script = [shown]
    assert (await on.work()).verdict is Verdict.RETRY
    assert (on.asked_about, len(on.read_before)) == ([(other.key, hanging or ())], 1)
    on.links.put(PARTITION, other.key, LinkRow(ghl_id="c-old") if living else LinkRow(is_gone=True))
    on.ghl.script = [shown, *([] if living else [UPDATED, UPDATED])]
    await on.work()
    assert (on.ben.ghl_id, on.ben.shares) == ("c-old", other.key if living else "")


async def test_a_contact_stays_that_of_the_lead_that_is_about_to_adopt_it() -> None:
    """Memory is lost: its own create is under way. Who shares it takes it over only once that lead has left it."""
    shown = answer(
        200,
        {"contact": {"id": "c-old", "email": "ben@x.test", "customFields": [{"id": "f-lead", "value": "9"}]}},
    )
    owner = Entity.contact("acme", "9")
    on = Desk(named("c-old", "email"), shown)
    on.links.put(PARTITION, owner.key, LinkRow(version_ms=1))
    assert (await on.work()).verdict is Verdict.DONE
    assert on.sent() == [(CREATE, PHONE), (READ_OWN, None)]
    assert (on.ben.ghl_id, on.ben.shares) == ("c-old", owner.key)
    for left in (LinkRow(version_ms=1, parted_from="c-old"), LinkRow(is_gone=True), LinkRow(ghl_id="c-else")):
        on.links.put(PARTITION, owner.key, left)
        facts = {"shares": owner.key, "settled": "", "conflicts": on.shared_email("c-old", owner)}
        on.links.put(PARTITION, BEN.key, on.ben.model_copy(update=facts))
        on.wants(BEN, LEAD)
        on.ghl.script = [UPDATED, UPDATED]
        await on.work()
        assert (on.ben.ghl_id, on.ben.shares) == ("c-old", "")


async def test_who_takes_a_contact_over_keeps_nothing_that_we_wrote_for_the_lead_before() -> None:
    """Ann was deleted. Her town, her telephone and her tag go; what somebody else wrote there stays."""
    on = Desk(UPDATED, UPDATED, UPDATED, state={**LEAD, "phones": []})
    fields = {name: field_hash(value) for name, value in {"city": "Austin", "phone": PHONE, "firstName": "Ann"}.items()}
    on.links.put(PARTITION, ANN.key, LinkRow(ghl_id="c-ann", fields=fields, tags=("buyer",), settled="f/mapping"))
    shared = LinkRow(ghl_id="c-ann", shares=ANN.key, conflicts=on.shared_email("c-ann", ANN))
    on.links.put(PARTITION, BEN.key, shared)
    on.identities.linked(PARTITION, BEN, shared)
    on.wants(ANN, None)
    while (await on.writer(item_of(ANN), TakenSlot())).verdict is Verdict.AGAIN:
        await asyncio.sleep(0)
    assert on.ghl.lines == []
    await on.work()
    assert (on.ben.ghl_id, on.ben.shares) == ("c-ann", "")
    assert on.ghl.lines == ["PUT /contacts/c-ann", "DELETE /contacts/c-ann/tags"]
    body = on.ghl.body(0)
    assert (body["firstName"], body["email"], body["city"], body["phone"]) == ("Ben", "ben@x.test", None, None)
    assert "state" not in body
    assert on.ghl.body(1) == {"tags": ["buyer"]}


@pytest.mark.parametrize("is_held", [True, False])
async def test_who_shares_a_contact_and_is_deleted_leaves_it_as_long_as_it_is_a_living_leads(is_held: bool) -> None:
    """Nothing is sent; what hangs there for the deleted one is then deleted as that of a lead that has left the contact."""
    on = Desk()
    shared = LinkRow(ghl_id="c-ann", shares=ANN.key, conflicts=on.shared_email("c-ann", ANN), settled="f/mapping")
    on.links.put(PARTITION, BEN.key, shared)
    on.identities.linked(PARTITION, BEN, shared)
    if not is_held:
        on.links.put(PARTITION, ANN.key, LinkRow(ghl_id="c-ann", is_gone=True, settled="f/mapping"))
    on.wants(BEN, None)
    assert (await on.work()).verdict is Verdict.DONE
    assert on.ghl.lines == []
    assert (on.ben.ghl_id, on.ben.parted_from, on.ben.is_gone) == (
        (None, "c-ann", True) if is_held else ("c-ann", "", True)
    )


async def test_what_moves_between_two_leads_with_one_contact_is_made_again_where_it_was_deleted() -> None:
    """The two were merged. What the contact had was listed before, for another note of the one that stays."""
    listed = answer(200, {"notes": [{"id": "n5", "body": "said [lofty-note:5]"}]})
    made = answer(201, {"note": {"id": "n6"}})
    on = Desk(listed, made, answer(200, {}), made)
    on.outbox.delete(PARTITION, BEN.key)
    shared = LinkRow(ghl_id="c-ann", shares=ANN.key, existed_ms=1, settled="f/mapping")
    on.links.put(PARTITION, BEN.key, shared)
    hers = ANN._replace(kind="note", id="5")
    on.links.put(PARTITION, hers.key, LinkRow(ghl_id="n5", refers_to="c-ann", settled="f/mapping"))
    states = {"6": {"noteId": 6, "content": "other"}, "5": None, "05": {"noteId": 5, "content": "said"}}
    for number, state in states.items():
        note = hers if state is None else BEN._replace(kind="note", id=number.lstrip("0"))
        on.wants(note, state)
        while (await on.writer(item_of(note), TakenSlot())).verdict is Verdict.AGAIN:
            await asyncio.sleep(0)
    notes = "/contacts/c-ann/notes"
    assert on.ghl.lines == [f"GET {notes}", f"POST {notes}", f"DELETE {notes}/n5", f"POST {notes}"]


async def test_who_adopts_the_contact_of_a_deleted_lead_keeps_nothing_that_we_wrote_for_it() -> None:
    """By the same e-mail. Ann's town and tag go, with the tag that says deleted; what was changed in GHL stays."""
    tags = ["buyer", "lofty-deleted", "golf"]
    shown = held(email="ben@x.test", city="Austin", state="TX", tags=tags)
    on = Desk(named("c-ann", "email"), shown, UPDATED, UPDATED)
    written = {"city": "Austin", "state": "Texas", "firstName": "Ann"}
    fields = {name: field_hash(value) for name, value in written.items()}
    gone = LinkRow(ghl_id="c-ann", fields=fields, tags=("buyer", "lofty-deleted"), is_gone=True, settled="f/mapping")
    on.links.put(PARTITION, ANN.key, gone)
    await on.work()
    assert on.ghl.lines == [CREATE, READ, "PUT /contacts/c-ann", "DELETE /contacts/c-ann/tags"]
    assert (on.ghl.body(2)["firstName"], on.ghl.body(2)["city"], "state" in on.ghl.body(2)) == ("Ben", None, False)
    assert on.ghl.body(3) == {"tags": ["buyer", "lofty-deleted"]}


NO_NOTES, NO_TASKS = answer(200, {"notes": []}), answer(200, {"tasks": []})
LOOK_THROUGH = ["GET /contacts/c-old/notes", "GET /contacts/c-old/tasks"]
OWN = answer(200, {"contact": {"id": "c-old", "email": "old@x.test", "customFields": [{"id": "f-lead", "value": "2"}]}})


class OwnContactDesk(Desk):
    """When the location was looked through, a contact had Ben's Lofty id."""

    def __init__(self, *script: Scripted, **more: Any) -> None:
        super().__init__(*script, **more)
        self.backlinks.put(PARTITION, own_contact(BEN), BacklinkRow(entity=BEN.key, contact_id="c-old"))


async def test_a_lead_reads_the_contact_that_had_its_lofty_id_before_one_is_created() -> None:
    """It is its own, whatever else it holds; the row is used once. It is looked through: an earlier memory wrote it."""
    on = OwnContactDesk(OWN, answer(200, {"contact": {"id": "c-old"}}), NO_NOTES, NO_TASKS)
    assert (await on.work()).verdict is Verdict.DONE
    assert on.ghl.lines == [READ_OWN, "PUT /contacts/c-old", *LOOK_THROUGH]
    assert on.looked_for == []
    assert (on.ben.ghl_id, on.ben.existed_ms > 0) == ("c-old", True)
    assert on.backlinks.get(PARTITION, own_contact(BEN)) is None


async def test_what_an_earlier_memory_left_on_a_contact_and_nobody_knows_is_asked_for_in_lofty() -> None:
    """Not what we know already, or are about to write; nor what has no marker of ours."""
    bodies = ["left [lofty-note:5]", "linked<br>[lofty-note:6]", "waits [lofty-note:7]", "a person's"]
    notes = answer(200, {"notes": [{"id": f"n{number}", "body": body} for number, body in enumerate(bodies)]})
    on = OwnContactDesk(OWN, answer(200, {"contact": {"id": "c-old"}}), notes, NO_TASKS)
    five, six, seven = (BEN._replace(kind="note", id=str(number)) for number in (5, 6, 7))
    on.links.put(PARTITION, six.key, LinkRow(ghl_id="n1", refers_to="c-old"))
    on.wants(seven, {"noteId": 7})
    assert (await on.work()).verdict is Verdict.DONE
    assert on.looked_for == [five.key]


@pytest.mark.parametrize(
    ("there", "outcome"),
    [
        (LinkRow(ghl_id="c-old", shares="acme:2:contact:2", settled="f/m"), "stays"),
        (LinkRow(ghl_id="c-ann", settled="f/m"), "goes"),
        (LinkRow(settled="f/m"), "goes"),
        (LinkRow(), "waits"),
        (None, "waits"),
    ],
)
async def test_what_hangs_on_another_lead_now_leaves_a_contact_unless_that_lead_has_it_too(
    there: LinkRow | None, outcome: str
) -> None:
    """As long as it is not known where the contact of that lead is, nothing is decided, and Lofty is asked about it."""
    listed = answer(200, {"notes": [{"id": "n1", "body": "hers [lofty-note:5]"}]})
    note = BEN._replace(kind="note", id="5")
    on = Desk(*([listed, answer(200, {})] if outcome == "goes" else []))
    on.outbox.delete(PARTITION, BEN.key)
    on.links.put(PARTITION, BEN.key, LinkRow(ghl_id="c-old", existed_ms=1, settled="f/m"))
    on.links.delete(PARTITION, ANN.key)
    if there is not None:
        on.links.put(PARTITION, ANN.key, there)
    on.wants(note, None)
    row = on.outbox.get(PARTITION, note.key)
    assert row is not None
    on.outbox.put(
        PARTITION, note.key, row.model_copy(update={"snapshot": row.snapshot.model_copy(update={"moved_to": ANN.lead})})
    )
    for _ in range(5):
        result = await on.writer(item_of(note), TakenSlot())
        await asyncio.sleep(0)
        if result.verdict is not Verdict.AGAIN:
            break
    lines = ["GET /contacts/c-old/notes", "DELETE /contacts/c-old/notes/n1"]
    assert on.ghl.lines == (lines if outcome == "goes" else [])
    assert result.verdict is (Verdict.RETRY if outcome == "waits" else Verdict.DONE)
    assert on.looked_for == ([ANN.key] if outcome == "waits" else [])


async def test_what_an_earlier_memory_may_have_written_stays_and_is_reported() -> None:
    """A tag, and a town that Lofty does not have: a person in GHL may have added them. What only we write goes."""
    held = {"city": "Austin", "tags": ["golf"]}
    ids = [{"id": "f-lead", "value": "2"}, {"id": "f-phone", "value": "+15305550199"}]
    shown = answer(200, {"contact": {"id": "c-old", "email": "ben@x.test", **held, "customFields": ids}})
    on = OwnContactDesk(shown, answer(200, {"contact": {"id": "c-old"}}), NO_NOTES, NO_TASKS)
    assert (await on.work()).verdict is Verdict.DONE
    assert on.ghl.lines == [READ_OWN, "PUT /contacts/c-old", *LOOK_THROUGH]
    assert "city" not in on.ghl.body(1)
    assert {"id": "f-phone", "field_value": ""} in on.ghl.body(1)["customFields"]
    flags = next(one.flags for one in on.written if one.is_recalled)
    assert flags == (f"city: {KEPT}", f"tags: golf: {KEPT}")


@pytest.mark.parametrize(
    "shown",
    [
        answer(400, {"message": "Contact not found for id: c-old"}),
        answer(200, {"contact": {"id": "c-old", "email": "ben@x.test", "customFields": []}}),
        answer(200, {"contact": {"id": "c-old", "customFields": [{"id": "f-lead", "value": "3"}]}}),
    ],
    ids=["gone", "without an id", "another id"],
)
async def test_a_contact_that_no_longer_has_the_lofty_id_counts_for_nothing(shown: Response) -> None:
    """The search lags. What follows is as if it had not been found, also that GHL names a duplicate."""
    on = OwnContactDesk(shown, named(), held(), MADE)
    assert (await on.work()).verdict is Verdict.DONE
    assert on.ghl.lines == [READ_OWN, CREATE, READ, CREATE]
    assert on.ben.ghl_id == "c-ben"


async def test_a_lead_with_a_link_asks_for_no_other_contact() -> None:
    """Its memory is newer than the search."""
    known = LinkRow(ghl_id="c-ben", fields={"email": field_hash("ben@x.test")})
    on = OwnContactDesk(UPDATED, link=known)
    await on.work()
    assert READ_OWN not in on.ghl.lines
