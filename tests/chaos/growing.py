"""A deployment moves to twice as many partitions while everything breaks, by the commands that an operator has.

The command is killed in each state of the move and run again; now and then the move is abandoned first. Workers, gateways and brokers are
killed and frozen meanwhile, workers are started while none may run, and one that was frozen wakes when the move is done.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

from streams.demo.processes import DidNotStart
from streams.messages.growth import grown_prefix
from tests.chaos.commands import run_command
from tests.chaos.history import FROZEN, Deed
from tests.chaos.lost import SLOTS
from tests.chaos.stage import Stage, WorkerProcess
from tests.chaos.supervisor import LOOK_SECONDS, Supervisor
from tests.deadlines import within

FACTOR = 2
STOP_WORKERS, RESTART_GATEWAYS = "stop all workers now", "restart the gateways"
MAY_NOT_RUN = b"no worker may run now"
AGAIN = ("connections have changed", "another command has taken the move over")
"""What the command may say when it ends without having moved anything: it is run again."""
REFUSED, AWAY = 2, 3
GROW_SECONDS = 300.0
READY_SECONDS = 60.0
DRAIN_SECONDS = 60.0
EARLY_SECONDS = 30.0
WAKES_SECONDS = 26.0
"""A frozen worker counts as gone after twenty seconds."""
ABANDONED = 0.5
"""How often a move is abandoned once."""
GATEWAY_STARTS = 30

Act = Callable[[], Awaitable[None]]


def act_of(partitions: int) -> str:
    """How the judge knows a move."""
    return f"the deployment grows to {partitions} partitions"


@dataclass(slots=True)
class Grow:
    """`disturbances` go on all through the move. `failures` are what the command may not do, whatever breaks."""

    stage: Stage
    supervisor: Supervisor
    random: Random
    disturbances: Sequence[Act]
    failures: list[str]
    seen: Counter[str] = field(default_factory=Counter)
    _to: int = 0
    _is_over: bool = False
    _abandons: bool = False
    _stopping: asyncio.Task[None] | None = None
    _gateway: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def grow(self) -> Deed:
        """Move, until the command says that it is done; then workers run again."""
        began, self._to = time.time(), FACTOR * self.stage.settings.kafka.partitions
        self._abandons = self.random.random() < ABANDONED
        disturbing = asyncio.create_task(self._disturb(), name="disturb the move")
        try:
            async with asyncio.timeout(within(GROW_SECONDS)):
                await self._carry_through()
        finally:
            self._is_over = True
            await asyncio.wait([disturbing])
            await self._end_stopping()
            self.supervisor.held -= set(SLOTS)
        disturbing.result()
        before = len(self.stage.workers)
        await self.stage.until(
            lambda: any(one.is_ready and one.is_alive for one in self.stage.workers[before:]),
            READY_SECONDS,
            f"a worker with {self._to} partitions is ready",
        )
        wanted = ("the command was killed", "a worker that was started too early ended itself", "moves done")
        return Deed(act_of(self._to), began, time.time(), {**dict.fromkeys(wanted, 0), **self.seen})

    # -- the command --------------------------------------------------------------------------------------

    async def _carry_through(self) -> None:
        # Killed while it copies, while it waits for the workers, and while it waits for the gateways.
        kills = [("", self.random.uniform(2.0, 7.0)), (STOP_WORKERS, self.random.uniform(0.0, 4.0))]
        kills.append((RESTART_GATEWAYS, self.random.uniform(0.0, 2.0)))
        if self.random.random() < 0.5:
            kills.insert(1, ("", self.random.uniform(2.0, 12.0)))
        while True:
            word, seconds = kills.pop(0) if kills else ("", None)
            if await self._run(word, seconds):
                return
            if self._abandons and word != RESTART_GATEWAYS and self.random.random() < 0.6:
                await self._abandon()
            await asyncio.sleep(self.random.uniform(0.0, 1.0))

    async def _run(self, word: str, seconds: float | None) -> bool:
        """Run it once; kill it so long after it has said this. Returns whether the move is done."""
        config = self._config()
        number = self.seen["the command was run"] = self.seen["the command was run"] + 1
        log, killing, said = self.stage.folder / f"grow{self._to}-{number}.log", None, ""
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "streams.cli", "partitions", "grow", "--to", str(self._to), "--config", config),
            env={**os.environ, **self.stage.environ},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        assert child.stdout is not None
        try:
            with log.open("w") as out:
                if seconds is not None and not word:
                    killing = asyncio.create_task(_kill_later(child, seconds))
                while line := (await child.stdout.readline()).decode():
                    out.write(f"{time.time():.3f} {line}")
                    out.flush()
                    said += line
                    if seconds is not None and word and word in line and killing is None:
                        killing = asyncio.create_task(_kill_later(child, seconds))
                    await self._obey(line)
        finally:
            if killing is not None:
                killing.cancel()
            if child.returncode is None:
                with suppress(ProcessLookupError):
                    child.kill()
            code = await child.wait()
        if code == 0:
            self.seen["moves done"] += 1
        elif code == -signal.SIGKILL:
            self.seen["the command was killed"] += 1
        elif code != AWAY and not (code == REFUSED and any(words in said for words in AGAIN)):
            self.failures.append(f"partitions grow ended with {code}: {said[-600:]}")
        if "Traceback" in said:
            self.failures.append(f"partitions grow ended with a traceback: {said[-600:]}")
        return code == 0

    async def _obey(self, line: str) -> None:
        """Do what it asks an operator to do."""
        if STOP_WORKERS in line and self._stopping is None:
            self._stopping = asyncio.create_task(self._stop_workers(), name="stop the workers")
        prefix = grown_prefix(self.stage.names.prefix, self._to)
        if RESTART_GATEWAYS in line and self.stage.names.prefix != prefix:
            now = self.stage.settings.kafka
            text = self.stage.configuration.replace(f'"{now.topic_prefix}"', f'"{prefix}"')
            text = text.replace(f"\npartitions = {now.partitions}\n", f"\npartitions = {self._to}\n")
            async with self._gateway:
                self.stage.configure(text, self.stage.environ)
            await self._restart_gateway(kills=self.random.random() < 0.5)

    async def _abandon(self) -> None:
        """Give the move up: everything goes on as before, for a moment."""
        await self._end_stopping()
        words = ("partitions", "abandon", "--config", self._config())
        code, said = await run_command(words, self.stage.environ, 60.0)
        if code == 0:
            self._abandons = False
            self.seen["moves abandoned"] += 1
            self.supervisor.held -= set(SLOTS)
            before = len(self.stage.workers)
            with suppress(TimeoutError):
                await self.stage.until(
                    lambda: any(one.is_ready for one in self.stage.workers[before:]), 20.0, "a worker is ready again"
                )
        elif code not in (REFUSED, AWAY) or "Traceback" in said:
            self.failures.append(f"partitions abandon ended with {code}: {said[-600:]}")

    def _config(self) -> str:
        config = self.stage.folder / "grow.toml"
        config.write_text(self.stage.configuration)
        return str(config)

    # -- processes ----------------------------------------------------------------------------------------

    async def _stop_workers(self) -> None:
        """In order, or not. First one is started although none may run: while others are there, the move waits."""
        await self._start_too_early()
        match self.random.choice(("killed", "drained", "frozen")):
            case "killed":
                self.supervisor.kill(*self.stage.alive())
            case "drained":
                await self._drain()
            case "frozen":
                await self._forget_one_frozen()
        deadline = time.monotonic() + within(DRAIN_SECONDS)
        while self.stage.alive() and time.monotonic() < deadline:
            await asyncio.sleep(LOOK_SECONDS)
        self.supervisor.kill(*self.stage.alive())

    async def _drain(self) -> None:
        for one in self.stage.alive():
            happened = self.stage.note("asked to drain", one.instance)
            one.process.terminate()
            with suppress(TimeoutError):
                await self.stage.until(lambda one=one: not one.is_alive, DRAIN_SECONDS, "it ends")
            happened.until = time.time()

    async def _forget_one_frozen(self) -> None:
        """One is frozen until everybody takes it for dead, and wakes in a deployment that has moved, or is about to."""
        ready = self.supervisor.ready()
        sleeper = self.random.choice(ready) if ready else None
        self.supervisor.kill(*(one for one in self.stage.alive() if one is not sleeper))
        if sleeper is None:
            return
        happened = [(pid, self.stage.note(FROZEN, name)) for name, pid in _processes(sleeper)]
        for pid, _ in happened:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(WAKES_SECONDS)
        for pid, note in happened:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
            note.until = time.time()
        self.seen["a worker woke that was taken for dead"] += 1
        await asyncio.sleep(self.random.uniform(1.0, 4.0))
        self.supervisor.kill(sleeper)

    async def _start_too_early(self) -> None:
        """A worker that comes while none may run ends itself, and says why."""
        before, slot = len(self.stage.workers), self.random.randrange(2)
        self.supervisor.held |= set(SLOTS)
        self.supervisor.kill(*(one for one in self.stage.alive() if one.slot == slot))
        self.supervisor.held.discard(slot)
        deadline = time.monotonic() + within(EARLY_SECONDS)
        while not self._is_over and time.monotonic() < deadline:
            if any(one.says(MAY_NOT_RUN) for one in self.stage.workers[before:]):
                self.seen["a worker that was started too early ended itself"] += 1
                break
            await asyncio.sleep(LOOK_SECONDS)
        self.supervisor.held.add(slot)
        self.supervisor.kill(*(one for one in self.stage.alive() if one.slot == slot))

    async def _end_stopping(self) -> None:
        if self._stopping is not None:
            await self._stopping
            self._stopping = None

    async def _restart_gateway(self, *, kills: bool) -> None:
        """With the configuration as it is. One that begins while Kafka is away, or with topics of before, ends and is started again."""
        for _ in range(GATEWAY_STARTS):
            async with self._gateway:
                if kills:
                    await asyncio.to_thread(self.stage.gateway.kill)
                try:
                    await self.stage.restart_gateway()
                    return
                except DidNotStart as error:
                    print(f"the gateway did not start: {str(error)[-200:]}", flush=True)
            await asyncio.sleep(1.0)
        raise DidNotStart("the gateway, again and again")

    async def _disturb(self) -> None:
        """Break something, again and again. Nothing that was begun is left half done."""
        while not self._is_over:
            await asyncio.sleep(self.random.uniform(0.5, 4.0))
            if self.random.random() < 0.2:
                self.stage.note("gateway killed")
                await self._restart_gateway(kills=True)
            elif self.disturbances:
                await self.random.choice(self.disturbances)()


def _processes(worker: WorkerProcess) -> list[tuple[str, int]]:
    """The names and ids of the processes that a worker is."""
    if worker.is_several:
        return [(member.name, member.pid) for member in worker.members if member.code is None]
    return [(worker.instance, worker.process.pid)]


async def _kill_later(child: asyncio.subprocess.Process, seconds: float) -> None:
    await asyncio.sleep(seconds)
    with suppress(ProcessLookupError):
        child.kill()
