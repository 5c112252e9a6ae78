"""Who stays on a contact that several leads have, who leaves it, and who writes it."""

from __future__ import annotations

from itertools import product

import pytest

from streams.core.rows import LinkRow
from streams.core.to_ghl.plan import UNKNOWN
from streams.core.to_ghl.shared_contact import gives_up, inherited, move_of_sharer, move_of_writer

FLAGS = ("is_gone", "has_in_common", "is_held", "has_heir", "was_held_to_the_end")


@pytest.mark.parametrize("values", [*product((True, False), repeat=len(FLAGS))])
def test_whatever_the_case_a_contact_is_left_only_to_somebody_and_never_taken_from_anybody(
    values: tuple[bool, ...],
) -> None:
    """Of all cases: a deleted lead leaves it only to a living one, and nobody takes over what another one writes."""
    case = dict(zip(FLAGS, values, strict=True))
    move = move_of_sharer(**case)
    if move == "take over":
        assert not case["is_held"]
    if case["is_gone"]:
        assert (move == "leave") == (case["is_held"] or case["has_heir"])
    elif case["has_in_common"]:
        assert move == ("stay" if case["is_held"] else "take over")
    else:
        assert move == "leave"


def test_who_writes_a_contact_leaves_it_to_an_heir_only_when_it_is_deleted() -> None:
    """And to another lead that writes it in any case."""
    assert move_of_writer(is_gone=False, is_held=False, has_heir=True) == "stay"
    assert move_of_writer(is_gone=True, is_held=False, has_heir=True) == "leave"
    assert move_of_writer(is_gone=True, is_held=False, has_heir=False) == "stay"
    assert move_of_writer(is_gone=False, is_held=True, has_heir=False) == "leave"


WRITES = LinkRow(ghl_id="c", settled="s")


@pytest.mark.parametrize(
    ("before", "after", "contact_id"),
    [
        (WRITES, LinkRow(parted_from="c"), "c"),
        (WRITES, WRITES.model_copy(update={"is_gone": True}), "c"),
        (WRITES, WRITES.model_copy(update={"is_deleted": True}), "c"),
        (WRITES, WRITES.model_copy(update={"ghl_id": "d"}), "c"),
        (WRITES, WRITES.model_copy(update={"settled": ""}), None),
        (WRITES.model_copy(update={"is_gone": True}), WRITES.model_copy(update={"is_gone": True}), None),
        (WRITES.model_copy(update={"is_gone": True}), LinkRow(parted_from="c"), "c"),
        (LinkRow(ghl_id="c", shares="acme:1:contact:1"), LinkRow(parted_from="c"), None),
        (None, WRITES, None),
    ],
)
def test_a_contact_is_given_up_by_the_lead_that_wrote_it_alone(
    before: LinkRow | None, after: LinkRow, contact_id: str | None
) -> None:
    """Deleted, elsewhere, or without it. One that shares it gives nothing up."""
    assert gives_up(before, after) == contact_id


def test_an_heir_knows_what_was_written_for_the_other_as_unknown() -> None:
    """So it is written again, or cleared. What the heir wrote itself it knows."""
    writer = LinkRow(ghl_id="c", fields={"city": "h", "optOuts": "sms"}, tags=("buyer",))
    heir = LinkRow(ghl_id="c", shares="x", fields={"optOuts": "call"}, doubtful_tags=("older",))
    found = inherited(heir, writer, "lofty-deleted")
    assert found == {
        "fields": {"city": UNKNOWN, "optOuts": "call"},
        "doubtful_tags": ("buyer", "lofty-deleted", "older"),
    }
