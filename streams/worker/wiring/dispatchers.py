"""The two dispatchers of a worker: `read`, on the Lofty budgets, and `write`, on the GHL budgets; and which budgets are ours.

`lofty_side.py` and `ghl_side.py` say what each of them does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from connectors.http.call_record import CallRecord
from connectors.http.transport import Transport
from streams.messages.partitioning import ghl_budget, lofty_budget
from streams.oauth.grants import Grants
from streams.worker.dispatch.holder_rows import HolderRows
from streams.worker.dispatch.loop import DispatchLoop, HandlerRouter
from streams.worker.partitions.lease import LeasedTransport
from streams.worker.parts import WorkerParts
from streams.worker.wiring.budgets import BudgetUsage
from streams.worker.wiring.connection_work import ConnectionWork
from streams.worker.wiring.ghl_side import GhlSide
from streams.worker.wiring.lofty_side import LoftySide
from streams.worker.wiring.lofty_sync import LoftySync
from streams.worker.wiring.offers import new_offers
from streams.worker.wiring.vendor_clients import Sides, VendorClients, new_tokens


class Dispatchers:
    """Reading Lofty and writing GHL, for the partitions that `parts.ownership` says are ours.

    `tokens` is None where no connection has access by OAuth.
    """

    def __init__(self, parts: WorkerParts, wire: Transport) -> None:
        self._parts = parts
        reads_used = BudgetUsage(parts.tables.budgets, partial(self._row_of, lofty_budget))
        writes_used = BudgetUsage(parts.tables.budgets, partial(self._row_of, ghl_budget))
        reads, writes = HandlerRouter(), HandlerRouter()
        self.reading = self._new_loop("read", reads, reads_used)
        self.writing = self._new_loop("write", writes, writes_used)
        self.loops = (self.reading, self.writing)

        transport = LeasedTransport(wire, parts.lease)
        grants, self.tokens = new_tokens(parts, transport, self._resume)
        sides = self._new_sides(transport, grants)
        self.offers = new_offers(parts, self.reading, self.writing)
        self.lofty = LoftySide(parts, self.reading, sides.teams, self.offers.settling)
        self.ghl = GhlSide(parts, self.writing, sides.locations, self.offers)
        reads.handlers, writes.handlers = self.lofty.handlers, self.ghl.handlers
        identities, conflicts = self.ghl.writer.sender.identities, self.ghl.conflicts
        self.holders = HolderRows(identities, conflicts, parts.tables.links, parts.tables.backlinks, self._writes)
        self.lofty_sync = LoftySync(
            parts, self.writing, self.ghl.events.queue, self.lofty.writer, identities, conflicts
        )
        self.connections = ConnectionWork(
            parts=parts,
            sides=sides,
            reading=self.reading,
            writing=self.writing,
            reads_used=reads_used,
            writes_used=writes_used,
            offers=self.offers,
            lofty=self.lofty,
            ghl=self.ghl,
            lofty_sync=self.lofty_sync,
            tokens=self.tokens,
        )

    def _writes(self, partition: int) -> bool:
        """Whether this worker still writes the locations of a partition."""
        at = self._parts.connections.writing_at(partition)
        return any(self.writing.core.owns(c.ghl_budget) for c in at)

    # -- partitions come and go ---------------------------------------------------------------------------

    def acquire(self, partition: int) -> None:
        """The partition is ours: so are its budgets, and what waits there is offered."""
        parts = self._parts
        for c in parts.connections.reading_at(partition):
            self.connections.begin_reading(c)
        for c in parts.connections.writing_at(partition):
            self.connections.begin_writing(c)
        self.load_names(partition)
        parts.tables.links.count(partition)  # in the background
        for key, pending in parts.tables.fetches.items(partition):
            parts.reporter.rows.fetch(partition, key, pending)
            self.offers.offer_read(pending)
        for key, desired in parts.tables.outbox.items(partition):
            parts.reporter.rows.desired(partition, key, desired)
            self.offers.offer_write(desired)
        for key, conflict in parts.tables.conflicts.items(partition):
            parts.reporter.rows.conflict(partition, key, conflict)
        self.holders.acquire(partition)
        self.lofty_sync.acquired(partition)

    async def release(self, partitions: set[int]) -> None:
        """Return once nothing is under way for these partitions and their budgets have left their last note."""
        connections = self._parts.connections
        async with asyncio.TaskGroup() as both:
            for partition in partitions:
                for c in connections.reading_at(partition):
                    self.connections.end_reading(c.name)
                for c in connections.writing_at(partition):
                    self.connections.end_writing(c.name)
                both.create_task(self.reading.release({c.lofty_budget for c in connections.reading_at(partition)}))
                both.create_task(self.writing.release({c.ghl_budget for c in connections.writing_at(partition)}))
        if self.tokens is not None:
            await self.tokens.release(partitions)

    def load_names(self, partition: int, budget: str = "") -> None:
        """Read (again) what the vendors call members, custom fields, users and calendars: of one budget, or of all."""
        for c in self._parts.connections.reading_at(partition):
            if budget in ("", c.lofty_budget):
                self.connections.load_members(c)
        for c in self._parts.connections.writing_at(partition):
            if budget in ("", c.ghl_budget):
                self.connections.load_directory(c)

    def _resume(self, budget: str) -> None:
        """A budget has been given access: what could not be read without it is read first."""
        for partition in self._parts.ownership.fenced:
            self.load_names(partition, budget)
        for loop in self.loops:
            loop.resume(budget)

    # -- what is made once --------------------------------------------------------------------------------

    def _new_sides(self, transport: Transport, grants: Grants | None) -> Sides:
        parts, deps = self._parts, self._parts.deps
        clients = VendorClients(
            partitions=parts.connections,
            transport=transport,
            grants=grants,
            tokens=self.tokens,
            on_lofty_answer=partial(self._answered, self.reading),
            on_ghl_answer=partial(self._answered, self.writing),
            visibility_ms=deps.visibility_ms,
            search_lag_ms=deps.search_lag_ms,
        )
        return Sides(clients, parts.connections)

    # -- what the parts ask -------------------------------------------------------------------------------

    def _row_of(self, key_of: Callable[[str], str], budget: str) -> tuple[str, int, int]:
        """Under which key a budget's usage is noted, in which partition, in which epoch."""
        key = key_of(budget)
        partition = self._parts.connections.of(key)
        return key, partition, self._parts.ownership.epoch(partition)

    def _answered(self, loop: DispatchLoop, budget: str, answer: CallRecord) -> None:
        self._parts.reporter.answered(answer)
        if answer.rate is not None:
            loop.observe(budget, answer.rate)

    def _new_loop(self, name: str, router: HandlerRouter, usage: BudgetUsage) -> DispatchLoop:
        parts = self._parts
        return DispatchLoop(
            name,
            router,
            parts.deps.monotonic,
            note=usage.note,
            now_ms=parts.deps.now_ms,
            may_start=lambda: parts.lease.is_held,
            observer=parts.reporter,
            repeats=parts.deps.repeats(),
        )
