"""One connection's Lofty side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connectors.lofty.client import LoftyClient
from streams.messages import Entity

WINDOW_SECONDS = 60.0
"""Lofty counts requests by the minute."""


@dataclass(frozen=True, slots=True)
class LoftyTeam:
    """A team's client, its budget and the partition of that; `snapshots_partition` is that of the GHL budget.

    What was changed may not be visible in Lofty before `visibility_ms` after the change.
    """

    connection: str
    budget: str
    partition: int
    snapshots_partition: int
    client: LoftyClient
    visibility_ms: int = 60_000

    async def read(self, entity: Entity, *, with_trash: bool) -> dict[str, Any]:
        """The state of an entity."""
        match entity.kind:
            case "contact" | "opportunity":  # a part of its lead
                return await self.client.get_lead(entity.lead, with_trash=with_trash)
            case "note":
                return await self.client.get_note(entity.id)
            case "task" | "appointment":  # one operation reads both
                return await self.client.get_task(entity.id)
