"""Rehearsals: what an import of a connection's leads would do in GoHighLevel, on real data and without writing anything.

Each runs in a process of its own beside this gateway; the workers read both sides, within their limits and after all other work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter

from streams.console.auth.audit_log import Actor, AuditWriter
from streams.console.auth.scope import is_visible
from streams.console.errors import NotFound
from streams.console.services.process_runs import ProcessRun, ProcessRuns, new_id
from streams.operations.rehearsal.job import RehearsalJob
from streams.operations.rehearsal.report import RehearsalReport
from streams.settings import Settings

WITHIN_SECONDS = 6 * 3600.0
_REPORT = TypeAdapter(RehearsalReport)


@dataclass(slots=True, kw_only=True)
class Rehearsal(ProcessRun):
    """One run: under way until `result` or `problem` is there. `sample` of the leads, the oldest, or all where it is null.

    `done` of `of` are done of what it is `doing`; `of` is 0 while it is not known.
    """

    sample: int | None
    result: RehearsalReport | None = None


@dataclass(slots=True)
class Rehearsals:
    """The newest twenty of this gateway."""

    settings: Callable[[], Settings]
    audit: AuditWriter
    now_ms: Callable[[], int]
    _runs: ProcessRuns[Rehearsal] = field(init=False)

    def __post_init__(self) -> None:
        self._runs = ProcessRuns("rehearsal", self.audit, self.now_ms)

    async def stop(self) -> None:
        """End what runs here."""
        await self._runs.stop()

    async def of(self, connection: str) -> tuple[Rehearsal, ...]:
        """Those of a connection, the newest first."""
        return tuple(one for one in self._runs.all() if one.connection == connection)

    async def get(self, connection: str, rehearsal: str) -> Rehearsal:
        """One of them. Raises `NotFound`."""
        found = self._runs.get(rehearsal)
        if found.connection != connection:
            raise NotFound(f"There is no rehearsal {rehearsal[:40]!r} of {connection}.")
        return found

    async def start_rehearsal(self, by: Actor, connection: str, sample: int | None = None) -> Rehearsal:
        """Start one. Raises `NotFound` for an unknown connection, and `TooMany` when enough run here."""
        settings = self.settings()
        if connection not in settings.connections or not is_visible(connection):
            raise NotFound(
                f"There is no connection {connection!r} with all its keys: give it access on both sides first."
            )
        self._runs.refuse_too_many()
        made = Rehearsal(id=new_id(), connection=connection, sample=sample, by=by.name, began_ms=self.now_ms())
        job = RehearsalJob.of(settings, connection=connection, sample=sample)

        def take(found: Mapping[str, Any]) -> str:
            made.result = report = _REPORT.validate_python(found)
            matching = sum(report.matching.values())
            return f"{report.new} new, {matching} matching, {report.conflicting} conflicting"

        work = self._runs.result(by, made, job, WITHIN_SECONDS, "rehearse", {"connection": connection}, take)
        return self._runs.begin(made, work)
