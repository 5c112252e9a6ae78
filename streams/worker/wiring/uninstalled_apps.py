"""Locations in GHL from which our app was removed: nothing is written there until it is installed again, or access is given."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from math import inf

from streams.core.to_lofty.rows import EventRow
from streams.messages.ghl_event import GhlEvent
from streams.messages.partitioning import ghl_budget
from streams.worker.dispatch.loop import DispatchLoop
from streams.worker.parts import WorkerParts

log = logging.getLogger("lofty_ghl.lofty_sync")

UNINSTALLED = "@uninstalled:"
"""How the key of such an event begins in the table `events`; its location follows."""


@dataclass(frozen=True, slots=True)
class UninstalledApps:
    """Keeps the event of each such location beside the events that wait, so that a successor pauses it, too."""

    parts: WorkerParts
    writing: DispatchLoop

    def heed(self, event: GhlEvent) -> None:
        """The app was installed in a location, or removed from it: its old tokens no longer work."""
        here = [c for c in self.parts.connections.values() if c.ghl.location_id == event.location]
        if not here:
            return
        events, partition, key = self.parts.tables.events, self.parts.connections.ghl(here[0]), _key(event.location)
        before = events.get(partition, key)
        if before is not None and before.event.at_ms > event.at_ms:
            return
        if event.type == "UNINSTALL":
            if self._was_given_access_since(partition, event):
                log.info("location %s: access was given after the app was uninstalled", event.location)
                return
            events.put(partition, key, EventRow(event=event))
            self._pause(event)
        elif before is not None:
            events.delete(partition, key)
            self.writing.resume(here[0].ghl_budget)
            log.info("location %s: the app is installed again", event.location)

    def take_up(self, partition: int, location: str) -> None:
        """The partition, or the connection, is ours from now on: an app that is gone stays so, unless access was given since."""
        row = self.parts.tables.events.get(partition, _key(location))
        if row is None:
            return
        if self._was_given_access_since(partition, row.event):
            self.parts.tables.events.delete(partition, _key(location))
        else:
            self._pause(row.event)

    def _was_given_access_since(self, partition: int, event: GhlEvent) -> bool:
        """Whether the location's tokens are newer than this: GHL issues none while the app is not installed."""
        row = self.parts.tables.tokens.get(partition, ghl_budget(event.location))
        return row is not None and bool(row.sealed) and row.at_ms > event.at_ms

    def _pause(self, event: GhlEvent) -> None:
        cause = "the app was uninstalled in GHL: install it again, or `lofty-ghl connect ghl`"
        self.writing.pause(event.location, inf, cause)


def _key(location: str) -> str:
    return f"{UNINSTALLED}{location}"
