"""A mapping as a table: what is read from its text, and what is written back, without a loss."""

from __future__ import annotations

import tomllib
from typing import Any

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.mapping.compile import compile_mapping, default_tables
from streams.mapping.ghl_fields import ASSIGNED_TO, STANDARD
from streams.mapping.transforms import TRANSFORMS, compile_transform
from streams.mapping_versions.form.arguments import (
    WrongArgument,
    argument_text,
    is_shown_whole,
    parts_of,
    transform_of,
)
from streams.mapping_versions.form.edit import CannotEdit, copied, with_field, without_field, written_of
from streams.mapping_versions.form.lofty_fields import LOFTY_FIELDS, attribute_names
from streams.mapping_versions.form.rows import GHL_LABELS, layers_of, row_of, rows_of
from streams.mapping_versions.form.source import (
    OPERATORS,
    Condition,
    Constant,
    Fields,
    Formula,
    Unmapped,
    expression_of,
    label_of,
    source_of,
    words_of,
)

TEXT = """# ours
[mappings.acme]
extends = "default"

[mappings.acme.fields]
# the first name, in capitals
firstName = { from = "firstName", transform = ["upper"] }   # as they like it
"custom:Budget" = "leadInquiry.priceMax"

[mappings.acme.users]
"ann@lofty.example" = "ann@ghl.example"
"""

names = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), min_size=1, max_size=12)
keys = st.sampled_from(sorted(LOFTY_FIELDS)) | names.map("attribute:{}".format)
conditions = st.builds(Condition, keys, st.sampled_from(OPERATORS), names)


def as_written(condition: Condition | None) -> Condition | None:
    """A value counts for two operators alone."""
    if condition is None or condition.operator in ("is", "is not"):
        return condition
    return Condition(condition.field, condition.operator)


# -- where a value comes from ---------------------------------------------------------------------------------


@given(st.lists(keys, min_size=1, max_size=3), st.none() | conditions)
def test_each_choice_is_recognised_in_its_expression(chosen: list[str], condition: Condition | None) -> None:
    fields = Fields(tuple(chosen), condition)
    assert source_of(expression_of(fields)) == Fields(tuple(chosen), as_written(condition))


def test_every_field_of_the_default_mapping_is_a_choice_with_a_name() -> None:
    for target, written in default_tables()["fields"].items():
        row = row_of(target, "default", written)
        assert isinstance(row.source, Fields), target
        assert all(key in LOFTY_FIELDS for key in row.source.keys), target  # `keys` is a field
        assert row.why_text == "", target


@pytest.mark.parametrize(
    "expression",
    [
        "length(emails)",
        "emails[0]",
        "a | b",
        "customAttributes[?attributeName=='A'].value",
        "stage == 'Hot'",
        "a || `1`",
        "((",
    ],
)
def test_another_shape_stays_a_formula(expression: str) -> None:
    assert source_of(expression) == Formula(expression)


def test_kinds_of_quotes_and_blanks_do_not_matter() -> None:
    found = source_of('customAttributes[? attributeName == `"Pre-approval"` ].value|[0]')
    assert found == Fields(("attribute:Pre-approval",))


@pytest.mark.parametrize(
    ("condition", "lead", "expected"),
    [
        (Condition("stage", "is", "Hot"), {"stage": "Hot", "score": 7}, 7),
        (Condition("stage", "is", "Hot"), {"stage": "Cold", "score": 7}, None),
        (Condition("stage", "is not", "Hot"), {"score": 7}, 7),
        (Condition("stage", "is there"), {"stage": "", "score": 7}, None),
        (Condition("stage", "is missing"), {"stage": "", "score": 0}, 0),
        (
            Condition("attribute:VIP", "is", "Yes"),
            {"customAttributes": [{"attributeName": "VIP", "value": "Yes"}], "score": 7},
            7,
        ),
    ],
)
def test_a_condition_decides_whether_there_is_a_value(
    condition: Condition, lead: dict[str, Any], expected: Any
) -> None:
    assert jmespath.search(expression_of(Fields(("score",), condition)), lead) == expected


def test_the_first_field_with_a_value_counts() -> None:
    expression = expression_of(Fields(("preQual", "attribute:Approved", "mortgage")))
    lead = {"preQual": "", "customAttributes": [{"attributeName": "Approved", "value": "Yes"}], "mortgage": "No"}
    assert jmespath.search(expression, lead) == "Yes"


def test_no_field_is_no_choice() -> None:
    with pytest.raises(ValueError, match="no field"):
        expression_of(Fields(()))
    with pytest.raises(ValueError, match="no field of a Lofty lead"):
        expression_of(Fields(("first name",)))


def test_choices_have_words() -> None:
    assert label_of("leadInquiry.priceMax") == "Inquiry: highest price"
    assert label_of("attribute:Pool") == "Custom field “Pool”"
    assert words_of(Condition("stage", "is", "Hot")) == "only where Stage is “Hot”"
    assert words_of(Condition("stage", "is missing", "Hot")) == "only where Stage is missing"


def test_attributes_of_leads_are_listed_once() -> None:
    leads = [
        {"customAttributes": [{"attributeName": "B"}, {"attributeName": "A"}, {"x": 1}]},
        {"customAttributes": None},
    ]
    assert attribute_names([*leads, leads[0]]) == ["A", "B"]


# -- changes of a value ---------------------------------------------------------------------------------------


def test_every_example_of_the_transforms_survives_its_box() -> None:
    for transform in TRANSFORMS.values():
        for example in transform.examples:
            name, argument = parts_of(example.transform)
            text = argument_text(name, argument)
            assert transform_of(name, text, example.transform) == example.transform
            assert is_shown_whole(example.transform), example.transform
            compile_transform(transform_of(name, text))


def test_numbers_stay_numbers_in_a_table_of_values() -> None:
    before = {"values": {"a": 1, "b": "two"}}
    assert transform_of("values", "a = 1\nb = 2\nc=3", before) == {"values": {"a": 1, "b": "2", "c": "3"}}


@pytest.mark.parametrize(
    "transform",
    [
        {"join": "\n"},
        {"values": {"a = b": "c"}},
        {"values": {" a": "b"}},
        {"unset": ["a,b"]},
        {"values": {"a": "x\ny"}},
    ],
)
def test_what_a_box_cannot_show_is_left_to_the_text(transform: Any) -> None:
    assert not is_shown_whole(transform)
    assert row_of("city", "acme", {"from": "city", "transform": [transform]}).why_text


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("shout", "", "There is no change called 'shout'"),
        ("trim", "x", "takes nothing"),
        ("truncate", "", "needs a number of characters"),
        ("truncate", "ten", "found 'ten'"),
        ("values", "a", "Line 1"),
        ("values", "a = 1\na = 2", "a second time"),
        ("values", "", "needs a table"),
    ],
)
def test_a_wrong_box_says_what_is_expected(name: str, text: str, words: str) -> None:
    with pytest.raises(WrongArgument, match=words):
        transform_of(name, text)


# -- rows -----------------------------------------------------------------------------------------------------


def test_rows_show_what_is_inherited_and_what_is_the_mapping_s_own() -> None:
    tables = {"base": {"fields": {"custom:budget": "score"}}, **tomllib.loads(TEXT)["mappings"]}
    tables["acme"] = {**tables["acme"], "extends": "base"}
    assert layers_of("acme", tables) == ["acme", "base", "default"]
    rows = {row.target: row for row in rows_of("acme", tables)}
    assert (rows["lastName"].of, rows["firstName"].of) == ("default", "acme")
    assert (rows["custom:Budget"].of, rows["custom:Budget"].name) == ("acme", "Budget")
    assert "custom:budget" not in rows  # one field, in another spelling


def test_broken_tables_give_the_rows_that_can_be_read() -> None:
    assert rows_of("a", {"a": 7, "b": {}}) == rows_of("default", {})
    assert rows_of("a", {"a": {"extends": "a", "fields": 3}}) == ()
    row = row_of("city", "a", 7)
    assert row.why_text == "its value is neither a text nor a table"


@pytest.mark.parametrize(
    "written",
    [
        {"from": "city", "unchecked": True},
        {"from": "city", "transform": ["trim"] * 7},
        {"value": 7},
        {"from": "city", "unset": False},
    ],
)
def test_what_the_form_does_not_show_is_edited_as_text(written: Any) -> None:
    assert row_of("city", "a", written).why_text


def test_every_standard_field_has_a_name() -> None:
    assert GHL_LABELS.keys() == {*STANDARD, ASSIGNED_TO}


# -- writing back ---------------------------------------------------------------------------------------------


def test_one_field_changes_and_every_other_line_stays() -> None:
    written = written_of(Fields(("leadInquiry.priceMin",)), ["number"], "MONETORY")
    after = with_field(TEXT, "acme", "custom:budget", written)  # the spelling that is there is kept
    line = '"custom:Budget" = {from = "leadInquiry.priceMin", transform = ["number"], type = "MONETORY"}'
    assert after == TEXT.replace('"custom:Budget" = "leadInquiry.priceMax"', line)


def test_a_new_field_is_added_where_there_were_none() -> None:
    after = with_field('[mappings.acme]\nextends = "default"\n', "acme", "website", "facebook")
    assert tomllib.loads(after) == {"mappings": {"acme": {"extends": "default", "fields": {"website": "facebook"}}}}


def test_a_field_goes_back_to_what_is_inherited() -> None:
    after = without_field(TEXT, "acme", "firstName")
    assert "firstName" not in after
    assert "# ours" in after
    with pytest.raises(CannotEdit, match="says nothing of 'lastName'"):
        without_field(TEXT, "acme", "lastName")


@pytest.mark.parametrize("text", ["[mappings", "[mappings.other]\n", "[mappings.acme]\nfields = 3\n"])
def test_a_text_that_is_no_such_mapping_is_not_changed(text: str) -> None:
    with pytest.raises(CannotEdit, match="as text first"):
        with_field(text, "acme", "city", "city")


def test_keys_that_the_form_does_not_show_are_kept() -> None:
    assert written_of(Fields(("city",)), before={"from": "state", "unchecked": True}) == {
        "from": "city",
        "unchecked": True,
    }
    assert written_of(Unmapped(), before={"from": "state"}) is False
    assert written_of(Constant("US")) == {"value": "US"}


targets = st.sampled_from(["city", "website", "firstName"]) | names.filter(str.strip).map("custom:{}".format)
values = st.builds(
    written_of,
    st.builds(Fields, st.lists(keys, min_size=1, max_size=3).map(tuple), st.none() | conditions)
    | st.builds(Constant, names)
    | st.just(Unmapped()),
    st.lists(st.sampled_from(["trim", {"join": ", "}, {"values": {"a": "b", "*": 'q"'}}]), max_size=2),
    st.sampled_from(["", "TEXT", "NUMERICAL"]),
    st.lists(names, max_size=2),
)


@given(st.lists(st.tuples(targets, values), max_size=4))
def test_any_edits_are_in_the_text_and_nothing_else_changes(edits: list[tuple[str, Any]]) -> None:
    text, expected = TEXT, tomllib.loads(TEXT)
    for target, written in edits:
        before = {row.target: row.written for row in rows_of("acme", tomllib.loads(text)["mappings"])}
        text = with_field(text, "acme", target, written)
        after = {row.target: row.written for row in rows_of("acme", tomllib.loads(text)["mappings"])}
        changed = {one for one in before.keys() | after.keys() if before.get(one) != after.get(one)}
        assert len(changed) <= 2  # a field in another spelling counts twice
    found = tomllib.loads(text)
    assert found["mappings"]["acme"]["users"] == expected["mappings"]["acme"]["users"]
    assert text.startswith("# ours\n")


def test_what_the_form_writes_compiles() -> None:
    written = written_of(
        Fields(("attribute:Pre-approval", "preQual"), Condition("stage", "is not", "Lost")),
        [transform_of("values", "Yes = approved\n* = open"), transform_of("truncate", "20")],
        "SINGLE_OPTIONS",
        ["approved", "open"],
    )
    tables = tomllib.loads(with_field(TEXT, "acme", "custom:Pre-approval", written))["mappings"]
    assert "Pre-approval" in compile_mapping("acme", tables).custom_fields


COPIED = """# Ours.
[mappings.sellers]  # not buyers
extends = "default"

[mappings.sellers.fields]
source = "source"  # [mappings.sellers] stays in a comment
"""


def test_a_copy_of_a_text_is_the_same_under_another_name() -> None:
    """With its comments; the quotation marks of the old name go."""
    text = copied(COPIED, "sellers", "harbor")
    assert tomllib.loads(text)["mappings"] == {"harbor": tomllib.loads(COPIED)["mappings"]["sellers"]}
    assert text.startswith("# Ours.\n[mappings.harbor]  # not buyers")
    assert copied('[mappings."a b".fields]\nx = "y"\n', "a b", "c") == '[mappings.c.fields]\nx = "y"\n'


@pytest.mark.parametrize("text", ['mappings.sellers.fields = {source = "source"}\n', "[mappings.other]\n", "[mappings"])
def test_a_text_that_cannot_be_copied_is_refused(text: str) -> None:
    """Nothing is saved under a name that it does not have."""
    with pytest.raises(CannotEdit):
        copied(text, "sellers", "harbor")
