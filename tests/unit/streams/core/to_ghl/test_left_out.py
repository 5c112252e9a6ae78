"""Values that GHL does not hold though Lofty has them are counted once, by kind and reason."""

from __future__ import annotations

from typing import Any

import pytest

from streams.core.rows import LinkRow
from streams.core.to_ghl.apply_receipt import record_link
from streams.core.to_ghl.left_out import newly_left_out, unreadable
from streams.messages import Receipt

CONFLICT = {"phone": {"hash": "p1", "contact_id": "c2"}}


def receipt(outcome: str, **facts: Any) -> Receipt:
    """A receipt about a contact."""
    about = {"connection": "acme", "lead": "1", "kind": "contact", "id": "1", "step": "update contact"}
    return Receipt.model_validate({**about, "outcome": outcome, "at_ms": 1, "version_ms": 1, **facts})


@pytest.mark.parametrize(
    ("outcome", "facts", "left_out"),
    [
        ("failed", {"refused": {"phone": "p1"}}, [("phone", "refused")]),
        ("doubtful", {"refused": {"email": "e1", "city": "c1"}}, [("email", "refused"), ("other", "refused")]),
        ("applied", {"refused": {"custom:f1": "h"}}, [("custom field", "dropped")]),
        ("applied", {"refused": {"assignedTo": "h"}}, [("assigned user", "dropped")]),
        ("failed", {"conflicts": CONFLICT}, [("phone", "conflict")]),
        (
            "unchanged",
            {"settled": "f/m", "lacks": ("field:stage", "option:f2:warm", "user:bo@x.com", "moon:full")},
            [
                *[("custom field", "not in location")] * 2,
                ("assigned user", "not in location"),
                ("other", "not in location"),
            ],
        ),
        ("applied", {"refused": {"phone": ""}}, []),
        ("applied", {"settled": "f/m"}, []),
    ],
)
def test_a_value_counts_when_it_is_left_out_and_not_again(
    outcome: str, facts: dict[str, Any], left_out: list[tuple[str, str]]
) -> None:
    """A receipt that is read a second time, or that says the same once more, adds nothing."""
    one, link = receipt(outcome, **facts), LinkRow(ghl_id="c1")
    after = record_link(link, one)
    assert list(newly_left_out(link, after, one)) == left_out
    assert list(newly_left_out(after, record_link(after, one), one)) == []


def test_another_value_of_the_same_field_counts_again() -> None:
    """It was sent, and is left out, too."""
    link = LinkRow(ghl_id="c1", refused={"phone": "p0"})
    one = receipt("failed", refused={"phone": "p1"})
    assert list(newly_left_out(link, record_link(link, one), one)) == [("phone", "refused")]


def test_what_could_not_be_read_counts_by_the_field_that_its_flag_names() -> None:
    """A flag begins with its field."""
    flags = ("phone: 12 is no number", "assignedTo: not an e-mail", "Lofty stage: 7 is no text", "a lone surrogate")
    assert [kind for kind, _ in unreadable(flags)] == ["phone", "assigned user", "other", "other"]
