"""Keeps as many workers running as are wanted: what has ended is started again at once, with a trap when traps are set."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

from tests.chaos.await_points import AwaitPoints
from tests.chaos.history import ENDED, KILLED
from tests.chaos.several import TRAPPED, Member
from tests.chaos.stage import Stage, WorkerProcess
from tests.chaos.trap import TOO_FAR
from tests.deadlines import within

LOOK_SECONDS = 0.1
TRAP_SECONDS = 10.0
"""A trap that nothing has stepped on, so long after its worker was ready, is taken away."""
START_SECONDS = within(40)
"""And so long after its worker was started, whether it ever was ready or not."""


@dataclass(slots=True)
class Supervisor:
    """`kills` counts workers that died by SIGKILL at work: they owned partitions, or were at an await point of their work.

    `ends` counts all others, by what they ended of.
    """

    stage: Stage
    random: Random
    wanted: int = 2
    sets_traps: bool = False
    held: set[int] = field(default_factory=set)
    """Slots in which nothing is started."""
    kills: int = 0
    trapped: int = 0
    """How many of the kills were at an await point that was asked for."""
    settled: int = 0
    """How many traps were stepped on, or taken away."""
    ends: Counter[str] = field(default_factory=Counter)
    starts: list[float] = field(default_factory=list)
    """For each worker that became ready: how many seconds it took."""
    points: AwaitPoints = field(default_factory=AwaitPoints)
    _traps: dict[str, tuple[str, int]] = field(default_factory=dict)
    _ready: dict[str, float] = field(default_factory=dict)
    _ours: set[str] = field(default_factory=set)
    _dead: set[str] = field(default_factory=set)

    async def supervise(self) -> None:
        """Work until cancelled."""
        while True:
            self._look()
            taken = {one.slot for one in self.stage.alive()}
            for slot in range(self.wanted):
                if slot not in taken and slot not in self.held:
                    self._start(slot)
            await asyncio.sleep(LOOK_SECONDS)

    def kill(self, *workers: WorkerProcess) -> None:
        """SIGKILL, from outside."""
        for one in workers:
            self._ours.add(one.instance)
            one.process.kill()

    def kill_some(self, one: WorkerProcess) -> None:
        """SIGKILL for a worker, or for one of its processes: the product's supervisor starts that again."""
        running = [member for member in one.members if member.code is None]
        if not running or self.random.random() < 0.3:
            self.kill(one)
            return
        member = self.random.choice(running)
        self._ours.add(member.name)
        with suppress(ProcessLookupError):
            os.kill(member.pid, signal.SIGKILL)

    def ready(self) -> list[WorkerProcess]:
        """The workers that run, and own partitions."""
        return [one for one in self.stage.alive() if one.is_ready]

    def _start(self, slot: int) -> None:
        if not self.sets_traps:
            self.stage.start_worker(slot)
            return
        stage, point = self.points.take()
        after = str(self.random.randrange(12))
        one = self.stage.start_worker(slot, "--kill", f"{stage}:{point}", "--after", after)
        self._traps[one.instance] = (stage, point)

    def _look(self) -> None:
        now = time.monotonic()
        for one in self.stage.workers:
            if one.instance in self._dead:
                continue
            self._look_at_members(one)
            if not one.is_alive:
                self._dead.add(one.instance)
                self._tell_dead(one)
            elif one.instance not in self._ready and one.is_ready:
                self._ready[one.instance] = now
                self.starts.append(now - one.began)
            elif one.instance in self._traps:
                self._look_at_trap(one, now)

    def _look_at_members(self, one: WorkerProcess) -> None:
        """What ended below a supervisor that goes on; with one that is dead, all that it has not seen end."""
        is_alive = one.is_alive
        for member in one.members:
            if member.name in self._dead or (member.code is None and is_alive):
                continue
            self._dead.add(member.name)
            if member.code is None:
                self.stage.note(KILLED, member.name, "with its supervisor")
            elif member.code == -signal.SIGKILL:
                self._tell_killed(one, member)
            elif member.code:
                self.ends[f"ended with {member.code}"] += 1
                self.stage.note(ENDED, member.name, f"exit code {member.code}", member.ended)

    def _tell_killed(self, one: WorkerProcess, member: Member) -> None:
        where, self.kills = "at random", self.kills + 1
        if member.name.endswith(TRAPPED) and (trap := self._traps.pop(one.instance, None)):
            if member.name in self._ours:
                self.points.give_back(*trap)
            else:
                self.trapped += 1
                self.settled += 1
                self.points.stepped(*trap)
                where = f"at {trap[0]}:{trap[1]}"
        self.stage.note(KILLED, member.name, where, member.ended)

    def _tell_dead(self, one: WorkerProcess) -> None:
        code = one.process.returncode
        trap = self._traps.pop(one.instance, None)
        if code != -signal.SIGKILL:
            self.ends["drained" if code == 0 else f"ended with {code}"] += 1
            self.stage.note("drained" if code == 0 else ENDED, one.instance, f"exit code {code}")
            if trap:
                self.points.give_back(*trap)
            return
        where = "at random"
        if trap and one.instance in self._ours:
            self.points.give_back(*trap)
        elif trap:
            self.trapped += 1
            self.settled += 1
            self.points.stepped(*trap)
            where = f"at {trap[0]}:{trap[1]}"
        if one.is_ready or where != "at random":
            self.kills += 1
        else:
            where = "while it started"
            self.ends["killed while they started"] += 1
        self.stage.note(KILLED, one.instance, where)

    def _look_at_trap(self, one: WorkerProcess, now: float) -> None:
        """Take away what nobody will step on; its worker is killed all the same."""
        is_over = now - self._ready.get(one.instance, now) > TRAP_SECONDS or now - one.began > START_SECONDS
        is_too_far = one.says(TOO_FAR.encode())
        if not (is_over or is_too_far):
            return
        (self.points.too_far if is_too_far else self.points.missed)(*self._traps.pop(one.instance))
        self.settled += 1
        self.kill(one)
