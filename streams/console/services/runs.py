"""What runs beside this gateway on connections: comparisons and rehearsals in processes of their own, acts on many, and checks of everything."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from streams.console.auth.audit_log import AuditWriter
from streams.console.services.bulk_acts import BulkActs
from streams.console.services.connection_edits import ConnectionEdits
from streams.console.services.doctor import Doctor
from streams.console.services.locations import Locations
from streams.console.services.rehearsals import Rehearsals
from streams.console.services.verifications import Verifications
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Runs:
    """Of this gateway."""

    verifications: Verifications
    rehearsals: Rehearsals
    bulk: BulkActs
    doctor: Doctor

    @classmethod
    def of(
        cls,
        settings: Callable[[], Settings],
        audit: AuditWriter,
        now_ms: Callable[[], int],
        edits: ConnectionEdits,
        locations: Locations,
    ) -> Self:
        """None under way."""
        verifications = Verifications(settings, audit, now_ms)
        bulk = BulkActs(settings, edits, verifications, locations, now_ms)
        return cls(verifications, Rehearsals(settings, audit, now_ms), bulk, Doctor(settings, audit, now_ms))

    async def stop(self) -> None:
        """End what runs here."""
        await asyncio.gather(self.bulk.stop(), self.verifications.stop(), self.rehearsals.stop(), self.doctor.stop())
