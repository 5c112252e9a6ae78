"""Repairs one lead: asks the worker to apply each remedy, waits until the pipeline has done its part, and looks again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from streams.operations.verify.findings import Finding
from streams.operations.verify.latest_snapshots import LatestSnapshots
from streams.operations.worker_queries.client import Patience, WorkerQueryClient

Look = Callable[[str], Awaitable[tuple[Finding, ...]]]


@dataclass(frozen=True, slots=True)
class Repairing:
    """The repairs of one connection. `look` tells what is so of a lead now."""

    connection: str
    asker: WorkerQueryClient
    newest: LatestSnapshots
    patience: Patience
    clock: Callable[[], float]
    look: Look

    async def mend(self, lead: str, wrong: tuple[Finding, ...]) -> tuple[Finding, ...]:
        """Apply the remedies of a lead; returns what is so of the whole lead once they have arrived, or time is up."""
        refused: dict[tuple[str, str], str] = {}
        for finding in wrong:
            for remedy in finding.remedies:
                if words := await self._apply(lead, finding, remedy):
                    refused[finding.entity, finding.state] = words
        touched = {one.entity for one in wrong if one.remedies}
        after = await self._arrived(lead, touched) if touched else wrong
        return tuple(_with_words(one, refused.get((one.entity, one.state), "")) for one in after)

    async def _apply(self, lead: str, finding: Finding, remedy: object) -> str:
        """Ask for one remedy; the words why it was not applied, or nothing."""
        snapshots = self.newest.of(self.connection, lead)
        answer = await self.asker.ask(
            self.connection,
            "mend",
            lead=lead,
            entity=finding.entity,
            entities=tuple(snapshots),
            remedy=remedy,
            snapshot=snapshots.get(finding.entity),
        )
        return "" if answer.answer == "mended" else answer.message

    async def _arrived(self, lead: str, touched: set[str]) -> tuple[Finding, ...]:
        """Look until nothing that was touched is on its way, and what is wrong is so in two looks running."""
        until = self.clock() + self.patience.mended
        was_wrong = False
        while True:
            await asyncio.sleep(self.patience.confirm)
            found = await self.look(lead)
            is_under_way = any(one.state == "pending" and one.entity in touched for one in found)
            is_wrong = any(one.is_wrong and one.entity in touched for one in found)
            if (not is_under_way and (not is_wrong or was_wrong)) or self.clock() > until:
                return found
            was_wrong = is_wrong and not is_under_way


def _with_words(finding: Finding, words: str) -> Finding:
    if not finding.is_wrong or not words:
        return finding
    return replace(finding, advice=f"it was not mended: {words}")
