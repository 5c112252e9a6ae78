"""A worker with one agent and one table, in a process of its own that a test may kill: plain Faust, or guarded as ours.

    python -m tests.faust.worker plain|guarded --bootstrap HOST:PORT --prefix PREFIX [--raise-on V] [--stick-on V]
                                               [--concurrency N] [--row-bytes N] [--produce-seconds S] [--data DIR]

The agent reads `PREFIXlofty.changes` and writes a row for each value into the table `seen`.
It prints what it does, a line for each: `ready`, `began V`, `done V`, `looked` (a commit was tried
while the agent is stuck), `row V` (what the table recovered).
"""

from __future__ import annotations

import argparse
import asyncio

from tests.faust.guarded import guarded
from tests.faust.misfortune import Misfortune
from tests.faust.plain import plain


def main() -> None:
    """The command line above."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["plain", "guarded"])
    for text in ("--bootstrap", "--prefix", "--data", "--raise-on", "--stick-on"):
        parser.add_argument(text)
    parser.add_argument("--concurrency", type=int, default=1)
    parser.add_argument("--row-bytes", type=int, default=10)
    parser.add_argument("--produce-seconds", type=float, default=0.0)
    options = parser.parse_args()
    kinds = {"plain": plain, "guarded": guarded}
    misfortune = Misfortune(options.raise_on, options.stick_on, options.produce_seconds)
    asyncio.run(kinds[options.kind](options, misfortune))


if __name__ == "__main__":
    main()
