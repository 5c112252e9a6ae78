"""Notes which leads something happens to, so that the next full sweep reads their notes, tasks and appointments (`core/sweep_rotation.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from streams.core.rows import SweptRow
from streams.core.sweep import Schedule
from streams.core.sweep_rotation import interval_ms
from streams.kafka.tables import Table
from streams.messages import Entity
from streams.worker.dispatch.lofty_team import LoftyTeam


@dataclass(frozen=True, slots=True)
class ActiveLeads:
    """Those of all connections, in the table `swept`."""

    teams: Mapping[str, LoftyTeam]
    schedules: Mapping[str, Schedule]
    swept: Table[SweptRow]

    def touched(self, lane: str) -> None:
        """A webhook made us read something of a lead, or we write to it.

        Not waited for: a note that is lost with the worker means a look in its turn.
        """
        connection, lead = lane.split(":", 1)
        schedule, team = self.schedules[connection], self.teams[connection]
        if not schedule.children or not interval_ms(schedule):
            return
        key = Entity.contact(connection, lead).key
        row = self.swept.get(team.partition, key)
        if row is not None and not row.is_active:
            self.swept.put(team.partition, key, row.model_copy(update={"is_active": True}))
