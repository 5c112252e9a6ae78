"""The parts of GHL's objects that an observation contains: the fields that a mapping may fill, and only our notes, tasks and appointments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from connectors.ghl.wire import GhlAppointment, GhlContact, GhlNote, GhlTask
from streams.mapping import find_marker
from streams.messages import Inspection, Observation
from streams.messages.entity import KINDS
from streams.messages.inspection import Answer

MOST_BYTES = 900_000
"""An observation's size at most, below what one record may hold."""

_FIELDS = frozenset({"id", *(one.alias or name for name, one in GhlContact.model_fields.items())})
_BESIDE = {"custom_fields", "tags", "search_after", "date_added", "date_updated", "location_id"}
_APPOINTMENT = {
    *("id", "calendar_id", "title", "description", "notes", "start_time", "end_time", "address"),
    *("appointment_status", "assigned_user_id"),
}
_TASK = {"id", "title", "body", "due_date", "completed", "assigned_to"}

Rows = tuple[dict[str, Any], ...]


def answer_to(inspection: Inspection, answer: Answer, now_ms: int, **facts: Any) -> Observation:
    """What a question is answered with."""
    return Observation(
        run=inspection.run,
        number=inspection.number,
        connection=inspection.connection,
        lead=inspection.lead,
        answer=answer,
        at_ms=now_ms,
        **facts,
    )


def reported_contact(contact: GhlContact) -> dict[str, Any]:
    """A contact by GHL's names, `customFields` by id. Fields that it has not are left out."""
    fields = contact.model_dump(by_alias=True, exclude=_BESIDE)
    known = {name: value for name, value in fields.items() if name in _FIELDS and value is not None}
    custom = {one.id: one.value for one in contact.custom_fields}
    return {**known, "customFields": custom, "tags": list(contact.tags)}


def reported_notes(notes: Iterable[GhlNote], named: set[str | None]) -> Rows:
    """The notes with a marker, and those whose ids are in `named`."""
    rows = (one.model_dump(by_alias=True, include={"id", "body"}) for one in notes)
    return tuple(row for row in rows if row["id"] in named or _is_marked(row))


def reported_tasks(tasks: Iterable[GhlTask], named: set[str | None]) -> Rows:
    """The tasks with a marker, and those whose ids are in `named`."""
    rows = (one.model_dump(by_alias=True, include=_TASK) for one in tasks)
    return tuple(row for row in rows if row["id"] in named or _is_marked(row))


def may_be_ours(appointment: GhlAppointment, named: set[str | None]) -> bool:
    """Whether an appointment from a contact's list must be read by its id: that list does not tell what we wrote in it."""
    row = appointment.model_dump(by_alias=True, include=_APPOINTMENT)
    is_mute = not appointment.description and not appointment.notes
    return appointment.id in named or is_mute or _is_marked(row)


def reported_appointments(appointments: Iterable[GhlAppointment], named: set[str | None]) -> Rows:
    """The appointments with a marker, and those whose ids are in `named`."""
    rows = (one.model_dump(by_alias=True, include=_APPOINTMENT) for one in appointments)
    return tuple(row for row in rows if row["id"] in named or _is_marked(row))


def unreportable(observation: Observation) -> str:
    """Why an observation cannot be a record, or nothing."""
    try:
        size = len(observation.to_bytes())
    except ValueError as error:
        return f"what GHL holds cannot be written as JSON ({error}): look at it by hand"
    return f"what GHL holds is {size} bytes, too much for one record: look at it by hand" if size > MOST_BYTES else ""


def _is_marked(row: Mapping[str, Any]) -> bool:
    texts = (row.get("body"), row.get("description"), row.get("notes"))
    return any(find_marker(text, kind) for text in texts for kind in KINDS if kind != "contact")
