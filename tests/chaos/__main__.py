"""`make chaos-short` and `make chaos`: break everything for a while, let it rest, and judge what happened.

    python -m tests.chaos --kills 20 --minutes 3 --seed 7
    python -m tests.chaos --family 300 --seed 7
    python -m tests.chaos --judge FOLDER/history.json

The seed decides what agents do and what breaks; it is printed first, so that a failure can be tried again.
(Which await point meets which request also depends on the machine: the same seed is the same plan, not the same run.)
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
from pathlib import Path

from tests.chaos.family import run_family
from tests.chaos.history import judge, load
from tests.chaos.run import Plan, run


def main() -> None:
    """The command line. Exit code 1 when a property is violated, or when the system did not come to rest."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--kills", type=int, default=20, help="at least so many workers are killed")
    parser.add_argument("--minutes", type=float, default=3.0, help="it is attacked for at least so long")
    parser.add_argument("--rate", type=float, default=12.0, help="edits a second")
    parser.add_argument(
        "--outage", type=float, action="append", default=[], help="Kafka is killed and frozen so long (seconds)"
    )
    parser.add_argument("--brokers", type=int, choices=(1, 3), default=1, help="of three, one at a time goes away")
    parser.add_argument(
        "--processes", type=int, default=1, help="each worker is so many processes under its supervisor"
    )
    parser.add_argument(
        "--grow", type=int, default=0, help="the deployment moves so often to twice as many partitions meanwhile"
    )
    parser.add_argument("--seed", type=int, default=None, help="one that was printed, to try its plan again")
    parser.add_argument(
        "--family",
        type=int,
        nargs="?",
        const=2000,
        default=0,
        help="a town of families, whose deployment loses its memory (2000 leads)",
    )
    parser.add_argument("--keep", action="store_true", help="keep the record of a run that went well, too")
    parser.add_argument("--judge", type=Path, default=None, help="only judge a history that a run has saved")
    given = parser.parse_args()
    if given.family and given.grow:
        parser.error("--family and --grow exclude each other: the family's deployment goes to other topics by itself")
    if given.judge:
        verdict = judge(load(given.judge))
        print(verdict.report())
        sys.exit(0 if verdict.holds else 1)
    seed = random.SystemRandom().randrange(10**6) if given.seed is None else given.seed
    print(f"seed {seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="lofty-ghl-chaos-"))
    outages = tuple(given.outage)
    plan = Plan(seed, given.kills, 60 * given.minutes, given.rate, outages, given.brokers, given.processes, given.grow)
    is_good = asyncio.run(run_family(folder, plan, given.family) if given.family else run(folder, plan))
    if is_good and not given.keep:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        print(f"history.json, topics.json and the log of every process: {folder}")
    if not is_good:
        print(f"It does not hold. The same plan again: --seed {seed}")
        sys.exit(1)


if __name__ == "__main__":
    main()
