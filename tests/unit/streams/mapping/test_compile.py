"""Compiling a mapping: all problems are reported at once, with what would be right."""

from __future__ import annotations

from typing import Any

import pytest

from streams.mapping import LEAD_ID_FIELD, MappingFault, MappingFaults, TagRules, compile_mapping
from streams.mapping.compile import default_tables
from streams.mapping.expression import compile_expression


def faults_of(**table: Any) -> tuple[MappingFault, ...]:
    """What is wrong with a mapping."""
    with pytest.raises(MappingFaults) as caught:
        compile_mapping("mine", {"mine": table})
    return caught.value.faults


@pytest.mark.parametrize(
    ("target", "hint"),
    [
        ("frstName", "did you mean 'firstName'?"),
        ("zip", "did you mean 'postalCode'?"),
        ("birthday", "did you mean 'dateOfBirth'?"),
        ("Favourite colour", 'for a custom field write "custom:Favourite colour"'),
        ("tags", "[connections.NAME.tags]"),
        ("dnd", "opt-outs are carried by themselves"),
        ("gender", "GHL refuses it on update"),
        ("companyName", "GHL does not take it on update"),
        ("custom:", ""),
        (f"custom:{LEAD_ID_FIELD}", "always mapped"),
        ("custom:contact.lofty_lead_id", "always mapped"),
    ],
)
def test_fields_that_a_mapping_may_not_fill_are_refused(target: str, hint: str) -> None:
    """Unknown ones with the closest, kept ones with the reason; the lead's id cannot be taken, nor removed."""
    for written in ("stage", False):
        (fault,) = faults_of(fields={target: written})
        assert fault.path == ("fields", target)
        assert hint in fault.hint


@pytest.mark.parametrize(
    ("written", "path", "expected"),
    [
        ({"from": "first_name"}, ("from",), "a field of a Lofty lead"),
        ({"from": "stage["}, ("from",), "a JMESPath expression"),
        ({"from": 3}, ("from",), "a JMESPath expression"),
        ({}, (), "either from or value"),
        ({"from": "stage", "value": 1}, (), "either from or value"),
        (
            {"from": "stage", "transfrom": []},
            ("transfrom",),
            "one of from, value, transform, type, options, unset, unchecked",
        ),
        ({"from": "stage", "transform": ["trim", "x"]}, ("transform", "1"), "the name of a transform"),
        ({"from": "stage", "transform": "x"}, ("transform",), "the name of a transform"),
        ({"from": "stage", "unset": "no"}, ("unset",), "true or false"),
        ({"from": "stage", "type": "TEXT"}, ("type",), "no such key"),
        (True, (), 'a JMESPath expression, a table { from = "…" }, or false'),
        (3, (), 'a JMESPath expression, a table { from = "…" }, or false'),
    ],
)
def test_a_wrong_field_is_refused(written: Any, path: tuple[str, ...], expected: str) -> None:
    """With the place inside its table."""
    (fault,) = faults_of(fields={"city": written})
    assert fault.path == ("fields", "city", *path)
    assert fault.expected == expected


def test_all_faults_are_told_at_once() -> None:
    """One round of fixes is enough."""
    faults = faults_of(
        fields={
            "zip": "city",
            "city": {"from": "cty", "transform": ["x", "y"]},
            "custom:A": {"from": "stage", "type": "TXT"},
        },
        users={"not an address": "a@b.co"},
        custom_attributes="some",
        nonsense=1,
    )
    assert len(faults) == 8


def test_a_misspelt_lead_field_is_refused_with_the_closest() -> None:
    """It would silently empty the field of every contact."""
    (fault,) = faults_of(fields={"city": "leadInquery.city"})
    assert "did you mean 'leadInquiry'?" in fault.hint


def test_a_lead_field_that_we_do_not_know_can_be_insisted_on() -> None:
    """Lofty may add one before we do."""
    mapping = compile_mapping("mine", {"mine": {"fields": {"city": {"from": "newField", "unchecked": True}}}})
    assert next(field for field in mapping.standard if field.target == "city").source == "newField"


def test_one_field_cannot_be_mapped_twice() -> None:
    """A custom field's name and its key are the same field."""
    (fault,) = faults_of(fields={"custom:Lofty Stage": "stage", "custom:contact.lofty_stage": "stage"})
    assert fault.hint == "'custom:Lofty Stage' is the same field"


def test_mappings_extend_each_other() -> None:
    """The nearest one wins; each may remove what it inherits."""
    mappings = {
        "base": {"extends": False, "fields": {"city": "city", "state": "state", "custom:A": "stage"}},
        "mine": {"extends": "base", "fields": {"city": "zipCode", "state": False}},
    }
    mapping = compile_mapping("mine", mappings)
    assert [(field.target, field.source) for field in mapping.standard] == [("city", "zipCode")]
    assert set(mapping.custom_fields) == {"A", LEAD_ID_FIELD}


@pytest.mark.parametrize(
    ("mappings", "expected"),
    [
        ({"mine": {"extends": "defualt"}}, "the name of a mapping (default, mine)"),
        ({"mine": {"extends": "mine"}}, "a mapping that does not extend this one"),
        ({"mine": {"extends": "b"}, "b": {"extends": "mine"}}, "a mapping that does not extend this one"),
        ({"mine": {"extends": 3}}, "the name of a mapping (default, mine)"),
        ({"mine": 3}, "a table"),
    ],
)
def test_a_wrong_base_is_refused(mappings: dict[str, Any], expected: str) -> None:
    """Unknown, or a circle."""
    with pytest.raises(MappingFaults) as caught:
        compile_mapping("mine", mappings)
    assert [fault.expected for fault in caught.value.faults] == [expected]


def test_the_fingerprint_follows_the_content() -> None:
    """It changes with fields, users and tags, and with nothing else."""
    default = compile_mapping().fingerprint
    city = compile_mapping("a", {"a": {"fields": {"city": "zipCode"}}})
    assert compile_mapping("a", {"a": {}}).fingerprint == default
    assert compile_mapping("b", {"b": {"fields": {"city": "zipCode"}}}).fingerprint == city.fingerprint
    assert city.fingerprint != default
    assert compile_mapping("a", {"a": {"users": {"a@b.co": "c@d.co"}}}).fingerprint != default
    assert compile_mapping(tags=TagRules(prefix="x")).fingerprint != default


def test_the_default_mapping_never_goes_through_jmespath() -> None:
    """Every contact pays for it: its expressions are all of the fast kind."""
    sources = [one if isinstance(one, str) else one["from"] for one in default_tables()["fields"].values()]
    assert [source for source in sources if not compile_expression(source).is_fast] == []
