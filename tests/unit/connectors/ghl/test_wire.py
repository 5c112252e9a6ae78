"""GHL's objects are read tolerantly: only an id is needed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.ghl.wire import GhlAppointment, GhlContact, GhlCustomField, GhlNote, GhlObject, GhlTask, User

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS: dict[type[GhlObject], list[str]] = {
    kind: [
        field.serialization_alias or field.alias or name for name, field in kind.model_fields.items() if name != "id"
    ]
    for kind in (GhlContact, GhlTask, GhlNote, GhlAppointment, User)
}


@pytest.mark.parametrize("kind", [GhlContact, GhlTask, GhlNote, GhlAppointment, GhlCustomField, User])
def test_an_id_is_enough(kind: type[GhlObject]) -> None:
    """Every other field may be missing."""
    assert kind.model_validate({"id": "x"}).id == "x"


@pytest.mark.parametrize("given_id", [None, "", [], {}])
def test_an_object_without_an_id_is_no_object(given_id: Any) -> None:
    """Nothing can be done with it."""
    with pytest.raises(ValidationError):
        GhlNote.model_validate({"id": given_id, "body": "x"})


@pytest.mark.parametrize("kind", list(FIELDS))
@given(content=st.data())
def test_no_value_of_a_field_fails_the_object(kind: type[GhlObject], content: st.DataObject) -> None:
    """One odd field does not cost a whole answer."""
    fields = content.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS[kind], JSON)))
    assert kind.model_validate({"id": "x", **fields}).id == "x"


def test_unknown_fields_are_kept() -> None:
    """GHL adds some at any time."""
    contact = GhlContact.model_validate({"id": "x", "leadScore": 7})
    assert contact.model_extra == {"leadScore": 7}


def test_a_numeric_id_is_text() -> None:
    """Ids travel as strings."""
    assert GhlTask.model_validate({"_id": 17}).id == "17"


def test_a_contact_of_the_search_reads_like_any_other() -> None:
    """It has names in lower case only, and `address`."""
    contact = GhlContact.model_validate({"id": "x", "firstNameLowerCase": "ann", "address": "1 Main Street"})
    assert (contact.first_name, contact.address1) == ("ann", "1 Main Street")


def test_a_custom_value_is_found_by_its_field() -> None:
    """Entries without an id are no values."""
    contact = GhlContact.model_validate(
        {"id": "x", "customFields": [{"id": "f", "value": [1, "a"]}, {"value": 2}, None]}
    )
    assert (contact.custom("f"), contact.custom("g"), len(contact.custom_fields)) == ([1, "a"], None, 1)
