"""From what the mapping says to what the planner compares: names become ids of the location."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streams.core.fingerprint import field_hash
from streams.core.to_ghl.directory import Directory
from streams.core.to_ghl.plan import CUSTOM, DesiredChild, DesiredContact
from streams.mapping import LEAD_ID_FIELD, MappedContact, MappedEvent, MappedTask, map_note
from streams.mapping.rich_text import html_of, is_same_as_html


@dataclass(frozen=True, slots=True)
class Resolved:
    """A desired contact, what could not be resolved in words, and the custom fields that the location lacks (with type)."""

    contact: DesiredContact
    flags: tuple[str, ...]
    missing: dict[str, str]


def resolve_contact(
    mapped: MappedContact, directory: Directory, lofty_id: str, *, omit: tuple[str, ...] = ()
) -> Resolved:
    """Resolve custom fields and the assigned user. What the location does not know is left out and flagged."""
    fields: dict[str, Any] = {name: value for name, value in mapped.fields.items() if name not in omit}
    flags = [*mapped.flags, *(f"{name}: refused by GHL as another contact's" for name in omit)]
    missing: dict[str, str] = {}
    for reference, value in mapped.custom.items():
        field_id = directory.custom_field_id(reference)
        if field_id is not None:
            fields[CUSTOM + field_id] = value
        elif value is not None:
            missing[reference] = mapped.custom_types.get(reference, "TEXT")
            flags.append(f"custom field {reference!r}: the location has none of this name or key")
    if mapped.assigned_to_email:
        user_id = directory.user_id(mapped.assigned_to_email)
        if user_id is None:
            flags.append(f"assignedTo: no GHL user has the e-mail {mapped.assigned_to_email}")
        else:
            fields["assignedTo"] = user_id
    contact = DesiredContact(
        fields=fields,
        tags=mapped.tags,
        lofty_id=lofty_id,
        external_id_field=directory.custom_field_id(LEAD_ID_FIELD),
    )
    return Resolved(contact, tuple(flags), missing)


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
