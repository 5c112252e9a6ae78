"""An import in memory: what each lead becomes, by the rules of the worker, and without any request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.core.to_ghl.directory import Directory
from streams.core.to_ghl.identity import Policy
from streams.core.to_ghl.planning import Rules
from streams.core.to_ghl.simulated_import import SimulatedImport, SimulatedLead
from streams.mapping import LEAD_ID_FIELD, compile_mapping

FIELD = "field-of-the-lofty-id"
PHONE = "+15305550104"


def lead(number: int, name: str, *, email: str = "", phone: str = "", **more: Any) -> dict[str, Any]:
    """A lead as Lofty lists it."""
    first, _, last = name.partition(" ")
    person = {"leadId": number, "firstName": first, "lastName": last, "emails": [], "phones": [], **more}
    return person | ({"emails": [email]} if email else {}) | ({"phones": [phone]} if phone else {})


def contact(contact_id: str, name: str = "", *, lofty_id: str = "", **fields: Any) -> dict[str, Any]:
    """A contact as an observation holds it."""
    first, _, last = name.partition(" ")
    custom = {FIELD: lofty_id} if lofty_id else {}
    return {"id": contact_id, "firstName": first, "lastName": last, "customFields": custom, "tags": [], **fields}


def simulated(
    leads: list[dict[str, Any]],
    contacts: list[dict[str, Any]],
    *,
    takes_duplicates: bool = False,
    makes_fields: bool = True,
    shared_phone: Policy = "apart",
    fields: Mapping[str, str] | None = None,
) -> tuple[list[SimulatedLead], SimulatedImport]:
    """What becomes of leads in a location with these contacts."""
    known = {LEAD_ID_FIELD.lower(): FIELD} if fields is None else dict(fields)
    rules = Rules(mapping=compile_mapping(), region="US", shared_phone=shared_phone)
    directory = Directory(known, takes_duplicates=takes_duplicates)
    ids = {str(one["leadId"]) for one in leads}
    run = SimulatedImport("acme", rules, directory, ids, makes_fields=makes_fields)
    run.add_contacts(contacts)
    return [run.simulate(one, 1_000) for one in leads], run


def test_a_lead_that_nobody_knows_becomes_a_contact_with_its_tags() -> None:
    """One request creates it, and one adds its tags."""
    (found,), _ = simulated([lead(1, "Ada Bell", email="ada@x.test", tags=[{"tagName": "Buyer"}])], [])
    assert (found.became, found.requests, found.writes) == ("new", 2, 2)


def test_a_contact_with_the_same_email_becomes_the_leads() -> None:
    """The create is refused, the contact read, and what differs is written."""
    (found,), _ = simulated([lead(1, "Ada Bell", email="ada@x.test")], [contact("c-1", "ada bell", email="Ada@X.test")])
    assert (found.became, found.by, found.contact_id) == ("matching", "email", "c-1")
    assert found.requests == 2 + found.writes


def test_a_contact_with_the_leads_id_is_found_whatever_else_changed() -> None:
    """It is not created first."""
    before = [contact("c-1", "Ada Old", email="old@x.test", lofty_id="1")]
    (found,), _ = simulated([lead(1, "Ada Bell", email="ada@x.test")], before)
    assert (found.became, found.by, found.contact_id) == ("matching", "Lofty id", "c-1")


def test_what_a_contact_holds_already_is_not_written() -> None:
    """After the import of a simulation nothing is left to do."""
    leads = [lead(1, "Ada Bell", email="ada@x.test")]
    _, first = simulated(leads, [])
    made = {**next(iter(first.contacts.values())), "id": "c-1"}
    custom = {
        FIELD if "Lofty" in name and value == "1" else name: value for name, value in made["customFields"].items()
    }
    ids = {name: f"to be made:{name}" for name in first.new_fields}
    known = {LEAD_ID_FIELD.lower(): FIELD, **{name.lower(): id for name, id in ids.items()}}
    (found,), second = simulated(leads, [{**made, "customFields": custom}], fields=known)
    assert (found.became, found.writes) == ("matching", 0)
    assert second.new_fields == {}


def test_a_couple_with_one_telephone_stays_two_people() -> None:
    """The second one has a contact of its own without it, and a field that shows it; so it is with somebody who is no lead."""
    leads = [
        lead(1, "Ann Vale", email="ann@x.test", phone=PHONE),
        lead(2, "Ben Vale", email="ben@x.test", phone=PHONE),
        lead(3, "Eve Hall", email="eve@x.test", phone="+15305550199"),
    ]
    (ann, ben, eve), run = simulated(leads, [contact("c-9", "Zoe Hill", phone="+15305550199")])
    assert (ann.became, ben.became, eve.became) == ("new", "conflicting", "conflicting")
    assert ben.conflicts["phone"].lead == "acme:1:contact:1"
    assert (eve.conflicts["phone"].contact_id, eve.conflicts["phone"].lead) == ("c-9", "")
    assert "Lofty phone" in run.new_fields
    assert "phone" not in run.contacts["to be made:2"]


def test_the_policy_decides_whether_a_couple_shares_a_contact() -> None:
    """The same two leads, with the other policy."""
    leads = [lead(1, "Ann Vale", phone=PHONE), lead(2, "Ben Vale", email="ben@x.test", phone=PHONE)]
    (_, ben), _ = simulated(leads, [], shared_phone="same")
    assert (ben.became, ben.shares) == ("shared", "acme:1:contact:1")


def test_two_leads_with_one_email_share_a_contact() -> None:
    """The first one writes it."""
    leads = [lead(1, "Ann Vale", email="vale@x.test"), lead(2, "Ben Vale", email="vale@x.test")]
    (ann, ben), run = simulated(leads, [])
    assert (ann.became, ben.became, ben.shares) == ("new", "shared", "acme:1:contact:1")
    assert len(run.contacts) == 1


def test_a_contact_with_another_living_leads_id_is_that_leads() -> None:
    """Whoever has its e-mail shares it, even before the other lead was imported."""
    leads = [lead(2, "Ben Vale", email="vale@x.test"), lead(1, "Ann Vale", email="ann@x.test")]
    (ben, ann), _ = simulated(leads, [contact("c-1", "Ann Vale", email="vale@x.test", lofty_id="1")])
    assert (ben.became, ben.shares) == ("shared", "acme:1:contact:1")
    assert (ann.became, ann.by) == ("matching", "Lofty id")


def test_a_lead_without_anything_is_refused() -> None:
    """GHL takes no contact without an e-mail, a telephone or a name; without the field of the Lofty id none by name alone."""
    (nameless,), _ = simulated([lead(1, "")], [])
    (lost,), _ = simulated([lead(1, "Ada")], [], makes_fields=False, fields={})
    assert (nameless.became, nameless.by, nameless.requests) == ("refused", "nameless", 0)
    assert (lost.became, lost.by) == ("refused", "not findable")


def test_where_duplicates_are_allowed_a_contact_is_looked_for_first() -> None:
    """Another person with the telephone stays who they are, and the lead has it, too."""
    leads = [lead(1, "Ann Vale", email="ann@x.test"), lead(2, "Ben Vale", email="ben@x.test", phone=PHONE)]
    before = [contact("c-1", "Ann Vale", email="ann@x.test"), contact("c-2", "Zoe Hill", phone=PHONE)]
    (ann, ben), _ = simulated(leads, before, takes_duplicates=True)
    assert (ann.became, ann.contact_id) == ("matching", "c-1")
    assert (ben.became, dict(ben.conflicts)) == ("new", {})


def test_fields_are_made_only_where_the_connection_may() -> None:
    """Otherwise their values are left out, and named."""
    leads = [lead(1, "Ada Bell", email="ada@x.test", stage="Hot")]
    _, makes = simulated(leads, [])
    (found,), may_not = simulated(leads, [], makes_fields=False)
    assert makes.new_fields
    assert LEAD_ID_FIELD not in makes.new_fields
    assert may_not.new_fields == {}
    assert any("the location has none of this name" in words for words in found.left_out)


def test_only_fields_that_a_lead_fills_are_made() -> None:
    """As the worker does it: with the first contact that has a value."""
    _, run = simulated([lead(1, "Ada Bell", email="ada@x.test", stage="Hot")], [])
    assert "Lofty stage" in run.new_fields
    assert "Lofty referred by" not in run.new_fields
    _, more = simulated([lead(1, "Ada Bell", email="ada@x.test", referredBy="Ann Vale")], [])
    assert "Lofty referred by" in more.new_fields
