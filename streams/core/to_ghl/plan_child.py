"""The next request for what hangs on a contact: a note, a task, an appointment.

One whose create is in doubt is looked for before it is created again: a note or task by its marker in the contact's list, an
appointment by its in the calendar's. So is one that hangs on another contact than its link says: that may have been merged,
and it has moved with it. What hangs on a contact that the lead has left to another is deleted there, then created, if the lead
has a contact. A create in doubt that was sent on such a contact is looked for there, and what it made is deleted. Nothing is created for a lead that is deleted in Lofty: what waited may hang on another lead by now.
Where the contact was there before us, `adopt.py` says what is looked for first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.core.fingerprint import field_hash
from streams.core.rows import Intent, LinkRow
from streams.core.to_ghl.child_kind import ChildKind
from streams.core.to_ghl.plan import FOUND_BY, UNKNOWN, Blocked, Call, DesiredChild, Plan, Settled, StepName
from streams.core.to_ghl.refused_values import held_back


def plan_child(kind: ChildKind, desired: DesiredChild, link: LinkRow | None, contact: LinkRow | None) -> Plan:
    """The next request for a note, task or appointment that exists in Lofty; `kind` is its form in GHL."""
    link = link or LinkRow()
    if leaves := _find_on_left(kind, link, contact, desired.marker) or _delete_on_left(kind, link, contact):
        return leaves
    if contact is not None and (contact.is_deleted or (contact.ghl_id is None and contact.settled)):
        return Settled("its contact is gone")
    if contact is None or contact.ghl_id is None:
        return Blocked("its contact is not in GHL yet")
    contact_id = contact.ghl_id
    hashes = {name: field_hash(value) for name, value in desired.fields.items()}
    held = held_back(desired.fields, link)
    is_linked = link.ghl_id is not None and not link.is_deleted and link.refers_to == contact_id
    if not is_linked:
        if link.intent is not None:
            return _find_child(kind, link.intent, contact_id, desired.marker)
        if link.ghl_id is not None and not link.is_deleted:
            return _find_moved(kind, link, contact_id, desired.marker, desired.fields)
        if contact.is_gone:
            return Settled("its lead is deleted in Lofty, or was merged into another")
        body = {name: value for name, value in desired.fields.items() if value is not None and name not in held}
        return Call(
            _CREATE[kind],
            contact_id=contact_id,
            body={**body, **desired.options},
            fields={name: hashes[name] for name in body},
            marker=desired.marker,
            is_create=True,
        )
    changed = {name: value for name, value in desired.differing(link.fields).items() if name not in held}
    if not changed:
        return Settled("as wanted")
    kept = {name: old for name, old in link.fields.items() if name in hashes}
    fields = kept | {name: hashes[name] for name in changed}
    if kind == "note":
        return Call("update note", contact_id, link.ghl_id, changed, fields)
    if kind == "appointment":
        return Call("update appointment", contact_id, link.ghl_id, _appointment_body(desired, changed), fields)
    if changed.keys() == {"completed"}:
        return Call("complete task", contact_id, link.ghl_id, changed, fields)
    return Call("update task", contact_id, link.ghl_id, changed, fields)


def plan_gone_child(kind: ChildKind, link: LinkRow | None, contact: LinkRow | None, marker: str) -> Plan:
    """The next request for a note, task or appointment that is deleted in Lofty."""
    if first := _before_settled(kind, link, contact, marker):
        return first
    if link is None or link.ghl_id is None or link.refers_to is None or link.is_deleted:
        return Settled("was never written")
    now_at = contact.ghl_id if contact is not None and not contact.is_deleted else None
    # An appointment keeps its id, by which alone it is deleted.
    if now_at is not None and now_at != link.refers_to and kind != "appointment":
        return _find_moved(kind, link, now_at, marker, {})
    return Call(_DELETE[kind], link.refers_to, link.ghl_id, is_delete=True)


def plan_left_child(kind: ChildKind, link: LinkRow | None, contact: LinkRow | None, marker: str) -> Plan:
    """The next request for a note, task or appointment that is not, or no longer, synced: what GHL holds stays."""
    look = _before_settled(kind, link, contact, marker)
    return look or Settled("not carried: a system note, without text, or a copy of what is in GHL")


def _before_settled(kind: ChildKind, link: LinkRow | None, contact: LinkRow | None, marker: str) -> Plan | None:
    """What is done before one that is no longer wanted, or not synced, counts as settled."""
    look = _find_on_left(kind, link, contact, marker) or _look_first(kind, link, contact, marker)
    return look or _delete_on_left(kind, link, contact)


def _find_on_left(kind: ChildKind, link: LinkRow | None, contact: LinkRow | None, marker: str) -> Plan | None:
    """The look for a create in doubt on a contact that the lead has left since: nobody else would ever delete what it made."""
    if link is None or link.intent is None or contact is None or not contact.parted_from:
        return None
    if link.intent.refers_to != contact.parted_from or contact.parted_from == contact.ghl_id:
        return None
    if not _is_placed(contact):
        return Blocked("its lead has left a contact, and has none yet")
    return _find_child(kind, link.intent, contact.parted_from, marker)


def _is_placed(contact: LinkRow) -> bool:
    """Whether it is known where a lead's contact is, or that it has none."""
    return contact.ghl_id is not None or bool(contact.settled)


def _look_first(kind: ChildKind, link: LinkRow | None, contact: LinkRow | None, marker: str) -> Call | None:
    """A create in doubt is looked for before its link is settled, or what it made would be forgotten and made again."""
    if link is None or link.intent is None or contact is None or contact.ghl_id is None or contact.is_deleted:
        return None
    return _find_child(kind, link.intent, contact.ghl_id, marker)


def _delete_on_left(kind: ChildKind, link: LinkRow | None, contact: LinkRow | None) -> Call | None:
    """The deletion on a contact that the lead has left to another, who is another person. Not before the lead's own is settled."""
    if link is None or link.ghl_id is None or link.is_deleted or link.intent is not None or contact is None:
        return None
    is_left = bool(contact.parted_from) and link.refers_to == contact.parted_from != contact.ghl_id
    return Call(_DELETE[kind], link.refers_to, link.ghl_id, is_delete=True) if _is_placed(contact) and is_left else None


def _find_child(kind: ChildKind, intent: Intent, contact_id: str, marker: str) -> Call:
    fields = dict.fromkeys(intent.fields, UNKNOWN)
    return Call(FIND_STEPS[kind], contact_id=contact_id, body=dict(intent.identifiers), marker=marker, fields=fields)


def _find_moved(kind: ChildKind, link: LinkRow, contact_id: str, marker: str, wanted: Mapping[str, Any]) -> Call:
    """What hangs on another contact than the entity's may have come along when GHL merged the two: else it went with the first."""
    identifiers = {name: wanted[name] for name in FOUND_BY if wanted.get(name)}
    return _find_child(kind, Intent(at_ms=0, step="", fields=link.fields, identifiers=identifiers), contact_id, marker)


def _appointment_body(desired: DesiredChild, changed: Mapping[str, Any]) -> dict[str, Any]:
    """GHL confirms an appointment that is changed without its status; an end is only right beside its begin."""
    names = {"appointmentStatus", *changed}
    if names & _TIMES:
        names |= _TIMES
    values = {name: value for name, value in desired.fields.items() if name in names}
    return {name: "" if value is None else value for name, value in values.items()} | dict(desired.options)


_TIMES = frozenset({"startTime", "endTime"})

_CREATE: Mapping[ChildKind, StepName] = {
    "note": "create note",
    "task": "create task",
    "appointment": "create appointment",
}

FIND_STEPS: Mapping[ChildKind, StepName] = {"note": "find note", "task": "find task", "appointment": "find appointment"}

_DELETE: Mapping[ChildKind, StepName] = {
    "note": "delete note",
    "task": "delete task",
    "appointment": "delete appointment",
}
