"""Counts values that GHL does not hold though Lofty has them: by the kind of field, and by the reason. Pure.

Of what a link remembers (`refused`, `conflicts`, `lacks`) a value counts once, when a receipt brings it. What could not be read is
remembered nowhere, so it counts each time that its entity is settled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from streams.core.rows import LinkRow
from streams.core.to_ghl.plan import ASSIGNED, CUSTOM, IDENTIFIERS
from streams.messages import Receipt

FieldKind = Literal["email", "phone", "custom field", "assigned user", "other"]
LeftOutReason = Literal["refused", "dropped", "conflict", "not in location", "unreadable"]
"""`refused`: GHL said no. `dropped`: it answered 200 and does not hold it. `conflict`: another contact has it.
`not in location`: the location has no such field, option or user. `unreadable`: Lofty's value cannot be read as what it should be."""

LeftOut = tuple[FieldKind, LeftOutReason]

_LACKED: dict[str, FieldKind] = {"field": "custom field", "option": "custom field", "user": "assigned user"}


def newly_left_out(before: LinkRow | None, after: LinkRow, receipt: Receipt) -> Iterator[LeftOut]:
    """What a receipt leaves out that was not left out before."""
    before = before or LinkRow()
    why: LeftOutReason = "dropped" if receipt.outcome == "applied" else "refused"
    for name, hash_ in (receipt.refused or {}).items():
        if hash_ and before.refused.get(name) != hash_ == after.refused.get(name):
            yield kind_of(name), why
    for name, conflict in after.conflicts.items():
        known = before.conflicts.get(name)
        if known is None or known.hash != conflict.hash:
            yield kind_of(name), "conflict"
    for lack in after.lacks:
        if lack not in before.lacks:
            yield _LACKED.get(lack.partition(":")[0], "other"), "not in location"


def unreadable(flags: Iterable[str]) -> Iterator[LeftOut]:
    """What could not be read: each flag begins with the name of its field."""
    for flag in flags:
        yield kind_of(flag.partition(":")[0]), "unreadable"


def kind_of(name: str) -> FieldKind:
    """The kind of a field by its name, as links and flags have it."""
    if name in IDENTIFIERS:
        return "email" if name == "email" else "phone"
    if name in (ASSIGNED, "assignedUserId"):
        return "assigned user"
    return "custom field" if name.startswith(CUSTOM) else "other"
