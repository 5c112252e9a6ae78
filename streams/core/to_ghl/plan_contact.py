"""The next request for a contact: create it, then its opt-outs, then its changed fields, then tags to add, then tags to remove.

A contact is created, never upserted: GHL's upsert takes whoever has the same telephone for the same person, and writes on them.
Its create refuses a duplicate and names it, at once and surely; whose that one is decides `identity.py` (`OutboxRow.candidate`).
Without an e-mail, phone and name GHL takes no contact: it is `Stuck` until the lead changes.
Where the location allows duplicates (`looks_first`), a create refuses none, so GHL is asked for one before; so it is for a
contact by name, which is looked for by its Lofty id.

`tags` never travel in a contact's body: GHL would replace all tags, also those that are not ours.

A contact whose create is in doubt is created again only if GHL will surely refuse it (`_finds_itself`). Otherwise it is searched
for by the Lofty id's custom field if the create had it, else by that create's e-mail or phone; absence counts only after the
search had time to see our write.
A contact with none of the three could not be found again, so it is not created: it is `Stuck`.
What the doubtful create may have written counts as written, so that a field that became empty meanwhile is cleared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from streams.core.fingerprint import field_hash
from streams.core.rows import Candidate, Intent, LinkRow
from streams.core.to_ghl.plan import (
    CUSTOM,
    IDENTIFIERS,
    NAMES,
    UNKNOWN,
    Call,
    DesiredContact,
    NotBefore,
    Plan,
    Settled,
    Stuck,
)
from streams.core.to_ghl.refused_values import held_back
from streams.mapping.opt_outs import OPT_OUTS, closing, is_due_for, mark

_NEVER_NULL = frozenset({"postalCode", "country"})
"""Fields that GHL's schema does not let be null; they are cleared with an empty text."""

NAMELESS = (
    "the lead has no e-mail, phone, first name or last name that GHL takes, and that is not another contact's, and GHL refuses a "
    "contact with none of the four: add one of them in Lofty; it is then retried by itself"
)

NOT_FINDABLE = (
    "a contact without e-mail and phone is created only where the location has the custom field of the Lofty lead's id, "
    "since it could not be found again after a crash: let the worker create the field (policies.create_custom_fields, "
    "scope locations/customFields.write), or create it by hand"
)

NOT_SEARCHABLE = (
    "whether its create reached GHL is not known, and what it could be found by is not there: it had no e-mail and no phone, "
    "and the location no longer shows the custom field of the Lofty lead's id. Creating it again could make a duplicate. Let "
    "the worker read the location's custom fields (scope locations/customFields.readonly), or look for the contact in GHL by "
    "hand; then `lofty-ghl parked retry`"
)


def held(desired: DesiredContact, link: LinkRow | None, owners: Mapping[str, str]) -> frozenset[str]:
    """The fields in which GHL's value stays: those that GHL owns, and newer edits that were not written to Lofty yet.

    `owners` are those of the connection's Lofty sync. A contact is created with all its fields.
    """
    if link is None or not owners:
        return frozenset()
    found = {name for name, owner in owners.items() if owner == "ghl" and name in link.fields}
    newer = {name for name, base in link.heard.items() if field_hash(desired.fields.get(name)) == base}
    return frozenset(found | newer)


def plan_contact(
    desired: DesiredContact,
    link: LinkRow | None,
    now_ms: int,
    *,
    search_lag_ms: int,
    holding: frozenset[str] = frozenset(),
    candidate: Candidate | None = None,
    looks_first: bool = False,
) -> Plan:
    """The next request for a contact that exists in Lofty. Fields in `holding` stay as GHL has them.

    `candidate` is the contact that GHL named as a duplicate; `looks_first` says that GHL would name none when it creates.
    """
    link = link or LinkRow()
    refused = held_back(desired.fields, link)
    fields = {name: None if name in refused else value for name, value in desired.fields.items()}
    hashes = {name: field_hash(value) for name, value in fields.items()}
    if (close_channels := _close_channels(desired, link)) is not None:
        return close_channels
    if link.shares and link.ghl_id is not None:
        return Settled(f"has one contact with {link.shares}, which alone is written on it")
    if link.ghl_id is None or link.is_deleted:
        if candidate is not None and candidate.contact_id:
            return Call("read contact", contact_id=candidate.contact_id)
        given = {name: value for name, value in fields.items() if value is not None}
        if link.intent is not None:
            if looks_first or not _finds_itself(desired, link.intent, refused):
                return _find_contact(link.intent, desired.lofty_id, desired.external_id_field, now_ms, search_lag_ms)
            maybe_written = link.intent.fields.keys() - refused
            given = {name: value for name, value in fields.items() if name in given or name in maybe_written}
        elif candidate is None and (look := _look_first(desired, given, looks_first)) is not None:
            return look
        return _create_contact(desired, given)
    changed = {
        name: value
        for name, value in fields.items()
        if hashes[name] != link.fields.get(name) and (value is not None or name in link.fields) and name not in holding
    }
    if changed:
        kept = {name: old for name, old in link.fields.items() if name in hashes or name == OPT_OUTS}
        return Call(
            "update contact",
            contact_id=link.ghl_id,
            body=_contact_body(changed),
            fields=kept | {name: hashes[name] for name in changed},
        )
    if missing := [tag for tag in desired.tags if tag not in link.tags or tag in link.doubtful_tags]:
        return _add_tags(link, link.ghl_id, missing)
    if surplus := sorted({*link.tags, *link.doubtful_tags}.difference(desired.tags)):
        tags = tuple(sorted(set(desired.tags)))
        return Call("remove tags", contact_id=link.ghl_id, body={"tags": surplus}, tags=tags, doubtful_tags=())
    return Settled("as wanted")


def _look_first(desired: DesiredContact, given: Mapping[str, Any], looks_first: bool) -> Call | None:
    """The search before a create that GHL would not refuse as a duplicate: our memory of the contact may be lost."""
    by = {name: given[name] for name in IDENTIFIERS if name in given}
    if by:
        return Call("find duplicate", body=by) if looks_first else None
    if desired.external_id_field is None or not any(given.get(name) for name in NAMES):
        return None
    return Call("find duplicate", marker=desired.lofty_id, body={"customField": desired.external_id_field})


def _close_channels(desired: DesiredContact, link: LinkRow) -> Call | None:
    """The opt-outs are a request of their own, before all other fields: nothing that GHL refuses of those holds them up.

    One of several leads that share a contact closes its channels, too. Its body is made of what the contact holds, which is read first (`streams/worker/dispatch/opt_out_writer.py`).
    """
    if link.ghl_id is None or link.is_deleted or desired.opt_outs is None:
        return None
    if not is_due_for(desired.opt_outs, link.fields):
        return None
    fields = {**link.fields, OPT_OUTS: mark(desired.opt_outs)}
    body = {OPT_OUTS: closing(desired.opt_outs)}
    return Call("write opt-outs", contact_id=link.ghl_id, body=body, fields=fields)


def _create_contact(desired: DesiredContact, given: Mapping[str, Any]) -> Plan:
    if not any(given.get(name) for name in IDENTIFIERS):
        if not any(given.get(name) for name in NAMES):
            return Stuck(NAMELESS, "nameless")
        if desired.external_id_field is None:
            return Stuck(NOT_FINDABLE)
    body = _contact_body({name: value for name, value in given.items() if value is not None})
    fields = {name: field_hash(value) for name, value in given.items()}
    if desired.opt_outs:
        body[OPT_OUTS], fields[OPT_OUTS] = closing(desired.opt_outs), mark(desired.opt_outs)
    return Call(
        "create contact",
        body=body,
        fields=fields,
        tags=(),
        is_create=True,
    )


def plan_gone_contact(
    link: LinkRow | None,
    *,
    policy: Literal["tag", "delete", "ignore"],
    deleted_tag: str,
    lofty_id: str = "",
    external_id_field: str | None = None,
    now_ms: int = 0,
    search_lag_ms: int = 0,
    candidate: Candidate | None = None,
) -> Plan:
    """The next request for a contact whose lead is deleted in Lofty. A create in doubt is looked for first.

    `candidate` is a contact that no link names, and that had the lead's Lofty id.
    """
    if link is not None and link.intent is not None:
        return _find_contact(link.intent, lofty_id, external_id_field, now_ms, search_lag_ms)
    if link is None or link.ghl_id is None or link.is_deleted:
        if candidate is not None and candidate.contact_id:
            return Call("read contact", contact_id=candidate.contact_id)
        return Settled("was never written")
    if link.shares:
        return Settled(f"its contact is that of {link.shares}, and stays")
    if policy == "delete":
        return Call("delete contact", contact_id=link.ghl_id, is_delete=True)
    if policy == "tag" and (deleted_tag not in link.tags or deleted_tag in link.doubtful_tags):
        return _add_tags(link, link.ghl_id, [deleted_tag])
    return Settled("left alone" if policy == "ignore" else "tagged as deleted")


def _add_tags(link: LinkRow, contact_id: str, tags: list[str]) -> Call:
    return Call(
        "add tags",
        contact_id=contact_id,
        body={"tags": tags},
        tags=tuple(sorted({*link.tags, *tags})),
        doubtful_tags=tuple(tag for tag in link.doubtful_tags if tag not in tags),
    )


def _finds_itself(desired: DesiredContact, intent: Intent, refused: frozenset[str]) -> bool:
    """Whether a second create is refused as a duplicate of what the doubtful one may have made: by its e-mail or phone.

    An identifier that GHL refused is on no contact: the other one has to match. A phone alone is not relied on if the create had
    the Lofty id: GHL may have refused the phone, and made the contact without it. GHL checks an e-mail before it makes anything.
    """
    nothing = field_hash(None)
    names = [name for name in IDENTIFIERS if name not in refused]
    is_same = all(field_hash(desired.fields.get(name)) == intent.fields.get(name, nothing) for name in names)
    trusted = [name for name in names if name == "email" or not _has_lofty_id(intent, desired.external_id_field)]
    return is_same and any(desired.fields.get(name) for name in trusted)


def _has_lofty_id(intent: Intent, field_id: str | None) -> bool:
    return field_id is not None and CUSTOM + field_id in intent.fields


def _find_contact(intent: Intent, lofty_id: str, field_id: str | None, now_ms: int, search_lag_ms: int) -> Plan:
    """A look by what the create was sent with. By anything else nobody would be found, and that would say nothing."""
    if _has_lofty_id(intent, field_id):
        by = {"customField": str(field_id)}
    elif intent.identifiers:
        by = dict(intent.identifiers)
    else:
        return Stuck(NOT_SEARCHABLE)
    if now_ms < intent.at_ms + search_lag_ms:
        return NotBefore(intent.at_ms + search_lag_ms)
    return Call("find contact", marker=lofty_id, body=by, fields=dict.fromkeys(intent.fields, UNKNOWN), tags=())


def _contact_body(fields: Mapping[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    custom = []
    for name, value in fields.items():
        if name.startswith(CUSTOM):
            custom.append({"id": name.removeprefix(CUSTOM), "field_value": "" if value is None else value})
        else:
            body[name] = "" if value is None and name in _NEVER_NULL else value
    if custom:
        body["customFields"] = custom
    return body
