"""Runs in processes of their own beside the gateway: how many, how they end, and who sees them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import pytest

from streams.console.auth.audit_log import Actor, AuditWriter, Result
from streams.console.auth.scope import Scope, put_in_force
from streams.console.errors import NotFound, TooMany, Unavailable
from streams.console.services import process_runs
from streams.console.services.process_runs import MOST_RUNNING, ProcessRun, ProcessRuns
from streams.console.services.run_records import CUT_OFF
from streams.core.run_history import KEPT
from streams.operations.process_job import ProcessJob
from tests.unit.streams.console.run_log import FakeTopic

BY = Actor("ann", "operator", "page", "127.0.0.1")


@dataclass(slots=True, kw_only=True)
class Trial(ProcessRun):
    """A run of this test."""

    kind: ClassVar[str] = "trial"


def a_run(name: str, connection: str = "acme") -> Trial:
    """A run of a test."""
    return Trial(id=name, connection=connection, by="ann", began_ms=0)


class Audit:
    """What an audit log would say."""

    def __init__(self) -> None:
        self.said: list[str] = []

    @asynccontextmanager
    async def acting(self, by: Actor, action: str, about: Mapping[str, str]) -> AsyncIterator[Result]:
        """As the writer's."""
        result = Result()
        yield result
        self.said.append(f"{by.name} {action} {about['connection']}: {result.detail}")


def runs_of(audit: Audit | None = None) -> ProcessRuns[Trial]:
    """The runs of a gateway at 7 ms."""
    return ProcessRuns("rehearsal", Trial, FakeTopic().log(), cast(AuditWriter, audit or Audit()), lambda: 7)


async def nothing() -> None:
    """Work that ends at once."""


async def failing(error: Exception) -> None:
    """Work that fails."""
    raise error


async def test_the_newest_are_kept_and_what_runs_is_never_forgotten() -> None:
    """Twenty of them, however many have ended."""
    runs, may_end = runs_of(), asyncio.Event()
    begun = runs.begin(a_run("first"), may_end.wait())
    for number in range(KEPT + 5):
        runs.begin(a_run(f"r{number}"), nothing())
        await runs.wait(f"r{number}")
    known = [run.id for run in await runs.all()]
    may_end.set()
    await runs.wait("first")

    assert (sorted(known), len(known)) == (sorted(["first", *(f"r{number}" for number in range(6, KEPT + 5))]), KEPT)
    assert (begun.ended_ms, (await runs.get("first")).is_running) == (7, False)
    with pytest.raises(NotFound, match="no rehearsal 'r0'"):
        await runs.get("r0")


async def test_only_two_run_at_a_time() -> None:
    """A third is refused with the time after which to ask again, and one that ended makes room."""
    runs, may_end = runs_of(), asyncio.Event()
    for number in range(MOST_RUNNING):
        runs.refuse_too_many()
        runs.begin(a_run(f"r{number}"), may_end.wait())
    with pytest.raises(TooMany, match="Two rehearsals are under way"):
        runs.refuse_too_many()
    may_end.set()
    for number in range(MOST_RUNNING):
        await runs.wait(f"r{number}")
    await asyncio.sleep(0)  # the task's own callbacks run after it
    runs.refuse_too_many()


async def test_a_failure_ends_a_run_in_words() -> None:
    """Those of the console are for people; of everything else the log has the details."""
    runs = runs_of()
    told = runs.begin(a_run("told"), failing(Unavailable("Kafka is away.")))
    defect = runs.begin(a_run("defect"), failing(KeyError("secret")))
    await runs.wait("told")
    await runs.wait("defect")
    assert (told.problem, told.ended_ms) == ("Kafka is away.", 7)
    assert (defect.problem, defect.ended_ms) == ("It failed. The gateway's log says why.", 7)


async def test_stopping_ends_what_runs() -> None:
    """A gateway that stops leaves no run under way."""
    runs = runs_of()
    run = runs.begin(a_run("r"), asyncio.Event().wait())
    await asyncio.sleep(0)
    await runs.stop()
    assert (run.is_running, run.is_cut_off, run.problem) == (False, True, CUT_OFF)


async def test_a_run_of_somebody_elses_connection_is_not_there() -> None:
    """Neither in the list nor by its id, in the words for one that does not exist."""
    runs = runs_of()
    for connection in ("acme", "beta"):
        runs.begin(a_run(f"of-{connection}", connection), nothing())

    async def as_of_beta() -> tuple[list[str], str]:
        put_in_force(Scope.of(["beta"]))
        with pytest.raises(NotFound) as refused:
            await runs.get("of-acme")
        return [run.id for run in await runs.all()], refused.value.words

    seen, words = await asyncio.create_task(as_of_beta())
    with pytest.raises(NotFound) as unknown:
        await runs.get("of-none")
    assert seen == ["of-beta"]
    assert words.replace("of-acme", "of-none") == unknown.value.words


async def test_progress_and_result_of_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run shows how far it is, and the audit log has the result in a few words."""

    async def result_of(
        job: ProcessJob, seconds: float, on_progress: Callable[[Mapping[str, Any]], None]
    ) -> dict[str, Any]:
        on_progress({"doing": "leads", "done": 3, "of": 9})
        return {"new": 3}

    monkeypatch.setattr(process_runs, "result_of", result_of)
    audit, run = Audit(), a_run("r")
    runs = runs_of(audit)
    job = ProcessJob(config="", bootstrap="", topic_prefix="")
    work = runs.result(BY, run, job, 1.0, "rehearse", {"connection": "acme"}, lambda found: f"{found['new']} new")
    runs.begin(run, work)
    await runs.wait("r")
    assert (run.doing, run.done, run.of, run.problem) == ("leads", 3, 9, "")
    assert audit.said == ["ann rehearse acme: 3 new"]
