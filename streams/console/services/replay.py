"""Replays: what one would do, running them, and how far each is.

A replay runs in a process of its own beside the gateway that took the order, and notes how far it is on Kafka (`streams.operations.replay`).
When that gateway goes, the replay is `interrupted`; any gateway carries it on by itself once nothing has moved for five
minutes, or at once when somebody says so. Two that carry one on at once do no harm: one of them stops.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from aiokafka.errors import KafkaError

from streams.console.auth.audit_log import Actor, AuditWriter
from streams.console.auth.scope import current_scope, is_visible, no_such_connection, visible
from streams.console.background import BackgroundTask
from streams.console.errors import Conflict, ConsoleError, NotFound, TooMany, WrongInput
from streams.console.services.dry_run import DryRunState, dry_run_of
from streams.console.services.job_process import last_line, result_of, start_process
from streams.console.services.kafka_errors import KafkaTurn, on_kafka
from streams.messages import Replay, Selection
from streams.operations.replay.errors import InvalidReplay
from streams.operations.replay.job import ReplayJob
from streams.operations.replay.runs import Runs
from streams.operations.replay.semantics import MEANING, refusal
from streams.settings import Settings

log = logging.getLogger("lofty_ghl.console")

OF_CONSOLE = " (console)"
"""Ends the name of who ordered it: only those are carried on by gateways, not what somebody stopped in a terminal."""
STALE_MS = 5 * 60_000
CHECK_SECONDS = 20.0
DRY_SECONDS = 300.0
MOST_RUNNING = 2
"""Replays that run beside one gateway at a time: each has a process of 70 MiB, and webhooks come first."""


@dataclass(frozen=True, slots=True)
class ReplayState:
    """One run that applies mappings to existing contacts. `state`: running, stopped, done, or interrupted (its process is gone). `selection` has only what restricts.

    Of `chosen` records, `handed` were sent, `passed` needed nothing, and `left` cannot be applied again. `problem` says why it ended early.
    """

    run: str
    topic: str
    meaning: str
    selection: dict[str, Any]
    by: str
    began_ms: int
    moved_ms: int
    state: str
    chosen: int
    handed: int
    passed: int
    left: int
    problem: str


@dataclass(slots=True)
class _Running:
    process: asyncio.subprocess.Process
    task: asyncio.Task[None]


class Replays(BackgroundTask):
    """Runs replays, and carries on interrupted ones from `start` to `stop`."""

    def __init__(self, settings: Callable[[], Settings], audit: AuditWriter, now_ms: Callable[[], int]) -> None:
        self._settings = settings
        self._audit = audit
        self._now_ms = now_ms
        self._opened: Runs | None = None
        self._lock = KafkaTurn()
        self._running: dict[str, _Running] = {}
        self._problems: dict[str, str] = {}
        self._under_way = 0
        self._tried: dict[str, int] = {}
        self._dry = asyncio.Semaphore(1)

    async def stop(self) -> None:
        """Stop: replays that run here are interrupted. Another gateway carries them on, or this one after its restart."""
        await super().stop()
        for running in list(self._running.values()):
            with suppress(ProcessLookupError):
                running.process.kill()
            await asyncio.gather(running.task, return_exceptions=True)
        if self._opened is not None:
            await self._opened.__aexit__()

    async def all(self) -> tuple[ReplayState, ...]:
        """Every replay that is known, the newest first."""
        return tuple(self._state(one) for one in visible(await self._known(), _connection_of))

    async def dry_run(self, selection: Selection) -> DryRunState:
        """What a replay would do. It may take a minute; one at a time."""
        self._check(selection)
        if self._dry.locked():
            raise TooMany("Somebody else looks here at what would change: wait until that has ended.", 10.0)
        async with self._dry:
            found = await result_of(ReplayJob.of(self._settings(), do="dry-run", selection=selection), DRY_SECONDS)
        return dry_run_of(found)

    async def start_replay(self, by: Actor, selection: Selection, rate: float = 200.0) -> ReplayState:
        """Order a replay. Raises `Conflict` when the same is under way, and `TooMany` when enough others run here."""
        self._check(selection)
        with self._room():
            return await self._start(by, selection, rate)

    async def _start(self, by: Actor, selection: Selection, rate: float) -> ReplayState:
        about = {name: str(value) for name, value in selection.model_dump(exclude_defaults=True).items()}
        async with self._audit.acting(by, "replay", {**about, "rate": f"{rate:g}"}) as result:
            runs = await self._runs()
            same = await on_kafka(lambda: self._unfinished(runs, selection))
            if same is not None and self._state(same).state == "running":
                raise Conflict(f"The same run is under way: {same.run}.")
            new = runs.new(selection, self._now_ms()).model_copy(update={"by": by.name + OF_CONSOLE})
            replay = await on_kafka(lambda: runs.put(new))
            result.detail = f"replay {replay.run}"
            self._carry_on(replay.run, rate)
        return self._state(replay)

    async def resume_replay(self, by: Actor, run: str, rate: float = 200.0) -> ReplayState:
        """Carry one on that was stopped or interrupted. Raises `Conflict` and `TooMany` as `start_replay` does."""
        replay = await self._one(run)
        if replay.state == "done" or run in self._running:
            raise Conflict(f"The run {run} is {'done' if replay.state == 'done' else 'under way'} already.")
        with self._room():
            return await self._resume(by, replay, rate)

    async def _resume(self, by: Actor, replay: Replay, rate: float) -> ReplayState:
        run = replay.run
        async with self._audit.acting(by, "replay resume", {"run": run}):
            runs = await self._runs()
            again = replay.model_copy(update={"state": "running", "moved_ms": self._now_ms()})
            replay = await on_kafka(lambda: runs.put(again))
            self._carry_on(run, rate)
        return self._state(replay)

    async def stop_replay(self, by: Actor, run: str) -> ReplayState:
        """Stop one, wherever it runs: what was handed over goes on, and the rest can be resumed."""
        replay = await self._one(run)
        if replay.state != "running":
            raise Conflict(f"The run {run} is {replay.state} already.")
        async with self._audit.acting(by, "replay stop", {"run": run}):
            here = self._running.get(run)
            if here is not None:
                here.process.terminate()
                await asyncio.wait([here.task], timeout=15)
            else:
                # Whoever carries it on sees our name in it, and stops.
                runs = await self._runs()
                stopped = replay.model_copy(update={"state": "stopped", "moved_ms": self._now_ms()})
                await on_kafka(lambda: runs.put(stopped))
        return self._state(await self._one(run))

    def _check(self, selection: Selection) -> None:
        problem = refusal(selection)
        if problem:
            raise WrongInput(f"This cannot be applied again: {problem}.")
        if not selection.connection and current_scope().is_limited:
            raise WrongInput("Choose one of your connections.")
        known = self._settings().connections
        if selection.connection and (selection.connection not in known or not is_visible(selection.connection)):
            raise no_such_connection(selection.connection)

    async def _unfinished(self, runs: Runs, selection: Selection) -> Replay | None:
        await self._catch_up(runs)
        return runs.unfinished(selection)

    async def _known(self) -> tuple[Replay, ...]:
        runs = await self._runs()
        await on_kafka(lambda: self._catch_up(runs))
        return runs.all()

    async def _one(self, run: str) -> Replay:
        await self._known()
        with suppress(InvalidReplay):
            found = (await self._runs()).get(run)
            if is_visible(_connection_of(found)):
                return found
        raise NotFound(f"There is no run {run[:40]!r}.")

    async def _catch_up(self, runs: Runs) -> None:
        async with self._lock:
            await runs.catch_up()

    async def _runs(self) -> Runs:
        async with self._lock:
            if self._opened is None:
                runs = Runs(self._settings())
                await on_kafka(runs.__aenter__)
                self._opened = runs
            return self._opened

    def _state(self, one: Replay) -> ReplayState:
        state = str(one.state)
        is_silent = one.run not in self._running and self._now_ms() - one.moved_ms > STALE_MS
        if state == "running" and is_silent:
            state = "interrupted"
        selection = one.selection.model_dump(exclude_defaults=True)
        return ReplayState(
            run=one.run,
            topic=one.selection.topic,
            meaning=MEANING.get(one.selection.topic, ""),
            selection=selection,
            by=one.by,
            began_ms=one.began_ms,
            moved_ms=one.moved_ms,
            state=state,
            chosen=one.chosen,
            handed=one.handed,
            passed=one.passed,
            left=one.left,
            problem=self._problems.get(one.run, ""),
        )

    @contextmanager
    def _room(self) -> Iterator[None]:
        """Room for one that is carried on inside; it is free again when that has ended. Raises `TooMany` when there is none."""
        if self._under_way >= MOST_RUNNING:
            raise TooMany(f"{MOST_RUNNING} runs are under way here: wait until one has ended.", 30.0)
        self._under_way += 1
        try:
            yield
        except BaseException:
            self._under_way -= 1
            raise

    def _carry_on(self, run: str, rate: float) -> None:
        self._problems.pop(run, None)
        task = asyncio.create_task(self._run_replay(run, rate))
        task.add_done_callback(self._ended)

    def _ended(self, done: asyncio.Task[None]) -> None:
        self._under_way -= 1
        if not done.cancelled():
            done.exception()  # it was logged, and is nobody's to raise

    async def _run_replay(self, run: str, rate: float) -> None:
        job = ReplayJob.of(self._settings(), do="run", run=run, rate=rate)
        process = await start_process(job)
        task = asyncio.current_task()
        assert task is not None  # this is one
        self._running[run] = _Running(process, task)
        try:
            found = await last_line(process)
            if "problem" in found:
                self._problems[run] = str(found["problem"])
                log.warning("replay %s ended early: %s", run, found["problem"])
        finally:
            del self._running[run]

    def _in_turn(self, known: tuple[Replay, ...]) -> list[Replay]:
        """Those first that were not tried lately: what ends early again and again keeps no other from its turn."""
        self._tried = {one.run: self._tried[one.run] for one in known if one.run in self._tried}
        return sorted(known, key=lambda one: self._tried.get(one.run, 0))

    async def _run(self) -> None:
        while True:
            try:
                for one in self._in_turn(await self._known()):
                    if self._under_way >= MOST_RUNNING:
                        break  # the others are carried on after these
                    if one.by.endswith(OF_CONSOLE) and self._state(one).state == "interrupted":
                        log.warning("replay %s was interrupted, and is carried on", one.run)
                        with self._room():
                            self._tried[one.run] = self._now_ms()
                            self._carry_on(one.run, 200.0)
                        await asyncio.sleep(1.0)
            except (ConsoleError, KafkaError) as error:
                log.warning("cannot check for interrupted replays, trying again in %.0f s: %s", CHECK_SECONDS, error)
            await asyncio.sleep(CHECK_SECONDS)


def _connection_of(replay: Replay) -> str:
    """Its connection; one of several is nobody's who is limited."""
    return replay.selection.connection
