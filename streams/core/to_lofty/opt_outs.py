"""What a contact has closed in GHL is closed in Lofty. Nothing is ever opened: a channel that is open says nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from streams.core.fingerprint import field_hash
from streams.core.to_ghl.plan import UNKNOWN
from streams.core.to_lofty.event_context import EventContext, EventResponse, NeedsRead
from streams.mapping.lofty_sync import OPT_OUT_EVENTS, LoftySyncRules
from streams.mapping.opt_outs import OPT_OUTS, carried, closed_in_ghl, flags_of
from streams.messages import Entity
from streams.messages.lofty_command import OPT_OUTS_COMMAND, LoftyCommand


def with_opt_outs(
    context: EventContext, back: LoftySyncRules, response: EventResponse | NeedsRead
) -> EventResponse | NeedsRead:
    """A response, with the command for what the contact has closed and Lofty has not, as far as we know.

    The contact is read first: an old event must not close again what a person has opened since.
    """
    event = context.event
    if not back.opt_outs or event.type not in OPT_OUT_EVENTS or isinstance(response, NeedsRead):
        return response
    held = closed_in_ghl(context.contact if context.contact is not None else event.body)
    if context.link.ghl_id != event.contact or not (closed := held - carried(context.link.fields)):
        return response
    if context.contact is None:
        return NeedsRead()
    contact = Entity.contact(context.connection, context.lead)
    command = close_channels(contact, closed, event.at_ms, event.accepted_ms)
    if context.link.fields.get(OPT_OUTS) != UNKNOWN:
        # The link says that Lofty lacks these flags, so the lead need not be read first.
        command = command.model_copy(update={"base": dict.fromkeys(flags_of(closed), field_hash(False))})
    return replace(response, because="answered", writes=(command, *response.writes))


def close_channels(contact: Entity, channels: Iterable[str], at_ms: int, accepted_ms: int) -> LoftyCommand:
    """The command that sets the flags of a lead. Times are epoch milliseconds."""
    return LoftyCommand(
        connection=contact.connection,
        lead=contact.lead,
        about=OPT_OUTS_COMMAND,
        target="lead",
        state={"fields": flags_of(channels)},
        at_ms=at_ms,
        accepted_ms=accepted_ms,
        because="opted out in GHL",
    )
