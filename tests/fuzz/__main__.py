"""`make fuzz`: hostile input at every door for ten minutes, and a verdict.

    python -m tests.fuzz --minutes 1 --seed 7

The seed decides what is sent; it is printed first. (What meets what also depends on the machine.)
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from tests.fuzz.run import chance_of, run


def main() -> None:
    """The command line. Exit code 1 when something was seen that must not be."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--minutes", type=float, default=10.0, help="it is attacked for so long")
    parser.add_argument("--seed", type=int, default=None, help="one that was printed, to send the same again")
    parser.add_argument("--keep", action="store_true", help="keep the logs of a run that went well, too")
    given = parser.parse_args()
    chance = chance_of(given.seed)
    print(f"seed {chance}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="lofty-ghl-fuzz-"))
    verdict = asyncio.run(run(folder, 60 * given.minutes, chance))
    print(verdict.report())
    if verdict.holds and not given.keep:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        print(f"logs, answers and what the neighbour saw: {folder}")
    if not verdict.holds:
        print(f"It does not hold. The same again: --seed {chance}")
        sys.exit(1)


if __name__ == "__main__":
    main()
