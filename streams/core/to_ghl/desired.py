"""From what the mapping says to what the planner compares: names become ids of the location."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from streams.core.fingerprint import field_hash
from streams.core.to_ghl.directory import Directory, lacking_field, lacking_option, lacking_user
from streams.core.to_ghl.plan import ASSIGNED, CUSTOM, DesiredChild, DesiredContact
from streams.mapping import LEAD_ID_FIELD, MappedContact, MappedEvent, MappedTask, map_note
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
        else:
            lacks.append(lacking_option(field_id, value))
            left_out.append(f"custom field {reference!r}: {value!r} is none of its options in GHL")
    if mapped.assigned_to_email:
        user_id = directory.user_id(mapped.assigned_to_email)
        if user_id is None:
            lacks.append(lacking_user(mapped.assigned_to_email))
            left_out.append(f"assignedTo: no GHL user has the e-mail {mapped.assigned_to_email}")
        else:
            fields[ASSIGNED] = user_id
    contact = DesiredContact(
        fields=fields,
        tags=mapped.tags,
        lofty_id=lofty_id,
        external_id_field=directory.custom_field_id(LEAD_ID_FIELD),
    )
    return Resolved(contact, (*flags, *left_out), missing, tuple(sorted(lacks)), tuple(left_out))


def with_opt_outs(resolved: Resolved, lead: Mapping[str, Any]) -> Resolved:
    """The same with what the lead has closed, by Lofty's own JSON."""
    return replace(resolved, contact=replace(resolved.contact, opt_outs=closed_in_lofty(lead)))


def resolve_note(state: Mapping[str, Any]) -> DesiredChild:
    """A note as the planner compares it: as HTML, because GHL takes it so. Earlier releases sent the text itself."""
    note = map_note(state)
    earlier = {"body": field_hash(note.body)} if is_same_as_html(note.body) else {}
    return DesiredChild({"body": html_of(note.body)}, note.marker, earlier=earlier, html=frozenset({"body"}))


def resolve_task(mapped: MappedTask, directory: Directory) -> DesiredChild:
    """A task as the planner compares it. An agent who is no GHL user leaves the task unassigned."""
    fields: dict[str, Any] = {
        "title": mapped.title,
        "body": mapped.body,
        "dueDate": mapped.due_iso,
        "completed": mapped.completed,
    }
    if mapped.assigned_to_email and (user_id := directory.user_id(mapped.assigned_to_email)):
        fields["assignedTo"] = user_id
    return DesiredChild(fields=fields, marker=mapped.body.rsplit("\n", 1)[-1])


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
    user_id = directory.user_id(mapped.assigned_to_email) if mapped.assigned_to_email else None
    if user_id is not None and user_id in directory.calendar_team:
        fields["assignedUserId"] = user_id
    options = {"ignoreFreeSlotValidation": True, "ignoreDateRange": True, "toNotify": runs_automations}
    return DesiredChild(fields, mapped.marker, options)
