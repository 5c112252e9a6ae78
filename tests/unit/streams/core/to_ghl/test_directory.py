"""What a location has, what it lacks, and which contacts must be planned again once that changes."""

from __future__ import annotations

from typing import Any

import pytest

from streams.core.rows import LinkRow
from streams.core.to_ghl.desired import resolve_contact
from streams.core.to_ghl.directory import Directory
from streams.core.to_ghl.plan import DesiredContact, Settled
from streams.core.to_ghl.planning import Prepared
from streams.mapping import MappedContact

NOW = Directory(
    {"stage": "f2", "contact.stage": "f2", "note": "f3"},
    {"ann@x.com": "u1"},
    options={"f2": ("Hot", "Cold")},
)


def mapped(custom: dict[str, Any] | None = None, agent: str | None = None) -> MappedContact:
    """What a mapping makes of a lead."""
    return MappedContact(fields={}, custom=custom or {}, tags=(), assigned_to_email=agent, flags=(), custom_types={})


@pytest.mark.parametrize(
    ("link", "is_outdated"),
    [
        ({"fields": {"custom:f2": "h", "city": "h"}}, False),
        ({"fields": {"custom:f1": "h"}}, True),
        ({"fields": {"custom:f1": "h"}, "is_deleted": True}, False),
        ({"fields": {"custom:f1": "h"}, "ghl_id": None}, False),
        ({"lacks": ("field:stage",)}, True),
        ({"lacks": ("field:other", "user:bo@x.com", "option:f2:warm", "moon:full")}, False),
        ({"lacks": ("user:ann@x.com",)}, True),
        ({"lacks": ("option:f2:hot",)}, True),
        ({"lacks": ("option:f3:anything",)}, True),
        ({"refused": {"custom:f2": "h"}}, True),
        ({"refused": {"assignedTo": "h"}}, True),
        ({"refused": {"phone": "h"}}, False),
    ],
)
def test_a_contact_is_planned_again_for_what_the_location_has_now(link: dict[str, Any], is_outdated: bool) -> None:
    """A field that we wrote is gone, what was lacking is there, or GHL dropped what only the directory explains."""
    assert NOW.outdates(LinkRow.model_validate({"ghl_id": "c", **link})) is is_outdated


def test_a_location_that_shows_no_field_says_nothing() -> None:
    """Its fields may merely not be readable."""
    assert not Directory().outdates(LinkRow(ghl_id="c", fields={"custom:f1": "h"}))


@pytest.mark.parametrize(
    ("custom", "agent", "fields", "lacks"),
    [
        ({"Stage": "hot "}, None, {"custom:f2": "Hot"}, ()),
        ({"Stage": "Warm"}, None, {}, ("option:f2:warm",)),
        ({"Stage": None}, None, {"custom:f2": None}, ()),
        ({"Note": "anything"}, None, {"custom:f3": "anything"}, ()),
        ({"Other": "x"}, None, {}, ("field:other",)),
        ({"Other": None}, None, {}, ()),
        ({}, "Ann@x.com", {"assignedTo": "u1"}, ()),
        ({}, "bo@x.com", {}, ("user:bo@x.com",)),
    ],
)
def test_what_the_location_lacks_is_left_out_and_named(
    custom: dict[str, Any], agent: str | None, fields: dict[str, Any], lacks: tuple[str, ...]
) -> None:
    """In words for people, and for the link; an option is written as GHL writes it."""
    resolved = resolve_contact(mapped(custom, agent), NOW, "1")
    assert (resolved.contact.fields, resolved.lacks) == (fields, lacks)
    assert len(resolved.left_out) == len(lacks)
    assert resolved.flags == resolved.left_out


def test_what_settles_a_contact_ends_what_is_over() -> None:
    """Fields that are gone leave the link, and so do refusals of what is no longer wanted; what is lacking is named."""
    contact = DesiredContact({"city": "X", "custom:f2": "Hot"}, (), "1")
    prepared = Prepared(lambda *_: Settled(""), contact=contact, lacks=("field:other",), directory=NOW, is_contact=True)
    link = LinkRow(ghl_id="c", fields={"custom:f1": "a", "city": "b"}, refused={"custom:f1": "a", "custom:f2": "z"})
    assert prepared.settles(link) == {"lacks": ("field:other",), "fields": {"city": "b"}, "refused": {"custom:f1": ""}}


def test_what_settles_a_deleted_lead_ends_what_is_over_too() -> None:
    """Otherwise it would be read again with each change of the location."""
    link = LinkRow(ghl_id="c", fields={"custom:f1": "a"}, refused={"custom:f1": "a"}, lacks=("field:other",))
    facts = Prepared(lambda *_: Settled(""), directory=NOW, is_contact=True).settles(link)
    assert facts == {"lacks": (), "fields": {}, "refused": {"custom:f1": ""}}
    assert Prepared(lambda *_: Settled(""), directory=NOW).settles(link) == {}
