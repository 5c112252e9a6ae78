"""One write to GHL in hand."""

from __future__ import annotations

from dataclasses import dataclass

from streams.core.rows import OutboxRow
from streams.core.to_ghl.plan import Call
from streams.core.to_ghl.planning import Prepared
from streams.messages import Entity
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.loop import RequestSlot


@dataclass(frozen=True, slots=True)
class GhlWrite:
    """One planned request for one entity: what is wanted (`row`, `prepared`) and the request that comes next (`call`).

    `planned_ms` is when (epoch milliseconds).
    """

    entity: Entity
    location: Location
    row: OutboxRow
    prepared: Prepared
    call: Call
    slot: RequestSlot
    planned_ms: int = 0

    @property
    def partition(self) -> int:
        """That of the location's budget, in which the entity's rows and receipts are."""
        return self.location.partition
