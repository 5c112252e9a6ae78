"""The recipients of the configuration and of the console, ready to be used: what they hear of, and when they are sent what. Pure."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Literal

from pydantic import ValidationError

from streams.core.notifications.news import Rules
from streams.core.notifications.quiet_hours import QuietHours
from streams.mapping.locale import zone_named
from streams.messages.recipient_edit import RecipientEdit
from streams.settings import Settings
from streams.settings.notifications import Quiet, Recipient, minute_of

log = logging.getLogger("lofty_ghl.notifications")

Way = Literal["email", "webhook"]


@dataclass(frozen=True, slots=True)
class Subscriber:
    """One recipient. `connections` are ids; without any it hears of all. `unknown` are names that no connection has.

    `edit` is None for one of the configuration file.
    """

    recipient: Recipient
    rules: Rules
    connections: frozenset[str]
    unknown: tuple[str, ...] = ()
    edit: RecipientEdit | None = None

    @property
    def label(self) -> str:
        """What people call it."""
        return self.edit.label if self.edit is not None else self.name

    @property
    def name(self) -> str:
        """Its name."""
        return self.recipient.name

    @property
    def way(self) -> Way:
        """How messages reach it."""
        return "webhook" if self.recipient.webhook else "email"


def subscribers(settings: Settings, edits: Iterable[RecipientEdit] = ()) -> tuple[Subscriber, ...]:
    """Every recipient. One whose connections are all unknown hears of the worst of the deployment alone."""
    of_file = tuple(_subscriber(settings, one) for one in settings.notifications.recipients)
    return (*of_file, *(one for one in (_of_edit(settings, edit) for edit in edits) if one is not None))


def recipient_of(edit: RecipientEdit) -> Recipient:
    """A recipient of the console as the configuration file would have it. Raises pydantic's error where it is wrong."""
    facts: dict[str, Any] = {
        "name": edit.name,
        "emails": list(edit.emails),
        "webhook": bool(edit.webhook_sealed),
        "connections": list(edit.connections),
        "reports": edit.reports,
        "time_zone": edit.time_zone,
        "daily_summary": edit.daily_summary or None,
    }
    if edit.quiet_begin or edit.quiet_end:
        facts["quiet"] = {"begin": edit.quiet_begin, "end": edit.quiet_end, "but_worst": edit.quiet_but_worst}
    return Recipient.model_validate(facts)


def _of_edit(settings: Settings, edit: RecipientEdit) -> Subscriber | None:
    """None for one that a newer release wrote, and this one does not understand."""
    try:
        return _subscriber(settings, recipient_of(edit), edit)
    except ValidationError as error:
        log.debug("the recipient %s cannot be used by this release: %d faults", edit.name, error.error_count())
        return None


def _subscriber(settings: Settings, recipient: Recipient, edit: RecipientEdit | None = None) -> Subscriber:
    named = {name: settings.connection(name) for name in recipient.connections}
    known = frozenset(name if one is None else one.name for name, one in named.items())
    unknown = tuple(name for name, one in named.items() if one is None)
    shared = settings.notifications
    rules = Rules(
        after_ms=int(shared.after_seconds * 1000),
        group_ms=int(shared.group_seconds * 1000),
        reminder_ms=int(shared.reminder_hours * 3_600_000),
        most_per_hour=shared.most_per_hour,
        zone=zone_named(recipient.time_zone) or UTC,
        quiet=_quiet_hours(recipient.quiet),
        summary_minute=None if recipient.daily_summary is None else minute_of(recipient.daily_summary),
        reports=recipient.reports,
    )
    return Subscriber(recipient, rules, known, unknown, edit)


def _quiet_hours(quiet: Quiet | None) -> QuietHours | None:
    return None if quiet is None else QuietHours(minute_of(quiet.begin), minute_of(quiet.end), quiet.but_worst)
