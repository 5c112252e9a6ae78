"""Whom the leads of an import meet: by a value that another contact has, or by the name alone."""

from __future__ import annotations

from typing import Any

from streams.core.to_ghl.simulated_import import SimulatedLead
from streams.messages import Conflict
from streams.operations.rehearsal.encounters import Encounters, contact_name, new_tags


def contact(first: str, last: str = "", **more: Any) -> dict[str, Any]:
    """A contact as a page of the search shows it."""
    return {"firstName": first, "lastName": last, **more}


def lead(number: int, first: str, last: str = "") -> dict[str, Any]:
    """A lead as Lofty lists it."""
    return {"leadId": number, "firstName": first, "lastName": last}


def test_a_conflict_names_the_value_and_who_has_it() -> None:
    """Of a contact of the location its id and name; of a lead of the same import that lead, whose contact is not made yet."""
    of_zoe, of_fay = Conflict(hash="h", contact_id="c-9"), Conflict(hash="h", contact_id="to be made:6", lead="acme:6")
    known = {
        "c-9": contact("Zoe", "Hill", phone="+15305550105"),
        "to be made:6": contact("fay", email="fay@x.test"),
    }
    met = Encounters(known)
    met.add(lead(6, "Fay", "Gray"), SimulatedLead("6", "new"))
    met.add(lead(5, "Eli", "Fox"), SimulatedLead("5", "conflicting", conflicts={"phone": of_zoe, "email": of_fay}))

    by_phone, by_email = met.conflicts()

    assert (by_phone.lead, by_phone.name, by_phone.field, by_phone.value) == ("5", "Eli Fox", "phone", "+15305550105")
    assert (by_phone.other_name, by_phone.other_lead, by_phone.other_contact) == ("Zoe Hill", "", "c-9")
    assert (by_email.value, by_email.other_name, by_email.other_lead) == ("fay@x.test", "Fay Gray", "6")
    assert by_email.other_contact == ""


def test_a_contact_that_is_found_but_lacks_a_value_is_a_conflict_too() -> None:
    """A lead that has its contact may still not get the telephone that somebody else has."""
    met = Encounters({"c-9": contact("Zoe", phone="+1")})
    found = SimulatedLead("5", "matching", contact_id="c-5", conflicts={"phone": Conflict(hash="h", contact_id="c-9")})
    met.add(lead(5, "Eli"), found)
    assert [one.other_contact for one in met.conflicts()] == ["c-9"]


def test_only_the_name_in_common_is_alike() -> None:
    """However it is written; a lead that has its contact already is nobody's namesake."""
    met = Encounters({"c-1": contact("joe", " KERR"), "c-2": contact("Bea", "Cole")})
    met.add(lead(1, "Joe", "Kerr"), SimulatedLead("1", "new"))
    met.add(lead(2, "Bea", "Cole"), SimulatedLead("2", "matching", by="email", contact_id="c-2"))
    met.add(lead(3, "", ""), SimulatedLead("3", "new"))
    assert [(one.lead, one.field, one.other_contact) for one in met.alike()] == [("1", "name", "c-1")]


def test_who_is_in_conflict_with_a_contact_is_not_listed_twice() -> None:
    """The question about the telephone is the question about the name, too."""
    met = Encounters({"c-1": contact("Joe", "Kerr", phone="+1")})
    conflict = Conflict(hash="h", contact_id="c-1")
    met.add(lead(1, "Joe", "Kerr"), SimulatedLead("1", "conflicting", conflicts={"phone": conflict}))
    assert list(met.alike()) == []


def test_two_leads_of_one_name_are_alike_before_either_has_a_contact() -> None:
    """What the import would make is no contact of the location: the later lead meets the earlier one, once."""
    met = Encounters({"to be made:1": contact("Ann", "Lee")})
    met.add(lead(1, "Ann", "Lee"), SimulatedLead("1", "new"))
    met.add(lead(2, "Ann", "Lee"), SimulatedLead("2", "new"))
    assert [(one.lead, one.other_lead, one.other_contact) for one in met.alike()] == [("2", "1", "")]


def test_a_contact_has_the_name_that_ghl_shows() -> None:
    """Its parts, or the one name that the search gives."""
    assert [contact_name(one) for one in (contact("Ada", "Bell"), contact("Ada"), {"name": "ada bell"}, {})] == [
        "Ada Bell",
        "Ada",
        "ada bell",
        "",
    ]


def test_new_tags_are_those_that_no_contact_has() -> None:
    """In the order of the alphabet; a contact without tags has none."""
    assert new_tags(["seller", "buyer", "open"], [{"tags": ["open"]}, {}, {"tags": None}]) == ("buyer", "seller")
