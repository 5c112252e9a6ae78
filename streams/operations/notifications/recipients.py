"""The recipients of the configuration, ready to be used: which connections they hear of, and when they are sent what. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import Literal

from streams.core.notifications.news import Rules
from streams.core.notifications.quiet_hours import QuietHours
from streams.mapping.locale import zone_named
from streams.settings import Settings
from streams.settings.notifications import Quiet, Recipient, minute_of

Way = Literal["email", "webhook"]


@dataclass(frozen=True, slots=True)
class Subscriber:
    """One recipient. `connections` are ids; without any it hears of all. `unknown` are names that no connection has."""

    recipient: Recipient
    rules: Rules
    connections: frozenset[str]
    unknown: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its name."""
        return self.recipient.name

    @property
    def way(self) -> Way:
        """How messages reach it."""
        return "webhook" if self.recipient.webhook else "email"


def subscribers(settings: Settings) -> tuple[Subscriber, ...]:
    """Every recipient. One whose connections are all unknown hears of the worst of the deployment alone."""
    return tuple(_subscriber(settings, one) for one in settings.notifications.recipients)


def _subscriber(settings: Settings, recipient: Recipient) -> Subscriber:
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
    )
    return Subscriber(recipient, rules, known, unknown)


def _quiet_hours(quiet: Quiet | None) -> QuietHours | None:
    return None if quiet is None else QuietHours(minute_of(quiet.begin), minute_of(quiet.end), quiet.but_worst)
