"""Events of notes, tasks and appointments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from streams.core.fingerprint import field_hash
from streams.core.rows import LinkRow
from streams.core.to_lofty.event_context import EventContext, EventResponse, NeedsRead
from streams.core.to_lofty.times import instant, iso
from streams.core.to_lofty.writes import by_rules, copy_of, lacks_contact, lofty_write
from streams.mapping.lofty_sync import LoftySyncRules
from streams.mapping.markers import find_marker, with_back_marker
from streams.mapping.rich_text import text_of
from streams.messages import Entity, Kind

OVER = frozenset({"cancelled", "invalid", "noshow"})
"""States of an appointment that will not take place."""


def judge_note(context: EventContext, back: LoftySyncRules) -> EventResponse | NeedsRead:
    """A note of somebody else was written, changed or deleted."""
    event = context.event
    if context.own is not None or _is_marked(event.body.get("body"), "note"):
        return EventResponse("echo")
    on = {"NoteCreate": "note written", "NoteUpdate": "note changed", "NoteDelete": "note deleted"}[event.type]
    if not back.notes or lacks_contact(context, back, on):
        return by_rules(context, back, on)
    if context.found is None:
        return NeedsRead("note")
    text = context.found.get("body")
    if _is_marked(text, "note"):
        return EventResponse("echo")
    state = {"content": with_back_marker(_text(text), f"note:{event.id}")} if context.found else None
    return by_rules(context, back, on, (copy_of(context, "note", state, on),))


def judge_task(context: EventContext, back: LoftySyncRules) -> EventResponse | NeedsRead:
    """A task was made, completed or deleted."""
    event = context.event
    on = {"TaskCreate": "task created", "TaskComplete": "task completed", "TaskDelete": "task deleted"}[event.type]
    own = context.own or _marked(context)
    if own is not None:
        done = (context.own_link or LinkRow()).fields.get("completed") == field_hash(True)
        if event.type != "TaskComplete" or own.kind != "task" or done:
            return EventResponse("echo")
        if not back.finishes_tasks:
            return by_rules(context, back, on)
        finish = lofty_write(context, f"finish:{own.id}", "task", {"finished": True}, on)
        rules = by_rules(context, back, on, (finish.model_copy(update={"lofty_id": own.id}),))
        return replace(rules, completed=True) if isinstance(rules, EventResponse) and _is_named(context) else rules
    if not back.tasks or lacks_contact(context, back, on):
        return by_rules(context, back, on)
    if context.found is None:
        return NeedsRead("task")
    return by_rules(context, back, on, (copy_of(context, "task", _task_state(context, context.found, back), on),))


def _task_state(context: EventContext, found: Mapping[str, Any], back: LoftySyncRules) -> dict[str, Any] | None:
    if not found:
        return None
    text = "\n".join(part for part in (_plain(found.get("title")), _text(found.get("body"))) if part)
    return {
        "type": "Other",
        "content": with_back_marker(text or "Task in GoHighLevel", f"task:{context.event.id}"),
        "assignedRole": back.role,
        "endAt": instant(found.get("dueDate")) or iso(context.event.at_ms),
        "finished": found.get("completed") is True,
    }


def judge_appointment(context: EventContext, back: LoftySyncRules) -> EventResponse | NeedsRead:
    """An appointment was booked, changed or deleted."""
    event, body = context.event, context.event.body
    if context.own is not None or any(_is_marked(body.get(name), "appointment") for name in ("notes", "description")):
        return EventResponse("echo")  # it is Lofty's: what somebody does with it in GHL stays there
    on = {
        "AppointmentCreate": "appointment booked",
        "AppointmentUpdate": "appointment changed",
        "AppointmentDelete": "appointment deleted",
    }[event.type]
    status = str(body.get("appointmentStatus") or body.get("appoinmentStatus") or "").lower()
    begins, ends = instant(body.get("startTime")), instant(body.get("endTime"))
    state: dict[str, Any] | None = None
    if event.type != "AppointmentDelete" and status not in OVER:
        facts = [_plain(body.get("title")) or "Appointment", _text(body.get("notes")), _plain(body.get("address"))]
        state = {
            "type": "Appointment",
            "content": with_back_marker("\n".join(fact for fact in facts if fact), f"appointment:{event.id}"),
            "assignedRole": back.role,
            "startAt": begins or iso(event.at_ms),
            "endAt": ends or begins or iso(event.at_ms),
            "finished": status == "showed",
        }
    if not back.appointments:
        return by_rules(context, back, on)
    copy = lofty_write(context, f"appointment:{event.id}", "task", state, on)
    # A deletion does not update the body's time: that is the time of the last change, whose event may still come.
    at_ms = event.at_ms if event.type == "AppointmentDelete" else _changed_ms(body) or event.at_ms
    return by_rules(context, back, on, (copy.model_copy(update={"at_ms": at_ms}),))


def _is_marked(text: Any, kind: Kind) -> bool:
    return find_marker(text if isinstance(text, str) else None, kind) is not None


def _marked(context: EventContext) -> Entity | None:
    """Our task with its marker, although no receipt says so (yet). Events may come without the text."""
    kinds: tuple[Kind, ...] = ("task", "appointment")
    for content in (context.event.body, context.found or {}):
        text = content.get("body")
        for kind in kinds:
            if found := find_marker(text if isinstance(text, str) else None, kind):
                return Entity(context.connection, context.lead, kind, found)
    return None


def _is_named(context: EventContext) -> bool:
    """Whether the task is the one that its link names: not one that it replaced, or one while a create is in doubt."""
    link = context.own_link or LinkRow()
    return link.ghl_id == context.event.id and not link.is_deleted


def _plain(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _text(value: Any) -> str:
    """The text of what a person wrote in GHL, whose editors write HTML."""
    return text_of(value) if isinstance(value, str) else ""


def _changed_ms(body: Mapping[str, Any]) -> int | None:
    """When GHL last changed the event's entity. The envelope is no help: its time may be the time of sending."""
    at = instant(body.get("dateUpdated"), timespec="milliseconds")
    return None if at is None else int(datetime.fromisoformat(at).timestamp() * 1000)
