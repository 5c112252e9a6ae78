"""Reads several notes or tasks of one lead, which a burst of edits made, by one list instead of one by one.

The list is a request of its own. Each pending read that it answers finds its state in `ListedStates` when its turn comes: the first
of a day is a request all the same, and shows whether lists hold all. What the list does not hold is read alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from connectors.errors import ConnectorError, NotSent
from streams.core.listed_states import ListedStates
from streams.core.rows import FetchRow
from streams.core.scheduling.settling import may_settle
from streams.kafka.tables import Table
from streams.messages import Entity, Kind
from streams.worker.dispatch.lofty_team import LoftyTeam
from streams.worker.dispatch.loop import RequestSlot
from streams.worker.dispatch.sweep_lists import read_children

log = logging.getLogger("lofty_ghl.lofty_reader")


@dataclass(frozen=True, slots=True)
class GatheredChildren:
    """Those of one worker. `take_gathered` gives the keys of a burst's changes in the same list as an entity, once.

    `count` counts a list by connection, kind and outcome.
    """

    take_gathered: Callable[[Entity], set[str]]
    fetches: Table[FetchRow]
    listed: ListedStates
    now_ms: Callable[[], int]
    count: Callable[[str, str, str], None]

    async def read(self, entity: Entity, team: LoftyTeam, slot: RequestSlot) -> bool:
        """Ask for the list, if several reads wait for it. Returns whether it was asked for: then the turn is over."""
        if entity.kind in ("contact", "opportunity") or self.listed.is_poor(team.connection, entity.kind):
            return False
        kind: Kind = "note" if entity.kind == "note" else "task"
        pending = self._pending(entity, team)
        if entity.key not in pending or len(pending) < 2:
            return False
        with self.listed.listing() as listing:
            try:
                children = await read_children(team.client, Entity.contact(team.connection, entity.lead), kind)
            except ConnectorError as error:
                # Each is read alone, and that says what is wrong, and with what.
                slot.answered(was_sent=not isinstance(error, NotSent))
                log.info("%s: the list of %ss was not read: %s", entity.lane, kind, error)
                return True
            slot.answered()
            self.count(team.connection, kind, "list")
            for one in () if children.is_repaired else children.listed:
                row = pending.get(one.entity.key)
                if row is not None:
                    listing.keep(one.entity, one.state, self.now_ms(), row)
        return True

    def _pending(self, entity: Entity, team: LoftyTeam) -> dict[str, FetchRow]:
        """The reads that a list of the entity's kind may answer. They are listed once, whatever comes of it."""
        keys = self.take_gathered(entity)
        rows = ((key, self.fetches.get(team.partition, key)) for key in keys)
        return {key: row for key, row in rows if row is not None and _may_be_listed(row)}


def _may_be_listed(row: FetchRow) -> bool:
    """Whether a list may answer a pending read: what it does not name is not gone for that, and what failed is read alone."""
    return not row.parked and row.operation != "deleted" and may_settle(row)
