"""Gives each contact its rows in `backlinks` and `conflicts` once, where an earlier release wrote its link: whose it is, who shares it.

It runs in the background, because a partition may hold a million links. Until it has ended, whose a contact is gets decided by the
Lofty id that the contact has (`identities.py`). Two leads that an earlier release wrote on one contact are planned again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from streams.core.rows import LinkRow
from streams.core.to_lofty.rows import BacklinkRow
from streams.kafka.tables import Table
from streams.messages import Entity
from streams.worker.dispatch.conflict_rows import ConflictRows
from streams.worker.dispatch.identities import Identities

log = logging.getLogger("lofty_ghl.identities")

BUILT = "@built:contacts"
"""The key in `backlinks` that says: every contact that was there before there were such rows has its row."""

YIELD_ROWS = 500
"""After so many links others get their turn."""


@dataclass(slots=True)
class HolderRows:
    """`owns` says whether a partition is still ours."""

    identities: Identities
    conflicts: ConflictRows
    links: Table[LinkRow]
    backlinks: Table[BacklinkRow]
    owns: Callable[[int], bool]
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def acquire(self, partition: int) -> None:
        """Build the rows of a partition that was acquired, unless they are there."""
        if self.backlinks.get(partition, BUILT) is None or not self.conflicts.is_built(partition):
            task = asyncio.create_task(self._build(partition), name=f"holders {partition}")
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    async def _build(self, partition: int) -> None:
        contacts = self.links.items(partition, wanted=lambda key: b":contact:" in key)
        for number, (key, seen) in enumerate(contacts):
            if number % YIELD_ROWS == 0:
                await asyncio.sleep(0)
                if not self.owns(partition):
                    return
            entity = Entity.from_key(key)
            link = self.links.get(partition, key) or seen  # it may have changed since the scan began
            self.conflicts.linked(partition, entity, link)
            if not self.identities.linked(partition, entity, link):
                self.links.put(partition, key, link.model_copy(update={"settled": ""}))
                self.identities.request_read(entity, link.version_ms)
        if self.owns(partition):
            self.backlinks.put(partition, BUILT, BacklinkRow(entity=BUILT))
            self.conflicts.built(partition)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("which lead has which contact was not looked through: %s; the next start tries again", error)
