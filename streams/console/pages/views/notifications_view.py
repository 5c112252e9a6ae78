"""The page of notifications: a card for each recipient."""

from __future__ import annotations

from dataclasses import dataclass

from streams.console.pages.views.page_view import StatusText
from streams.console.pages.views.recipient_form import REPORTS
from streams.console.pages.wording import counted
from streams.console.services.recipient_state import NotificationsState, RecipientState


@dataclass(frozen=True, slots=True)
class RecipientCard:
    """One recipient. `facts` are names and values, `test` what came of the last test."""

    recipient: RecipientState
    state: StatusText
    facts: tuple[tuple[str, str], ...]
    test: StatusText | None

    @property
    def is_for_all(self) -> bool:
        """Whether it hears of everything: then an admin changes it."""
        return not self.recipient.connections


@dataclass(frozen=True, slots=True)
class NotificationsView:
    """The page: all recipients, or those who hear of one `connection`."""

    cards: tuple[RecipientCard, ...]
    can_mail: bool = True
    connection: str = ""


def notifications_view(found: NotificationsState, connection: str = "") -> NotificationsView:
    """Every recipient, or those who hear of one connection, as those of all do."""
    shown = (one for one in found.recipients if not connection or not one.connections or connection in one.connections)
    return NotificationsView(tuple(_card(one) for one in shown), found.can_mail, connection)


def _card(one: RecipientState) -> RecipientCard:
    webhook = f"a webhook at {one.webhook_host}" if one.webhook_host else "a webhook"
    to = ", ".join(one.emails) if one.way == "email" else webhook
    connections = ", ".join(one.connections) or "all"
    facts = [("Sent to", to), ("Connections", connections), ("Sent", dict(REPORTS)[one.reports])]
    zone = f" ({one.time_zone or 'UTC'})"
    if one.unknown_connections:
        name = "No such connection" if one.managed == "file" else "Not in use now"
        facts.append((name, ", ".join(one.unknown_connections)))
    if one.quiet_hours:
        facts.append(("Quiet hours", one.quiet_hours + zone))
    if one.daily_summary:
        facts.append(("Daily summary", f"at {one.daily_summary}{zone}"))
    if one.managed == "file":
        facts.append(("Changed in", "the configuration file"))
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
    if one.unknown_connections and one.managed == "file":
        return StatusText("warn", "A connection of the configuration does not exist")
    if one.open_problems:
        return StatusText("ok", f"Informed of {counted(one.open_problems, 'open problem')}")
    return StatusText("ok", "No open problem was reported")
