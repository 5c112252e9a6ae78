"""What runs in processes of their own beside this gateway, on a connection: comparisons and rehearsals."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from streams.console.auth.audit_log import AuditWriter
from streams.console.services.rehearsals import Rehearsals
from streams.console.services.verifications import Verifications
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Runs:
    """Of this gateway."""

    verifications: Verifications
    rehearsals: Rehearsals

    @classmethod
    def of(cls, settings: Callable[[], Settings], audit: AuditWriter, now_ms: Callable[[], int]) -> Self:
        """None under way."""
        return cls(Verifications(settings, audit, now_ms), Rehearsals(settings, audit, now_ms))

    async def stop(self) -> None:
        """End what runs here."""
        await asyncio.gather(self.verifications.stop(), self.rehearsals.stop())
