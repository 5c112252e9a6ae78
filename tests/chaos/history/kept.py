"""What a lost memory leaves in GHL because it may be a person's, and the product says so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from streams.core.to_ghl.compare import FieldDifference, compare_contact
from streams.core.to_ghl.contact_identity import KEPT
from streams.core.to_ghl.plan import DesiredContact
from tests.chaos.history.case import Case
from tests.chaos.history.history import FORGOT

Kept = dict[str, set[str]]
"""The key of a contact's entity -> its fields, and its tags as `tags: NAME`."""


def kept(case: Case) -> Kept:
    """By the receipt with which a contact was recognised after memory was lost: a flag names each value that stays.

    What a later receipt says of a field or tag is known again, and no longer excused.
    """
    found: Kept = defaultdict(set)
    lost = min((one.at for one in case.history.nemesis if one.kind == FORGOT), default=None)
    for receipt in (one.receipt for one in case.history.receipts):
        if lost is None or receipt.kind != "contact" or receipt.at_ms < lost * 1000:
            continue
        key = receipt.entity.key
        if receipt.is_recalled:
            found[key] = {flag.removesuffix(f": {KEPT}") for flag in receipt.flags if flag.endswith(KEPT)}
        elif found[key]:
            known = {*(receipt.fields or ()), *(f"tags: {one}" for one in receipt.tags or ())}
            found[key] = set() if receipt.is_forgotten else found[key] - known
    return found


def compare_but_for_kept(
    desired: DesiredContact, contact: Mapping[str, Any], names: set[str]
) -> tuple[tuple[FieldDifference, ...], tuple[FieldDifference, ...]]:
    """What differs, and what is there beyond the lead and is kept: as far as that goes, nobody else sets tags there."""
    surplus = [tag for tag in contact["tags"] if tag not in desired.tags and f"tags: {tag}" in names]
    ours = {**contact, "tags": [tag for tag in contact["tags"] if tag not in surplus]}
    every = compare_contact(desired, ours, is_ours_alone=True)
    excused = tuple(one for one in every if one.field in names and one.wanted in (None, ""))
    wrong = tuple(one for one in every if one not in excused)
    return wrong, (*excused, *([FieldDifference("tags", list(desired.tags), surplus)] if surplus else ()))
