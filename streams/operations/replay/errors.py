"""Why a replay cannot be planned or carried on.

::

    CannotReplay
    ├── NotThis          the selection cannot be replayed, or no such replay is known
    ├── OtherMapping     the workers have another mapping in force than this configuration
    ├── EditedMeanwhile  a mapping was edited while the replay went on
    ├── TakenOver        another process carries this replay on
    └── NoWorker         no worker answers, or takes what was handed over
"""

from __future__ import annotations


class CannotReplay(Exception):
    """Root of the tree. The text says what is wrong, and what to do."""


class InvalidReplay(CannotReplay):
    """What was asked for makes no sense."""


class OtherMapping(CannotReplay):
    """The owner of a connection's location would write by another mapping."""

    def __init__(self, connection: str) -> None:
        self.connection = connection
        super().__init__(
            f"connection {connection}: the worker has another mapping in force than this configuration. "
            "Restart the workers with it first; --dry-run shows what it would write"
        )


class EditedMeanwhile(CannotReplay):
    """What a replay brought first stands under the mapping of then."""

    def __init__(self, connection: str, run: str) -> None:
        self.connection = connection
        self.run = run
        super().__init__(
            f"connection {connection}: its mapping was edited while the replay went on, so what was brought before the edit "
            f"stands under the old one. Everything is handed over: begin it again with `lofty-ghl replay --resume {run}`"
        )


class TakenOver(CannotReplay):
    """Somebody else goes on with it."""

    def __init__(self, run: str, holder: str) -> None:
        self.run = run
        self.holder = holder
        super().__init__(f"replay {run} is carried on by {holder}: this one stops, and nothing is done twice")


class NoWorker(CannotReplay):
    """Nobody takes it."""
