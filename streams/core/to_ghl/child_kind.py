"""Forms: the kind that a note, task or appointment of Lofty has in GHL. An appointment becomes a task, or an appointment in a calendar.

It keeps the form in which it was made: a calendar that is configured later takes the appointments that come after.
So none is ever there twice, and what people have done with a task is kept.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Literal

from streams.core.rows import LinkRow
from streams.mapping import has_begin
from streams.messages import Snapshot

ChildKind = Literal["note", "task", "appointment"]


def held_as(written: Container[str]) -> Literal["task", "appointment"]:
    """The form of an appointment of Lofty, by the names of the fields that we wrote: only one in a calendar begins."""
    return "appointment" if "startTime" in written else "task"


def form_of(snapshot: Snapshot, link: LinkRow | None, contact: LinkRow | None, *, has_calendar: bool) -> ChildKind:
    """The form of a note, task or appointment: the one that it has, may have, or will be created in."""
    if snapshot.kind != "appointment":
        return "note" if snapshot.kind == "note" else "task"
    if link is not None:
        hangs_there = contact is None or link.refers_to == contact.ghl_id
        # As another form GHL would not find it, and what is not found counts as deleted.
        is_to_go = snapshot.state is None or (contact is not None and link.refers_to == contact.parted_from)
        if link.ghl_id is not None and not link.is_deleted and (hangs_there or is_to_go):
            return held_as(link.fields)
        if link.intent is not None:
            return held_as(link.intent.fields)
    return "appointment" if has_calendar and has_begin(snapshot.state or {}) else "task"
