"""What is offered to the two dispatchers: rows that are due, and reads that another row depends on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from streams.core.rows import FetchRow, OutboxRow
from streams.core.scheduling.dispatcher import Item, Priority
from streams.core.scheduling.settling import Settling
from streams.core.to_ghl.dedupe import priority_of
from streams.core.to_ghl.delivery import settled_as
from streams.kafka.batching_producer import Record
from streams.mapping.opt_outs import is_due
from streams.messages import Change, Entity, Origin, Snapshot
from streams.messages.topics import FETCHES
from streams.settings import Connection
from streams.worker.dispatch.loop import DispatchLoop
from streams.worker.dispatch.settling_reads import SettlingReads
from streams.worker.parts import WorkerParts


@dataclass(frozen=True, slots=True)
class Offers:
    """Makes work items from rows. Rows of a connection that is paused, or no longer configured, wait until that has ended."""

    parts: WorkerParts
    reading: DispatchLoop
    writing: DispatchLoop
    settling: SettlingReads

    def offer_change(self, row: FetchRow) -> None:
        """A change was gathered into a pending read: while requests are short it waits for its burst to end."""
        self.settling.changed(row)
        self.offer_read(row)

    def offer_read(self, row: FetchRow) -> None:
        """Lofty must be asked for an entity's state."""
        connection = self.parts.connections.get(row.connection)
        if connection is not None and not row.parked and "to_ghl" not in connection.paused:
            item = _item(row.entity, connection.lofty_budget, row.origin)
            wait = max(self._wait_seconds(row.not_before_ms), self.settling.wait_seconds(row))
            self.reading.offer_item(item, wait_seconds=wait)

    def offer_write(self, row: OutboxRow) -> None:
        """An entity's state must be written to GHL."""
        connection = self.parts.connections.get(row.snapshot.connection)
        if connection is not None and not row.parked and "to_ghl" not in connection.paused:
            item = _item(row.snapshot.entity, connection.ghl_budget, row.snapshot.origin)
            if connection.opt_outs and self._brings_opt_outs(connection, row):
                item = replace(item, priority=Priority.OPT_OUT)
            self.writing.offer_item(item, wait_seconds=self._wait_seconds(row.not_before_ms))

    def request_read(
        self,
        entity: Entity,
        update_time_ms: int,
        origin: Origin = "dependency",
        *,
        only_moved: bool = False,
        is_known_gone: bool = False,
        may_be_unknown: bool = False,
        hanging: tuple[str, ...] = (),
    ) -> asyncio.Future[int]:
        """Request a read of an entity, by default of one that a write depends on. For a connection that is not configured nothing is read.

        `only_moved`: its lead is gone, so only another lead on which it hangs now would change anything.
        `is_known_gone`: it or its lead was deleted, so what Lofty does not find is gone, not merely invisible for a moment.
        `may_be_unknown`: only a contact in GHL says that there is, or was, such a lead. `hanging` is what hangs on that contact.
        """
        connection = self.parts.connections.get(entity.connection)
        if connection is None:
            nothing: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            nothing.set_result(0)
            return nothing
        change = Change(
            connection=entity.connection,
            lead=entity.lead,
            kind=entity.kind,
            id=entity.id,
            operation="deleted" if is_known_gone else "updated",
            update_time_ms=update_time_ms,
            accepted_ms=self.parts.deps.now_ms(),
            origin=origin,
            only_moved=only_moved,
            may_be_unknown=may_be_unknown,
            hanging=hanging,
        )
        topic, partition = self.parts.names.of(FETCHES), self.parts.connections.lofty(connection)
        record = Record(topic, partition, entity.lane.encode(), change.to_bytes())
        return self.parts.output.batching_producer.enqueue(record)

    def settled_as(self, snapshot: Snapshot) -> str:
        """The fingerprint of a link that satisfies a snapshot; "" for a connection that is no longer configured."""
        connection = self.parts.connections.get(snapshot.connection)
        return settled_as(snapshot.fingerprint, connection.mapping_fingerprint) if connection else ""

    def _brings_opt_outs(self, connection: Connection, row: OutboxRow) -> bool:
        """Whether a contact's opt-outs must be written, or compared: then it goes before all others."""
        snapshot = row.snapshot
        if snapshot.kind != "contact" or snapshot.state is None:
            return False
        link = self.parts.tables.links.get(self.parts.connections.ghl(connection), snapshot.entity.key)
        return is_due(snapshot.state, link.fields if link is not None else {})

    def _wait_seconds(self, not_before_ms: int) -> float:
        return (not_before_ms - self.parts.deps.now_ms()) / 1000


def new_offers(parts: WorkerParts, reading: DispatchLoop, writing: DispatchLoop) -> Offers:
    """Those of one worker."""
    settling = Settling(parts.settings.worker.settle)
    reads = SettlingReads(settling, parts.connections, parts.deps.monotonic, parts.deps.now_ms)
    return Offers(parts, reading, writing, reads)


def _item(entity: Entity, budget: str, origin: Origin) -> Item:
    rank = 0 if entity.kind == "contact" else 1
    return Item(entity.key, entity.lane, budget, entity.connection, priority_of(origin), rank)
