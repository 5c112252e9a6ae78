"""Work that runs in a process of its own beside this gateway, which keeps the newest twenty runs in memory. The audit log has who ordered which."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from streams.console.auth.audit_log import Actor, AuditWriter
from streams.console.auth.scope import is_visible
from streams.console.errors import ConsoleError, NotFound, TooMany
from streams.console.services.job_process import result_of
from streams.operations.process_job import ProcessJob

log = logging.getLogger("lofty_ghl.console")

KEPT = 20
MOST_RUNNING = 2
"""Runs of one sort beside one gateway at a time: each has a process, and webhooks come first."""


@dataclass(slots=True, kw_only=True)
class ProcessRun:
    """One run: under way until `ended_ms` is set. `done` of `of` are done of what it is `doing`; `of` is 0 while it is not known.

    `connection` is the one that it is about. Where it is empty, it is for everybody, and its service filters what was found.
    """

    id: str
    connection: str
    by: str
    began_ms: int
    doing: str = ""
    done: int = 0
    of: int = 0
    ended_ms: int = 0
    problem: str = ""

    @property
    def is_running(self) -> bool:
        """Whether it is under way."""
        return not self.ended_ms


R = TypeVar("R", bound=ProcessRun)


def new_id() -> str:
    """The id of a run."""
    return uuid.uuid4().hex[:8]


@dataclass(slots=True)
class ProcessRuns(Generic[R]):
    """The newest twenty of one sort. `what` is what people call one, such as "comparison"."""

    what: str
    audit: AuditWriter
    now_ms: Callable[[], int]
    _known: dict[str, R] = field(default_factory=dict)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def stop(self) -> None:
        """End what runs here."""
        for task in list(self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def all(self) -> tuple[R, ...]:
        """Those that are known and that whoever asks may see, the newest first."""
        return tuple(run for run in reversed(self._known.values()) if _is_shown(run))

    def get(self, run: str) -> R:
        """One of them. Raises `NotFound`."""
        found = self._known.get(run)
        if found is None or not _is_shown(found):
            raise NotFound(
                f"There is no {self.what} {run[:40]!r} here. Each gateway knows its own, until it is restarted: start another one."
            )
        return found

    async def wait(self, run: str) -> None:
        """Until one has ended."""
        task = self._tasks.get(run)
        if task is not None:
            await asyncio.wait([task])

    def refuse_too_many(self) -> None:
        """Raises `TooMany` when enough run here."""
        if len(self._tasks) >= MOST_RUNNING:
            raise TooMany(f"Two {self.what}s are under way here: wait until one has ended.", 10.0)

    def begin(self, run: R, work: Awaitable[None]) -> R:
        """Keep a run, and do its work in the background."""
        self._known[run.id] = run
        for old in [one.id for one in self._known.values() if not one.is_running][: max(0, len(self._known) - KEPT)]:
            del self._known[old]
        task = self._tasks[run.id] = asyncio.create_task(self._do(run, work), name=f"{self.what} {run.id}")
        task.add_done_callback(lambda _: self._tasks.pop(run.id, None))
        return run

    async def result(
        self,
        by: Actor,
        run: R,
        job: ProcessJob,
        seconds: float,
        action: str,
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
        except ConsoleError as error:
            run.problem = error.words
        except Exception:
            log.exception("a %s failed", self.what)
            run.problem = "It failed. The gateway's log says why."
        finally:
            run.ended_ms = self.now_ms()


def _is_shown(run: ProcessRun) -> bool:
    return is_visible(run.connection) or not run.connection


def _move(run: ProcessRun, progress: Mapping[str, Any]) -> None:
    run.doing, run.done, run.of = str(progress["doing"]), int(progress["done"]), int(progress["of"])
