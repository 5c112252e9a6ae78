"""The mapping of a connection: whose each is, and what a copy is called."""

from __future__ import annotations

import pytest

from streams.console.pages.views.connection_mapping_view import connection_mapping_view, free_name
from streams.mapping_versions.listing import MappingState, MappingText

KNOWN = MappingState(
    version=3,
    in_force_version=3,
    mappings=(
        MappingText("default", "", "built in", False, ("acme",)),
        MappingText("sellers", "", "edited", True, ("harbor", "summit")),
        MappingText("harbor", "", "edited", True, ()),
    ),
    uses={"acme": "default", "harbor": "sellers", "summit": "sellers"},
    history=(),
)


def test_the_mapping_that_is_used_is_chosen_and_each_says_whose_it_is() -> None:
    """Of its other users, as the connection itself is meant anyway."""
    view = connection_mapping_view("harbor", "harbor", KNOWN)
    assert [(one.name, one.words, one.is_chosen) for one in view.choices] == [
        ("default", "built in, used by acme", False),
        ("sellers", "used by summit", True),
        ("harbor", "used by no other connection", False),
    ]


@pytest.mark.parametrize(
    ("label", "expected"),
    [("summit", "summit"), ("harbor", "harbor-2"), ("new", "new-2"), ("x" * 63, "x" * 40), ("", "mapping")],
)
def test_a_copy_is_called_like_its_connection(label: str, expected: str) -> None:
    """With a number where a mapping is called so already."""
    assert free_name(label, KNOWN) == expected
