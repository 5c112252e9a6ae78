"""What runs beside gateways on connections: comparisons and rehearsals in processes of their own, acts on many, and checks of everything."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from streams.console.services.backfill import Backfills
from streams.console.services.bulk_acts import BulkActs
from streams.console.services.connection_edits import ConnectionEdits
from streams.console.services.dependencies import ServiceDependencies
from streams.console.services.doctor import Doctor
from streams.console.services.locations import Locations
from streams.console.services.rehearsals import Rehearsals
from streams.console.services.replay import Replays
from streams.console.services.run_list import RunList
from streams.console.services.verifications import Verifications
from streams.operations.runs.run_log import RunLog
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Runs:
    """Of all gateways; each runs beside the one that was asked."""

    log: RunLog
    verifications: Verifications
    rehearsals: Rehearsals
    bulk: BulkActs
    doctor: Doctor
    history: RunList

    @classmethod
    def of(
        cls,
        deps: ServiceDependencies,
        settings: Callable[[], Settings],
        edits: ConnectionEdits,
        locations: Locations,
        replays: Replays,
        backfills: Backfills,
    ) -> Self:
        """None under way here."""
        audit, now_ms = deps.audit, deps.now_ms
        log = RunLog(deps.settings, deps.batching_producer, deps.gateway, now_ms, edits.removed)
        verifications = Verifications(settings, log, audit, now_ms)
        bulk = BulkActs(settings, log, edits, verifications, locations, now_ms)
        return cls(
            *(log, verifications, Rehearsals(settings, log, audit, now_ms), bulk, Doctor(settings, log, audit, now_ms)),
            history=RunList(log, replays, backfills, now_ms),
        )

    async def start(self) -> None:
        """Follow the runs of all gateways."""
        await self.log.start()

    async def stop(self) -> None:
        """End what runs here, and write that it was cut off."""
        await asyncio.gather(self.bulk.stop(), self.verifications.stop(), self.rehearsals.stop(), self.doctor.stop())
        await self.log.stop()
