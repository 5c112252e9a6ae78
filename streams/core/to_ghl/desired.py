"""From what the mapping says to what the planner compares: names become ids of the location."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from streams.core.to_ghl.directory import Directory, lacking_field, lacking_option, lacking_user
from streams.core.to_ghl.plan import ASSIGNED, CUSTOM, DesiredChild, DesiredContact
from streams.mapping import LEAD_ID_FIELD, Locale, MappedContact, MappedEvent, MappedTask, map_appointment, map_note
from streams.mapping.contact import MIRROR_PREFIX
from streams.mapping.locale import PLAIN
from streams.mapping.opt_outs import closed_in_lofty
from streams.mapping.rich_text import html_of, is_same_as_html


@dataclass(frozen=True, slots=True)
class Resolved:
    """A desired contact, what could not be resolved in words, and the custom fields that the location lacks (with type).

    `lacks` names all that the location lacks, for its link (`LinkRow.lacks`), `left_out` says the same in words.
    """

    contact: DesiredContact
    flags: tuple[str, ...]
    missing: dict[str, str]
    lacks: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def resolve_contact(mapped: MappedContact, directory: Directory, lofty_id: str) -> Resolved:
    """Resolve custom fields and the assigned user. What the location does not know is left out and flagged."""
    fields: dict[str, Any] = dict(mapped.fields)
    flags = [*mapped.flags]
    missing: dict[str, str] = {}
    lacks: list[str] = []
    left_out: list[str] = []
    only_ours: set[str] = set()
    for reference, value in mapped.custom.items():
        field_id = directory.custom_field_id(reference)
        if field_id is None:
            if value is not None:
                missing[reference] = mapped.custom_types.get(reference, "TEXT")
                lacks.append(lacking_field(reference))
                left_out.append(f"custom field {reference!r}: the location has none of this name or key")
        elif directory.takes(field_id, value):
            option = directory.as_option(field_id, value)
            fields[CUSTOM + field_id] = value if option is None else option
            if reference.startswith(MIRROR_PREFIX):
                only_ours.add(CUSTOM + field_id)
        else:
            lacks.append(lacking_option(field_id, value))
            left_out.append(f"custom field {reference!r}: {value!r} is none of its options in GHL")
    assigned = _assigned(mapped.assigned_to_email, directory)
    left_out += assigned.left_out
    lacks += assigned.lacks
    if assigned.user_id is not None:
        fields[ASSIGNED] = assigned.user_id
    contact = DesiredContact(
        fields=fields,
        tags=mapped.tags,
        lofty_id=lofty_id,
        external_id_field=directory.custom_field_id(LEAD_ID_FIELD),
        only_ours=frozenset(only_ours),
    )
    return Resolved(contact, (*flags, *left_out), missing, tuple(sorted(lacks)), tuple(left_out))


def with_opt_outs(resolved: Resolved, lead: Mapping[str, Any]) -> Resolved:
    """The same with what the lead has closed, by Lofty's own JSON."""
    return replace(resolved, contact=replace(resolved.contact, opt_outs=closed_in_lofty(lead)))


def resolve_note(state: Mapping[str, Any], locale: Locale = PLAIN) -> DesiredChild:
    """A note as the planner compares it: as HTML, because GHL takes it so.

    Earlier releases sent the text itself, with its time in UTC. It stays where GHL shows it rightly.
    """
    note, before = map_note(state, locale=locale), map_note(_without_zone(state)).body
    earlier = (html_of(before), *((before,) if is_same_as_html(before) else ()))
    return DesiredChild(
        {"body": html_of(note.body)},
        note.marker,
        earlier={"body": earlier},
        html=frozenset({"body"}),
        flags=note.flags,
    )


def resolve_task(mapped: MappedTask, directory: Directory, *, earlier: MappedTask | None = None) -> DesiredChild:
    """A task as the planner compares it. An agent who is no GHL user leaves the task unassigned.

    `earlier` is the task as earlier releases wrote it.
    """
    fields: dict[str, Any] = {
        "title": mapped.title,
        "body": mapped.body,
        "dueDate": mapped.due_iso,
        "completed": mapped.completed,
    }
    assigned = _assigned(mapped.assigned_to_email, directory)
    if assigned.user_id is not None:
        fields[ASSIGNED] = assigned.user_id
    before = {"body": (earlier.body,)} if earlier is not None else {}
    return DesiredChild(
        fields,
        mapped.marker,
        earlier=before,
        flags=mapped.flags,
        left_out=assigned.left_out,
        lacks=assigned.lacks,
    )


def resolve_appointment(
    state: Mapping[str, Any], directory: Directory, *, users: Mapping[str, str], locale: Locale = PLAIN
) -> DesiredChild:
    """An appointment as a task. Its text has its times, which earlier releases wrote in UTC."""
    mapped = map_appointment(state, users=users, locale=locale)
    return resolve_task(mapped, directory, earlier=map_appointment(_without_zone(state), users=users))


def _without_zone(state: Mapping[str, Any]) -> dict[str, Any]:
    return {**state, "timeZoneCode": None}


@dataclass(frozen=True, slots=True)
class _Assigned:
    """The user whom something is assigned to. An agent who is no GHL user is left out, and named."""

    user_id: str | None = None
    left_out: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()


def _assigned(email: str | None, directory: Directory) -> _Assigned:
    if not email:
        return _Assigned()
    if (user_id := directory.user_id(email)) is not None:
        return _Assigned(user_id)
    return _Assigned(None, (f"{ASSIGNED}: no GHL user has the e-mail {email}",), (lacking_user(email),))


def resolve_event(
    mapped: MappedEvent, directory: Directory, calendar: str | None, *, runs_automations: bool
) -> DesiredChild:
    """An appointment in a calendar as the planner compares it. Who is not of the calendar's team is not assigned.

    It was made in Lofty, whatever hours the calendar has. GHL's automations run for it only if configured, because
    Lofty informs the client, too. Without a `calendar` it stays in the one that it is in.
    """
    fields: dict[str, Any] = {
        "title": mapped.title,
        "description": mapped.description,
        "startTime": mapped.begins_iso,
        "endTime": mapped.ends_iso,
        "address": mapped.address or None,
        "appointmentStatus": "showed" if mapped.took_place else "confirmed",
    }
    if calendar is not None:
        fields["calendarId"] = calendar
    assigned = _assigned(mapped.assigned_to_email, directory)
    left_out = assigned.left_out
    if assigned.user_id is not None and assigned.user_id in directory.calendar_team:
        fields["assignedUserId"] = assigned.user_id
    elif assigned.user_id is not None:
        left_out = (f"assignedUserId: {mapped.assigned_to_email} is not of the calendar's team",)
    options = {"ignoreFreeSlotValidation": True, "ignoreDateRange": True, "toNotify": runs_automations}
    return DesiredChild(fields, mapped.marker, options, flags=mapped.flags, left_out=left_out, lacks=assigned.lacks)
