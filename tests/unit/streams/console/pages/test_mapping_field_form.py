"""A form of one field, as a browser sends it, becomes a change of the mapping's text, or a sentence that says what to choose."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from streams.console.pages.mapping_field_form import input_of_form, text_with
from streams.console.pages.views.mapping_field_view import field_form, input_of, mark
from streams.mapping.compile import default_tables
from streams.mapping_versions.form.rows import FieldRow, row_of

TEXT = '[mappings.acme]\n[mappings.acme.fields]\ncity = "_address.city"\n'


def written(target: str, row: FieldRow | None = None, **form: str) -> Any:
    """What the text says of a field after a form."""
    text = text_with(TEXT, "acme", target, row, input_of_form(form))
    return tomllib.loads(text)["mappings"]["acme"]["fields"][target]


def test_a_form_becomes_the_field_that_it_says() -> None:
    found = written(
        "custom:Plan",
        take="fields",
        lofty1="preQual",
        lofty2="attribute:Plan",
        when_field="stage",
        when_operator="is",
        when_value=" Hot ",
        change1="values",
        with1="Yes = ready\r\n* = open",
        change3="upper",
        type="SINGLE_OPTIONS",
        options="READY\r\n\r\nOPEN",
    )
    assert found == {
        "from": "(stage == 'Hot' && (preQual || (customAttributes[?attributeName=='Plan'].value | [0]))) || `null`",
        "transform": [{"values": {"Yes": "ready", "*": "open"}}, "upper"],
        "type": "SINGLE_OPTIONS",
        "options": ["READY", "OPEN"],
    }


def test_other_sources_than_lofty_s_fields() -> None:
    assert written("country", take="constant", value=" US ", lofty1="state") == {"value": "US"}
    assert written("country", take="unmapped") is False
    assert written("country", take="formula", formula="length(emails)") == "length(emails)"


def test_kind_and_options_are_of_custom_fields_alone() -> None:
    assert written("state", lofty1="_address.state", type="MONETORY", options="x") == "_address.state"
    assert written("custom:A", lofty1="stage", type="TEXT") == "stage"


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({}, "Choose a field of Lofty"),
        ({"take": "constant"}, "Write the fixed value"),
        ({"take": "formula"}, "Write the formula"),
        ({"lofty1": "stage", "when_field": "score"}, "Write the value that the condition compares with"),
        ({"lofty1": "stage", "change1": "truncate"}, "needs a number of characters"),
        ({"lofty1": "((("}, "no field of a Lofty lead"),
    ],
)
def test_a_form_that_cannot_be_saved_says_what_to_do(form: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        written("city", **form)


def test_a_form_that_is_opened_and_saved_changes_nothing() -> None:
    """For every field of the built-in mapping: what the page shows is what the form sends back."""
    for target, value in default_tables()["fields"].items():
        row = row_of(target, "default", value)
        chosen = input_of(row)
        form = {f"lofty{index}": key for index, key in enumerate(chosen.keys, 1)}
        for index, (change, box) in enumerate(chosen.changes, 1):
            form |= {f"change{index}": change, f"with{index}": box.replace("\n", "\r\n")}
        form |= {"take": chosen.take, "type": chosen.type, "options": chosen.options}
        assert row_of(target, "default", written(target, row, **form)) == row_of(target, "default", value), target


def test_a_field_that_another_person_changed_has_another_mark() -> None:
    row = row_of("city", "acme", "_address.city")
    assert (
        len(
            {
                mark(None),
                mark(row),
                mark(row_of("city", "acme", False)),
                mark(row_of("city", "default", "_address.city")),
            }
        )
        == 4
    )
    assert field_form("acme", row, ()).seen == mark(row)
