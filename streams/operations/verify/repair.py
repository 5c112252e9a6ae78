"""Repairs one lead: asks the worker to apply each remedy, waits until the pipeline has written it, and reads the lead again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from streams.operations.verify.findings import Finding
from streams.operations.verify.latest_snapshots import LatestSnapshots
from streams.operations.worker_queries.client import Timeouts, WorkerQueryClient

ReadFindings = Callable[[str], Awaitable[tuple[Finding, ...]]]


@dataclass(frozen=True, slots=True)
class LeadRepair:
    """The repairs of one connection. `read_findings` returns the findings about a lead now."""

    connection: str
    client: WorkerQueryClient
    newest: LatestSnapshots
    timeouts: Timeouts
    read_findings: ReadFindings

    async def repair(self, lead: str, wrong: tuple[Finding, ...]) -> tuple[Finding, ...]:
        """Apply the remedies of a lead. Returns the findings of the whole lead once the repairs are in GHL, or time is up."""
        refused: dict[tuple[str, str], str] = {}
        for finding in wrong:
            for remedy in finding.remedies:
                if words := await self._apply(lead, finding, remedy):
                    refused[finding.entity, finding.state] = words
        touched = {one.entity for one in wrong if one.remedies}
        after = await self._arrived(lead, touched) if touched else wrong
        return tuple(_with_words(one, refused.get((one.entity, one.state), "")) for one in after)

    async def _apply(self, lead: str, finding: Finding, remedy: object) -> str:
        """Ask the worker to apply one remedy; returns why it did not, "" if it did."""
        snapshots = self.newest.of(self.connection, lead)
        answer = await self.client.query(
            self.connection,
            "mend",
            lead=lead,
            entity=finding.entity,
            entities=self.newest.keys(self.connection, lead),
            remedy=remedy,
            snapshot=snapshots.get(finding.entity),
        )
        return "" if answer.answer == "mended" else answer.message

    async def _arrived(self, lead: str, touched: set[str]) -> tuple[Finding, ...]:
        """Read until none of the repaired entities is pending, and two reads in a row agree on what is wrong."""
        until = time.monotonic() + self.timeouts.repaired
        was_wrong = False
        while True:
            await asyncio.sleep(self.timeouts.confirm)
            found = await self.read_findings(lead)
            is_under_way = any(one.state == "pending" and one.entity in touched for one in found)
            is_wrong = any(one.is_wrong and one.entity in touched for one in found)
            if (not is_under_way and (not is_wrong or was_wrong)) or time.monotonic() > until:
                return found
            was_wrong = is_wrong and not is_under_way


def _with_words(finding: Finding, words: str) -> Finding:
    if not finding.is_wrong or not words:
        return finding
    return replace(finding, advice=f"it was not repaired: {words}")
