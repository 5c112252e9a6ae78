"""What a link reads once it is decided whose a contact is (`identity.py`): adopted, shared, or without the value of another contact.

The worker records it in a receipt, and a rehearsal (`simulated_import.py`) in memory only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.core.fingerprint import field_hash
from streams.core.rows import LinkRow
from streams.core.to_ghl.compare import adopted_contact_fields, still_as_written
from streams.core.to_ghl.plan import IDENTIFIERS, UNKNOWN, DesiredContact
from streams.core.to_ghl.refused_values import conflicts_of
from streams.messages import Conflict


def adopted_contact(
    desired: DesiredContact,
    contact: Mapping[str, Any],
    link: LinkRow,
    *,
    deleted_tag: str,
    before: LinkRow,
) -> dict[str, Any]:
    """The contact is the lead's. What it holds already is not written again; of the rest we do not know whether it is ours.

    `before` is the link of a lead that was deleted: what it holds as we wrote it for that one is not to stay.
    """
    intended = link.intent.fields if link.intent is not None else {}
    ours = dict.fromkeys(still_as_written(before.fields, contact), UNKNOWN)
    tags = set(contact.get("tags") or ())
    return {
        "ghl_id": str(contact["id"]),
        "fields": ours | adopted_contact_fields(desired, contact, intended),
        "tags": tuple(sorted(tags & set(desired.tags))),
        "doubtful_tags": tuple(sorted({deleted_tag, *before.tags} & tags - set(desired.tags))),
        "shares": "",
        "conflicts": conflicts_of(desired.fields, link),
    }


def shared_contact(desired: DesiredContact | None, contact_id: str, field: str, holder: str) -> dict[str, Any]:
    """The contact stays that of the lead `holder`; by `field` it is this lead's, too."""
    conflicts = {field: conflict_about(desired, field, contact_id, holder)}
    return {"ghl_id": contact_id, "fields": {}, "tags": (), "shares": holder, "conflicts": conflicts}


def conflict_about(desired: DesiredContact | None, field: str, contact_id: str, holder: str) -> Conflict:
    """Another contact has the value of this field; `holder` is its lead, if it has one."""
    value = desired.fields.get(field) if desired is not None else None
    return Conflict(hash=field_hash(value), contact_id=contact_id, lead=holder)


def named_in_common(named: str, desired: DesiredContact) -> str:
    """The identifier that GHL matched: the one that it names, if we sent one, else the one that we did send."""
    sent = [name for name in IDENTIFIERS if desired.fields.get(name)]
    return named if named in sent else next(iter(sent), named)
