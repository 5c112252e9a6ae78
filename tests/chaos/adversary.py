"""The adversary: a seeded schedule of everything that can go wrong."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

from connectors.sandbox.shared.faults import FaultBox, SandboxFault
from tests.chaos.answers import Answers
from tests.chaos.desk import Desk
from tests.chaos.growing import FACTOR, Grow, act_of
from tests.chaos.guests import GOES, STAYS, Guests
from tests.chaos.history import FROZEN, Deed
from tests.chaos.lost import Lost
from tests.chaos.operator import Operator
from tests.chaos.outages import How, Outages
from tests.chaos.stage import PAIRS, PARTITIONS, SESSION_SECONDS, Stage, WorkerProcess, edit_mapping
from tests.chaos.storage import Storage
from tests.chaos.strange import Strange
from tests.chaos.supervisor import LOOK_SECONDS, Supervisor

DRAIN_SECONDS = 60.0
READY_SECONDS = 20.0
TRAPS_IN_A_ROW = 6
TROUBLES_AT_ONCE = 3
SECONDS_A_TRAP = 20.0

Act = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Adversary:
    """Breaks things. `done` counts what it did, `failures` are what no property covers and must not be all the same."""

    stage: Stage
    supervisor: Supervisor
    operator: Operator
    random: Random
    load: Desk
    takes_guests: bool = True
    """Whether connections come and change by chance, too."""
    deeds: list[Deed] = field(default_factory=list)
    strange: Strange = field(init=False)
    guests: Guests = field(init=False)
    done: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    _troubles: list[SandboxFault] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.strange = Strange(self.stage, self.random)
        self.guests = Guests(self.stage, self.load, self.random)

    # -- what a run plans, each once ----------------------------------------------------------------------------

    async def take_kafka_away(self, how: How, seconds: float) -> None:
        """Longer than any single request waits, perhaps."""
        self.deeds.append(await Outages(self.stage, self.load, self.random).take_away(how, seconds))

    async def mangle_answers(self) -> None:
        """Both vendors answer what is no good answer."""
        await self._deed("answers are mangled", Answers(self.stage, self.load, self.random).mangle())

    async def put_garbage_on_topics(self) -> None:
        """A stranger who may write."""
        await self._deed("garbage on topics", _counted("records", self.strange.on_topics()))

    async def send_garbage_to_the_gateway(self) -> None:
        """Signed, or by the secret path."""
        await self._deed("garbage at the gateway", _counted("answered 200", self.strange.at_the_gateway()))

    async def write_what_is_too_large(self) -> None:
        """Two leads get a task that no record holds."""
        found: list[tuple[int, int]] = []
        while len(found) < 2:  # this may be the very first act
            await asyncio.sleep(LOOK_SECONDS)
            found = [(9000 + pair, lead) for pair in range(PAIRS) for lead in self.load.leads(9000 + pair)]
        chosen = self.random.sample(found, 2)
        await self._deed("tasks that are too large", _counted("parked", self.strange.too_large(chosen)))

    async def damage_a_store(self) -> None:
        """While its worker is down."""
        await self._deed("a store is damaged", Storage(self.stage, self.supervisor, self.random).damage())

    async def fill_the_disk(self) -> None:
        """Of one worker."""
        await self._deed("a disk is full", Storage(self.stage, self.supervisor, self.random).fill_the_disk())

    async def delete_a_changelog(self) -> None:
        """While all workers are down."""
        await self._deed("a changelog is deleted", Lost(self.stage, self.supervisor, self.random).delete_a_changelog())

    async def add_connections(self) -> None:
        """One that stays, and one that goes. Workers that run take them over, and die meanwhile."""
        for number in (STAYS, GOES):
            await self._guest("a connection is added", self.guests.add(number, self._disturb))

    async def remove_a_connection(self) -> None:
        """Its agents go on."""
        await self.add_connections()
        await self._guest("a connection is removed", self.guests.remove(self._disturb))

    async def _guest(self, act: str, work: Coroutine[Any, Any, Deed | None]) -> None:
        happened = self.stage.note(act)
        if (deed := await work) is not None:
            self.deeds.append(deed)
            print(f"{deed.act}, {deed.until - deed.at:.0f} s: {dict(deed.seen)}", flush=True)
        happened.until = time.time()

    async def _disturb(self) -> None:
        """While workers take an edit over."""
        await asyncio.sleep(self.random.uniform(0.0, 1.5))
        await self.random.choice(
            (self.kill_all, self.kill_at_random, partial(self.kill_at_await_points, 2), self.freeze, self.drain)
        )()

    async def grow(self) -> None:
        """The deployment moves to more partitions."""
        disturbances: list[Act] = [
            self.kill_all,
            self.kill_at_random,
            self.freeze,
            self.drain,
            self.stop_the_broker,
            self.trouble_the_vendors,
            self.ask_for_a_replay,
        ]
        move = Grow(self.stage, self.supervisor, self.random, disturbances, self.failures)
        await self._guest("partitions are added", move.grow())

    def plan(self, outages: Sequence[tuple[How, float]], grows: int = 0) -> tuple[list[Act], list[str]]:
        """What is done once each, in a random order, and by which names the judge looks for it. Moves are spread over the run."""
        acts: dict[str, Act] = {
            "answers are mangled": self.mangle_answers,
            "garbage on topics": self.put_garbage_on_topics,
            "garbage at the gateway": self.send_garbage_to_the_gateway,
            "tasks that are too large": self.write_what_is_too_large,
            "a store is damaged": self.damage_a_store,
            "a changelog is deleted": self.delete_a_changelog,
            f"connection pair{STAYS} is added": self.add_connections,
            f"connection pair{GOES} is removed": self.remove_a_connection,
            f"connection pair{STAYS} is changed": self.change_a_connection,
            f"connection pair{STAYS} is paused": self.pause_a_connection,
        }
        if self.stage.disk is not None:
            acts["a disk is full"] = self.fill_the_disk
        else:
            print("no full disk: this machine lets us mount nothing (it takes root, or sudo without a password)")
        who = "kafka" if len(self.stage.nodes) == 1 else "one of three brokers"
        acts |= {f"{who} {how} for {s:.0f} s": partial(self.take_kafka_away, how, s) for how, s in outages}
        order = list(acts.values())
        self.random.shuffle(order)
        for number in range(grows):
            order.insert((number + 1) * len(acts) // (grows + 1) + number, self.grow)
        return order, [*acts, *(act_of(PARTITIONS * FACTOR ** (number + 1)) for number in range(grows))]

    async def _deed(self, act: str, work: Coroutine[Any, Any, dict[str, int]]) -> None:
        happened = self.stage.note(act)
        seen = await work
        happened.until = time.time()
        self.deeds.append(Deed(act, happened.at, happened.until, seen))
        print(
            f"{act}, {happened.until - happened.at:.0f} s: {', '.join(f'{k} {n}' for k, n in seen.items())}", flush=True
        )

    # -- what is done again and again ---------------------------------------------------------------------------

    async def kill_at_await_points(self, traps: int = TRAPS_IN_A_ROW) -> None:
        """Every worker that starts gets a trap at the next await point, until some of them are settled."""
        until, deadline = self.supervisor.settled + traps, time.monotonic() + traps * SECONDS_A_TRAP
        self.supervisor.sets_traps = True
        self.supervisor.kill(*self.stage.alive())
        while self.supervisor.settled < until and time.monotonic() < deadline:
            await asyncio.sleep(LOOK_SECONDS)
        self.supervisor.sets_traps = False

    async def kill_at_random(self) -> None:
        """SIGKILL, whenever."""
        await asyncio.sleep(self.random.uniform(0.0, 2.0))
        if alive := self.stage.alive():
            self.supervisor.kill_some(self.random.choice(alive))

    async def kill_all(self) -> None:
        """A machine loses power."""
        self.supervisor.kill(*self.stage.alive())

    async def freeze(self) -> None:
        """SIGSTOP past the session timeout, or not quite, then SIGCONT: another worker owns everything meanwhile."""
        if not (ready := self.supervisor.ready()):
            return
        one = self.random.choice(ready)
        running = [(member.name, member.pid) for member in one.members if member.code is None]
        name, pid = self.random.choice(running) if running else (one.instance, one.process.pid)
        happened = self.stage.note(FROZEN, name)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            await asyncio.sleep(SESSION_SECONDS * self.random.choice((0.5, 2.0, 2.5)))
            os.kill(pid, signal.SIGCONT)
        happened.until = time.time()

    async def drain(self) -> None:
        """SIGTERM: an orderly end under load."""
        if ready := self.supervisor.ready():
            await self._drain(self.random.choice(ready))

    async def add_and_remove_a_worker(self) -> None:
        """A third worker joins, and leaves in order."""
        self.supervisor.wanted = 3
        await asyncio.sleep(self.random.uniform(5.0, 9.0))
        self.supervisor.wanted = 2
        for one in self.stage.alive():
            if one.slot == 2:
                await self._drain(one)

    async def stop_the_broker(self) -> None:
        """In order or not, for a moment or past the session timeout."""
        how, node = self.random.choice(("stop", "kill")), self.random.choice(self.stage.nodes)
        happened = self.stage.note(f"broker {how}")
        await asyncio.to_thread(getattr(node, how))
        await asyncio.sleep(self.random.choice((0.0, 1.5 * SESSION_SECONDS)))
        await asyncio.to_thread(node.start)
        happened.until = time.time()

    async def trouble_the_vendors(self) -> None:
        """429 storms, 5xx applied or not, refusals, drops before and after, answers that never come: all of them in turns."""
        faults: list[SandboxFault] = []
        while len(faults) < TROUBLES_AT_ONCE:
            if not self._troubles:
                self._troubles = _troubles(self.random)
            faults.append(self._troubles.pop())
        boxes = [self.stage.ghl.faults] + ([self.stage.lofty.faults] if self.random.random() < 0.5 else [])
        await self._with_faults(boxes, faults)

    async def revoke_a_token(self) -> None:
        """One location's token is refused for a while; the others must not notice."""
        await self._with_faults(
            [self.stage.ghl.faults], [SandboxFault("revoke", budget=f"loc{self.random.randrange(PAIRS)}")]
        )

    async def ask_for_a_replay(self) -> None:
        """An operator replays something, and the next attacks meet it."""
        await self.operator.ask_for_a_replay()

    async def edit_a_mapping(self) -> None:
        """Workers that run take it over, one after another, and die meanwhile; then everything is replayed under it."""
        happened = self.stage.note("mapping edited")
        await edit_mapping(self.stage)
        happened.until = time.time()
        await asyncio.sleep(self.random.uniform(0.0, 3.0))
        await self.random.choice(
            (self.kill_all, self.kill_at_random, partial(self.kill_at_await_points, 2), self.freeze)
        )()
        self.operator.begin_to_replay_everything()

    async def change_a_connection(self) -> None:
        """It gets another mapping; then everything is replayed under it."""
        await self.add_connections()
        await self._guest("a connection is changed", self.guests.change(STAYS))
        await self._disturb()
        self.operator.begin_to_replay_everything()

    async def pause_a_connection(self) -> None:
        """What its agents do meanwhile is written when it goes on."""
        await self.add_connections()
        await self._guest("a connection is paused", self.guests.pause(STAYS, self._disturb))

    async def rest(self) -> None:
        """Stop breaking things."""
        self.stage.ghl.faults.clear()
        self.stage.lofty.faults.clear()
        self.supervisor.wanted, self.supervisor.sets_traps = 2, False

    async def attack(self, kills: int, seconds: float, once: Sequence[Act] = (), *, does_all: bool = True) -> None:
        """Everything in turns, until there were `kills` kills and `seconds` have passed.

        `once` are things that are done once each, beside those of the menu, of which each is done once at least if it `does_all`.
        """
        menu: dict[Act, float] = {
            self.kill_at_await_points: 6,
            self.kill_at_random: 4,
            self.kill_all: 1,
            self.freeze: 2,
            self.drain: 1,
            self.add_and_remove_a_worker: 0.5,
            self.stop_the_broker: 0.5,
            self.trouble_the_vendors: 3,
            self.revoke_a_token: 0.5,
            self.ask_for_a_replay: 4,
            self.edit_a_mapping: 0.5,
        }
        if self.takes_guests:
            menu |= {self.change_a_connection: 0.3, self.pause_a_connection: 0.5}
        first = [*menu, *once, self.trouble_the_vendors, self.ask_for_a_replay] if does_all else [*once]
        self.random.shuffle(first)
        enough, until = self.supervisor.kills + kills, time.monotonic() + seconds
        while first or self.supervisor.kills < enough or time.monotonic() < until:
            act = first.pop() if first else self.random.choices(list(menu), list(menu.values()))[0]
            self.done[act.func.__name__ if isinstance(act, partial) else act.__name__] += 1
            await act()
            await self._until_some_are_ready()

    async def _with_faults(self, boxes: list[FaultBox], faults: list[SandboxFault]) -> None:
        happened = self.stage.note("faults", detail="; ".join(str(one) for one in faults))
        for box in boxes:
            box.faults += faults
        await asyncio.sleep(self.random.uniform(2.0, 5.0))
        if self.random.random() < 0.5:
            await self.kill_at_await_points(2)
        for box in boxes:
            box.faults[:] = [one for one in box.faults if one not in faults]
        happened.until = time.time()

    async def _drain(self, one: WorkerProcess) -> None:
        happened = self.stage.note("asked to drain", one.instance)
        one.process.terminate()
        try:
            await asyncio.to_thread(one.process.wait, DRAIN_SECONDS)
        except subprocess.TimeoutExpired:
            self.failures.append(f"{one.instance} was asked to drain and did not end within {DRAIN_SECONDS:.0f} s")
            await ask_what_waits(one)
            self.supervisor.kill(one)
        happened.until = time.time()

    async def _until_some_are_ready(self) -> None:
        """Most attacks hit a system at work: wait until a worker owns something, but not for long."""
        deadline = time.monotonic() + READY_SECONDS
        while not self.supervisor.ready() and time.monotonic() < deadline:
            await asyncio.sleep(LOOK_SECONDS)
        await asyncio.sleep(self.random.uniform(0.0, 1.0))


def _troubles(random: Random) -> list[SandboxFault]:
    """One of each kind of trouble, shuffled."""
    one_location = f"loc{random.randrange(PAIRS)}"
    found = [
        SandboxFault("status", budget=one_location, status=429, probability=0.7),
        SandboxFault("status", status=random.choice((500, 502, 503)), applies=True, probability=0.15),
        SandboxFault("status", status=503, probability=0.2),
        SandboxFault("drop_before_apply", probability=0.15),
        SandboxFault("drop_after_apply", probability=0.15),
        SandboxFault("drop_after_apply", operation="create-*", probability=0.4),
        SandboxFault("drop_after_apply", operation="create-contact", probability=0.4),
        SandboxFault("timeout_after_apply", probability=0.05, seconds=40.0),
        SandboxFault("status", operation="update-*", status=422, probability=0.2),
        SandboxFault("delay", probability=0.2, seconds=random.uniform(0.2, 2.0)),
    ]
    random.shuffle(found)
    return found


async def _counted(what: str, work: Coroutine[Any, Any, int]) -> dict[str, int]:
    return {what: await work}


async def ask_what_waits(*workers: WorkerProcess) -> None:
    """Let workers write into their logs what they have in hand, and where they are."""
    for one in workers:
        for pid in one.pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGUSR1)
                os.kill(pid, signal.SIGUSR2)
    await asyncio.sleep(1.0)
