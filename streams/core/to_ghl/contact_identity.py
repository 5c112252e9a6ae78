"""What a link reads once it is decided whose a contact is (`identity.py`): adopted, shared, or without the value of another contact.

The worker records it in a receipt, and a rehearsal (`simulated_import.py`) in memory only.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from streams.core.fingerprint import field_hash
from streams.core.rows import LinkRow
from streams.core.to_ghl.compare import adopted_contact_fields, compare_contact, still_as_written
from streams.core.to_ghl.directory import Directory
from streams.core.to_ghl.plan import IDENTIFIERS, UNKNOWN, DesiredContact
from streams.core.to_ghl.planning import Rules
from streams.core.to_ghl.refused_values import conflicts_of
from streams.mapping import LEAD_ID_FIELD
from streams.messages import Conflict


def adopted_contact(
    desired: DesiredContact,
    contact: Mapping[str, Any],
    link: LinkRow,
    *,
    rules: Rules,
    before: LinkRow,
) -> dict[str, Any]:
    """The contact is the lead's. What it holds already is not written again; of the rest we do not know whether it is ours.

    `before` is the link of a lead that was deleted: what it holds as we wrote it for that one is not to stay.
    Nor do tags that the mapping calls ours (`owned`), whoever added them.
    """
    intended = link.intent.fields if link.intent is not None else {}
    ours = dict.fromkeys(still_as_written(before.fields, contact), UNKNOWN)
    tags = set(contact.get("tags") or ())
    ours_before = {rules.lead_deleted_tag, *before.tags}
    owned = {tag for tag in tags if rules.mapping.tags.owns(tag, ())}
    return {
        "ghl_id": str(contact["id"]),
        "fields": ours | adopted_contact_fields(desired, contact, intended),
        "tags": tuple(sorted(tags & set(desired.tags))),
        "doubtful_tags": tuple(sorted((ours_before | owned) & tags - set(desired.tags))),
        "shares": "",
        "conflicts": conflicts_of(desired.fields, link),
    }


def adopted_by_gone(
    lofty_id: str, contact: Mapping[str, Any], directory: Directory, *, rules: Rules
) -> dict[str, Any] | None:
    """The contact is that of a lead which was deleted while nothing knew of it. Which of its values are ours is not known.

    None: it does not have the lead's Lofty id.
    """
    field_id = directory.custom_field_id(LEAD_ID_FIELD)
    if field_id is None or str((contact.get("customFields") or {}).get(field_id) or "") != lofty_id:
        return None
    tags = (rules.lead_deleted_tag,) if rules.lead_deleted_tag in (contact.get("tags") or ()) else ()
    return {
        "ghl_id": str(contact["id"]),
        "fields": {},
        "tags": tags,
        "doubtful_tags": (),
        "shares": "",
        "conflicts": {},
    }


KEPT = "Lofty does not have it, and whether an earlier memory of ours wrote it is not known, so it stays in GHL"
"""A person in GHL may have added it: nothing that may be a person's is ever removed."""


def kept_words(
    desired: DesiredContact, contact: Mapping[str, Any], known: Container[str], known_tags: Container[str]
) -> tuple[str, ...]:
    """What a contact that an earlier memory wrote has beyond its lead, and we do not know as ours: a flag for each.

    `known` are the fields of its link, `known_tags` the tags that it has or will not have.
    """
    empty = (name for name, value in desired.fields.items() if value is None and name not in known)
    differing = {one.field for one in compare_contact(desired, contact)}
    tags = sorted({*(contact.get("tags") or ())} - {*desired.tags})
    fields = (f"{name}: {KEPT}" for name in empty if name in differing)
    return (*fields, *(f"tags: {tag}: {KEPT}" for tag in tags if tag not in known_tags))


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
