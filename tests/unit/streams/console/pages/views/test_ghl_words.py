"""Fields of GHL are called as its pages call them."""

from __future__ import annotations

import pytest

from streams.console.pages.views.ghl_words import field_label, left_out_words


@pytest.mark.parametrize(
    ("field", "label"),
    [
        ("primary phone, E.164", "Phone"),
        ("where the contact came from", "Contact source"),
        ("assignedTo", "Assigned to"),
        ("Lofty stage", "Lofty stage"),
    ],
)
def test_a_field_has_the_name_that_people_see_in_ghl(field: str, label: str) -> None:
    """By its key, or by what an operation calls it; a custom field keeps its own name."""
    assert field_label(field) == label


def test_why_a_value_is_left_out_begins_with_the_field_s_name() -> None:
    """And what names no field stays as it is."""
    assert left_out_words("assignedTo: no GHL user has it") == "Assigned to: no GHL user has it"
    assert left_out_words("not readable") == "not readable"
