"""From a Lofty lead to the desired state of its GHL contact."""

from __future__ import annotations

import copy
from typing import Any

import orjson
from hypothesis import given

from streams.mapping import LEAD_ID_FIELD, MappedContact, TagRules, compile_mapping, map_contact
from tests.unit.streams.mapping.odd_leads import UNHURRIED, odd_leads, whole_lead

DEFAULT = compile_mapping()
EVERYTHING = compile_mapping(
    "mine",
    {
        "mine": {
            "custom_attributes": "all",
            "fields": {
                "country": {"from": "leadInquiry.locations[0].city"},
                "website": {"from": "length(score)"},
                "name": {"from": "join(' ', [firstName, lastName])"},
                "custom:Options": {"from": "segments", "type": "CHECKBOX"},
                "custom:Sum": {"from": "sum(phones)", "transform": ["number"]},
                "custom:Sorted": {"from": "sort_by(customAttributes, &value)[].attributeName", "unset": False},
                "custom:Values": {"from": "*", "unchecked": True, "transform": [{"values": {"true": "Yes"}}]},
                "custom:Budget": {"from": "customAttributes[?attributeName=='Budget'].value | [0]", "type": "MONETORY"},
            },
        }
    },
    tags=TagRules.model_validate({"from": ["tags[].tagName", "segments", "abs(score)"], "prefix": "lofty: "}),
)

UNREADABLE = (
    "email: 'not an address' cannot be read as an e-mail address",
    "phone: 'call her' cannot be read as a phone number of US",
)
"""What the whole lead's lists contain beside what is carried."""

ADDRESSES = "address1: 2 more addresses left out, because a contact has one"
"""It has three, too."""


def with_fields(**fields: Any) -> Any:
    """The default mapping with these fields changed."""
    return compile_mapping("mine", {"mine": {"fields": fields}})


def mapped(lead: dict[str, Any], mapping: Any = DEFAULT) -> MappedContact:
    """The lead under a mapping, in the region US."""
    return map_contact(mapping, lead, region="US")


def test_a_whole_lead_fills_every_standard_field_of_the_default_mapping() -> None:
    """A new user writes no mapping and gets names, e-mail, phone, address, source and birthday."""
    assert mapped(whole_lead()).fields == {
        "firstName": "Jane",
        "lastName": "Smith",
        "email": "jane.smith@example.com",
        "phone": "+15125550134",
        "address1": "2 Mail St",
        "city": "Waco",
        "state": "TX",
        "postalCode": "76701",
        "source": "Website",
        "dateOfBirth": "1990-09-05",
    }


def test_the_default_mapping_carries_what_lofty_knows_more_as_custom_fields() -> None:
    """Stage, types, score, inquiry and times become custom fields of their own, typed."""
    custom = mapped(whole_lead()).custom
    assert custom["Lofty stage"] == "New Leads"
    assert custom["Lofty lead type"] == "Buyer, Other"
    assert custom["Lofty score"] == 42
    assert custom["Lofty locations"] == "Austin, Round Rock"
    assert custom["Lofty property type"] == "Condo, Townhouse"
    assert custom["Lofty price max"] == 500000
    assert custom["Lofty last touch"] == "2026-05-02"
    assert mapped(whole_lead()).custom_types["Lofty price max"] == "MONETORY"


def test_the_lead_id_is_always_mapped() -> None:
    """Even a mapping that starts from nothing ties the contact to its lead."""
    bare = compile_mapping("bare", {"bare": {"extends": False, "fields": {}}})
    result = mapped(whole_lead(), bare)
    assert result.custom == {LEAD_ID_FIELD: "1146742878287627"}
    assert result.fields == {}


def test_unset_values_are_ours_and_empty() -> None:
    """What Lofty says is unset (null, -1, "N/A", "") is None, so that the planner can clear what we once wrote."""
    lead = whole_lead(firstName="", source="N/A", birthday=None, leadInquiry={"priceMax": -1})
    result = mapped(lead)
    assert result.fields["firstName"] is None
    assert result.fields["source"] is None
    assert result.fields["dateOfBirth"] is None
    assert result.custom["Lofty price max"] is None
    assert result.flags == (*UNREADABLE, ADDRESSES)


def test_zero_is_a_value() -> None:
    """A score of 0 is a score; only the ids of Lofty use 0 for none, and the default mapping reads none of them."""
    assert mapped(whole_lead(score=0)).custom["Lofty score"] == 0


def test_a_person_called_null_keeps_the_name() -> None:
    """Null is a family name."""
    assert mapped(whole_lead(lastName="Null")).fields["lastName"] == "Null"


def test_a_phone_that_cannot_be_read_is_left_out_with_a_flag() -> None:
    """The rest of the contact goes on, and GHL's value stays."""
    result = mapped(whole_lead(phones=["ask her husband"]))
    assert "phone" not in result.fields
    assert result.fields["firstName"] == "Jane"
    assert result.flags == (
        UNREADABLE[0],
        "phone: 'ask her husband' cannot be read as a phone number of US",
        ADDRESSES,
    )


def test_a_lead_without_phones_has_an_empty_phone_and_no_flag() -> None:
    """Nothing to read is not the same as unreadable."""
    result = mapped(whole_lead(phones=[]))
    assert result.fields["phone"] is None
    assert result.flags == (UNREADABLE[0], ADDRESSES)


def test_the_region_decides_how_a_phone_reads() -> None:
    """A number without a country code is at home where the connection is."""
    lead = whole_lead(phones=["020 7946 0958"])
    assert map_contact(DEFAULT, lead, region="GB").fields["phone"] == "+442079460958"


def test_addresses_are_taken_whole() -> None:
    """A street never appears with another property's town."""
    lead = whole_lead(leadPropertyList=[{"streetAddress": "1 First St", "city": "", "mailAddress": False}])
    assert mapped(lead).fields["address1"] == "1 First St"
    assert mapped(lead).fields["city"] is None


def test_further_addresses_are_flagged_each_once() -> None:
    """A contact has one. What is empty, or is said twice, is no further address."""
    home = {"streetAddress": "1 First St", "city": "Austin"}
    own = {"streetAddress": "1 First St", "city": "Austin", "state": "", "zipCode": "", "county": ""}

    def flags(*homes: dict[str, Any], **fields: Any) -> list[str]:
        lead = whole_lead(leadPropertyList=list(homes), **{**own, **fields})
        return [flag for flag in mapped(lead).flags if flag.startswith("address1")]

    blank = dict.fromkeys(own, "")
    assert flags(own, {"streetAddress": ""}, home) == []
    assert flags(own, {**home, "city": "Dallas"}) == ["address1: 1 more address left out, because a contact has one"]
    assert flags(home, {"city": "Dallas"}, streetAddress="9 Old Road") == [ADDRESSES]
    assert flags(home, {"streetAddress": "2 Second St"}, **blank) == [
        ADDRESSES.replace("2 more addresses", "1 more address")
    ]
    without = compile_mapping("mine", {"mine": {"extends": False, "fields": {"city": "_address.city"}}})
    assert not [one for one in map_contact(without, whole_lead(), region="US").flags if "address" in one]


def test_the_leads_own_address_counts_when_no_property_has_one() -> None:
    """The deprecated fields are the last resort."""
    assert mapped(whole_lead(leadPropertyList=None)).fields["address1"] == "9 Old Road"


def test_the_agents_email_becomes_the_ghl_users() -> None:
    """Where an agent has another address in GHL, [mappings.NAME.users] says so."""
    mapping = compile_mapping("mine", {"mine": {"users": {"agent@team.example": "A@GHL.example"}}})
    assert mapped(whole_lead()).assigned_to_email == "agent@team.example"
    assert mapped(whole_lead(), mapping).assigned_to_email == "a@ghl.example"


def test_an_unknown_agent_leaves_the_assignment_alone() -> None:
    """Without the agent's e-mail there is nobody to assign, and nothing to clear."""
    lead = whole_lead()
    del lead["_agent"]
    assert mapped(lead).assigned_to_email is None


def test_a_field_mapped_to_false_never_appears() -> None:
    """`city = false` leaves GHL's city to GHL."""
    assert "city" not in mapped(whole_lead(), with_fields(city=False)).fields


def test_a_field_of_the_users_own_replaces_the_defaults() -> None:
    """Also when a custom field is written with another case, or by its key."""
    mapping = with_fields(**{"custom:contact.lofty_stage": {"value": "always"}})
    custom = mapped(whole_lead(), mapping).custom
    assert custom["contact.lofty_stage"] == "always"
    assert "Lofty stage" not in custom


def test_custom_attributes_are_mirrored_when_asked() -> None:
    """With `custom_attributes = "all"` each becomes a field "Lofty NAME", typed as in Lofty."""
    result = mapped(whole_lead(), EVERYTHING)
    assert result.custom["Lofty Pre-approval"] == "yes"
    assert result.custom["Lofty Extras"] == "Pool, Garage"
    assert result.custom["Budget"] == 1250.5
    assert result.custom_types["Lofty Budget"] == "MONETORY"


def test_an_expression_that_fails_on_a_value_is_a_flag() -> None:
    """JMESPath refuses to take the length of a number: the field is left out, the contact goes on."""
    result = mapped(whole_lead(), EVERYTHING)
    assert "website" not in result.fields
    assert "website: length(score) fails: JMESPathTypeError" in result.flags


def test_text_that_json_cannot_carry_is_mended() -> None:
    """Lone surrogates and control characters never reach a body."""
    fields = mapped(whole_lead(firstName="Ja\x00ne\ud800")).fields
    assert fields["firstName"] == "Jane?"


def test_the_state_is_not_changed() -> None:
    """Mapping reads."""
    lead = whole_lead()
    before = copy.deepcopy(lead)
    mapped(lead, EVERYTHING)
    assert lead == before


@UNHURRIED
@given(odd_leads)
def test_no_lead_however_odd_makes_the_mapping_fail(lead: dict[str, Any]) -> None:
    """Any JSON maps, twice to the same, into JSON, and only into fields that the mapping names."""
    for mapping in (DEFAULT, EVERYTHING):
        result = mapped(lead, mapping)
        assert mapped(copy.deepcopy(lead), mapping) == result
        orjson.dumps([result.fields, result.custom, result.tags, result.assigned_to_email, result.flags])
        assert set(result.fields) <= {field.target for field in mapping.standard}
        assert set(result.custom) <= set(result.custom_types)
        assert DEFAULT.mirrored or mapping is EVERYTHING or set(result.custom) <= set(mapping.custom_fields)
