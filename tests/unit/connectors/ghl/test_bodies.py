"""What may be sent where: the allow-lists."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.errors import InvalidRequest
from connectors.ghl.bodies import BODIES, build
from connectors.ghl.operations import OPERATIONS


def problems(operation: str, fields: dict[str, Any]) -> tuple[str, ...]:
    """What `build` says of a body."""
    with pytest.raises(InvalidRequest) as caught:
        build(operation, fields)
    assert (caught.value.vendor, caught.value.operation) == ("ghl", operation)
    return caught.value.problems


@pytest.mark.parametrize("operation", sorted(BODIES))
def test_an_unknown_field_is_refused_with_what_is_allowed(operation: str) -> None:
    """GHL would refuse the whole body for it."""
    found = next(one for one in problems(operation, {"nonsense": 1}) if one.startswith("nonsense"))
    assert found.startswith("nonsense should not exist; allowed: ")
    assert all(name in found for name in BODIES[operation].allowed)


@pytest.mark.parametrize(
    ("operation", "field"),
    [
        ("update-contact", "locationId"),
        ("update-contact", "companyName"),
        ("update-contact", "gender"),
        ("upsert-contact", "additionalEmails"),
        ("create-contact", "customField"),
        ("create-note", "locationId"),
        ("create-note", "dateAdded"),
        ("create-task", "locationId"),
        ("add-tags", "locationId"),
    ],
)
def test_what_ghl_was_seen_to_refuse_never_leaves(operation: str, field: str) -> None:
    """Each of these was a 422 for somebody."""
    assert any(one.startswith(f"{field} should not exist") for one in problems(operation, {field: "x"}))


@pytest.mark.parametrize("operation", ["upsert-contact", "update-contact"])
def test_tags_are_withheld_where_they_would_replace_those_of_others(operation: str) -> None:
    """They have endpoints of their own, which add and remove."""
    fields = {"tags": ["a"]} | ({"locationId": "L"} if operation == "upsert-contact" else {})
    assert problems(operation, fields)[0].startswith("tags is withheld: it replaces all tags")


@pytest.mark.parametrize(
    ("operation", "missing"),
    [(name, field) for name, shape in sorted(BODIES.items()) for field in sorted(shape.required)],
)
def test_a_required_field_is_missed(operation: str, missing: str) -> None:
    """Before GHL misses it."""
    fields = {name: [] if name == "customFields" else "x" for name in BODIES[operation].required - {missing}}
    assert problems(operation, fields) == (f"{missing} is missing",)


def test_all_faults_are_told_at_once() -> None:
    """So that a mapping is corrected once."""
    assert len(problems("create-task", {"nope": 1, "neither": 2})) == 5


def test_custom_fields_are_addressed_by_id_only() -> None:
    """GHL ignores entries by key in silence, which would lose a value unseen."""
    found = problems("update-contact", {"customFields": [{"key": "a", "field_value": 1}, {"id": "f"}, "x"]})
    assert found == (
        "customFields[0].key is withheld: GHL silently ignores custom fields that are addressed by key",
        "customFields[0].id is missing",
        "customFields[2] should be an object",
    )


def test_a_body_is_a_copy() -> None:
    """What was given stays the caller's."""
    given = {"body": "x"}
    made = build("create-note", given)
    assert made == given
    assert made is not given


def test_only_operations_of_the_catalogue_have_bodies() -> None:
    """And no read has one, but for the searches."""
    assert set(BODIES) <= set(OPERATIONS)
    assert {OPERATIONS[name].method for name in BODIES} == {"POST", "PUT", "DELETE"}
