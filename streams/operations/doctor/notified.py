"""Checks whether the recipients of notifications hear of what they are to hear of. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from streams.mapping.errors import did_you_mean
from streams.operations.doctor.check_result import CheckResult, Level
from streams.operations.notifications.recipients import subscribers
from streams.settings import Settings


def notified(settings: Settings, *, knows_all: bool) -> Iterator[CheckResult]:
    """Every connection that a recipient names exists. Without `knows_all` it may be one that was added in the console.

    A recipient whose connections are all unknown hears of nothing but a halt of everything, and nobody notices.
    """
    labels = tuple(one.label for one in settings.connections.values())
    level: Level = "wrong" if knows_all else "not looked at"
    for to in subscribers(settings):
        for name in to.unknown:
            unsure = "" if knows_all else " in the file, and those of the console cannot be read"
            to_do = f"correct connections of the recipient {to.name} in [[notifications.recipients]]"
            hint = did_you_mean(name, labels)
            says = f"there is no connection {name!r}{unsure}"
            yield CheckResult("notifications", to.name, level, says, f"{to_do}; {hint}" if hint else to_do)
        if not to.unknown:
            of = "all connections" if not to.connections else f"{len(to.connections)} of {len(labels)} connections"
            yield CheckResult("notifications", to.name, "ok", f"hears of {of}")
