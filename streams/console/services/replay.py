"""Replays: what one would do, running them, and how far each is.

A replay runs in a process of its own beside the gateway that took the order, and notes how far it is on Kafka (`streams.operations.replay`).
When that gateway goes, the replay is `interrupted`; any gateway carries it on by itself once nothing has moved for five
minutes, or at once when somebody says so. Two that carry one on at once do no harm: one of them stops.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiokafka.errors import KafkaError

from streams.console.auth.audit_log import Actor, Audit
from streams.console.errors import Conflict, ConsoleError, NotFound, NotNow, TooMany, WrongInput
from streams.console.services.kafka_errors import on_kafka
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
LOOK_SECONDS = 20.0
DRY_SECONDS = 300.0
MOST_RUNNING = 2
"""Replays that run beside one gateway at a time: each has a process of 70 MiB, and webhooks come first."""


@dataclass(frozen=True, slots=True)
class ReplayState:
    """One replay. `state`: running, stopped, done, or interrupted (its process is gone). `selection` has only what restricts.

    Of `chosen` records `handed` went on, `passed` needed nothing and `left` cannot go on; `problem` says why it ended early.
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


@dataclass(frozen=True, slots=True)
class DryStep:
    """One request that would be sent, with its fields."""

    step: str
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DryExample:
    """One entity as an example."""

    entity: str
    verdict: str
    because: str
    was_parked: bool
    steps: tuple[DryStep, ...]
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DryConnection:
    """What would become of one connection's snapshots. `requests` to GHL; `fields` counts what would be written."""

    name: str
    verdicts: dict[str, int]
    requests: int
    steps: dict[str, int]
    fields: dict[str, int]
    flags: dict[str, int]
    new_fields: tuple[str, ...]
    parked: int
    examples: tuple[DryExample, ...]


@dataclass(frozen=True, slots=True)
class DryRunState:
    """What a replay would do; no vendor was asked. `other_mapping` are connections whose workers have another mapping in force."""

    topic: str
    meaning: str
    chosen: int
    connections: tuple[DryConnection, ...]
    counts: dict[str, int]
    left: dict[str, str]
    other_mapping: tuple[str, ...]
    unreadable: int
    minutes: float
    seconds: float


@dataclass(slots=True)
class _Running:
    process: asyncio.subprocess.Process
    task: asyncio.Task[None]


@dataclass(slots=True)
class _Open:
    runs: Runs | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Replays:
    """`start_watching` and `stop_watching`."""

    def __init__(self, settings: Settings, audit: Audit, now_ms: Callable[[], int]) -> None:
        self._settings = settings
        self._audit = audit
        self._now_ms = now_ms
        self._open = _Open()
        self._running: dict[str, _Running] = {}
        self._problems: dict[str, str] = {}
        self._under_way = 0
        self._tried: dict[str, int] = {}
        self._dry = asyncio.Semaphore(1)
        self._task: asyncio.Task[None] | None = None

    def start_watching(self) -> None:
        """Carry on what was interrupted, from now on."""
        self._task = asyncio.create_task(self._watch())

    async def stop_watching(self) -> None:
        """End: replays that run here are interrupted, and carried on by another gateway, or this one after its restart."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        for one in list(self._running.values()):
            with suppress(ProcessLookupError):
                one.process.kill()
            await asyncio.gather(one.task, return_exceptions=True)
        if self._open.runs is not None:
            await self._open.runs.__aexit__()

    async def all(self) -> tuple[ReplayState, ...]:
        """Every replay that is known, the newest first."""
        return tuple(self._state(one) for one in await self._known())

    async def dry_run(self, selection: Selection) -> DryRunState:
        """What a replay would do. It may take a minute; one at a time."""
        self._check(selection)
        if self._dry.locked():
            raise TooMany("Another dry run is under way here: wait until it has ended.", 10.0)
        async with self._dry:
            found = await self._process(ReplayJob.of(self._settings, do="dry-run", selection=selection), DRY_SECONDS)
        return _dry(found)

    async def start(self, by: Actor, selection: Selection, rate: float = 200.0) -> ReplayState:
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
                raise Conflict(f"The same replay is under way: {same.run}.")
            new = runs.new(selection, self._now_ms()).model_copy(update={"by": by.name + OF_CONSOLE})
            replay = await on_kafka(lambda: runs.put(new))
            result.detail = f"replay {replay.run}"
            self._carry_on(replay.run, rate)
        return self._state(replay)

    async def resume(self, by: Actor, run: str, rate: float = 200.0) -> ReplayState:
        """Carry one on that was stopped or interrupted. Raises `Conflict` and `TooMany` as `start` does."""
        replay = await self._one(run)
        if replay.state == "done" or run in self._running:
            raise Conflict(f"Replay {run} is {'done' if replay.state == 'done' else 'under way'} already.")
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

    async def stop(self, by: Actor, run: str) -> ReplayState:
        """Stop one, wherever it runs: what was handed over goes on, and the rest can be resumed."""
        replay = await self._one(run)
        if replay.state != "running":
            raise Conflict(f"Replay {run} is {replay.state} already.")
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
            raise WrongInput(f"This cannot be replayed: {problem}.")
        if selection.connection and selection.connection not in self._settings.connections:
            raise NotFound(f"There is no connection {selection.connection!r}.")

    async def _unfinished(self, runs: Runs, selection: Selection) -> Replay | None:
        await self._catch_up(runs)
        return runs.unfinished(selection)

    async def _known(self) -> tuple[Replay, ...]:
        runs = await self._runs()
        await on_kafka(lambda: self._catch_up(runs))
        return runs.all()

    async def _one(self, run: str) -> Replay:
        await self._known()
        try:
            return (await self._runs()).get(run)
        except InvalidReplay:
            raise NotFound(f"There is no replay {run[:40]!r}.") from None

    async def _catch_up(self, runs: Runs) -> None:
        async with self._open.lock:
            await runs.catch_up()

    async def _runs(self) -> Runs:
        async with self._open.lock:
            if self._open.runs is None:
                runs = Runs(self._settings)
                await on_kafka(runs.__aenter__)
                self._open.runs = runs
            return self._open.runs

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
            raise TooMany(f"{MOST_RUNNING} replays are under way here: wait until one has ended.", 30.0)
        self._under_way += 1
        try:
            yield
        except BaseException:
            self._under_way -= 1
            raise

    def _carry_on(self, run: str, rate: float) -> None:
        self._problems.pop(run, None)
        task = asyncio.create_task(self._run(run, rate))
        task.add_done_callback(self._ended)

    def _ended(self, done: asyncio.Task[None]) -> None:
        self._under_way -= 1
        if not done.cancelled():
            done.exception()  # it was logged, and is nobody's to raise

    async def _run(self, run: str, rate: float) -> None:
        job = ReplayJob.of(self._settings, do="run", run=run, rate=rate)
        process = await _begin(job)
        task = asyncio.current_task()
        assert task is not None  # this is one
        self._running[run] = _Running(process, task)
        try:
            found = await _result(process)
            if "problem" in found:
                self._problems[run] = str(found["problem"])
                log.warning("replay %s ended early: %s", run, found["problem"])
        finally:
            del self._running[run]

    async def _process(self, job: ReplayJob, seconds: float) -> dict[str, Any]:
        process = await _begin(job)
        try:
            async with asyncio.timeout(seconds):
                found = await _result(process)
        except TimeoutError:
            raise NotNow(f"It was not done within {seconds:.0f} s: choose less at a time.") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if "problem" in found:
            raise (WrongInput if found["kind"] == "InvalidReplay" else NotNow)(str(found["problem"]))
        result: dict[str, Any] = found["result"]
        return result

    def _in_turn(self, known: tuple[Replay, ...]) -> list[Replay]:
        """Those first that were not tried lately: what ends early again and again keeps no other from its turn."""
        self._tried = {one.run: self._tried[one.run] for one in known if one.run in self._tried}
        return sorted(known, key=lambda one: self._tried.get(one.run, 0))

    async def _watch(self) -> None:
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
                log.warning("replays cannot be watched now: %s", error)
            await asyncio.sleep(LOOK_SECONDS)


async def _begin(job: ReplayJob) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "streams.operations.replay"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=64 * 1024 * 1024,
    )
    assert process.stdin is not None  # a pipe was asked for
    process.stdin.write(job.model_dump_json().encode() + b"\n")
    with suppress(ConnectionError):
        await process.stdin.drain()
    return process


async def _result(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None  # as above
    last = b""
    async for line in process.stdout:
        last = line
    code = await process.wait()
    try:
        found = orjson.loads(last)
    except orjson.JSONDecodeError:
        found = {"problem": f"its process ended with code {code}", "kind": "Process"}
    return found if isinstance(found, dict) else {"problem": "its process said nothing", "kind": "Process"}


def _dry(found: dict[str, Any]) -> DryRunState:
    return DryRunState(
        topic=found["topic"],
        meaning=found["meaning"],
        chosen=found["chosen"],
        connections=tuple(_dry_connection(name, one) for name, one in found["connections"].items()),
        counts=found["counts"],
        left=found["left"],
        other_mapping=tuple(found["other_mapping_in_force"]),
        unreadable=found["unreadable"],
        minutes=found["minutes_at_the_limits"],
        seconds=found["seconds"],
    )


def _dry_connection(name: str, one: dict[str, Any]) -> DryConnection:
    examples = tuple(
        DryExample(
            *(example["entity"], example["verdict"], example["because"], example["was_parked"]),
            tuple(DryStep(step["step"], step["fields"]) for step in example["steps"]),
            tuple(example["flags"]),
        )
        for example in one["examples"]
    )
    return DryConnection(
        *(name, one["verdicts"], one["requests"], one["steps"], one["fields"], one["flags"]),
        *(tuple(one["new_fields"]), one["parked"], examples),
    )
