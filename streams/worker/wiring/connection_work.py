"""Begins a connection's work in the two dispatchers, and replaces the connection while all others go on.

A connection is replaced between two pieces of its work: nothing more of it starts, what is in flight ends and its receipts are in
the tables, then everything that was made from its old settings goes at once, and what waits in its rows is offered again.
So no write is planned by one mapping and noted as settled under another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from streams.core.renamed import ConnectionRenamed, find_renamed
from streams.kafka.tables import Table
from streams.messages import Message
from streams.messages.partitioning import ghl_budget
from streams.settings import Connection
from streams.worker.dispatch.loop import DispatchLoop
from streams.worker.dispatch.oauth_tokens import OAuthTokens
from streams.worker.parts import WorkerParts
from streams.worker.wiring.budgets import BudgetUsage, ghl_policy, lofty_policy
from streams.worker.wiring.ghl_side import GhlSide
from streams.worker.wiring.lofty_side import LoftySide
from streams.worker.wiring.lofty_sync import LoftySync
from streams.worker.wiring.offers import Offers
from streams.worker.wiring.vendor_clients import Sides

Row = TypeVar("Row", bound=Message)

YIELD_ROWS = 500
"""After so many rows others get their turn."""


@dataclass(frozen=True, slots=True)
class ConnectionWork:
    """The work of the connections whose partitions are ours. `reads_used` and `writes_used` are the notes of the budgets."""

    parts: WorkerParts
    sides: Sides
    reading: DispatchLoop
    writing: DispatchLoop
    reads_used: BudgetUsage
    writes_used: BudgetUsage
    offers: Offers
    lofty: LoftySide
    ghl: GhlSide
    lofty_sync: LoftySync
    tokens: OAuthTokens | None

    # -- beginning ----------------------------------------------------------------------------------------

    def begin_reading(self, c: Connection) -> None:
        """The partition of its Lofty budget is ours."""
        self.reading.acquire(
            c.lofty_budget, lofty_policy(self.parts.settings, c), self.reads_used.of_another(c.lofty_budget)
        )
        if "to_ghl" not in c.paused:
            self.lofty.sweeper.acquire(c.name)

    def begin_writing(self, c: Connection) -> None:
        """The partition of its GHL budget is ours."""
        self.writing.acquire(
            c.ghl_budget, ghl_policy(self.parts.settings, c), self.writes_used.of_another(c.ghl_budget)
        )
        self.ghl.opt_out_search.acquire(c.name)
        self.ghl.unknown_leads.acquire(c.name)
        if "to_ghl" not in c.paused:
            self.ghl.deployments.acquire(c.name)

    def end_reading(self, connection: str) -> None:
        """What begins by itself on its Lofty side does so no more: another worker has it, or it is replaced."""
        self.lofty.sweeper.release(connection)

    def end_writing(self, connection: str) -> None:
        """The same of its GHL side."""
        self.ghl.opt_out_search.release(connection)
        self.ghl.unknown_leads.release(connection)
        self.ghl.deployments.release(connection)

    def load_members(self, c: Connection) -> None:
        """Read (again) who the members of its team are."""
        if "to_ghl" not in c.paused:
            self.lofty.members.load(c.name)

    def load_directory(self, c: Connection) -> None:
        """Read (again) what its location calls custom fields, users and calendars."""
        if "to_ghl" not in c.paused:
            self.ghl.directories.load(c.name)

    # -- replacing ----------------------------------------------------------------------------------------

    async def replace(self, connection: str, now: Connection | None) -> None:
        """Go on with a connection as it is `now`; None: it is no longer served, and its rows wait until it is again.

        Raises `ConnectionRenamed` where it has the team and location of one that was served before.
        """
        before = self.parts.connections.get(connection)
        if before is None and now is not None:
            self._require_name(now)
        await asyncio.gather(*(loop.stop_connection(connection) for loop in (self.reading, self.writing)))
        try:
            if before is not None and self.tokens is not None:
                await self.tokens.forget(before)
            self._forget(connection)
            self.parts.reporter.replaced(before, now)
            self.parts.connections.put(connection, now)
            self.sides.put(connection, now)
        finally:
            for loop in (self.reading, self.writing):
                loop.start_connection(connection)
        if now is not None:
            self._resume_budgets(before, now)
            self._begin(now)
            await self._offer_rows(now)
        if before is not None:
            await self._offer_events(before.ghl.location_id)
            await self._release_unused(before)

    def _require_name(self, now: Connection) -> None:
        partition, connections = self.parts.connections.lofty(now), self.parts.connections
        if partition in self.parts.ownership.fenced:
            rows = dict(self.parts.tables.sweeps.items(partition))
            if renamed := find_renamed(rows, [*connections.values(), now]):
                raise ConnectionRenamed(*renamed)

    def _forget(self, connection: str) -> None:
        self.end_reading(connection)
        self.end_writing(connection)
        self.lofty.members.forget(connection)
        self.ghl.directories.forget(connection)
        self.ghl.outdated.forget(connection)
        self.ghl.inspector.forget(connection)

    def _begin(self, c: Connection) -> None:
        """Begin the sides whose partitions are ours. Limits of a budget that was ours already are those of the settings now."""
        fenced, partitions, settings = self.parts.ownership.fenced, self.parts.connections, self.parts.settings
        if partitions.lofty(c) in fenced:
            self.begin_reading(c)
            self.reading.revise(c.lofty_budget, lofty_policy(settings, c))
            self.load_members(c)
        if partitions.ghl(c) in fenced:
            self.begin_writing(c)
            self.writing.revise(c.ghl_budget, ghl_policy(settings, c))
            self.load_directory(c)
            self.lofty_sync.take_up(c)

    def _resume_budgets(self, before: Connection | None, now: Connection) -> None:
        """A pause was for credentials that have been replaced: the new ones are tried at once."""
        if before is None or before.secrets != now.secrets or before.lofty != now.lofty:
            self.reading.resume(now.lofty_budget)
        if before is None or before.secrets != now.secrets or before.ghl != now.ghl:
            self.writing.resume(now.ghl_budget)

    async def _offer_rows(self, c: Connection) -> None:
        """Offer again what waits in the connection's rows."""
        tables, prefix = self.parts.tables, f"{c.name}:"
        reading, writing = self.parts.connections.lofty(c), self.parts.connections.ghl(c)
        await self._each(tables.fetches, reading, prefix, lambda _, row: self.offers.offer_read(row))
        await self._each(tables.lofty_commands, reading, prefix, lambda _, row: self.lofty.writer.offer_command(row))
        await self._each(tables.outbox, writing, prefix, lambda _, row: self.offers.offer_write(row))
        await self._offer_events(c.ghl.location_id)

    async def _offer_events(self, location_id: str) -> None:
        """Offer again the events of a location, of whichever connection they are now."""
        partition = self.parts.connections.of(ghl_budget(location_id))
        await self._each(self.parts.tables.events, partition, f"{location_id}:", self.ghl.events.queue.offer)

    async def _each(self, table: Table[Row], partition: int, prefix: str, offer: Callable[[str, Row], None]) -> None:
        """Offer each row whose key begins with `prefix`, with turns for others in between, while the partition is ours."""
        if partition not in self.parts.ownership.fenced:
            return
        for number, (key, row) in enumerate(table.items(partition, prefix), 1):
            offer(key, row)
            if number % YIELD_ROWS == 0:
                await asyncio.sleep(0)
                if partition not in self.parts.ownership.fenced:
                    return

    async def _release_unused(self, before: Connection) -> None:
        """Give up the budgets that no connection has any longer."""
        others = list(self.parts.connections.values())
        if before.lofty_budget not in {one.lofty_budget for one in others}:
            await self.reading.release({before.lofty_budget})
        if before.ghl_budget not in {one.ghl_budget for one in others}:
            await self.writing.release({before.ghl_budget})
