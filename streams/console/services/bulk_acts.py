"""One act on many connections: pause, resume, compare, or read fields and users again; with what came of each.

The connections take their turns beside the requests of the gateway that was asked; every gateway shows what came of it. The audit
log has each act by itself, as if somebody had done it on that connection alone.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, get_args

from streams.console.auth.audit_log import Actor
from streams.console.auth.scope import Scope, current_scope, is_visible, no_such_connection
from streams.console.errors import ConsoleError, NotFound, TooMany, WrongInput
from streams.console.services.connection_edits import ConnectionEdits
from streams.console.services.locations import Locations
from streams.console.services.process_runs import until_read
from streams.console.services.run_records import CUT_OFF, RunFacts, RunOutcome, record_of, restored
from streams.console.services.verifications import Verifications, outcome_words
from streams.core.run_history import KEPT
from streams.operations.runs.run_log import RunLog
from streams.settings import Settings

log = logging.getLogger("lofty_ghl.console")

BulkAct = Literal["pause", "resume", "compare", "refresh"]
ACTS: tuple[BulkAct, ...] = get_args(BulkAct)
Outcome = Literal["waiting", "running", "done", "differs", "skipped", "failed"]

MOST_RUNNING = 4
MOST_CONNECTIONS = 1_000
RETRY_SECONDS = 1.0


@dataclass(slots=True)
class BulkRow:
    """One connection. `words` say what came of it; `verification` is the comparison that was made.

    `differs`: the comparison ended, and GHL is not as it should be. `skipped`: there was nothing to do.
    """

    connection: str
    label: str
    outcome: Outcome = "waiting"
    words: str = ""
    verification: str = ""


@dataclass(slots=True, kw_only=True)
class BulkRun(RunFacts):
    """One act on some connections; under way until `ended_ms`. `is_cut_off`: its gateway has stopped, and the rest was not done."""

    kind: ClassVar[str] = "bulk"

    act: BulkAct
    rows: tuple[BulkRow, ...]

    def concerned(self) -> tuple[str, ...]:
        """Its connections."""
        return tuple(row.connection for row in self.rows)

    def outcome(self) -> RunOutcome:
        """What came of it, for the history."""
        counts = Counter(row.outcome for row in self.rows)
        words = ", ".join(f"{counts[one]} {_WORDS[one]}" for one in _WORDS if counts[one])
        return RunOutcome(words, bool(counts["failed"] or counts["differs"]))

    def only(self, scope: Scope) -> BulkRun | None:
        """With the connections of a scope; None where there are none."""
        rows = tuple(row for row in self.rows if scope.includes(row.connection))
        return replace(self, rows=rows) if rows else None


_WORDS: dict[Outcome, str] = {
    "done": "done",
    "differs": "differ",
    "skipped": "left as they were",
    "failed": "failed",
    "running": "under way",
    "waiting": "not done",
}


@dataclass(slots=True)
class BulkActs:
    """The newest of all gateways; each runs beside the one that was asked."""

    settings: Callable[[], Settings]
    runs: RunLog
    edits: ConnectionEdits
    verifications: Verifications
    locations: Locations
    now_ms: Callable[[], int]
    _own: dict[str, BulkRun] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def stop(self) -> None:
        """End what runs here."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def get(self, run: str) -> BulkRun:
        """One run, with the connections that whoever asks may see. Raises `NotFound`."""
        scope, found = current_scope(), self._own.get(run)
        if found is None:
            await until_read(self.runs)
            record = self.runs.history.runs.get(run)
            found = (
                restored(record, BulkRun, self.now_ms()) if record is not None and record.kind == BulkRun.kind else None
            )
        seen = found.only(scope) if found is not None else None
        if seen is None:
            raise NotFound(f"There is no run {run[:40]!r}. The newest {KEPT} are kept; the audit has all acts.")
        return seen

    async def start(self, by: Actor, act: BulkAct, connections: Collection[str]) -> BulkRun:
        """Start one. Raises `NotFound` for an unknown connection, before anything is done."""
        chosen = dict.fromkeys(connections)
        if not 0 < len(chosen) <= MOST_CONNECTIONS:
            raise WrongInput(f"Choose between one and {MOST_CONNECTIONS} connections.")
        if sum(run.is_running for run in self._own.values()) >= MOST_RUNNING:
            raise TooMany("Several acts on many connections are under way here: wait until one has ended.", 10.0)
        rows = tuple([await self._row(connection) for connection in chosen])
        run = BulkRun(id=uuid.uuid4().hex[:8], act=act, by=by.name, began_ms=self.now_ms(), rows=rows)
        self._own[run.id] = run
        for old in [one.id for one in self._own.values() if not one.is_running][: max(0, len(self._own) - KEPT)]:
            del self._own[old]
        self.runs.keep(run.id, lambda: record_of(run))
        task = asyncio.create_task(self._run(by, run), name=f"bulk {run.id}")
        self._tasks.add(task)
        task.add_done_callback(lambda _: self._end(task, run))
        return run

    def _end(self, task: asyncio.Task[None], run: BulkRun) -> None:
        self._tasks.discard(task)
        run.ended_ms = self.now_ms()
        if task.cancelled():
            run.is_cut_off, run.problem = True, CUT_OFF

    async def _row(self, connection: str) -> BulkRow:
        if not is_visible(connection):
            raise no_such_connection(connection)
        served = self.settings().connections.get(connection)
        return BulkRow(connection, served.label if served is not None else (await self.edits.get(connection)).label)

    async def _run(self, by: Actor, run: BulkRun) -> None:
        acts = {"pause": self._pause, "resume": self._resume, "compare": self._compare, "refresh": self._refresh}
        for row in run.rows:
            row.outcome = "running"
            try:
                row.outcome, row.words = await acts[run.act](by, row)
            except ConsoleError as error:
                row.outcome, row.words = "failed", error.words
            except Exception:
                log.exception("%s of %s failed", run.act, row.connection)
                row.outcome, row.words = "failed", "It failed. The gateway's log says why."

    async def _pause(self, by: Actor, row: BulkRow) -> tuple[Outcome, str]:
        found = await self.edits.get(row.connection)
        if found.managed == "file":
            return "skipped", "It is changed in the configuration file."
        if found.settings.get("paused") is True:
            return "skipped", "It was paused already."
        await self.edits.pause(by, row.connection, (), found.version)
        return "done", "Paused. What comes in waits."

    async def _resume(self, by: Actor, row: BulkRow) -> tuple[Outcome, str]:
        found = await self.edits.get(row.connection)
        if found.managed == "file":
            return "skipped", "It is changed in the configuration file."
        if not found.settings.get("paused"):
            return "skipped", "It was not paused."
        await self.edits.resume(by, row.connection, found.version)
        return "done", "It goes on. What waited is written now."

    async def _compare(self, by: Actor, row: BulkRow) -> tuple[Outcome, str]:
        while True:
            try:
                made = await self.verifications.start_verification(by, row.connection)
                break
            except TooMany:  # others compare, too
                await asyncio.sleep(RETRY_SECONDS)
        row.verification = made.id
        await self.verifications.wait(made.id)
        if made.result is None:
            return "failed", made.problem
        if not made.result.is_right:
            return "differs", f"{outcome_words(made.result)}; {made.result.leads} leads read.".capitalize()
        return "done", f"All is as it should be: {made.result.leads} leads."

    async def _refresh(self, by: Actor, row: BulkRow) -> tuple[Outcome, str]:
        found = await self.locations.refresh(by, row.connection)
        return "done", f"{found.custom_fields} custom fields and {found.users} users were read."
