"""A contact that several leads have: who stays, who leaves it, and who writes it from now on.

Exactly one living lead writes it. `worker/dispatch/identities.py` finds the facts, one lead of a contact at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from streams.core.rows import LinkRow
from streams.core.to_ghl.plan import UNKNOWN

Move = Literal["stay", "leave", "take over"]


def move_of_sharer(
    *, is_gone: bool, has_in_common: bool, is_held: bool, has_heir: bool, was_held_to_the_end: bool
) -> Move:
    """What a lead does that only shares its contact.

    `is_gone`: it was deleted in Lofty. `is_held`: another living lead writes the contact, or is about to adopt it. `has_heir`: a
    living lead shares it, too. `was_held_to_the_end`: the lead that wrote it was deleted and has it still, with what the policy says.
    The last one that is deleted takes the contact over, or nobody would tag or delete it.
    """
    if is_gone:
        if is_held or has_heir:
            return "leave"  # what hangs there for a lead that is gone is not the other's
        return "stay" if was_held_to_the_end else "take over"
    if not has_in_common:
        return "leave"
    return "stay" if is_held else "take over"


def move_of_writer(*, is_gone: bool, is_held: bool, has_heir: bool) -> Move:
    """What the lead does that writes the contact: deleted, it leaves it to one that shares it."""
    return "leave" if is_held or (is_gone and has_heir) else "stay"


def gives_up(before: LinkRow | None, after: LinkRow) -> str | None:
    """The contact that a lead wrote and does not write from this link on; None if there is none."""
    if before is None or before.ghl_id is None or before.shares or before.is_deleted:
        return None
    is_elsewhere = after.ghl_id != before.ghl_id or after.is_deleted or bool(after.shares)
    return before.ghl_id if is_elsewhere or (after.is_gone and not before.is_gone) else None


def inherited(heir: LinkRow, writer: LinkRow, deleted_tag: str = "") -> dict[str, Any]:
    """What the link of one that takes a contact over reads of what we wrote for the other: it is not to stay."""
    tags = {*heir.doubtful_tags, *writer.tags} | ({deleted_tag} if deleted_tag else set())
    return {"fields": dict.fromkeys(writer.fields, UNKNOWN) | heir.fields, "doubtful_tags": tuple(sorted(tags))}


def with_doubts(link: LinkRow, fields: Mapping[str, str]) -> dict[str, str]:
    """The fields of a lead that shares a contact, by a receipt that was planned before another one made some of them unknown."""
    return {name: hash_ for name, hash_ in link.fields.items() if hash_ == UNKNOWN} | dict(fields)
