"""The writes to Lofty that follow from an event: copies, and what the rules create."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any, Literal

from streams.core.to_lofty.event_context import EventContext, EventResponse, NeedsRead
from streams.core.to_lofty.times import iso
from streams.mapping.lofty_sync import LoftySyncRules, Rule
from streams.mapping.markers import with_back_marker
from streams.messages.lofty_command import LoftyCommand


def by_rules(
    context: EventContext,
    back: LoftySyncRules,
    on: str,
    copy: tuple[LoftyCommand, ...] = (),
    *,
    event: Mapping[str, Any] | None = None,
) -> EventResponse | NeedsRead:
    """What the rules for this kind of event make of it, beside its copy."""
    if lacks_contact(context, back, on):
        return NeedsRead()
    writes = (*copy, *rule_writes(context, back, on, event=event))
    return EventResponse("answered" if writes else "no rule", writes)


def lacks_contact(context: EventContext, back: LoftySyncRules, on: str) -> bool:
    """A rule for this kind of event asks for the contact, which was not read yet."""
    return context.contact is None and any("contact" in rule.roots for rule in back.rules if rule.on == on)


def rule_writes(
    context: EventContext, back: LoftySyncRules, on: str, *, tag: str = "", event: Mapping[str, Any] | None = None
) -> Iterator[LoftyCommand]:
    """What the rules for this kind of event make of it."""
    told = context.event
    scope = {
        "event": {**told.body, "type": told.type, "id": told.id, "at": iso(told.at_ms), **(event or {})},
        "contact": context.contact or {},
        "tag": tag,
        "lead": context.lead,
        "connection": context.connection,
    }
    for rule in back.rules:
        if rule.on == on and rule.applies(scope):
            yield _made_by(rule, context, scope, tag)


def _made_by(rule: Rule, context: EventContext, scope: Mapping[str, Any], tag: str) -> LoftyCommand:
    event = context.event
    cause = event.webhook or f"{event.type} {event.id} {event.at_ms}"
    about = "rule:" + blake2b(f"{rule.name}\n{cause}\n{tag}".encode(), digest_size=10).hexdigest()
    if rule.note is not None:
        text = rule.note.render(scope) or rule.name
        return lofty_write(context, about, "note", {"content": with_back_marker(text, about)}, f"rule {rule.name!r}")
    task = rule.task
    assert task is not None  # the settings see to it that a rule has one of both
    state = {
        "type": task.type,
        "content": with_back_marker(task.content.render(scope) or rule.name, about),
        "assignedRole": task.role,
        "endAt": iso(event.at_ms + int(task.due_minutes * 60_000)),
    }
    return lofty_write(context, about, "task", state, f"rule {rule.name!r}")


def lofty_write(
    context: EventContext,
    about: str,
    target: Literal["task", "note", "lead"],
    state: dict[str, Any] | None,
    because: str,
) -> LoftyCommand:
    """One thing that Lofty should hold."""
    return LoftyCommand(
        connection=context.connection,
        lead=context.lead,
        about=about,
        target=target,
        state=state,
        at_ms=context.event.at_ms,
        accepted_ms=context.event.accepted_ms,
        because=because,
    )


def copy_of(
    context: EventContext, target: Literal["task", "note"], state: dict[str, Any] | None, because: str
) -> LoftyCommand:
    """The copy of a note or task of GHL in Lofty. A state that was read later is newer, whatever the events' times say."""
    write = lofty_write(context, f"{target}:{context.event.id}", target, state, because)
    return write.model_copy(update={"at_ms": context.read_ms})
