"""A lead beside its contact: whose value the contact has after the import, and which leads are shown."""

from __future__ import annotations

from typing import Any

import pytest

from streams.core.rows import LinkRow
from streams.core.to_ghl.directory import Directory, fold
from streams.core.to_ghl.simulated_import import SimulatedLead
from streams.mapping import LEAD_ID_FIELD
from streams.messages import Conflict
from streams.operations.rehearsal.report import FieldSide, LeadSides
from streams.operations.rehearsal.side_by_side import MOST_SIDES, sides_of, worth_showing
from tests.unit.streams.mapping_versions.stage import settings

STATE: dict[str, Any] = {
    "leadId": 77,
    "firstName": "Ada",
    "lastName": "Bell",
    "emails": ["ada@example.com"],
    "phones": ["(530) 555-0104"],
    "city": "Reno",
    "stage": "New",
    "tags": [{"tagName": "Buyer"}, {"tagName": "Open"}],
}
FIELD = "f-lead"
CONTACT: dict[str, Any] = {
    "id": "c-1",
    "firstName": "Ada",
    "lastName": "Ball",
    "email": "ada@example.com",
    "postalCode": "95926",
    "customFields": {},
    "tags": ["open"],
}


def sides(lead: SimulatedLead, contact: dict[str, Any] | None = None) -> LeadSides:
    """The lead beside a contact."""
    directory = Directory({fold(LEAD_ID_FIELD): FIELD})
    return sides_of(settings().connections["acme"], STATE, lead, directory, contact, 1_000)


def matching(**more: Any) -> SimulatedLead:
    """The lead, found by its e-mail."""
    return SimulatedLead("77", "matching", by="email", contact_id="c-1", link=LinkRow(ghl_id="c-1"), **more)


def field_of(found: LeadSides, name: str) -> FieldSide:
    """One field, by the beginning of its label."""
    return next(one for one in found.fields if one.field.startswith(name))


def test_each_field_says_whose_value_wins() -> None:
    """Equal on both sides, Lofty's where they differ, and GoHighLevel's where Lofty has nothing, with the reason."""
    found = sides(matching(), CONTACT)
    winners = {name: field_of(found, name).winner for name in ("first name", "last name", "ZIP")}
    assert winners == {"first name": "same", "last name": "Lofty", "ZIP": "GoHighLevel"}
    assert field_of(found, "ZIP").why == "Lofty has none"
    assert (field_of(found, "last name").lofty, field_of(found, "last name").ghl) == ("Bell", "Ball")


def test_what_both_sides_lack_is_not_shown() -> None:
    """Most fields of most leads are empty on both sides."""
    assert not [one for one in sides(matching(), CONTACT).fields if one.lofty in (None, "", []) and not one.ghl]


def test_a_value_that_another_contact_has_is_nobodys() -> None:
    """It is left out, and where it goes instead is said."""
    found = field_of(
        sides(matching(conflicts={"phone": Conflict(hash="h", contact_id="c-9")}), CONTACT), "primary phone"
    )
    assert found.winner == "nobody"
    assert "another contact has it" in found.why


def test_the_lofty_id_and_fields_that_are_made_are_explained() -> None:
    """By the id the lead is found again; a custom field that the location lacks is made first."""
    found = sides(matching(), CONTACT)
    assert field_of(found, LEAD_ID_FIELD).why == "by this id the lead is found again"
    assert field_of(found, "Lofty stage").why == "the custom field is made first"


def test_tags_are_those_that_the_contact_lacks() -> None:
    """A contact that is made gets all of them."""
    assert (sides(matching(), CONTACT).tags, sides(SimulatedLead("77", "new")).tags) == (("buyer",), ("buyer", "open"))


@pytest.mark.parametrize(
    ("lead", "because"),
    [
        (SimulatedLead("77", "shared", shares="acme:12"), "its contact is that of lead 12"),
        (SimulatedLead("77", "refused", by="nameless", because="it has no name"), "it has no name"),
    ],
)
def test_a_lead_of_which_nothing_is_written_shows_why_and_no_fields(lead: SimulatedLead, because: str) -> None:
    """A lead that shares a contact writes nothing on it."""
    found = sides(lead, CONTACT)
    assert (found.fields, found.tags, found.because, found.name) == ((), (), because, "Ada Bell")


def many(became: Any, count: int) -> list[SimulatedLead]:
    """Leads of one kind."""
    return [SimulatedLead(f"{became}-{number}", became) for number in range(count)]


def kinds(chosen: list[SimulatedLead]) -> dict[str, int]:
    """How many of each kind."""
    return {kind: sum(one.became == kind for one in chosen) for kind in dict.fromkeys(one.became for one in chosen)}


def test_twenty_leads_are_shown_and_those_with_a_question_first() -> None:
    """A few of each question; the rest is half and half what matches and what is new."""
    all_kinds = [one for kind in ("new", "matching", "shared", "refused", "conflicting") for one in many(kind, 50)]
    chosen = worth_showing(all_kinds)
    assert len(chosen) == MOST_SIDES
    assert list(kinds(chosen).items()) == [
        *(("conflicting", 4), ("shared", 3), ("refused", 3)),
        *(("matching", 5), ("new", 5)),
    ]


@pytest.mark.parametrize(("new", "match"), [(50, 0), (0, 50), (3, 50), (50, 3)])
def test_what_one_kind_leaves_free_the_other_takes(new: int, match: int) -> None:
    """A location that is empty has no contacts that match, and twenty leads are still shown."""
    found = kinds(worth_showing([*many("new", new), *many("matching", match)]))
    assert sum(found.values()) == MOST_SIDES
    assert (found.get("new", 0) >= min(new, 10), found.get("matching", 0) >= min(match, 10)) == (True, True)
