"""Rehearsals: what an import of a connection's leads would do in GoHighLevel, on real data and without writing anything.

Each runs in a process of its own beside the gateway that was asked; every gateway shows it. The workers read both sides, within
their limits and after all other work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from pydantic import TypeAdapter

from streams.console.auth.audit_log import Actor, AuditWriter
from streams.console.auth.scope import is_visible
from streams.console.errors import NotFound
from streams.console.services.process_runs import ProcessRun, ProcessRuns, new_id
from streams.console.services.run_records import RunOutcome, bounded, short
from streams.operations.rehearsal.job import RehearsalJob
from streams.operations.rehearsal.report import LeadSides, RehearsalReport
from streams.operations.runs.run_log import RunLog
from streams.settings import Settings

WITHIN_SECONDS = 6 * 3600.0
MOST_LISTED = 200
"""Leads and encounters in each list of a rehearsal."""
_REPORT = TypeAdapter(RehearsalReport)


@dataclass(slots=True, kw_only=True)
class Rehearsal(ProcessRun):
    """One run: under way until `result` or `problem` is there. `sample` of the leads, the oldest, or all where it is null.

    `done` of `of` are done of what it is `doing`; `of` is 0 while it is not known. `is_cut_off`: the gateway that ran it has stopped.
    """

    kind: ClassVar[str] = "rehearsal"

    sample: int | None
    result: RehearsalReport | None = None

    def outcome(self) -> RunOutcome:
        """What came of it, for the history."""
        found = self.result
        if found is None:
            return RunOutcome()
        counts = {"read": found.leads, "unchanged": found.unchanged, "refused": sum(found.refused.values())}
        return RunOutcome(outcome_words(found), found.has_questions, counts)


@dataclass(slots=True)
class Rehearsals:
    """The newest of all gateways; each runs beside the one that was asked."""

    settings: Callable[[], Settings]
    runs: RunLog
    audit: AuditWriter
    now_ms: Callable[[], int]
    _runs: ProcessRuns[Rehearsal] = field(init=False)

    def __post_init__(self) -> None:
        self._runs = ProcessRuns("rehearsal", Rehearsal, self.runs, self.audit, self.now_ms)

    async def stop(self) -> None:
        """End what runs here."""
        await self._runs.stop()

    async def of(self, connection: str) -> tuple[Rehearsal, ...]:
        """Those of a connection, the newest first."""
        return await self._runs.all(connection)

    async def get(self, connection: str, rehearsal: str) -> Rehearsal:
        """One of them. Raises `NotFound`."""
        found = await self._runs.get(rehearsal)
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
            made.result = report_from(found)
            return outcome_words(made.result)

        work = self._runs.result(by, made, job, WITHIN_SECONDS, "rehearse", {"connection": connection}, take)
        return self._runs.begin(made, work)


def report_from(found: Mapping[str, Any]) -> RehearsalReport:
    """From the report as JSON, with what is shown of it."""
    report = _REPORT.validate_python(found)
    return bounded(replace(report, sides=tuple(map(_short, report.sides))), _shorter, MOST_LISTED)


def outcome_words(report: RehearsalReport) -> str:
    """What the audit log says of it."""
    matching = sum(report.matching.values())
    return f"{report.new} new, {matching} matching, {report.conflicting} conflicting"


def _short(sides: LeadSides) -> LeadSides:
    fields = tuple(replace(one, lofty=short(one.lofty), ghl=short(one.ghl)) for one in sides.fields)
    return replace(sides, fields=fields)


def _shorter(report: RehearsalReport, most: int) -> RehearsalReport:
    """With so many in each list, and how many encounters there are besides."""
    left_out = sum(max(0, len(listed) - most) for listed in (report.conflicts, report.alike))
    return replace(
        report,
        sides=report.sides[:most],
        conflicts=report.conflicts[:most],
        alike=report.alike[:most],
        unlisted=report.unlisted + left_out,
    )
