"""One run: attack, change the configuration, attack again while everything is replayed under it, let it rest, judge."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from streams.messages import Entity
from tests.chaos.adversary import Act, Adversary, ask_what_waits
from tests.chaos.desk import Desk
from tests.chaos.growing import FACTOR
from tests.chaos.history import judge, save
from tests.chaos.operator import Operator
from tests.chaos.outages import How
from tests.chaos.record import parked_now, read_history, read_topics, until_still
from tests.chaos.stage import PARTITIONS, Stage, change_mapping, set_stage
from tests.chaos.supervisor import Supervisor

TELL_SECONDS = 10.0
FIRST_SECONDS = 60.0
SHORT_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a run: at least `kills` kills, in at least `seconds`, at `rate` edits a second."""

    seed: int
    kills: int
    seconds: float
    rate: float
    outages: tuple[float, ...] = ()
    """For how many seconds Kafka is killed and frozen. Without any, one of 20 s, in either way."""

    brokers: int = 1
    processes: int = 1
    """How many processes each worker is."""
    grows: int = 0
    """How often the deployment moves to twice as many partitions."""

    def ways(self) -> list[tuple[How, float]]:
        """Every outage."""
        if not self.outages:
            return [(random.Random(self.seed).choice(("killed", "frozen")), SHORT_SECONDS)]
        return [(how, seconds) for seconds in self.outages for how in ("killed", "frozen")]


@dataclass(frozen=True, slots=True)
class Company:
    """Who takes part in a run. `background` are tasks of which none may end before the run does."""

    stage: Stage
    desk: Desk
    supervisor: Supervisor
    operator: Operator
    adversary: Adversary
    background: tuple[asyncio.Task[None], ...]
    planned: list[str]
    """What is to be done once at least."""

    async def attack(
        self, kills: int, seconds: float, once: Sequence[Act], rate: float, *, does_all: bool = True
    ) -> None:
        """Break things while agents edit."""
        work = asyncio.create_task(self.desk.work(rate), name="desk")
        try:
            await guarded(self.adversary.attack(kills, seconds, once, does_all=does_all), work, *self.background)
        finally:
            work.cancel()
            await asyncio.wait([work])

    @contextlib.asynccontextmanager
    async def edited(self, rate: float) -> AsyncIterator[None]:
        """Agents edit meanwhile."""
        work = asyncio.create_task(self.desk.work(rate), name="desk")
        try:
            yield
        finally:
            work.cancel()
            await asyncio.wait([work])
        if not work.cancelled():
            work.result()


Script = Callable[[Company, Plan], Coroutine[Any, Any, None]]
"""What is done in a run, until everything is to come to rest."""


async def attack_twice(company: Company, plan: Plan) -> None:
    """Attack, change the configuration, attack again."""
    once, company.planned[:] = company.adversary.plan(plan.ways(), plan.grows)
    half = len(once) // 2
    await company.attack(plan.kills // 2, plan.seconds / 2, once[:half], plan.rate)
    await _change_mapping(company.stage, company.adversary)
    await company.attack(plan.kills - plan.kills // 2, plan.seconds / 2, once[half:], plan.rate)


async def run(
    folder: Path,
    plan: Plan,
    script: Script = attack_twice,
    new_desk: Callable[[Stage, random.Random], Desk] = lambda stage, chance: Desk(stage.lofty, chance),
    ghl_rules: Mapping[str, Any] | None = None,
) -> bool:
    """Whether everything came to rest and every property holds. Prints what happens meanwhile, and the verdict.

    `folder` gets the workers' logs, and the history where it is needed. `ghl_rules` are settings of GHL's sandbox.
    """
    async with set_stage(folder, plan.seed, plan.brokers, ghl_rules) as stage:
        stage.worker_processes = plan.processes
        desk = new_desk(stage, random.Random(plan.seed))
        supervisor = Supervisor(stage, random.Random(plan.seed + 1))
        operator = Operator(stage, random.Random(plan.seed + 3))
        adversary = Adversary(stage, supervisor, operator, random.Random(plan.seed + 2), desk)
        background = (
            asyncio.create_task(supervisor.supervise(), name="supervisor"),
            asyncio.create_task(_tell(stage, desk, supervisor), name="teller"),
        )
        company = Company(stage, desk, supervisor, operator, adversary, background, [])
        began = time.monotonic()
        try:
            await guarded(stage.until(lambda: bool(supervisor.ready()), FIRST_SECONDS, "a worker is ready"))
            await script(company, plan)
            attacked = time.monotonic() - began
            await adversary.rest()
            unrest = await guarded(_come_to_rest(stage, desk, operator), *background)
            adversary.failures += operator.failures
            dead = supervisor.points.never_stepped_on()
            adversary.failures += [f"no trap in {stage} was ever stepped on: do they work?" for stage in dead]
            if unrest:
                adversary.failures.append(unrest)
                await ask_what_waits(*supervisor.ready())
            history = replace(
                await read_history(stage),
                edits=list(desk.journal),
                planned=company.planned,
                deeds=list(adversary.deeds),
                grows_to=PARTITIONS * FACTOR**plan.grows if plan.grows else 0,
                strays=list(adversary.strange.strays),
                silences=list(adversary.guests.silences),
            )
            save(history, folder / "history.json")
            (folder / "topics.json").write_bytes(await read_topics(stage))
        finally:
            for task in background:
                task.cancel()
            await operator.stop()
            for task in background:
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        verdict = judge(history)
        _report(stage, desk, adversary, attacked)
        print(verdict.report())
        for words in adversary.failures:
            print(f"FAILED: {words}")
        return verdict.holds and not adversary.failures


async def _change_mapping(stage: Stage, adversary: Adversary) -> None:
    """A new configuration, a restart of every worker, and a replay of everything. Replays under the old one do not continue."""
    await adversary.operator.stop()
    change_mapping(stage)
    await adversary.kill_all()
    happened = stage.note("mapping changed")
    await stage.until(lambda: bool(adversary.supervisor.ready()), FIRST_SECONDS, "a worker with the new mapping")
    happened.until = time.time()
    adversary.operator.begin_to_replay_everything()


async def _come_to_rest(stage: Stage, desk: Desk, operator: Operator) -> str:
    """Rest, with everything replayed under the new mapping; then what is parked is edited once more, and must go through or
    be parked again. Returns what does not rest.
    """
    if unrest := await operator.until_everything_is_replayed():
        return unrest
    if unrest := await until_still(stage):
        return unrest
    parked = [Entity.from_key(key) for key in await parked_now(stage)]
    if not parked:
        return ""
    stage.note("parked entities edited", detail=f"{len(parked)}")
    teams = {name: int(one.lofty.team_id) for name, one in stage.connections().items()}
    desk.touch(parked, teams.__getitem__)
    return await until_still(stage)


async def guarded(what: Coroutine[Any, Any, str | None], *others: asyncio.Task[None]) -> str:
    """Wait for something; a task beside it that fails ends the run at once."""
    task = asyncio.ensure_future(what)
    await asyncio.wait([task, *others], return_when=asyncio.FIRST_COMPLETED)
    for other in others:
        if other.done():
            task.cancel()
            other.result()
    return await task or ""


async def _tell(stage: Stage, desk: Desk, supervisor: Supervisor) -> None:
    began = time.monotonic()
    while True:
        await asyncio.sleep(TELL_SECONDS)
        last = stage.happened[-1] if stage.happened else None
        print(
            f"{time.monotonic() - began:5.0f} s  {supervisor.kills} kills ({supervisor.trapped} at await points)  "
            f"{desk.edits} edits  {stage.asked()} requests  {len(supervisor.ready())} workers ready"
            + (f"  last: {last.what} {last.whom} {last.detail[:60]}" if last else ""),
            flush=True,
        )


def _report(stage: Stage, desk: Desk, adversary: Adversary, attacked: float) -> None:
    supervisor = adversary.supervisor
    print("what was done: " + ", ".join(f"{name.replace('_', ' ')} {n}" for name, n in sorted(adversary.done.items())))
    print(f"await points: {supervisor.points.report()}")
    starts = sorted(supervisor.starts)
    print(
        f"{supervisor.kills} kills ({supervisor.trapped} at await points) in {attacked:.0f} s, "
        f"{60 * supervisor.kills / attacked:.1f} a minute; a worker was ready after {starts[len(starts) // 2]:.1f} s "
        f"(median of {len(starts)}); other ends: {dict(supervisor.ends)}"
    )
    print("replays: " + ", ".join(f"{how} {n}" for how, n in sorted(adversary.operator.ends.items())))
    print(f"{desk.edits} edits, {stage.asked()} requests; faults that struck: {_faults(stage)}")


def _faults(stage: Stage) -> str:
    struck = Counter(
        f"{vendor} {entry.fault}{f' {entry.status}' if entry.fault == 'status' else ''}{' applied' * entry.applied}"
        for vendor, ledger in (("ghl", stage.ghl.ledger), ("lofty", stage.lofty.ledger))
        for entry in ledger.after()
        if entry.fault
    )
    return ", ".join(f"{name} {number}" for name, number in sorted(struck.items())) or "none"
