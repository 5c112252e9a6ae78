"""Whether a mapping fits its location and the leads that are there; each finding says what to do."""

from __future__ import annotations

from typing import Any

from streams.core.to_ghl.directory import Directory, fold
from streams.mapping import LEAD_ID_FIELD
from streams.operations.mapping_preview.compatibility import Compatibility, check_compatibility
from streams.settings.overlay import Overlay
from tests.unit.streams.mapping_versions.stage import CONFIG, settings

TEXT = """[mappings.acme]
extends = false
[mappings.acme.fields]
firstName = "firstName"
assignedTo = "_agent.email"
"custom:Lofty stage" = "stage"
"custom:contact.plan" = "stage"
"custom:Score" = "score"
"custom:Approval" = "customAttributes[?attributeName=='Pre-aproval'].value | [0]"
[mappings.acme.users]
"ann@lofty.example" = "ann@ghl.example"
"""
FIELDS = {fold(LEAD_ID_FIELD): "f1", "score": "f2"}
TYPES = {"f1": "TEXT", "f2": "NUMERICAL"}
USERS = {"bob@ghl.example": "u1"}
LEADS: list[dict[str, Any]] = [
    {"leadId": 1, "tags": [{"tagName": "Buyer"}, {"tagName": "internal"}], "_agent": {"email": "bob@ghl.exampel"}},
    {"leadId": 2, "assignedUser": "Carl", "customAttributes": [{"attributeName": "Pre-approval", "value": "yes"}]},
]


def fits(
    directory: Directory | None = None, leads: Any = LEADS, more: str = "", text: str = TEXT
) -> dict[str, Compatibility]:
    """What is found, by subject."""
    one = settings(CONFIG + more).with_overlay(Overlay(1, {"acme": text})).connections["acme"]
    known = directory if directory is not None else Directory(FIELDS, USERS, types=TYPES)
    return {found.subject: found for found in check_compatibility(one, known, leads)}


def test_fields_that_are_there_and_those_that_will_be_created_are_right() -> None:
    """The type of a field that is there is reported."""
    found = fits()
    assert (found[f"custom:{LEAD_ID_FIELD}"].verdict, found["custom:Lofty stage"].verdict) == ("ok", "will be created")
    assert "as TEXT" in found["custom:Lofty stage"].says


def test_a_field_of_another_type_is_wrong_and_the_line_that_mends_it_is_told() -> None:
    """GHL would refuse or bend the value."""
    found = fits()["custom:Score"]
    assert (found.verdict, found.says) == ("wrong", "is there as NUMERICAL, and the mapping writes TEXT")
    assert 'type = "NUMERICAL"' in found.mend


def test_types_that_take_the_same_values_fit() -> None:
    """Such as several lines for one."""
    assert fits(Directory(FIELDS, USERS, types={"f2": "LARGE_TEXT"}))["custom:Score"].verdict == "ok"


def test_a_key_that_the_location_lacks_is_wrong() -> None:
    """GHL makes keys from names, so it cannot be created by its key."""
    found = fits()["custom:contact.plan"]
    assert (found.verdict, "create the field in GHL" in found.mend) == ("wrong", True)


def test_without_the_policy_a_missing_field_is_wrong() -> None:
    """As nobody creates it."""
    found = fits(more="[connections.acme.policies]\ncreate_custom_fields = false\n")["custom:Lofty stage"]
    assert (found.verdict, "policies.create_custom_fields" in found.mend) == ("wrong", True)


def test_agents_who_match_no_user_are_told_with_the_line_that_joins_them() -> None:
    """Both those of the mapping and those of the leads."""
    found = fits()
    assert found["user ann@ghl.example"].verdict == "wrong"
    assert found["user bob@ghl.exampel"].mend == 'in [mappings.acme.users]: "bob@ghl.exampel" = "bob@ghl.example"'
    assert found["agent Carl"].verdict == "not known"


def test_a_location_that_tells_no_users_or_fields_lacks_a_scope() -> None:
    """And the words name it."""
    found = fits(Directory())
    assert "users.readonly" in found["users"].mend
    assert "locations/customFields.readonly" in found["custom fields"].mend


def test_an_attribute_that_no_lead_has_is_told_with_the_one_that_was_meant() -> None:
    """Misspelt, or of nobody yet."""
    found = fits()["Lofty's attribute 'Pre-aproval'"]
    assert (found.verdict, found.mend) == ("wrong", "did you mean 'Pre-approval'?")
    assert fits(leads=[])["Lofty's attribute 'Pre-aproval'"].verdict == "not known"


def test_a_new_field_whose_name_is_almost_that_of_another_is_named() -> None:
    """A misspelt name would become a second field of the location; a name that the mapping fills itself is not meant."""
    known = Directory({**FIELDS, "lofty stages": "f3", "contact.lofty_stages": "f3"}, USERS)
    found = fits(known)
    assert found["custom:Lofty stage"].mend == "did you mean 'lofty stages'?"
    more = '"custom:Lofty stages" = "score"\n"custom:Lofty price min" = "score"\n[mappings.acme.users]'
    both = fits(
        Directory({**FIELDS, "lofty stages": "f3", "lofty price max": "f4"}, USERS),
        text=TEXT.replace("[mappings.acme.users]", '"custom:Lofty price max" = "score"\n' + more),
    )
    assert both["custom:Lofty stage"].mend == "did you mean 'Lofty stages'?"
    assert both["custom:Lofty price min"].mend == ""


def test_a_name_that_is_almost_that_of_a_field_which_is_to_be_made_is_named() -> None:
    """As before the first import, when the location has none of them yet."""
    text = TEXT.replace("[mappings.acme.users]", '"custom:Lofty stagee" = "score"\n[mappings.acme.users]')
    assert fits(Directory({}, USERS), text=text)["custom:Lofty stagee"].mend == "did you mean 'Lofty stage'?"


def test_tags_say_what_is_carried_and_what_is_not() -> None:
    """A policy that carries none of those that are there is wrong."""
    some = fits(more='[connections.acme.tags]\nexclude = ["internal"]\n')["tags"]
    none = fits(more='[connections.acme.tags]\ninclude = ["vip"]\n')["tags"]
    assert (some.verdict, "1 are carried; not internal" in some.says) == ("ok", True)
    assert (none.verdict, "include and exclude" in none.mend) == ("wrong", True)


def test_mirrored_attributes_are_fields_too() -> None:
    """As the leads have them."""
    text = TEXT.replace("extends = false", 'extends = false\ncustom_attributes = "all"')
    assert fits(text=text)["custom:Lofty Pre-approval"].verdict == "will be created"


def test_without_a_worker_the_location_is_not_known() -> None:
    """What the leads tell is judged all the same."""
    one = settings().connections["acme"]
    found = {each.subject: each for each in check_compatibility(one, None, LEADS, "no worker answered")}
    assert (found["the location"].verdict, found["the location"].says) == ("not known", "no worker answered")
    assert found["tags"].verdict == "ok"
