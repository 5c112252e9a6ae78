"""One person, one contact: couples, names alone, contacts that were in GHL before, deletions, and what was mixed before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors.sandbox.ghl.seeds import seed
from tests.integration.stage import LOCATION, Stage, stage
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


def person(contact: dict[str, Any]) -> tuple[Any, ...]:
    """Who a contact is."""
    return contact["firstName"], contact.get("email"), contact.get("phone")


@pytest.mark.in_make_test
async def test_a_couple_with_one_telephone_stays_two_people(broker: Broker, tmp_path: Path) -> None:
    """Each has its own contact and notes; the telephone is the first one's, until she gives it up."""
    async with stage(broker, tmp_path) as on:
        ann = on.new_lead(firstName="Ann", lastName="Vale", emails=["ann@example.com"], phones=[PHONE])
        await on.until_quiet()
        ben = on.new_lead(firstName="Ben", lastName="Vale", emails=["ben@example.com"], phones=[PHONE])
        on.edit("create", "note", leadId=int(ann), fields={"content": "wants a garden"})
        on.edit("create", "note", leadId=int(ben), fields={"content": "wants a garage"})
        await on.until_quiet()

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
        first = on.new_lead(firstName="Ann", emails=["home@example.com"], phones=[PHONE])
        await on.until_quiet()
        later = on.new_lead(firstName="Ben", emails=["home@example.com"], phones=["(530) 555-0177"])
        on.edit("create", "note", leadId=int(later), fields={"content": "wants a garage"})
        await on.until_quiet()
        contacts = on.contacts()
        assert (len(contacts), contacts[first]["firstName"], len(contacts[first]["notes"])) == (1, "Ann", 1)

        on.edit("update", "lead", id=int(later), fields={"lastName": "Roe"})
        await on.until_quiet()
        assert on.contacts()[first]["lastName"] != "Roe"

        on.edit("delete", "lead", id=int(first))
        await on.until(lambda: later in on.contacts())
        await on.until_quiet()
        contact = on.contacts()[later]
        assert person(contact) == ("Ben", "home@example.com", "+15305550177")
        assert [len(on.ghl.location(LOCATION).contacts), len(contact["notes"])] == [1, 1]

        on.edit("delete", "lead", id=int(later))
        await on.until(lambda: not on.ghl.location(LOCATION).contacts)


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
