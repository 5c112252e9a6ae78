"""Searches GHL's contacts for opt-outs that no webhook reported: a contact that answers STOP to a text fires none.

One request shows up to `PAGE` contacts with their opt-outs, so no contact is read on its own: only where GHL differs from what
Lofty has closed, the contact's opt-outs count as unknown, and are compared again in its lane, on both sides.
The search runs as work of the location's budget, after live changes. When the last one ended is kept in the table `sweeps`;
a search that another worker takes over begins again.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.errors import ConnectorError, NotSent
from connectors.ghl.wire import GhlContact
from streams.core.progress.repeats import Failure
from streams.core.rows import LinkRow, SweepRow
from streams.core.scheduling.dispatcher import Item, Priority
from streams.core.to_lofty.rows import BacklinkRow
from streams.kafka.tables import Table
from streams.mapping.opt_outs import OPT_OUTS, carried, closed_in_ghl
from streams.messages import Entity
from streams.worker.dispatch.due_timers import DueTimers
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.loop import AGAIN, DONE, DispatchLoop, RequestSlot, WorkResult

log = logging.getLogger("lofty_ghl.opt_outs")

TENANT = "@opt-outs"
PAGE = 500
"""GHL's largest page of a search."""
FAILED_SECONDS = 300.0


@dataclass(slots=True)
class _Run:
    """A search under way: since when, what it has seen, and where its next page begins."""

    started_ms: int
    seen: int = 0
    differing: int = 0
    after: tuple[Any, ...] | None = None


@dataclass(slots=True)
class OptOutSearch:
    """`intervals_ms`: between two searches, by connection; those that carry no opt-outs, or never search, are not there.

    `differ(entity)` makes the opt-outs of a contact compared again, `close_in_lofty(entity, channels)` makes a Lofty command.
    """

    loop: DispatchLoop
    locations: Mapping[str, Location]
    intervals_ms: Mapping[str, int]
    sweeps: Table[SweepRow]
    backlinks: Table[BacklinkRow]
    links: Table[LinkRow]
    differ: Callable[[Entity], Awaitable[None]]
    close_in_lofty: Callable[[Entity, frozenset[str]], Awaitable[None]]
    now_ms: Callable[[], int]
    _runs: dict[str, _Run] = field(default_factory=dict)
    _due: DueTimers = field(default_factory=DueTimers)

    def acquire(self, connection: str) -> None:
        """This worker owns the connection's GHL budget now."""
        if connection in self.intervals_ms:
            self._due.acquire(connection)
            self._runs.pop(connection, None)
            partition, key = self.locations[connection].partition, _key(connection)
            if self.sweeps.get(partition, key) is None:
                # The first is due a whole interval from now: a backfill carries what both sides hold already.
                self.sweeps.put(partition, key, SweepRow(full_ended_ms=self.now_ms()))
            self._offer(connection)

    def release(self, connection: str) -> None:
        """Another worker owns the connection's GHL budget from now on."""
        self._due.release(connection)

    def handles(self, item: Item) -> bool:
        """Whether an item is a search for opt-outs."""
        return item.tenant == TENANT

    async def give_up(self, item: Item, failure: Failure) -> WorkResult | None:
        """Nothing: the search goes on later."""
        return None

    async def __call__(self, item: Item, slot: RequestSlot) -> WorkResult:
        """Read one page."""
        connection = item.key.removeprefix(f"{TENANT}:")
        location = self.locations[connection]
        run = self._runs.setdefault(connection, _Run(self.now_ms()))
        search: dict[str, Any] = {
            "locationId": location.location_id,
            "pageLimit": PAGE,
            "sort": [{"field": "dateAdded", "direction": "asc"}],
        }
        if run.after:
            search["searchAfter"] = list(run.after)
        try:
            page = await location.client.search_contacts(search)
        except ConnectorError as error:
            slot.answered(was_sent=not isinstance(error, NotSent))
            if self.loop.failures.is_paused(location.budget, error, location.window_seconds):
                return AGAIN
            log.warning("connection %s: its search for opt-outs in GHL goes on later: %s", connection, error)
            return WorkResult.retry(FAILED_SECONDS)
        slot.answered()
        for contact in page.contacts:
            run.differing += await self._compare(connection, location, contact)
        run.seen += len(page.contacts)
        run.after = page.search_after if len(page.contacts) == PAGE else None
        if run.after:
            return AGAIN
        await self._end(connection, location, run)
        return DONE

    async def _compare(self, connection: str, location: Location, contact: GhlContact) -> bool:
        held = closed_in_ghl({"dnd": contact.dnd, OPT_OUTS: contact.dnd_settings})
        if held:
            await self._close_for_sharers(connection, location, contact.id, held)
        backlink = self.backlinks.get(location.partition, f"contact:{contact.id}")
        entity = Entity.from_key(backlink.entity) if backlink is not None else None
        link = self.links.get(location.partition, entity.key) if entity is not None else None
        if entity is None or link is None or entity.connection != connection or link.ghl_id != contact.id:
            return False
        if link.is_deleted or link.is_gone or held == carried(link.fields):
            return False
        await self.differ(entity)
        return True

    async def _close_for_sharers(
        self, connection: str, location: Location, contact_id: str, held: frozenset[str]
    ) -> None:
        """The other leads that share the contact: what it has closed is closed for them, too."""
        for _, row in list(self.backlinks.items(location.partition, f"shared:{contact_id}:")):
            entity = Entity.from_key(row.entity)
            link = self.links.get(location.partition, entity.key)
            if link is None or entity.connection != connection or link.ghl_id != contact_id or link.is_gone:
                continue
            if closed := held - carried(link.fields):
                await self.close_in_lofty(entity, closed)

    async def _end(self, connection: str, location: Location, run: _Run) -> None:
        del self._runs[connection]
        log.info(
            "connection %s: %d contacts in GHL were compared for opt-outs, %d differ",
            connection,
            run.seen,
            run.differing,
        )
        self.sweeps.put(location.partition, _key(connection), SweepRow(full_ended_ms=run.started_ms))
        await self.sweeps.flush()
        self._offer(connection)

    def _offer(self, connection: str) -> None:
        """Begin the search that is due, or come back when it is."""
        if not self._due.begins(connection):
            return
        location = self.locations[connection]
        row = self.sweeps.get(location.partition, _key(connection)) or SweepRow()
        wait_ms = row.full_ended_ms + self.intervals_ms[connection] - self.now_ms()
        if wait_ms > 0:
            self._due.later(connection, wait_ms / 1000, self._offer)
        else:
            key = _key(connection)
            self.loop.offer_item(Item(key, key, location.budget, TENANT, Priority.SWEEP))


def _key(connection: str) -> str:
    return f"{TENANT}:{connection}"
