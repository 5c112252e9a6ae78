"""One run: attack for a while, tell the truth again, and judge; restart both processes on all that was sent, and judge again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from streams.demo.processes import free_port
from tests.deadlines import within
from tests.fuzz import corpus
from tests.fuzz.attack import Attack, Notes
from tests.fuzz.probe import Order
from tests.fuzz.stage import GOOD, SECRETS, TEAMS, Stage, set_stage
from tests.fuzz.strategies import pool

WARM_LEADS = 6
LIES = 0.3
"""How often a vendor lies."""
TELL_SECONDS = 15.0
ARRIVE_SECONDS = 300.0
"""A budget pauses for a minute at a time, and what waits for it backs off for as long as five."""
DELAYED_SECONDS = 1.0
PAUSE_SECONDS = 0.3
"""When who does nothing else was late by so much, the machine paused."""


@dataclass(slots=True)
class Verdict:
    """What was seen, and what of it must not be."""

    problems: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether nothing was seen that must not be."""
        return not self.problems

    def report(self) -> str:
        """All of it in words."""
        return "\n".join([*self.lines, *(f"FAILED: {one}" for one in self.problems)])


async def run(folder: Path, seconds: float, chance: int) -> Verdict:
    """Attack for so many seconds. `folder` gets the logs of the processes and what the probe saw."""
    verdict = Verdict()
    async with set_stage(folder, chance) as stage:
        with pool() as drawing:
            attack = Attack(stage, drawing, chance, Notes(folder / "faults.txt"))
            await _warm_up(stage)
            await attack.learn()
            with _probing(stage) as seen:
                await _attack(stage, attack, seconds, verdict)
                for liar in stage.liars:
                    liar.lies = 0.0
                if verdict.holds:  # whoever has ended brings no lead
                    await _until_good_leads_arrive(stage, "after the attack", verdict)
            _judge_delays(seen, verdict)
        _judge_answers(attack.notes, stage, verdict)
        _judge_processes(stage, verdict, "after the attack")
        if verdict.holds:
            await stage.restart()
            await _until_good_leads_arrive(stage, "after both were restarted", verdict)
            _judge_processes(stage, verdict, "restarted")
        _tell_logs(stage, verdict)
    return verdict


async def _warm_up(stage: Stage) -> None:
    """Good leads go through, so that there are good records to be spoilt."""
    await asyncio.to_thread(corpus.answers)  # bombs take a while to be packed
    wanted = {}
    for name in TEAMS:
        wanted[name] = [stage.new_lead(name) for _ in range(WARM_LEADS)]
        for lead in wanted[name][:3]:
            stage.edit(name, "create", "note", leadId=lead, fields={"content": "A note"})
            stage.edit(name, "create", "task", leadId=lead, fields={"content": "A task"})

    def are_there() -> bool:
        return all(set(leads) <= stage.arrived(name).keys() for name, leads in wanted.items())

    await _until(are_there, 120.0, "good leads arrive before the attack")


async def _attack(stage: Stage, attack: Attack, seconds: float, verdict: Verdict) -> None:
    for liar in stage.liars:
        liar.lies = LIES
    tasks = [asyncio.create_task(one) for one in attack.all()]
    ends, tells = time.monotonic() + seconds, 0.0
    try:
        while time.monotonic() < ends:
            done, _ = await asyncio.wait(tasks, timeout=0.5, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                one.result()  # an attacker never ends by itself: its error ends the run
            memory = {name: one.look() for name, one in stage.processes.items()}
            if time.monotonic() > tells:
                tells = time.monotonic() + TELL_SECONDS
                asked, records = attack.notes.statuses.total(), attack.notes.records.total()
                shown = ", ".join(f"{name} {mib:.0f} MiB" for name, mib in memory.items())
                print(f"{asked} requests, {records} records, {len(attack.notes.faults)} faults; {shown}", flush=True)
            if ended := [one.name for one in stage.processes.values() if not one.is_alive]:
                verdict.problems.append(f"{', '.join(ended)} ended while it was attacked")
                break
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _until_good_leads_arrive(stage: Stage, when: str, verdict: Verdict) -> None:
    """A good lead on each connection that has access arrives in GHL."""
    began = time.monotonic()
    wanted = {name: stage.new_lead(name, lastName="Atlast") for name in TEAMS}
    for name, lead in wanted.items():
        try:
            await _until(lambda name=name, lead=lead: lead in stage.arrived(name), ARRIVE_SECONDS, "")
        except TimeoutError:
            verdict.problems.append(f"{when}: a good lead of connection {name} ({lead}) does not arrive")
        else:
            took = time.monotonic() - began
            verdict.lines.append(f"{when}: a good lead of connection {name} arrived after {took:.1f} s")


async def _until(claim: Any, seconds: float, what: str) -> None:
    deadline = time.monotonic() + within(seconds)
    while not claim():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {within(seconds):.0f} s: {what}")
        await asyncio.sleep(0.2)


# -- the neighbour -----------------------------------------------------------------------------------------


@contextlib.contextmanager
def _probing(stage: Stage) -> Iterator[Path]:
    """The neighbour at work. Gives the file of what it sees."""
    port = free_port()
    order = Order(
        gateway=stage.gateway,
        worker=stage.worker,
        idle=f"http://127.0.0.1:{port}/",
        secret=SECRETS[GOOD],
        team=TEAMS[GOOD],
        leads=[int(lead) for lead in stage.arrived(GOOD) if lead.isdigit()][:WARM_LEADS],
        gateway_pid=stage.processes["gateway"].child.pid,
        worker_pid=stage.processes["worker"].child.pid,
        kafka_pid=stage.node.pid,
        out=str(stage.folder / "probe.jsonl"),
    )
    module = [sys.executable, "-m", "tests.fuzz.probe"]
    with (stage.folder / "probe.log").open("wb") as log:
        processes = [
            subprocess.Popen([*module, "--idle", str(port)], stdout=log, stderr=log),
            subprocess.Popen([*module, json.dumps(asdict(order))], stdout=log, stderr=log),
        ]
        try:
            yield Path(order.out)
        finally:
            for one in processes:
                one.kill()
                one.wait()


def _judge_delays(seen: Path, verdict: Verdict) -> None:
    """Nobody was late by more than a second, beside what the machine let them wait."""
    rows = [json.loads(line) for line in seen.read_text().splitlines() if line.endswith("]")]
    ready = min((at for what, at, _, status, _ in rows if what == "idle" and status == 200), default=0.0)
    asked = [one for one in rows if one[0] in ("webhook", "gateway", "worker") and one[1] >= ready]
    if not asked:
        verdict.problems.append("the neighbour saw nothing")
        return
    pauses = [(at, took) for what, at, took, _, _ in rows if what == "idle" and took > PAUSE_SECONDS]
    kafka = [(at, waited) for what, at, _, _, waited in rows if what == "kafka"]
    late = [one for one in asked if one[2] > DELAYED_SECONDS]
    ours = [one for one in late if one[2] - _excused(one, pauses, kafka) > DELAYED_SECONDS]
    refused = Counter((what, status) for what, _, _, status, _ in asked if status != 200)
    for what in ("webhook", "gateway", "worker"):
        times = sorted(one[2] for one in asked if one[0] == what)
        verdict.lines.append(
            f"neighbour, {what}: {len(times)} asked, median {1000 * times[len(times) // 2]:.0f} ms, "
            f"99 % within {1000 * times[int(len(times) * 0.99)]:.0f} ms, longest {1000 * times[-1]:.0f} ms"
        )
    verdict.lines.append(
        f"neighbour: {len(late)} of {len(asked)} later than a second, {len(ours)} of them by more than what the machine "
        f"let them wait; not 200: {dict(refused)}"
    )
    verdict.problems += [f"the neighbour was delayed: {one}" for one in ours[:10]]
    if gone := {one: number for one, number in refused.items() if one[1] != 503}:
        verdict.problems.append(f"the neighbour was refused: {gone}")


def _excused(one: list[Any], pauses: list[tuple[float, float]], kafka: list[tuple[float, float]]) -> float:
    """How much of a delay is the machine's: it paused, or others had the processors."""
    what, began, took, _, waited = one
    ends = began + took
    paused = sum(max(0.0, min(ends, at + long) - max(began, at)) for at, long in pauses)
    of_kafka = sum(most for at, most in kafka if at < ends and at + 1 > began) if what == "webhook" else 0.0
    return float(max(paused, waited + of_kafka))


# -- answers, processes, logs ------------------------------------------------------------------------------


def _judge_answers(notes: Notes, stage: Stage, verdict: Verdict) -> None:
    """No answer is a 5xx other than 503."""
    by_status = Counter[int]()
    for (_, status), number in notes.statuses.items():
        by_status[status] += number
    lies = {one.name: one.told.total() for one in stage.liars}
    verdict.lines.append(f"answers by status (0: none): {dict(sorted(by_status.items()))}")
    verdict.lines.append(f"records: {notes.records.total()} on {len(notes.records)} topics; lies: {lies}")
    waiting = Counter({route: number for (route, status), number in notes.statuses.items() if status == 503})
    if waiting:
        verdict.lines.append(f"503 by route: {waiting.most_common(8)}")
    kinds: dict[str, str] = {}
    for fault in notes.faults:
        kinds.setdefault(fault.partition(": (")[0], fault)
    verdict.problems += [fault[:500] for fault in list(kinds.values())[:20]]


def _judge_processes(stage: Stage, verdict: Verdict, when: str) -> None:
    """None has ended, none has held more than its limit."""
    for one in stage.processes.values():
        one.look()
        verdict.lines.append(
            f"{when}: {one.name} held {one.peak_mib:.0f} MiB at most, of {one.memory_mib}: {one.peak_of}"
        )
        if not one.is_alive:
            verdict.problems.append(f"{when}: {one.name} has ended; its log: {one.child.log}")
        if one.peak_mib > one.memory_mib:
            verdict.problems.append(f"{when}: {one.name} held {one.peak_mib:.0f} MiB, and may hold {one.memory_mib}")


_DEFECT = "failed in a way that no outcome covers"


def _tell_logs(stage: Stage, verdict: Verdict) -> None:
    """What the logs say of errors of our own, counted by the last line of the traceback."""
    for log in sorted(stage.folder.glob("*/*.log")):
        found = Counter[str]()
        lines = log.read_text(errors="replace").splitlines()
        inside = False
        for line in (one.removeprefix("    ") for one in lines):
            if line.startswith("Traceback (most recent call last)"):
                inside = True
            elif inside and line and not line.startswith((" ", "\t", "During", "The above")):
                found[line[:160]] += 1
                inside = False
        size = log.stat().st_size / 1024**2
        verdict.lines.append(f"{log.parent.name}/{log.name}: {size:.1f} MiB, {found.total()} tracebacks")
        verdict.lines += [f"    {number} times: {line}" for line, number in found.most_common(8)]


def chance_of(given: int | None) -> int:
    """A seed, by chance when none is given."""
    return random.SystemRandom().randrange(10**6) if given is None else given
