"""The adversary: a seeded schedule of everything that can go wrong, and a supervisor that starts what was killed again."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random

from connectors.sandbox.faults import Fault
from tests.chaos.stage import PAIRS, SESSION_SECONDS, Stage, WorkerProcess

STAGES = ("write", "write", "write", "read", "record", "deliver", "fetch", "dedupe")
"""Where traps are set; deliveries to GHL are the most delicate."""
MOST_SUSPENSIONS = 24
TRAP_SECONDS = 12.0
"""A trap that nothing has stepped on by then is taken away: its number is beyond what such a piece of work has."""
LOOK_SECONDS = 0.1


@dataclass(slots=True)
class Adversary:
    """Breaks things until told to stop. `kills` counts workers that died by SIGKILL."""

    stage: Stage
    random: Random
    wanted: int = 2
    kills: int = 0
    done: Counter[str] = field(default_factory=Counter)
    _trap: int = 0
    _held_up: set[int] = field(default_factory=set)
    _seen_dead: set[str] = field(default_factory=set)

    # -- the supervisor -----------------------------------------------------------------------------------

    async def supervise(self) -> None:
        """Keep as many workers running as are wanted, until cancelled."""
        while True:
            self._count_dead()
            taken = {one.slot for one in self.stage.alive()}
            for slot in range(self.wanted):
                if slot not in taken and slot not in self._held_up:
                    self.stage.start_worker(slot)
            await asyncio.sleep(LOOK_SECONDS)

    def _count_dead(self) -> None:
        for one in self.stage.workers:
            if one.is_alive or one.instance in self._seen_dead:
                continue
            self._seen_dead.add(one.instance)
            code = one.process.returncode
            if code == -signal.SIGKILL:
                self.kills += 1
            self.stage.note({-signal.SIGKILL: "killed", 0: "drained"}.get(code, f"ended with {code}"), one.instance)

    async def restart(self, slot: int, *trap: str) -> WorkerProcess | None:
        """Replace a slot's worker by one with a trap."""
        self._held_up.add(slot)
        try:
            for one in self.stage.alive():
                if one.slot == slot:
                    one.process.kill()
                    await asyncio.to_thread(one.process.wait)
            self._count_dead()
            return self.stage.start_worker(slot, *trap)
        finally:
            self._held_up.discard(slot)

    # -- what it does -------------------------------------------------------------------------------------

    async def kill_at_an_await_point(self) -> None:
        """The next await point of the next stage, after some pieces of work have passed."""
        stage = STAGES[self._trap % len(STAGES)]
        number = 1 + (self._trap // len(STAGES) + self._trap) % MOST_SUSPENSIONS
        self._trap += 1
        slot = self.random.randrange(self.wanted)
        trapped = await self.restart(slot, "--kill", f"{stage}:{number}", "--after", str(self.random.randrange(12)))
        deadline = time.monotonic() + TRAP_SECONDS
        while trapped is not None and trapped.is_alive and time.monotonic() < deadline:
            await asyncio.sleep(LOOK_SECONDS)
        if trapped is not None and trapped.is_alive:
            trapped.process.kill()
            self.done["traps without a step"] += 1

    async def kill_at_random(self) -> None:
        """SIGKILL, whenever."""
        await asyncio.sleep(self.random.uniform(0.0, 3.0))
        if alive := self.stage.alive():
            self.random.choice(alive).process.kill()

    async def kill_all(self) -> None:
        """A machine loses power."""
        for one in self.stage.alive():
            one.process.kill()

    async def freeze(self) -> None:
        """SIGSTOP past the session timeout, then SIGCONT: another worker owns everything meanwhile."""
        ready = [one for one in self.stage.alive() if one.is_ready]
        if not ready:
            return
        one = self.random.choice(ready)
        self._held_up.add(one.slot)
        happened = self.stage.note("frozen", one.instance)
        one.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(SESSION_SECONDS * self.random.choice((0.5, 2.0, 2.5)))
        one.process.send_signal(signal.SIGCONT)
        happened.until = time.time()
        self._held_up.discard(one.slot)

    async def drain(self) -> None:
        """SIGTERM: an orderly end under load."""
        ready = [one for one in self.stage.alive() if one.is_ready]
        if ready:
            one = self.random.choice(ready)
            self.stage.note("asked to drain", one.instance)
            one.process.terminate()
            await asyncio.to_thread(one.process.wait, 60)

    async def add_and_remove_a_worker(self) -> None:
        """A third worker joins, and leaves in order."""
        self.wanted = 3
        await asyncio.sleep(self.random.uniform(4.0, 8.0))
        self.wanted = 2
        for one in self.stage.alive():
            if one.slot == 2:
                one.process.terminate()
                await asyncio.to_thread(one.process.wait, 60)

    async def stop_the_broker(self) -> None:
        """In order or not, for a moment or past the session timeout."""
        how = self.random.choice(("stop", "kill"))
        happened = self.stage.note(f"broker {how}")
        await asyncio.to_thread(getattr(self.stage.node, how))
        await asyncio.sleep(self.random.choice((0.0, 1.5 * SESSION_SECONDS)))
        await asyncio.to_thread(self.stage.node.start)
        happened.until = time.time()

    async def trouble_the_vendors(self) -> None:
        """429 storms, 5xx applied or not, drops before and after, answers that never come; for some seconds."""
        r = self.random
        dishes = (
            Fault("status", budget=f"loc{r.randrange(PAIRS)}", status=429, probability=0.7),
            Fault("status", status=r.choice((500, 502, 503)), applies=True, probability=0.15),
            Fault("status", status=503, probability=0.2),
            Fault("drop_before_apply", probability=0.15),
            Fault("drop_after_apply", probability=0.15),
            Fault("drop_after_apply", operation="create-*", probability=0.4),
            Fault("drop_after_apply", operation="upsert-contact", probability=0.4),
            Fault("timeout_after_apply", probability=0.03, seconds=40.0),
            Fault("delay", probability=0.2, seconds=r.uniform(0.2, 2.0)),
        )
        faults = r.sample(dishes, r.randrange(1, 4))
        boxes = [self.stage.ghl.faults] + ([self.stage.lofty.faults] if r.random() < 0.5 else [])
        self.stage.note("vendors troubled", " ".join(sorted({one.kind for one in faults})))
        for box in boxes:
            for fault in faults:
                box.add(fault)
        await asyncio.sleep(r.uniform(2.0, 6.0))
        for box in boxes:
            box.faults[:] = [one for one in box.faults if one.kind == "revoke"]

    async def revoke_a_token(self) -> None:
        """One location's token is refused for a while; the others must not notice."""
        location = f"loc{self.random.randrange(PAIRS)}"
        fault = Fault("revoke", budget=location)
        happened = self.stage.note("token revoked", location)
        self.stage.ghl.faults.add(fault)
        await asyncio.sleep(self.random.uniform(2.0, 6.0))
        self.stage.ghl.faults.faults[:] = [one for one in self.stage.ghl.faults.faults if one is not fault]
        happened.until = time.time()

    async def attack(self, kills: int, seconds: float) -> None:
        """Everything in turns, until there were `kills` kills and `seconds` have passed."""
        menu = (
            (self.kill_at_an_await_point, 10),
            (self.kill_at_random, 5),
            (self.kill_all, 1),
            (self.freeze, 2),
            (self.drain, 1.5),
            (self.add_and_remove_a_worker, 0.7),
            (self.stop_the_broker, 0.5),
            (self.trouble_the_vendors, 4),
            (self.revoke_a_token, 0.7),
        )
        first = [act for act, _ in menu]
        self.random.shuffle(first)
        began = time.monotonic()
        while self.kills < kills or time.monotonic() - began < seconds:
            act = first.pop() if first else self.random.choices([a for a, _ in menu], [w for _, w in menu])[0]
            self.done[act.__name__] += 1
            if act in (self.trouble_the_vendors, self.revoke_a_token):
                # The vendors misbehave while something else happens, too.
                async with asyncio.TaskGroup() as both:
                    both.create_task(act())
                    both.create_task(self.kill_at_an_await_point())
            else:
                await act()
            await self._until_some_are_ready()

    async def _until_some_are_ready(self) -> None:
        """Most attacks hit a system at work: wait until a worker owns something, but not for long."""
        deadline = time.monotonic() + 15
        while not any(one.is_ready for one in self.stage.alive()) and time.monotonic() < deadline:
            await asyncio.sleep(LOOK_SECONDS)
        await asyncio.sleep(self.random.uniform(0.0, 1.0))

    def rest(self) -> None:
        """Break nothing any more."""
        self.stage.ghl.faults.clear()
        self.stage.lofty.faults.clear()
        self.wanted = 2
        for one in self.stage.alive():
            os.kill(one.process.pid, signal.SIGCONT)
