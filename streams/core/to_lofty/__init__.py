"""Respond: what an event of GHL means for Lofty. Pure.

An event is a hint. Webhooks come late, twice and out of order, and most of them report our own writes. So:

- What GHL says is compared with what we last wrote (the link); when nothing differs, the event is an *echo*.
- When something differs, the contact is read (`NeedsRead`) before anything is concluded: an old event must not look like an edit.
- A note or task that has a copy in Lofty is read, too: the copy follows what GHL holds, never what a late event contains.
- An event is evaluated in its contact's lane, while nothing of that contact is in flight: then the link is what we last wrote to GHL.
"""

from __future__ import annotations

from streams.core.to_lofty.child_events import judge_appointment, judge_note, judge_task
from streams.core.to_lofty.contact_events import edited, judge_contact, judge_lofty_edit, judge_tags
from streams.core.to_lofty.event_context import EventContext, EventResponse, NeedsRead
from streams.core.to_lofty.opt_outs import with_opt_outs
from streams.core.to_lofty.stage_events import judge_stage
from streams.mapping import lofty_sync
from streams.mapping.lofty_sync import LoftySyncRules
from streams.mapping.opt_outs import OPT_OUTS

__all__ = ["EventContext", "EventResponse", "NeedsRead", "edited", "respond"]


def respond(context: EventContext, back: LoftySyncRules) -> EventResponse | NeedsRead:
    """Judge one event about a contact of ours."""
    return with_opt_outs(context, back, _judge(context, back))


def _judge(context: EventContext, back: LoftySyncRules) -> EventResponse | NeedsRead:
    match context.event.type:
        case "ContactCreate" | "ContactUpdate" | "ContactDndUpdate" | "ContactDelete":
            return judge_contact(context, back)
        case "ContactTagUpdate":
            return judge_tags(context, back)
        case lofty_sync.OPT_OUTS_DIFFER:
            return EventResponse("answered", restore=(OPT_OUTS,))
        case "LoftyEdit":
            return judge_lofty_edit(context)
        case "NoteCreate" | "NoteUpdate" | "NoteDelete":
            return judge_note(context, back)
        case "TaskCreate" | "TaskComplete" | "TaskDelete":
            return judge_task(context, back)
        case "AppointmentCreate" | "AppointmentUpdate" | "AppointmentDelete":
            return judge_appointment(context, back)
        case type_ if type_ in lofty_sync.OF_A_STAGE:
            return judge_stage(context, back)
        case _:
            return EventResponse("no rule")
