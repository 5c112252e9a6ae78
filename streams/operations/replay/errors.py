"""Why a replay cannot be planned or run.

::

    CannotReplay
    ├── InvalidReplay    the selection cannot be replayed, or no such replay is known
    ├── OtherMapping     the workers use another mapping than this configuration
    ├── EditedMeanwhile  a mapping was edited during the replay
    └── TakenOver        another process runs this replay

`NoWorker` (`operations/worker_queries/errors.py`) is raised when no worker answers, or none reads what was sent.
"""

from __future__ import annotations


class CannotReplay(Exception):
    """Root of the tree. The text says what is wrong, and what to do."""


class InvalidReplay(CannotReplay):
    """The request makes no sense."""


class OtherMapping(CannotReplay):
    """The owner of a connection's location would write by another mapping."""

    def __init__(self, connection: str) -> None:
        self.connection = connection
        super().__init__(
            f"connection {connection}: the worker uses another mapping than this configuration. "
            "Restart the workers with it first; --dry-run shows what it would write"
        )


class EditedMeanwhile(CannotReplay):
    """The first entities of the replay were written under a mapping that has been edited since."""

    def __init__(self, connection: str, run: str) -> None:
        self.connection = connection
        self.run = run
        super().__init__(
            f"connection {connection}: its mapping was edited during the replay, so entities that were written before the "
            f"edit have the old mapping. Everything was sent; repeat it with `lofty-ghl replay --resume {run}`"
        )


class TakenOver(CannotReplay):
    """Another process has taken the replay over."""

    def __init__(self, run: str, holder: str) -> None:
        self.run = run
        self.holder = holder
        super().__init__(f"replay {run} was taken over by {holder}: this process stops, and nothing is done twice")
