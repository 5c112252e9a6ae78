"""Which conflicts are listed, and what is said of each."""

from __future__ import annotations

from typing import Any

import pytest

from streams.core.fingerprint import field_hash
from streams.core.rows import LinkRow
from streams.messages import Conflict
from streams.operations.conflicts.open_conflicts import conflicts_of_leads

PHONE = "+15305550104"
BEN, ANN = "acme:2:contact:2", "acme:1:contact:1"


def link(**facts: Any) -> LinkRow:
    """Ben's link: Ann's contact `x` has his telephone."""
    conflict = Conflict(hash=field_hash(PHONE), contact_id="x", lead=ANN)
    return LinkRow(**{"ghl_id": "y", "conflicts": {"phone": conflict}, **facts})


@pytest.mark.parametrize(
    ("facts", "state", "words"),
    [
        ({}, "left out", "decide `same`, then merge both contacts"),
        ({"ghl_id": None}, "left out", "then they have one contact"),
        ({"ghl_id": "x", "shares": ANN}, "shared", "Two people: decide `apart`"),
        ({"decided": {"x": "same"}}, "left out", "Merge the contacts y and x in GHL"),
        ({"decided": {"x": "apart"}}, "left out", "goes without the value until it is free"),
    ],
)
def test_each_conflict_says_its_state_and_what_to_do(facts: dict[str, Any], state: str, words: str) -> None:
    """For what is shared and what is left out, decided or not."""
    (item,) = conflicts_of_leads({}, {BEN: link(**facts)}, {})
    assert (item.state, item.other_contact_id) == (state, "x")
    assert item.contact_id == ("y" if facts.get("ghl_id", "y") == "y" else "")
    assert words in item.to_do
    assert item.is_open is ("decided" not in facts)


@pytest.mark.parametrize("facts", [{"is_gone": True}, {"is_deleted": True}, {"conflicts": {}}])
def test_leads_that_are_gone_have_no_conflicts(facts: dict[str, Any]) -> None:
    """Nothing can be decided about them."""
    assert conflicts_of_leads({}, {BEN: link(**facts)}, {}) == []
