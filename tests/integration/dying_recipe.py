"""The recipe `deploy/recipes/load.py`, as a process that dies by SIGKILL at one step of its second batch.

Beside the database it leaves a file `.batches` with the size of each batch: Kafka's client may return fewer than were asked for.

python -m tests.integration.dying_recipe STEP DATABASE BOOTSTRAP PREFIX
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from deploy.recipes import load as recipe

STEPS = ("before the rows", "before the positions", "before the commit", "after the commit")
BATCH = 3


class Dying:
    """A DuckDB connection, until the second batch comes to a step."""

    def __init__(self, database: duckdb.DuckDBPyConnection, step: str) -> None:
        self._database, self._step, self._batches = database, step, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    def begin(self) -> None:
        self._batches += 1
        self._database.begin()

    def execute(self, statement: str, *arguments: Any) -> Any:
        self._die_at({recipe.INSERT: STEPS[0], recipe.ADVANCE: STEPS[1]}.get(statement, ""))
        return self._database.execute(statement, *arguments)

    def commit(self) -> None:
        self._die_at(STEPS[2])
        self._database.commit()
        self._die_at(STEPS[3])

    def _die_at(self, step: str) -> None:
        if self._batches == 2 and step == self._step:
            os.kill(os.getpid(), signal.SIGKILL)


def run(step: str, path: str, bootstrap: str, prefix: str) -> None:
    """Load until that step."""
    store: Callable[..., None] = recipe.store
    dying: list[Any] = []

    def store_and_die(database: duckdb.DuckDBPyConnection, records: Any) -> None:
        if not dying:
            dying.append(Dying(database, step))
        if records:
            with Path(f"{path}.batches").open("a") as sizes:
                sizes.write(f"{len(records)}\n")
        store(dying[0], records)

    recipe.store = store_and_die
    recipe.BATCH = BATCH
    recipe.load(path, {"bootstrap.servers": bootstrap}, prefix)


if __name__ == "__main__":
    run(*sys.argv[1:])
