"""`make chaos-short` and `make chaos`: break everything for a while, let it rest, and judge what happened.

    python -m tests.chaos --kills 20 --seconds 150 --seed 7

The seed decides what agents do and what breaks; it is printed first, so that a failure can be tried again.
(Which await point meets which request also depends on the machine: the same seed is the same plan, not the same run.)
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.adversary import Adversary
from tests.chaos.desk import Desk
from tests.chaos.judge import Finding, judge
from tests.chaos.record import read_history, read_topics, replay_snapshots, save, until_still
from tests.chaos.stage import Stage, change_mapping, set_stage

TELL_SECONDS = 10.0


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--kills", type=int, default=15, help="at least so many workers are killed")
    parser.add_argument("--seconds", type=float, default=120.0, help="it goes on for at least so long")
    parser.add_argument("--rate", type=float, default=12.0, help="edits a second")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--keep", action="store_true", help="keep the logs of a run that went well")
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if given.seed is None else given.seed
    print(f"seed {seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="lofty-ghl-chaos-"))
    findings = asyncio.run(run(folder, seed, given.kills, given.seconds, given.rate))
    if any(one.violations for one in findings):
        print(f"violated. The logs of every process: {folder}. Try it again with --seed {seed}")
        sys.exit(1)
    if not given.keep:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        print(folder)


async def run(folder: Path, seed: int, kills: int, seconds: float, rate: float) -> list[Finding]:
    """One run, told while it goes on."""
    async with set_stage(folder, seed) as stage:
        desk = Desk(stage.lofty, random.Random(seed))
        adversary = Adversary(stage, random.Random(seed + 1))
        supervisor = asyncio.create_task(adversary.supervise())
        work = asyncio.create_task(desk.work(rate))
        teller = asyncio.create_task(_tell(stage, desk, adversary))
        try:
            await stage.until(lambda: any(one.is_ready for one in stage.alive()), 60, "a first worker is ready")
            await _guarded(adversary.attack(kills // 2, seconds / 2), supervisor, work)
            settings = change_mapping(stage)
            await adversary.kill_all()
            stage.note("mapping changed")
            await _guarded(adversary.attack(kills, seconds / 2), supervisor, work)
            work.cancel()
            adversary.rest()
            await adversary.kill_all()  # everyone has the new mapping now
            await stage.until(lambda: any(one.is_ready for one in stage.alive()), 60, "a worker after the storm")
            desk.touch_everything()
            await until_still(stage)
            await replay_snapshots(stage)
            await until_still(stage)
            for one in stage.alive():
                one.process.send_signal(signal.SIGUSR1)
            history = await read_history(stage, settings)
            topics = await read_topics(stage)
        finally:
            for task in (work, teller, supervisor):
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(work, teller, supervisor)
        findings = judge(history)
        if any(one.violations for one in findings):
            save(folder / "history.json", history, stage)
            (folder / "topics.json").write_bytes(topics)
        _report(stage, desk, adversary, findings)
        return findings


async def _guarded(attack: object, *others: asyncio.Task[None]) -> None:
    """Wait for an attack; a supervisor or a desk that fails ends the run at once."""
    task = asyncio.ensure_future(attack)  # type: ignore[arg-type]  # a coroutine
    await asyncio.wait([task, *others], return_when=asyncio.FIRST_COMPLETED)
    for other in others:
        if other.done():
            task.cancel()
            other.result()
    await task


async def _tell(stage: Stage, desk: Desk, adversary: Adversary) -> None:
    began = time.monotonic()
    while True:
        await asyncio.sleep(TELL_SECONDS)
        print(
            f"{time.monotonic() - began:5.0f} s  {adversary.kills} kills  {desk.edits} edits  {stage.asked()} requests  "
            f"{len(stage.alive())} workers  last: {stage.happened[-1].what if stage.happened else 'nothing'}",
            flush=True,
        )


def _report(stage: Stage, desk: Desk, adversary: Adversary, findings: list[Finding]) -> None:
    print("what was done: " + ", ".join(f"{name.replace('_', ' ')} {n}" for name, n in sorted(adversary.done.items())))
    ended = [one.what for one in stage.happened if one.what.startswith("ended with")]
    print(f"kills {adversary.kills}, edits {desk.edits}, requests {stage.asked()}; ended by themselves: {ended}")
    for one in findings:
        state = "VIOLATED" if one.violations else "holds"
        excused = f", {len(one.excused)} excused" if one.excused else ""
        print(f"P{one.number} {one.name}: {state} ({one.examined} examined, {len(one.violations)} violations{excused})")
        for words in [*one.violations[:20], *(f"excused: {words}" for words in one.excused[:5])]:
            print(f"     {words}")


if __name__ == "__main__":
    main()
