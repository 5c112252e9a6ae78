"""Leads for demos: lifelike, repeatable, nobody's."""

from __future__ import annotations

from itertools import chain

import phonenumbers

from connectors.sandbox.lofty.people import SOURCES, STAGES, TAGS, make_leads, make_team


def test_the_same_seed_makes_the_same_leads() -> None:
    """And another seed others."""
    assert make_leads(50, seed=4) == make_leads(50, seed=4)
    assert make_leads(50, seed=4) != make_leads(50, seed=5)


def test_e_mails_are_at_reserved_hosts_and_phones_of_the_fictional_range() -> None:
    """Nothing that a demo writes can reach anybody."""
    leads = make_leads(500)
    hosts = {email.partition("@")[2] for lead in leads for email in lead["emails"]}
    numbers = [phonenumbers.parse(phone, "US") for lead in leads for phone in lead["phones"]]
    assert hosts == {"example.com", "example.org", "example.net"}
    assert all(phonenumbers.is_valid_number(one) for one in numbers)
    assert all(str(one.national_number)[3:8] == "55501" for one in numbers)


def test_no_two_leads_share_an_e_mail_or_a_phone_and_each_has_one_of_both() -> None:
    """An upsert would make one contact of them."""
    leads = make_leads(12_000)
    emails = list(chain.from_iterable(lead["emails"] for lead in leads))
    phones = [
        phonenumbers.normalize_digits_only(phone)[-10:] for phone in chain.from_iterable(one["phones"] for one in leads)
    ]
    assert len(emails) == len(set(emails))
    assert len(phones) == len(set(phones))
    assert all(lead["emails"] or lead["phones"] for lead in leads)


def test_leads_are_of_all_kinds() -> None:
    """Every stage, source and tag; with and without whatever can be missing."""
    leads = make_leads(300)
    assert {lead["stage"] for lead in leads} == set(STAGES)
    assert {lead["source"] for lead in leads} == set(SOURCES)
    assert set(chain.from_iterable(lead["tags"] for lead in leads)) == set(TAGS)
    for name in ("assignedUser", "birthday", "inquiry", "property", "customAttributeList", "buyingTimeFrame"):
        assert {name in lead for lead in leads} == {True, False}


def test_agents_and_custom_fields_are_those_of_the_team() -> None:
    """So that a member is found for each."""
    team, leads = make_team(), make_leads(300)
    names = {f"{one['firstName']} {one['lastName']}" for one in team["members"]}
    fields = {one["attributeName"] for one in team["customFields"]}
    used = {one["attributeName"] for lead in leads for one in lead.get("customAttributeList", ())}
    assert {lead["assignedUser"] for lead in leads if "assignedUser" in lead} == names
    assert used == fields
