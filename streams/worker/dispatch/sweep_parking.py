"""Parks what a sweep cannot compare: leads that cannot be read, or are none, or bring out a defect of ours. The sweep goes on.

The sweep of new leads parks nothing: the full one does, once a run.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import orjson

from connectors.errors import ConnectorError
from connectors.outcome import classify
from streams.core.progress.repeats import defect
from streams.core.rows import SweepRow
from streams.messages import Parked
from streams.worker.dispatch.sweep_lists import has_lead_id
from streams.worker.output import Output

log = logging.getLogger("lofty_ghl.sweep")

LONGEST_ORIGINAL = 100_000


@dataclass(frozen=True, slots=True)
class SweepParking:
    """Writes to the topic `parked`."""

    output: Output

    def now_ms(self) -> int:
        """The clock whose time the records carry."""
        return self.output.now_ms()

    async def bad(self, connection: str, row: SweepRow, number: int, error: ConnectorError) -> None:
        """The lead at this place of Lofty's list cannot be read."""
        order = "newest first" if row.kind == "new" else "oldest first"
        words = f"lead number {number + 1} of Lofty's list ({order}) cannot be read: {error}"
        if row.kind == "new":
            log.warning("connection %s: %s", connection, words)
            return
        await self.park(connection, classify(error).name, words, f"list-leads@{number}")

    async def odd(self, connection: str, row: SweepRow, states: list[dict[str, Any]]) -> None:
        """What the list holds that is no lead: without an id, or with one that is none."""
        for state in states if row.kind != "new" else ():
            if not has_lead_id(state):
                words = f"expected a lead with a leadId, got {str(state.get('leadId'))[:40]!r}"
                await self.park(connection, "unreadable", words, "list-leads", orjson.dumps(state))

    async def broken(self, connection: str, row: SweepRow, broken: list[tuple[dict[str, Any], Exception]]) -> None:
        """Leads of the list that bring out a defect of ours: the others are compared."""
        for state, error in broken if row.kind != "new" else ():
            failure = defect(error)
            words = f"lead {state['leadId']} of Lofty's list: {failure.message}"
            await self.park(connection, failure.cause, words, "list-leads", orjson.dumps(state))

    async def park(self, connection: str, reason: str, words: str, source: str, original: bytes = b"") -> None:
        """Park something, with Lofty's own words or ours."""
        parked = Parked(
            stage="sweep",
            reason=reason,
            message=words,
            at_ms=self.now_ms(),
            source=source,
            connection=connection,
            original=Parked.encode(original[:LONGEST_ORIGINAL]),
        )
        log.warning("connection %s: its sweep goes on without what is parked now: %s", connection, words)
        await self.output.park(parked)
