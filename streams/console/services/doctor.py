"""Checks of everything, as `lofty-ghl doctor` makes them: each runs beside the requests of the gateway that was asked; every gateway shows it.

They are made on that gateway, so the disk and the clock are its own. Nothing is written but the line in the audit.
Who sees some connections only has the vendors asked for these alone, and sees the lines about these alone, whoever started the check.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import ClassVar

from streams.console.auth.audit_log import Actor, AuditWriter
from streams.console.auth.scope import Scope, current_scope
from streams.console.errors import NotFound
from streams.console.services.process_runs import ProcessRun, ProcessRuns, new_id
from streams.console.services.run_records import RunOutcome, bounded
from streams.operations.doctor.check_result import CheckResult, Level
from streams.operations.doctor.run import examine
from streams.operations.runs.run_log import RunLog
from streams.settings import Settings

AT_ONCE = 4
"""Checks at a time: webhooks come first."""
MOST_BYTES = 512 * 1024
"""What is kept of a check. There are few of them, and a line for each connection and thing."""


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One thing that was looked at: how it is, and `to_do` where it is not as it should be.

    `connection` is the id of the one that it is about; empty where it is about the deployment. `away`: the storage or a vendor does not
    answer. `not looked at`: the check needs something that is away, or took too long.
    """

    check: str
    subject: str
    connection: str
    level: Level
    says: str
    to_do: str


@dataclass(slots=True, kw_only=True)
class DoctorRun(ProcessRun):
    """One check of everything: under way until `result` or `problem` is there. `done` of `of` checks have ended.

    `more` lines about what is well are not kept. `connections` are those whose vendors were asked; null for all. `by` is empty for somebody who sees some connections only.
    """

    kind: ClassVar[str] = "doctor"

    connection: str = ""
    connections: tuple[str, ...] | None = None
    result: tuple[CheckLine, ...] | None = None
    more: int = 0

    def concerned(self) -> tuple[str, ...]:
        """Those whose vendors were asked; none for all."""
        return self.connections or ()

    def outcome(self) -> RunOutcome:
        """What came of it, for the history."""
        if self.result is None:
            return RunOutcome()
        return RunOutcome(counts_words(self.result), any(one.level not in ("ok", "warning") for one in self.result))


@dataclass(slots=True)
class Doctor:
    """The newest of all gateways; each runs beside the one that was asked."""

    settings: Callable[[], Settings]
    runs: RunLog
    audit: AuditWriter
    now_ms: Callable[[], int]
    _runs: ProcessRuns[DoctorRun] = field(init=False)

    def __post_init__(self) -> None:
        self._runs = ProcessRuns("check", DoctorRun, self.runs, self.audit, self.now_ms)

    async def stop(self) -> None:
        """End what runs here."""
        await self._runs.stop()

    async def all(self) -> tuple[DoctorRun, ...]:
        """Those that are known, the newest first, as far as whoever asks may see them."""
        scope = current_scope()
        return tuple(seen for run in await self._runs.all() if (seen := for_reader(run, scope)) is not None)

    async def get(self, run: str) -> DoctorRun:
        """One of them, as far as whoever asks may see it. Raises `NotFound`."""
        scope = current_scope()
        found = for_reader(await self._runs.get(run), scope)
        if found is None:
            raise NotFound(f"There is no check {run[:40]!r} of connections that you see.")
        return found

    async def start_check(self, by: Actor) -> DoctorRun:
        """Check everything, or the connections that whoever asks may see. Raises `TooMany` when enough run here."""
        scope = current_scope()
        self._runs.refuse_too_many()
        made = DoctorRun(id=new_id(), by=by.name, began_ms=self.now_ms(), connections=scope.listed)
        return for_reader(self._runs.begin(made, self._check(by, made)), scope) or made

    async def _check(self, by: Actor, run: DoctorRun) -> None:
        only = run.connections

        def move(done: int, of: int) -> None:
            run.done, run.of = done, of

        about = {"connection": only[0]} if only is not None and len(only) == 1 else {}
        async with self.audit.acting(by, "doctor", about) as outcome:
            found = await examine(self.settings(), only=only, at_once=AT_ONCE, on_progress=move)
            lines = tuple(map(_line, found.verdicts))
            run.result = bounded(lines, most_telling, len(lines), MOST_BYTES)
            run.more = len(lines) - len(run.result)
            outcome.detail = counts_words(lines)


def most_telling(lines: tuple[CheckLine, ...], most: int) -> tuple[CheckLine, ...]:
    """So many of some lines, in their order: what is well is left out first."""
    ranked = sorted(range(len(lines)), key=lambda number: lines[number].level == "ok")
    return tuple(lines[number] for number in sorted(ranked[:most]))


def for_reader(run: DoctorRun, scope: Scope) -> DoctorRun | None:
    """A check as somebody may see it: the lines about their connections. None where it asked for none of these."""
    if not scope.is_limited:
        return run
    connections = scope.listed if run.connections is None else tuple(filter(scope.includes, run.connections))
    if not connections:
        return None
    lines = None if run.result is None else tuple(one for one in run.result if scope.includes(one.connection))
    return replace(run, by="", connections=connections, result=lines, more=0)


def counts_words(lines: Iterable[CheckLine]) -> str:
    """How much is not as it should be, for the audit."""
    levels = [one.level for one in lines]
    wrong, unsure = levels.count("wrong") + levels.count("away"), levels.count("not looked at")
    return f"{wrong} wrong, {levels.count('warning')} warnings, {unsure} not checked"


def _line(found: CheckResult) -> CheckLine:
    to_do = "" if found.level == "ok" else found.mend
    return CheckLine(found.check, found.subject, found.connection, found.level, found.says, to_do)
