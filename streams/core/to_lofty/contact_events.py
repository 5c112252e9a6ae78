"""Events of contacts and their tags, and what Lofty edited in fields that GHL owns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from streams.core.fingerprint import field_hash
from streams.core.rows import LinkRow
from streams.core.to_ghl.plan import UNKNOWN
from streams.core.to_lofty.event_context import EventContext, EventResponse, NeedsRead
from streams.core.to_lofty.rows import ExternalEditRow
from streams.core.to_lofty.writes import by_rules, lofty_write, rule_writes
from streams.mapping.lofty_sync import LoftySyncRules

COMPARED = ("firstName", "lastName", "email", "phone", "address1", "city", "state", "postalCode", "companyName")
"""The fields by which we recognise an edit of a contact. GHL returns these as they were written; dates and numbers may differ."""

_NOTHING = field_hash(None)
_EMPTY = field_hash("")


def judge_contact(context: EventContext, back: LoftySyncRules) -> EventResponse | NeedsRead:
    """A contact was made, changed or deleted."""
    event = context.event
    if event.type in ("ContactDelete", "ContactDndUpdate"):
        on = "contact deleted" if event.type == "ContactDelete" else "do not disturb changed"
        if event.type == "ContactDelete" and context.contact is None:
            context = replace(context, contact=event.body)  # it can no longer be read
        if event.type == "ContactDelete" and context.link.is_deleted:
            return EventResponse("echo")
        return by_rules(context, back, on)
    if "ContactUpdate" not in back.types:
        return EventResponse("no rule")  # it came for its opt-outs alone
    if not _is_linked(context):
        return EventResponse("overtaken")
    changed = edited(context.contact if context.contact is not None else event.body, context.link)
    if not changed:
        return EventResponse("echo")
    if context.contact is None:
        return NeedsRead()
    carried: dict[str, Any] = {}
    restore: list[str] = []
    for name, value in changed.items():
        owner = back.owners.get(name)
        if owner == "lofty" or (owner == "newest" and value is None):
            restore.append(name)
        elif owner is not None and value is not None:  # an empty field is never carried
            carried[name] = value
    ruled = by_rules(context, back, "contact changed", event={"changed": sorted(changed)})
    assert isinstance(ruled, EventResponse)  # the contact was read
    if not carried and not restore:
        return ruled
    base = {name: context.link.fields.get(name, _NOTHING) for name in carried}
    writes = ruled.writes
    if carried:
        write = lofty_write(context, "fields", "lead", {"fields": carried}, "edited in GHL")
        writes = (write.model_copy(update={"base": base}), *writes)
    return EventResponse(
        "answered",
        writes=writes,
        fields={name: field_hash(value) for name, value in carried.items()},
        base=base,
        restore=tuple(restore),
    )


def judge_lofty_edit(context: EventContext) -> EventResponse | NeedsRead:
    """Lofty was edited in fields that GHL owns: GHL's values go there. `wanted` are the hashes of Lofty's."""
    if not _is_linked(context):
        return EventResponse("overtaken")
    if context.contact is None:
        return NeedsRead()
    lofty = {name: hash_ for name, hash_ in (context.event.body.get("wanted") or {}).items() if isinstance(hash_, str)}
    values = {name: context.contact.get(name) or None for name in lofty}
    carried = {name: value for name, value in values.items() if value is not None}
    write = lofty_write(context, "fields", "lead", {"fields": carried}, "owned by GHL").model_copy(
        update={"base": lofty}
    )
    fields = {name: field_hash(value) for name, value in values.items()}
    return EventResponse("answered", (write,) if carried else (), fields=fields, base=lofty)


def judge_tags(context: EventContext, back: LoftySyncRules) -> EventResponse | NeedsRead:
    """Tags of others came or went."""
    event, heard, link = context.event, context.heard, context.link
    if heard is not None and heard.at_ms > event.at_ms:
        return EventResponse("overtaken")
    contact = context.contact if context.contact is not None else event.body
    tags = {tag.strip().lower() for tag in contact.get("tags") or () if isinstance(tag, str)}
    ours = {*link.tags, *link.doubtful_tags}
    others, before = tags - ours, set(heard.tags if heard is not None else ())
    added, removed = sorted(others - before), sorted(before - others - ours)
    row = ExternalEditRow(at_ms=event.at_ms, tags=tuple(sorted(others)))
    if not added and not removed:
        return EventResponse("echo", heard=row)
    if context.contact is None:
        return NeedsRead()
    writes = [
        *(write for tag in added for write in rule_writes(context, back, "tag added", tag=tag)),
        *(write for tag in removed for write in rule_writes(context, back, "tag removed", tag=tag)),
    ]
    return EventResponse("answered" if writes else "no rule", tuple(writes), heard=row)


def edited(contact: Mapping[str, Any], link: LinkRow) -> dict[str, Any]:
    """The fields in which a contact is not as we wrote it, with what GHL holds there (None for nothing)."""
    found: dict[str, Any] = {}
    for name in COMPARED:
        ours = link.fields.get(name)
        value = contact.get(name) or None
        if ours == UNKNOWN or (name not in contact and ours is None):
            continue
        if value is None:
            if name in contact and ours not in (None, _NOTHING, _EMPTY):
                found[name] = None
        elif ours != field_hash(value):
            found[name] = value
    return found


def _is_linked(context: EventContext) -> bool:
    """Whether the contact is the one that the link names: not one that it replaced."""
    return context.link.ghl_id == context.event.contact
