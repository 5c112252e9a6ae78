"""One person, one contact: couples, names alone, contacts that were in GHL before, deletions, and what was mixed before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors.sandbox.ghl import LocationSettings
from connectors.sandbox.ghl.seeds import seed, shown
from connectors.sandbox.shared.faults import parse_fault
from streams.messages import Entity, Receipt
from streams.messages.topics import RECEIPTS
from streams.operations.verify.run import verify
from streams.operations.worker_queries.client import Timeouts
from tests.integration.stage import LOCATION, PARTITIONS, TEAM, Stage, stage
from tests.kafka.broker import Broker

PHONE = "(530) 555-0104"
E164 = "+15305550104"


def with_policy(line: str) -> str:
    """More configuration: one line of policies."""
    return f"[connections.acme.policies]\n{line}"


def couple(on: Stage, number: int) -> tuple[str, str]:
    """Two people with two e-mails and one telephone."""
    phones = [f"(530) 555-01{number:02}"]
    first, second = (
        on.new_lead(firstName=name, lastName=f"Vale{number}", emails=[f"{name}{number}@example.com"], phones=phones)
        for name in ("Ann", "Ben")
    )
    return first, second


async def ann_and_ben(on: Stage) -> tuple[str, str]:
    """The same, one after the other, each with a note."""
    ann = on.new_lead(firstName="Ann", lastName="Vale", emails=["ann@example.com"], phones=[PHONE])
    await on.until_quiet()
    ben = on.new_lead(firstName="Ben", lastName="Vale", emails=["ben@example.com"], phones=[PHONE])
    on.edit("create", "note", leadId=int(ann), fields={"content": "wants a garden"})
    on.edit("create", "note", leadId=int(ben), fields={"content": "wants a garage"})
    await on.until_quiet()
    return ann, ben


def hang_on(on: Stage, lead: str) -> None:
    """One of each kind on a lead."""
    on.edit("create", "note", leadId=int(lead), fields={"content": f"said {lead}"})
    on.edit("create", "task", leadId=int(lead), fields={"content": f"call {lead}"})
    on.edit("create", "appointment", leadId=int(lead), fields={"content": f"show {lead}", "startAt": 1_900_000_000_000})


def held(on: Stage, lead: str) -> list[int]:
    """How many notes, and tasks with appointments, a lead's contact has."""
    contact = on.contacts().get(lead) or {"notes": (), "tasks": ()}
    return [len(contact["notes"]), len(contact["tasks"])]


def person(contact: dict[str, Any]) -> tuple[Any, ...]:
    """Who a contact is."""
    return contact["firstName"], contact.get("email"), contact.get("phone")


@pytest.mark.in_make_test
async def test_a_couple_with_one_telephone_stays_two_people(broker: Broker, tmp_path: Path) -> None:
    """Each has its own contact and notes; the telephone is the first one's, until she gives it up."""
    async with stage(broker, tmp_path) as on:
        ann, ben = await ann_and_ben(on)

        contacts = on.contacts()
        assert person(contacts[ann]) == ("Ann", "ann@example.com", E164)
        assert person(contacts[ben]) == ("Ben", "ben@example.com", None)
        assert contacts[ben]["custom"]["Lofty phone"] == E164
        assert ["garden" in contacts[ann]["notes"][0]["body"], "garage" in contacts[ben]["notes"][0]["body"]] == [
            True
        ] * 2
        assert [len(contacts[one]["notes"]) for one in (ann, ben)] == [1, 1]

        on.edit("update", "lead", id=int(ann), fields={"lastName": "Vale-Roe"})
        await on.until_quiet()
        assert on.contacts()[ben]["lastName"] == "Vale"

        on.edit("update", "lead", id=int(ann), fields={"phones": ["(530) 555-0199"]})
        await on.until(lambda: on.contacts()[ben].get("phone") == E164)
        await on.until_quiet()
        assert on.contacts()[ben]["custom"].get("Lofty phone") is None

        on.edit("delete", "lead", id=int(ann))
        await on.until_quiet()
        assert "lofty-deleted" in on.contacts()[ann]["tags"]
        assert "lofty-deleted" not in on.contacts()[ben]["tags"]
        assert len(on.ghl.location(LOCATION).contacts) == 2


async def test_a_couple_that_comes_at_once_stays_two_people(broker: Broker, tmp_path: Path) -> None:
    """Both creates are under way together; either may be first."""
    async with stage(broker, tmp_path) as on:
        couples = [couple(on, number) for number in range(10, 16)]
        await on.until_quiet()
        contacts = on.contacts()
        assert [contacts[one]["firstName"] for pair in couples for one in pair] == ["Ann", "Ben"] * 6
        assert all(len({contacts[one].get("phone") for one in pair} - {None}) == 1 for pair in couples)


async def test_two_leads_with_one_email_share_a_contact_that_is_written_for_one(broker: Broker, tmp_path: Path) -> None:
    """The later one hangs its notes on it, takes it over when the first is deleted, and it is not deleted then."""
    async with stage(broker, tmp_path, more=with_policy('lead_deleted = "delete"')) as on:
        whole = {"emails": ["home@example.com"], "phones": [PHONE], "city": "Austin", "tags": ["Seller"]}
        first = on.new_lead(firstName="Ann", **whole)
        hang_on(on, first)
        await on.until_quiet()
        later = on.new_lead(firstName="Ben", emails=["home@example.com"], phones=["(530) 555-0177"])
        on.edit("create", "note", leadId=int(later), fields={"content": "wants a garage"})
        await on.until_quiet()
        contacts = on.contacts()
        assert (len(contacts), contacts[first]["firstName"], len(contacts[first]["notes"])) == (1, "Ann", 2)

        on.edit("update", "lead", id=int(later), fields={"lastName": "Roe"})
        await on.until_quiet()
        assert on.contacts()[first]["lastName"] != "Roe"

        on.edit("delete", "lead", id=int(first))
        await on.until(lambda: held(on, later) == [1, 0])  # hers are gone
        await on.until_quiet()
        contact = on.contacts()[later]
        assert person(contact) == ("Ben", "home@example.com", "+15305550177")
        assert [len(on.ghl.location(LOCATION).contacts), len(contact["notes"])] == [1, 1]
        assert (contact.get("city"), contact["tags"]) == (None, [])  # nothing of hers is left

        on.edit("delete", "lead", id=int(later))
        await on.until(lambda: not on.ghl.location(LOCATION).contacts)


@pytest.mark.parametrize("policy", ["delete", "tag"])
async def test_a_lead_that_shares_a_contact_and_is_deleted_takes_along_what_hung_there(
    policy: str, broker: Broker, tmp_path: Path
) -> None:
    """Each kind goes from the other's contact, which is neither tagged nor deleted. Once restored, it hangs there again."""
    async with stage(broker, tmp_path, more=with_policy(f'lead_deleted = "{policy}"')) as on:
        first = on.new_lead(firstName="Ann", emails=["home@example.com"])
        hang_on(on, first)
        await on.until_quiet()
        later = on.new_lead(firstName="Ben", emails=["home@example.com"])
        hang_on(on, later)
        await on.until(lambda: held(on, first) == [2, 4])

        on.edit("delete", "lead", id=int(later))
        await on.until(lambda: held(on, first) == [1, 2])
        await on.until_quiet()
        contact = on.contacts()[first]
        assert (contact["firstName"], contact["tags"], f"said {first}" in contact["notes"][0]["body"]) == (
            *("Ann", []),
            True,
        )

        on.lofty.teams[TEAM].records["lead"][int(later)].is_deleted = False
        on.edit("update", "lead", id=int(later), fields={"lastName": "Other"})
        await on.until(lambda: held(on, first) == [2, 4])
        await on.until_quiet()
        assert (len(on.contacts()), on.contacts()[first]["firstName"]) == (1, "Ann")
        assert await on.parked() == []


@pytest.mark.parametrize("absorbed", ["who shares", "who is written"])
async def test_leads_with_one_contact_that_are_merged_have_their_notes_there_once(
    absorbed: str, broker: Broker, tmp_path: Path
) -> None:
    """They move from one lead to the other, and stay on the same contact."""
    async with stage(broker, tmp_path) as on:
        first = on.new_lead(firstName="Ann", emails=["home@example.com"])
        await on.until_quiet()
        later = on.new_lead(firstName="Ben", emails=["home@example.com"])
        for lead in (first, later):
            on.edit("create", "note", leadId=int(lead), fields={"content": f"said {lead}"})
            on.edit("create", "task", leadId=int(lead), fields={"content": "call"})
        await on.until(lambda: held(on, first) == [2, 2])
        await on.until_quiet()

        def notes() -> dict[str, str]:
            return {note["id"]: note["body"] for one in on.contacts().values() for note in one["notes"]}

        before = notes()
        gone, stays = (later, first) if absorbed == "who shares" else (first, later)
        on.edit("merge", "lead", id=int(gone), into=int(stays))
        await on.until(lambda: len(notes()) == 2 and notes().keys() != before.keys())
        await on.until_quiet()
        (contact,) = on.contacts().values()
        assert [len(contact["notes"]), len(contact["tasks"])] == [2, 2]
        assert all(f"said {lead}" in "".join(notes().values()) for lead in (first, later))
        assert await on.parked() == []


async def two_with_one_email(on: Stage, **more: Any) -> tuple[str, str]:
    """Ann writes the contact, Ben shares it."""
    first = on.new_lead(firstName="Ann", emails=["home@example.com"], city="Austin", tags=["Seller"])
    await on.until_quiet()
    later = on.new_lead(firstName="Ben", emails=["home@example.com"], **more)
    await on.until_quiet()
    return first, later


@pytest.mark.parametrize("edits", ["before", "between", "after"])
async def test_a_contact_is_taken_over_also_when_who_shares_it_is_edited_at_the_same_moment(
    edits: str, broker: Broker, tmp_path: Path
) -> None:
    """The lead that wrote it is merged into the other one. Nothing of it stays, whichever edit is read first."""
    async with stage(broker, tmp_path) as on:
        first, later = await two_with_one_email(on)
        if edits == "before":
            on.edit("update", "lead", id=int(later), fields={"lastName": "Roe"})
        on.edit("merge", "lead", id=int(first), into=int(later))
        if edits == "after":
            on.edit("update", "lead", id=int(later), fields={"lastName": "Roe"})
        await on.until_quiet()
        contacts = on.contacts()
        assert list(contacts) == [later]
        assert (contacts[later]["firstName"], contacts[later].get("city")) == ("Ben", None)
        assert "lofty-deleted" not in contacts[later]["tags"]


@pytest.mark.parametrize("policy", ["delete", "tag"])
@pytest.mark.parametrize("is_writer_first", [True, False])
async def test_leads_with_one_contact_that_are_deleted_together_leave_it_as_the_policy_says(
    is_writer_first: bool, policy: str, broker: Broker, tmp_path: Path
) -> None:
    """It is tagged or deleted, once; neither waits for the other."""
    # A read of the one that was asked for before its deletion was known finds nothing: Lofty may be a moment behind.
    given = {"visibility_ms": 600}
    async with stage(broker, tmp_path, more=with_policy(f'lead_deleted = "{policy}"'), given=given) as on:
        leads = await two_with_one_email(on)
        for lead in leads if is_writer_first else reversed(leads):
            on.edit("delete", "lead", id=int(lead))
        await on.until_quiet()
        contacts = on.ghl.location(LOCATION).contacts
        if policy == "delete":
            assert not contacts
        else:
            assert ["lofty-deleted" in shown(one)["tags"] for one in contacts.values()] == [True]
        assert await on.parked() == []


@pytest.mark.parametrize("goes_by", ["another e-mail", "deletion"])
async def test_a_note_whose_create_is_in_doubt_leaves_a_shared_contact_with_its_lead(
    goes_by: str, broker: Broker, tmp_path: Path
) -> None:
    """GHL made it, nobody heard so, and before anybody could look its lead went: it is not left with the other lead."""
    async with stage(broker, tmp_path, given={"visibility_ms": 600}) as on:
        first, later = await two_with_one_email(on)
        # What the contact had is listed once, for the first note.
        on.edit("create", "note", leadId=int(later), fields={"content": "wants a garage"})
        await on.until_quiet()
        on.ghl.faults.add(parse_fault({"kind": "drop_after_apply", "operation": "create-note", "times": 1}))
        on.ghl.faults.add(parse_fault({"kind": "status", "status": 503, "operation": "get-all-notes"}))
        on.edit("create", "note", leadId=int(later), fields={"content": "wants a garden"})
        await on.until(lambda: held(on, first) == [2, 0])
        if goes_by == "deletion":
            on.edit("delete", "lead", id=int(later))
        else:
            on.edit("update", "lead", id=int(later), fields={"emails": ["ben@example.com"]})

        async def has_left() -> bool:
            return any(one.lead == later and one.parted_from for one in await on.receipts())

        await on.until(has_left)
        on.ghl.faults.clear()
        await on.until(lambda: held(on, first) == [0, 0])
        await on.until_quiet()
        assert (held(on, first), held(on, later)) == ([0, 0], [0 if goes_by == "deletion" else 2, 0])


async def test_with_one_email_and_the_policy_apart_each_has_a_contact(broker: Broker, tmp_path: Path) -> None:
    """The later one goes without the e-mail, and shows it in a field of its own."""
    async with stage(broker, tmp_path, more=with_policy('shared_email = "apart"')) as on:
        first = on.new_lead(firstName="Ann", emails=["home@example.com"])
        await on.until_quiet()
        later = on.new_lead(firstName="Ben", emails=["home@example.com"])
        await on.until_quiet()
        contacts = on.contacts()
        assert person(contacts[first]) == ("Ann", "home@example.com", None)
        assert person(contacts[later]) == ("Ben", None, None)
        assert contacts[later]["custom"]["Lofty email"] == "home@example.com"


async def test_who_was_in_ghl_before_is_adopted_only_if_it_is_the_same_person(broker: Broker, tmp_path: Path) -> None:
    """By e-mail, by telephone and name, by a telephone without a name; not by a telephone of somebody else."""
    async with stage(broker, tmp_path) as on:
        here = on.ghl.location(LOCATION)
        fields = [
            {"email": "ann@example.com", "firstName": "Anna"},
            {"phone": "+15305550111", "firstName": "Cy", "lastName": "Roe"},
            {"phone": "+15305550112"},
            {"phone": "+15305550113", "firstName": "Zoe", "lastName": "Poe"},
        ]
        before = seed(on.ghl, {"location": LOCATION, "contacts": fields})["contacts"]
        ann = on.new_lead(firstName="Ann", emails=["ann@example.com"], phones=[])
        cy = on.new_lead(firstName="Cy", lastName="Roe", emails=["cy@example.com"], phones=["(530) 555-0111"])
        dee = on.new_lead(firstName="Dee", emails=["dee@example.com"], phones=["(530) 555-0112"])
        eve = on.new_lead(firstName="Eve", emails=["eve@example.com"], phones=["(530) 555-0113"])
        await on.until_quiet()
        contacts = on.contacts()
        assert [contacts[one]["id"] for one in (ann, cy, dee)] == before[:3]
        assert [contacts[one]["firstName"] for one in (ann, cy, dee, eve)] == ["Ann", "Cy", "Dee", "Eve"]
        assert contacts[eve]["id"] not in before
        zoe = here.contacts[before[3]]
        assert (zoe.fields["firstName"], zoe.custom, contacts[eve].get("phone")) == ("Zoe", {}, None)


async def test_a_location_that_allows_duplicates_gets_none_of_us(broker: Broker, tmp_path: Path) -> None:
    """Its creates refuse nobody, so we look first: who is there is adopted, and a couple has one telephone twice."""
    allowing = {"locations": (LocationSettings(LOCATION, ("pit-stage",), allow_duplicates=True),)}
    async with stage(broker, tmp_path, ghl=allowing) as on:
        seeded = {"location": LOCATION, "contacts": [{"email": "cy@example.com", "firstName": "Cyrus"}]}
        [before] = seed(on.ghl, seeded)["contacts"]
        ann, ben = couple(on, 4)
        cy = on.new_lead(firstName="Cy", emails=["cy@example.com"])
        on.ghl.faults.add(parse_fault({"kind": "drop_after_apply", "operation": "create-contact", "times": 1}))
        await on.until_quiet(90)
        contacts = on.contacts()
        assert len(on.ghl.location(LOCATION).contacts) == 3
        assert (contacts[cy]["id"], contacts[cy]["firstName"]) == (before, "Cy")
        assert person(contacts[ann]) == ("Ann", "ann4@example.com", E164)
        assert person(contacts[ben]) == ("Ben", "ben4@example.com", E164)


async def test_a_restored_lead_that_lost_its_contact_to_another_gets_its_own(broker: Broker, tmp_path: Path) -> None:
    """Deleted in Lofty, its contact becomes that of the lead with the same e-mail; restored, it shares that one."""
    async with stage(broker, tmp_path) as on:
        first = on.new_lead(firstName="Ann", emails=["home@example.com"])
        hang_on(on, first)
        await on.until_quiet()
        on.edit("delete", "lead", id=int(first))
        await on.until_quiet()
        assert held(on, first) == [1, 2]
        later = on.new_lead(firstName="Anna", emails=["home@example.com"])
        await on.until(lambda: later in on.contacts() and held(on, later) == [0, 0])  # hers are gone
        await on.until_quiet()
        contact = on.contacts()[later]
        assert (contact["firstName"], "lofty-deleted" in contact["tags"]) == ("Anna", False)
        on.lofty.teams[TEAM].records["lead"][int(first)].is_deleted = False
        on.edit("update", "lead", id=int(first), fields={"lastName": "Other"})
        await on.until(lambda: held(on, later) == [1, 2])  # it shares the contact, and they are back
        await on.until_quiet()
        assert (len(on.ghl.location(LOCATION).contacts), on.contacts()[later]["firstName"]) == (1, "Anna")
        assert on.contacts()[later].get("lastName") != "Other"


def mix(on: Stage, ann: str, ben: str) -> dict[str, Any]:
    """GHL and our link as an upsert by telephone left them: Ben written over Ann's contact. Returns Ben's new link."""
    here, contacts = on.ghl.location(LOCATION), on.contacts()
    mixed, gone = (here.contacts[contacts[one]["id"]] for one in (ann, ben))
    here.remove(gone)
    here.identify(mixed, "email", gone.fields["email"])
    mixed.fields |= {name: gone.fields[name] for name in ("firstName", "lastName")}
    mixed.custom |= gone.custom
    mixed.notes |= gone.notes
    entity = Entity.contact("acme", ben)
    link = next(link for number in range(PARTITIONS) if (link := on.worker.tables.links.get(number, entity.key)))
    facts = link.model_dump(include={"fields", "tags", "settled", "version_ms", "epoch"})
    given = {**entity._asdict(), **facts, "outcome": "applied", "step": "create contact", "at_ms": 1}
    return {**given, "ghl_id": mixed.id, "conflicts": {}, "fields": {**link.fields, "phone": "written then"}}


async def test_verify_parts_who_was_mixed_before(broker: Broker, tmp_path: Path) -> None:
    """Ben keeps the contact that is his by all of its fields; Ann gets one of her own, with her note, once."""
    async with stage(broker, tmp_path) as on:
        ann, ben = await ann_and_ben(on)
        receipt = Receipt(**mix(on, ann, ben))
        at = next(n for n in range(PARTITIONS) if on.worker.tables.links.get(n, receipt.entity.key))
        await on.produce(RECEIPTS, receipt.entity.key.encode(), receipt.to_bytes(), at=at)
        await on.until(lambda: on.worker.tables.links.get(at, receipt.entity.key).ghl_id == receipt.ghl_id)
        assert len(on.contacts()) == 1

        timeouts = Timeouts(retry=2.0, silence=20.0, confirm=0.7, repaired=30.0)
        await verify(on.settings, timeouts=timeouts, repair=True)
        await on.until_quiet()

        contacts = on.contacts()
        assert {one: person(contacts[one])[:2] for one in (ann, ben)} == {
            ann: ("Ann", "ann@example.com"),
            ben: ("Ben", "ben@example.com"),
        }
        texts = {one: [note["body"].split("[")[0] for note in contacts[one]["notes"]] for one in (ann, ben)}
        assert [len(texts[one]) for one in (ann, ben)] == [1, 1], texts
        assert "garden" in texts[ann][0]
        report = await verify(on.settings, timeouts=timeouts)
        assert (report.exit_code, report.counts["conflict"], report.undecided) == (4, 1, 1), report.as_dict()


@pytest.mark.parametrize("policy", ["delete", "tag"])
async def test_leads_that_are_merged_in_lofty_have_their_notes_on_one_contact_once(
    policy: str, broker: Broker, tmp_path: Path
) -> None:
    """What hung on the absorbed lead is read at once, names the other lead, and moves: nobody waits for a sweep."""
    async with stage(broker, tmp_path, more=with_policy(f'lead_deleted = "{policy}"')) as on:
        ann = on.new_lead(firstName="Ann", emails=["ann@example.com"])
        anna = on.new_lead(firstName="Anna", emails=["anna@example.com"], phones=[PHONE])
        for lead in (ann, anna):
            on.edit("create", "note", leadId=int(lead), fields={"content": f"said {lead}"})
            on.edit("create", "task", leadId=int(lead), fields={"content": "call"})
        await on.until_quiet()
        assert len(on.contacts()) == 2

        on.edit("merge", "lead", id=int(ann), into=int(anna))
        await on.until(lambda: (held(on, ann), held(on, anna)) == ([0, 0], [2, 2]))
        await on.until_quiet()
        assert (ann in on.contacts()) is (policy == "tag")
        texts = sorted(note["body"].split("[")[0] for note in on.contacts()[anna]["notes"])
        assert [lead in text for lead, text in zip(sorted([ann, anna]), texts, strict=True)] == [True, True], texts
        assert await on.parked() == []


@pytest.mark.parametrize("waits_to", ["be created", "be updated"])
async def test_what_waits_while_its_lead_is_merged_is_written_for_the_other_lead(
    waits_to: str, broker: Broker, tmp_path: Path
) -> None:
    """Neither is it created on the contact of the lead that is gone, nor does it stay there; and no sweep has to find it."""
    operation = {"be created": "create-*", "be updated": "update-*"}[waits_to]
    async with stage(broker, tmp_path) as on:
        ann = on.new_lead(firstName="Ann", emails=["ann@example.com"])
        anna = on.new_lead(firstName="Anna", emails=["anna@example.com"], phones=[PHONE])
        note = on.edit("create", "note", leadId=int(ann), fields={"content": "said"}) if "update" in waits_to else None
        await on.until_quiet()
        on.ghl.faults.add(parse_fault({"kind": "status", "status": 503, "operation": operation}))
        if note is None:
            hang_on(on, ann)
        else:
            on.edit("update", "note", id=note.id, fields={"content": "said more"})
        await on.until(lambda: any(one.status == 503 for one in on.requests("ghl")))
        on.edit("merge", "lead", id=int(ann), into=int(anna))
        await on.until(lambda: "lofty-deleted" in on.contacts()[ann]["tags"])
        on.ghl.faults.clear()
        await on.until(lambda: held(on, anna) == ([1, 2] if note is None else [1, 0]))
        await on.until_quiet()
        assert held(on, ann) == [0, 0]
        assert await on.parked() == []


async def test_what_was_not_created_for_a_deleted_lead_is_created_once_it_is_restored(
    broker: Broker, tmp_path: Path
) -> None:
    """Its contact was tagged before its note could be written; the tag goes, and the note comes."""
    async with stage(broker, tmp_path) as on:
        lead = on.new_lead(firstName="Ann", emails=["ann@example.com"])
        await on.until_quiet()
        on.ghl.faults.add(parse_fault({"kind": "status", "status": 503, "operation": "create-*"}))
        on.edit("create", "note", leadId=int(lead), fields={"content": "likes gardens"})
        await on.until(lambda: any(one.status == 503 for one in on.requests("ghl")))
        on.edit("delete", "lead", id=int(lead))
        await on.until(lambda: "lofty-deleted" in on.contacts()[lead]["tags"])
        on.ghl.faults.clear()
        await on.until_quiet()
        assert held(on, lead) == [0, 0]
        on.lofty.teams[TEAM].records["lead"][int(lead)].is_deleted = False
        on.edit("update", "lead", id=int(lead), fields={"lastName": "Other"})
        await on.until(lambda: held(on, lead) == [1, 0])
        await on.until_quiet()
        assert "lofty-deleted" not in on.contacts()[lead]["tags"]


async def test_a_lead_that_is_deleted_keeps_its_notes_on_its_tagged_contact(broker: Broker, tmp_path: Path) -> None:
    """They hang on no other lead."""
    async with stage(broker, tmp_path) as on:
        lead = on.new_lead(firstName="Ann", emails=["ann@example.com"])
        on.edit("create", "note", leadId=int(lead), fields={"content": "likes gardens"})
        await on.until_quiet()
        on.edit("delete", "lead", id=int(lead))
        await on.until(lambda: "lofty-deleted" in on.contacts()[lead]["tags"])
        await on.until_quiet()
        assert len(on.contacts()[lead]["notes"]) == 1


@pytest.mark.parametrize("edited", ["who writes it", "a note of who shares it"])
async def test_a_shared_contact_that_somebody_deletes_in_ghl_comes_back_with_the_notes_of_both(
    broker: Broker, tmp_path: Path, edited: str
) -> None:
    """As soon as something is written there for one of the two; the other one says nothing."""
    async with stage(broker, tmp_path) as on:
        first = on.new_lead(firstName="Ann", emails=["home@example.com"], phones=[PHONE])
        hang_on(on, first)
        await on.until_quiet()
        later = on.new_lead(firstName="Ben", emails=["home@example.com"], phones=["(530) 555-0177"])
        on.edit("create", "note", leadId=int(later), fields={"content": "wants a garage"})
        await on.until_quiet()
        place = on.ghl.location(LOCATION)
        before = sorted(one["body"] for contact in place.contacts.values() for one in contact.notes.values())
        url = f"{on.settings.connections['acme'].ghl.base_url}/_sandbox/contacts/{on.contacts()[first]['id']}"
        async with on.http.delete(url) as answer:
            assert answer.status == 200
        if edited == "who writes it":
            on.edit("update", "lead", id=int(first), fields={"lastName": "Roe"})
        else:
            on.edit("create", "note", leadId=int(later), fields={"content": "wants a garage"})
        count = len(before) + (edited != "who writes it")
        await on.until(lambda: sum(len(one.notes) for one in place.contacts.values()) == count)
        await on.until_quiet()
        after = sorted(one["body"] for contact in place.contacts.values() for one in contact.notes.values())

    assert len(place.contacts) == 1
    assert {*before} <= {*after}
