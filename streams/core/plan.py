"""Plan: the one next request that brings an entity in GHL closer to its desired state.

One plan is at most one request: after its receipt is recorded, the entity is planned again, until it is settled.
So a crash between two requests loses nothing, and what is sent is always decided on the latest state.

The order for a contact: create (by upsert), then its changed fields, then tags to add, then tags to remove.
`tags` never travel in a contact's body: GHL would replace all tags, also those that are not ours.

An update without an answer makes what it touched unknown (`doubt`), so that it is written again whatever is wanted by then.
So does a deletion, with all that stood there: what is wanted again meanwhile is written, and made anew where it is gone.

A create without an outcome is *in doubt* (`link.intent`): we look before creating again.
Notes and tasks are found by their marker in the contact's list, appointments by theirs in the calendar's.
So are those that hang on another contact than their link says: it may have been merged, and they have moved with it.
A contact is simply upserted again when it has an e-mail or phone and both are those of the doubtful create;
else it is searched by its external-id custom field, or where the location has none by the e-mail or phone that the create
bore; absence counts only after the search had time to see our write.
A contact with none of the three could not be found again, so it is not created: it is `Stuck`.
What the doubtful create may have written counts as written, so that a field that became empty meanwhile is cleared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from streams.core.fingerprint import field_hash
from streams.core.forms import ChildKind
from streams.core.rows import Intent, LinkRow

StepName = Literal[
    "create contact",
    "find contact",
    "update contact",
    "add tags",
    "remove tags",
    "delete contact",
    "create note",
    "find note",
    "update note",
    "delete note",
    "create task",
    "find task",
    "update task",
    "complete task",
    "delete task",
    "create appointment",
    "find appointment",
    "update appointment",
    "delete appointment",
]

CUSTOM = "custom:"
"""Prefix of a custom field's id among the desired fields."""

IDENTIFIERS = ("email", "phone")
"""The fields by which GHL tells one contact from another."""

FOUND_BY = (*IDENTIFIERS, "calendarId", "startTime")
"""What of a create is kept with its intent, because it is looked for by it. An appointment is listed by calendar and time."""

UNKNOWN = ""
"""The hash of a field that may or may not be written: equal to no value's, so that it is written or cleared again."""

_NEVER_NULL = frozenset({"postalCode", "country"})
"""Fields that GHL's schema does not let be null; they are cleared with an empty text."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request to GHL, and what its link reads once it succeeded.

    `contact_id` is the GHL id of the contact acted on, `ghl_id` that of the note, task or appointment.
    `marker` is what a look searches for. `is_create` asks for an intent before it is sent.
    """

    step: StepName
    contact_id: str | None = None
    ghl_id: str | None = None
    body: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, str] | None = None
    tags: tuple[str, ...] | None = None
    doubtful_tags: tuple[str, ...] | None = None
    marker: str = ""
    is_create: bool = False
    is_delete: bool = False


@dataclass(frozen=True, slots=True)
class Settled:
    """Nothing left to do; `because` in words."""

    because: str


@dataclass(frozen=True, slots=True)
class Blocked:
    """Waits for its contact."""

    because: str


@dataclass(frozen=True, slots=True)
class NotBefore:
    """Too early: absence counts only from `at_ms` on."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class Stuck:
    """Cannot be written safely; `because` in words, with what would help."""

    because: str


Plan = Call | Settled | Blocked | NotBefore | Stuck

NOT_FINDABLE = (
    "a contact without e-mail and phone is created only where the location has the custom field of the Lofty lead's id, "
    "since it could not be found again after a crash: let the worker create the field (policies.create_custom_fields, "
    "scope locations/customFields.write), or create it by hand"
)

NOT_TO_BE_LOOKED_FOR = (
    "whether its create reached GHL is not known, and what it could be found by is not there: it had no e-mail and no phone, "
    "and the location does not show the custom field of the Lofty lead's id any more. Creating it again could double it. Let "
    "the worker read the location's custom fields (scope locations/customFields.readonly), or look for the contact in GHL by "
    "hand; then `lofty-ghl parked retry`"
)


@dataclass(frozen=True, slots=True)
class DesiredContact:
    """A contact as it should be: GHL's field names, custom fields as `custom:ID`, tags in lower case.

    None means: ours, and empty. `external_id_field` is the custom field id that holds the Lofty id, when there is one.
    """

    fields: Mapping[str, Any]
    tags: tuple[str, ...]
    lofty_id: str
    external_id_field: str | None = None


@dataclass(frozen=True, slots=True)
class DesiredChild:
    """A note, task or appointment as it should be. `marker` stands in its text.

    `options` go with each write, and are never compared.
    """

    fields: Mapping[str, Any]
    marker: str
    options: Mapping[str, Any] = field(default_factory=dict)


def held(desired: DesiredContact, link: LinkRow | None, owners: Mapping[str, str]) -> frozenset[str]:
    """The fields in which GHL's value stands: those that GHL owns, and newer edits that Lofty has not been told of yet.

    `owners` are those that the connection's way back names; a contact is created with all its fields.
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
) -> Plan:
    """The next request for a contact that exists in Lofty. Fields in `holding` stay as GHL has them."""
    link = link or LinkRow()
    hashes = {name: field_hash(value) for name, value in desired.fields.items()}
    if link.ghl_id is None or link.is_deleted:
        given = {name: value for name, value in desired.fields.items() if value is not None}
        if link.intent is not None:
            if not _finds_itself(desired, link.intent):
                return _find_contact(link.intent, desired.lofty_id, desired.external_id_field, now_ms, search_lag_ms)
            maybe_written = link.intent.fields
            given = {name: value for name, value in desired.fields.items() if name in given or name in maybe_written}
        if desired.external_id_field is None and not any(given.get(name) for name in IDENTIFIERS):
            return Stuck(NOT_FINDABLE)
        return Call(
            "create contact",
            body=_contact_body(given),
            fields={name: hashes[name] for name in given},
            tags=(),
            is_create=True,
        )
    changed = {
        name: value
        for name, value in desired.fields.items()
        if hashes[name] != link.fields.get(name) and (value is not None or name in link.fields) and name not in holding
    }
    if changed:
        kept = {name: old for name, old in link.fields.items() if name in hashes}
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


def plan_gone_contact(
    link: LinkRow | None,
    *,
    policy: Literal["tag", "delete", "ignore"],
    deleted_tag: str,
    lofty_id: str = "",
    external_id_field: str | None = None,
    now_ms: int = 0,
    search_lag_ms: int = 0,
) -> Plan:
    """The next request for a contact whose lead is deleted in Lofty. A create in doubt is looked for first."""
    if link is not None and link.intent is not None:
        return _find_contact(link.intent, lofty_id, external_id_field, now_ms, search_lag_ms)
    if link is None or link.ghl_id is None or link.is_deleted:
        return Settled("was never written")
    if policy == "delete":
        return Call("delete contact", contact_id=link.ghl_id, is_delete=True)
    if policy == "tag" and (deleted_tag not in link.tags or deleted_tag in link.doubtful_tags):
        return _add_tags(link, link.ghl_id, [deleted_tag])
    return Settled("left alone" if policy == "ignore" else "tagged as deleted")


def plan_child(kind: ChildKind, desired: DesiredChild, link: LinkRow | None, contact: LinkRow | None) -> Plan:
    """The next request for a note, task or appointment that exists in Lofty; `kind` is its form in GHL."""
    link = link or LinkRow()
    if contact is not None and (contact.is_deleted or (contact.ghl_id is None and contact.settled)):
        return Settled("its contact is gone")
    if contact is None or contact.ghl_id is None:
        return Blocked("its contact is not in GHL yet")
    contact_id = contact.ghl_id
    hashes = {name: field_hash(value) for name, value in desired.fields.items()}
    is_linked = link.ghl_id is not None and not link.is_deleted and link.refers_to == contact_id
    if not is_linked:
        if link.intent is not None:
            return _find_child(kind, link.intent, contact_id, desired.marker)
        if link.ghl_id is not None and not link.is_deleted:
            return _find_moved(kind, link, contact_id, desired.marker, desired.fields)
        body = {name: value for name, value in desired.fields.items() if value is not None}
        return Call(
            _CREATE[kind],
            contact_id=contact_id,
            body={**body, **desired.options},
            fields={name: hashes[name] for name in body},
            marker=desired.marker,
            is_create=True,
        )
    changed = {
        name: value
        for name, value in desired.fields.items()
        if hashes[name] != link.fields.get(name) and (value is not None or name in link.fields)
    }
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
    if look := _look_first(kind, link, contact, marker):
        return look
    if link is None or link.ghl_id is None or link.refers_to is None or link.is_deleted:
        return Settled("was never written")
    now_at = contact.ghl_id if contact is not None and not contact.is_deleted else None
    # An appointment keeps its id, by which alone it is deleted.
    if now_at is not None and now_at != link.refers_to and kind != "appointment":
        return _find_moved(kind, link, now_at, marker, {})
    return Call(_DELETE[kind], link.refers_to, link.ghl_id, is_delete=True)


def plan_left_child(kind: ChildKind, link: LinkRow | None, contact: LinkRow | None, marker: str) -> Plan:
    """The next request for a note, task or appointment that is not carried (any more): what stands in GHL stays."""
    look = _look_first(kind, link, contact, marker)
    return look or Settled("not carried: a system note, without text, or a copy of what is in GHL")


def _look_first(kind: ChildKind, link: LinkRow | None, contact: LinkRow | None, marker: str) -> Call | None:
    """A create in doubt is looked for before its link is settled, or what it made would be forgotten and made again."""
    if link is None or link.intent is None or contact is None or contact.ghl_id is None or contact.is_deleted:
        return None
    return _find_child(kind, link.intent, contact.ghl_id, marker)


def doubt(call: Call, link: LinkRow | None) -> dict[str, Any]:
    """What a link must read after an update or a deletion that no answer came to: what it touched is not known any more."""
    link = link or LinkRow()
    facts: dict[str, Any] = {}
    if call.is_delete:
        facts["fields"] = dict.fromkeys(link.fields, UNKNOWN)
    elif call.fields is not None:
        facts["fields"] = {n: h if link.fields.get(n) == h else UNKNOWN for n, h in call.fields.items()}
    if touched := call.body.get("tags"):
        facts["doubtful_tags"] = tuple(sorted({*link.doubtful_tags, *touched}))
    return facts


def may_stand(call: Call, status: int | None, external_id_field: str | None) -> bool:
    """Whether a contact may have been made though GHL refused its create: it has been seen to do so with a 422.

    Only where it can be looked for by its Lofty id; an e-mail that GHL does not take cannot be searched for either.
    """
    is_findable = external_id_field is not None and CUSTOM + external_id_field in (call.fields or {})
    return call.step == "create contact" and status == 422 and is_findable


def _add_tags(link: LinkRow, contact_id: str, tags: list[str]) -> Call:
    return Call(
        "add tags",
        contact_id=contact_id,
        body={"tags": tags},
        tags=tuple(sorted({*link.tags, *tags})),
        doubtful_tags=tuple(tag for tag in link.doubtful_tags if tag not in tags),
    )


def _finds_itself(desired: DesiredContact, intent: Intent) -> bool:
    """Whether an upsert matches what the doubtful create may have made: GHL matches by e-mail and phone."""
    nothing = field_hash(None)
    identifiers = [(desired.fields.get(name), intent.fields.get(name, nothing)) for name in IDENTIFIERS]
    return any(value for value, _ in identifiers) and all(field_hash(value) == sent for value, sent in identifiers)


def _find_contact(intent: Intent, lofty_id: str, field_id: str | None, now_ms: int, search_lag_ms: int) -> Plan:
    """A look by what the create was sent with. By anything else nobody would be found, and that would say nothing."""
    if field_id is not None and CUSTOM + field_id in intent.fields:
        by = {"customField": field_id}
    elif intent.identifiers:
        by = dict(intent.identifiers)
    else:
        return Stuck(NOT_TO_BE_LOOKED_FOR)
    if now_ms < intent.at_ms + search_lag_ms:
        return NotBefore(intent.at_ms + search_lag_ms)
    return Call("find contact", marker=lofty_id, body=by, fields=dict.fromkeys(intent.fields, UNKNOWN), tags=())


def _find_child(kind: ChildKind, intent: Intent, contact_id: str, marker: str) -> Call:
    fields = dict.fromkeys(intent.fields, UNKNOWN)
    return Call(_FIND[kind], contact_id=contact_id, body=dict(intent.identifiers), marker=marker, fields=fields)


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
_FIND: Mapping[ChildKind, StepName] = {"note": "find note", "task": "find task", "appointment": "find appointment"}
_DELETE: Mapping[ChildKind, StepName] = {
    "note": "delete note",
    "task": "delete task",
    "appointment": "delete appointment",
}


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
