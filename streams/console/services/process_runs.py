"""Work that runs in a process of its own beside the gateway that was asked for it. Every gateway shows it, by the topic `runs`.

The audit log has who ordered which.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from streams.console.auth.audit_actions import Action
from streams.console.auth.audit_log import Actor, AuditWriter
from streams.console.auth.scope import current_scope, is_visible
from streams.console.errors import ConsoleError, NotFound, TooMany
from streams.console.services.job_process import result_of
from streams.console.services.kafka_errors import seconds_left, unreachable
from streams.console.services.run_records import CUT_OFF, RunFacts, RunOutcome, record_of, restored
from streams.core.run_history import KEPT
from streams.messages.run import Run
from streams.operations.process_job import ProcessJob
from streams.operations.runs.run_log import RunLog

log = logging.getLogger("lofty_ghl.console")

MOST_RUNNING = 2
"""Runs of one sort beside one gateway at a time: each has a process, and webhooks come first."""
MOST_SHOWN = 50
FIRST_READ_SECONDS = 10.0


@dataclass(slots=True, kw_only=True)
class ProcessRun(RunFacts):
    """One run: under way until `ended_ms` is set. `done` of `of` are done of what it is `doing`; `of` is 0 while it is not known.

    `connection` is the one that it is about. Where it is empty, it is for everybody, and its service filters what was found.
    """

    kind: ClassVar[str]

    connection: str

    def concerned(self) -> tuple[str, ...]:
        """Its connection; none where it is for everybody."""
        return (self.connection,) if self.connection else ()

    def outcome(self) -> RunOutcome:
        """What came of it, for the history."""
        return RunOutcome()


R = TypeVar("R", bound=ProcessRun)


def new_id() -> str:
    """The id of a run."""
    return uuid.uuid4().hex[:8]


async def until_read(runs: RunLog) -> None:
    """Wait until the runs of all gateways are known here. Raises `Unavailable`."""
    if not await runs.until_read(seconds_left(FIRST_READ_SECONDS)):
        raise unreachable(runs.followed.problem)


@dataclass(slots=True)
class ProcessRuns(Generic[R]):
    """The runs of one sort. `what` is what people call one, such as "comparison"."""

    what: str
    sort: type[R]
    runs: RunLog
    audit: AuditWriter
    now_ms: Callable[[], int]
    _own: dict[str, R] = field(default_factory=dict)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def stop(self) -> None:
        """End what runs here."""
        for task in list(self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def all(self, connection: str = "", most: int = MOST_SHOWN) -> tuple[R, ...]:
        """The newest that whoever asks may see, of one connection or of all."""
        await until_read(self.runs)
        found: list[R] = []
        scope = current_scope()
        for run in self._newest_first():
            if len(found) == most:
                break
            of = run.connections if isinstance(run, Run) else run.concerned()
            is_meant = connection in of if connection else not of or any(map(scope.includes, of))
            if is_meant and (one := self._as_sort(run)) is not None and _is_shown(one):
                found.append(one)
        return tuple(found)

    async def get(self, run: str) -> R:
        """One of them. Raises `NotFound`, and `Unavailable` while only the runs of this gateway are known."""
        found = self._own.get(run)
        if found is None:
            await until_read(self.runs)
            record = self.runs.history.runs.get(run)
            found = self._as_sort(record) if record is not None and record.kind == self.sort.kind else None
        if found is None or not _is_shown(found):
            raise NotFound(
                f"There is no {self.what} {run[:40]!r}. The newest {KEPT} of each connection are kept: start another one."
            )
        return found

    async def wait(self, run: str) -> None:
        """Until one has ended that runs here."""
        task = self._tasks.get(run)
        if task is not None:
            await asyncio.wait([task])

    def refuse_too_many(self) -> None:
        """Raises `TooMany` when enough run here."""
        if len(self._tasks) >= MOST_RUNNING:
            raise TooMany(f"Two {self.what}s are under way here: wait until one has ended.", 10.0)

    def begin(self, run: R, work: Awaitable[None]) -> R:
        """Keep a run, and do its work in the background."""
        self._own[run.id] = run
        for old in [one.id for one in self._own.values() if not one.is_running][: max(0, len(self._own) - KEPT)]:
            del self._own[old]
        self.runs.keep(run.id, lambda: record_of(run))
        task = self._tasks[run.id] = asyncio.create_task(self._do(run, work), name=f"{self.what} {run.id}")
        task.add_done_callback(lambda _: self._tasks.pop(run.id, None))
        return run

    async def result(
        self,
        by: Actor,
        run: R,
        job: ProcessJob,
        seconds: float,
        action: Action,
        about: dict[str, str],
        take: Callable[[Mapping[str, Any]], str],
    ) -> None:
        """Do a job in a process of its own. `take` takes its result, and says it in a few words for the audit log."""
        async with self.audit.acting(by, action, about) as outcome:
            found = await result_of(job, seconds, lambda progress: _move(run, progress))
            outcome.detail = take(found)

    async def _do(self, run: R, work: Awaitable[None]) -> None:
        try:
            await work
        except asyncio.CancelledError:
            run.is_cut_off, run.problem = True, CUT_OFF
            raise
        except ConsoleError as error:
            run.problem = error.words
        except Exception:
            log.exception("a %s failed", self.what)
            run.problem = "It failed. The gateway's log says why."
        finally:
            run.ended_ms = self.now_ms()

    def _newest_first(self) -> Iterator[R | Run]:
        """Those of this gateway as they are now, the others as they were written."""
        others = (
            run for run in self.runs.history.runs.values() if run.kind == self.sort.kind and run.id not in self._own
        )
        found: list[R | Run] = [*reversed(self._own.values()), *others]
        return iter(sorted(found, key=lambda run: run.began_ms, reverse=True))

    def _as_sort(self, run: R | Run) -> R | None:
        return restored(run, self.sort, self.now_ms()) if isinstance(run, Run) else run


def _is_shown(run: ProcessRun) -> bool:
    return is_visible(run.connection) or not run.connection


def _move(run: ProcessRun, progress: Mapping[str, Any]) -> None:
    run.doing, run.done, run.of = str(progress["doing"]), int(progress["done"]), int(progress["of"])
