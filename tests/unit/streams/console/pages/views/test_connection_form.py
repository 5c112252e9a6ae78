"""The form of a connection: what a filled form means, and where each problem is shown."""

from __future__ import annotations

from typing import Any

import pytest

from streams.console.errors import Fault
from streams.console.pages.views.connection_form import (
    FIELDS,
    MORE,
    FilledField,
    groups_of,
    name_problem,
    other_faults,
    settings_from,
)
from streams.mapping import StagePair
from streams.settings import parse_settings
from streams.settings.overlay import EditedConnection, Overlay

IDS = {"lofty.team_id": "7", "ghl.location_id": "L"}


def fields(settings: dict[str, Any], *faults: Fault, is_new: bool = True) -> dict[str, FilledField]:
    """The filled fields by name."""
    groups = groups_of(settings, ["default", "acme"], faults, is_new=is_new)
    return {one.spec.name: one for group in groups for one in group.fields}


def test_a_form_with_the_ids_alone_is_a_connection() -> None:
    """All else is at its default, and nothing of a default is written down."""
    form = {one.name: one.default for one in FIELDS} | IDS
    assert settings_from(form) == {"lofty": {"team_id": "7"}, "ghl": {"location_id": "L"}}


def test_each_default_of_the_form_is_that_of_the_product() -> None:
    """Otherwise an empty field would mean another thing than it says."""
    settings = {"lofty": {"team_id": "7"}, "ghl": {"location_id": "L"}}
    plain = parse_settings("").with_overlay(Overlay(connections=(EditedConnection("a", "a", 1, settings),)))
    found = plain.connections["a"]
    for spec in FIELDS:
        if not spec.default:
            continue
        value: Any = found
        for key in spec.path:
            value = getattr(value, key)
        shown = {"mapping": "default"}.get(spec.name) or (str(value).lower() if spec.kind == "flag" else value)
        assert str(shown).removesuffix(".0") == spec.default, spec.name


def test_what_the_form_does_not_show_is_kept() -> None:
    """Rules that were set by the API are not lost by a person who saves the form."""
    before = {"lofty": {"team_id": "7"}, "ghl": {"location_id": "L", "live_reserve": 0.5}, "tags": {"prefix": "x"}}
    form = {**IDS, "ghl.requests_per_window": "50", "opt_outs": "false", "policies.create_custom_fields": "true"}
    assert settings_from(form, before) == {
        "lofty": {"team_id": "7"},
        "ghl": {"location_id": "L", "live_reserve": 0.5, "requests_per_window": 50},
        "tags": {"prefix": "x"},
        "opt_outs": False,
    }
    assert before["ghl"] == {"location_id": "L", "live_reserve": 0.5}


def test_an_emptied_field_is_the_default_again() -> None:
    """Also where that leaves a table empty."""
    before = {"sweep": {"new_minutes": 5}, "region": "CA"}
    assert settings_from({"sweep.new_minutes": "", "region": " "}, before) == {}


@pytest.mark.parametrize(("text", "value"), [("5", 5), ("0,5", 0.5), ("0.5", 0.5), ("many", "many")])
def test_numbers_are_read_as_people_write_them(text: str, value: Any) -> None:
    """What is no number is left for the check, which says what it expected."""
    assert settings_from({"sweep.new_minutes": text}) == {"sweep": {"new_minutes": value}}


def test_settings_come_back_into_the_form() -> None:
    """As they were typed; ids cannot be changed later."""
    found = fields({"lofty": {"team_id": "7"}, "opt_outs": False, "mapping": "acme"}, is_new=False)
    assert (found["lofty.team_id"].value, found["lofty.team_id"].is_fixed) == ("7", True)
    assert (found["opt_outs"].value, found["mapping"].value, found["lofty.auth"].value) == ("false", "acme", "api_key")
    assert not fields({})["lofty.team_id"].is_fixed


def test_a_problem_is_shown_at_its_field() -> None:
    """A table that is missing is a missing id; what has no field is listed above the form."""
    faults = [
        Fault("connections.beta.region", "two letters", "'XX'"),
        Fault("connections.beta.ghl", "a table", "nothing"),
        Fault("connections.beta.tags.prefix", "a text", "7"),
        Fault("name", "a name of its own", "'beta'"),
    ]
    found = fields({}, *faults)
    assert [name for name, one in found.items() if one.problem] == ["ghl.location_id", "region"]
    assert found["region"].problem == "Expected two letters, got 'XX'."
    assert other_faults(faults) == (faults[2],)
    assert name_problem(faults) == "Expected a name of its own, got 'beta'."
    assert all(one.label for one in MORE)


def test_the_pairs_of_stages_survive_the_form() -> None:
    """It does not show them; what it saves has them, and is a configuration."""
    pair = {"lofty": "Hot", "pipeline": "Buyers", "stage": "Talking", "status": "won"}
    before = {"lofty": {"team_id": "7"}, "ghl": {"location_id": "L"}, "stages": [pair]}
    saved = settings_from({"region": "CA", "lofty.team_id": "7", "ghl.location_id": "L"}, before)
    edited = EditedConnection("acme", "acme", 1, saved)
    found = parse_settings("", overlay=Overlay(connections=(edited,))).connections["acme"]
    assert saved["stages"] == [pair]
    assert (found.region, found.stages) == ("CA", (StagePair("Hot", "Buyers", "Talking", "won"),))
