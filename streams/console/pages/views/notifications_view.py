"""The page of notifications: a card for each recipient."""

from __future__ import annotations

from dataclasses import dataclass

from streams.console.pages.views.page_view import StatusText
from streams.console.pages.wording import counted
from streams.console.services.notifications import NotificationsState, RecipientState


@dataclass(frozen=True, slots=True)
class RecipientCard:
    """One recipient. `facts` are names and values, `test` what came of the last test."""

    recipient: RecipientState
    state: StatusText
    facts: tuple[tuple[str, str], ...]
    test: StatusText | None


@dataclass(frozen=True, slots=True)
class NotificationsView:
    """The page."""

    cards: tuple[RecipientCard, ...]


def notifications_view(found: NotificationsState) -> NotificationsView:
    """Every recipient."""
    return NotificationsView(tuple(_card(one) for one in found.recipients))


def _card(one: RecipientState) -> RecipientCard:
    to = ", ".join(one.emails) if one.way == "email" else "a webhook"
    connections = ", ".join(one.connections) or "all"
    facts = [("Sent to", to), ("Connections", connections)]
    if one.unknown_connections:
        facts.append(("No such connection", ", ".join(one.unknown_connections)))
    if one.quiet_hours:
        facts.append(("Quiet hours", one.quiet_hours))
    if one.daily_summary:
        facts.append(("Daily summary", f"at {one.daily_summary}"))
    test = None
    if one.last_test is not None and one.last_test.error:
        test = StatusText("bad", f"not delivered: {one.last_test.error}")
    elif one.last_test is not None:
        note = f", but not to {one.last_test.note}" if one.last_test.note else ""
        test = StatusText("warn" if note else "ok", f"delivered{note}")
    return RecipientCard(one, _state(one), tuple(facts), test)


def _state(one: RecipientState) -> StatusText:
    waiting = one.waiting
    if waiting is not None and waiting.why:
        return StatusText("bad", f"A message cannot be delivered: {waiting.why}")
    if waiting is not None:
        return StatusText("busy", "A message is being sent")
    if one.unknown_connections:
        return StatusText("warn", "A connection of the configuration does not exist")
    if one.open_problems:
        return StatusText("ok", f"Informed of {counted(one.open_problems, 'open problem')}")
    return StatusText("ok", "No open problem was reported")
