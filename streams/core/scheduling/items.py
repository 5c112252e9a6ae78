"""The values of the dispatcher: an entity that is due, its priority, and how the work on it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum


class Priority(IntEnum):
    """Who goes first when slots are scarce."""

    OPT_OUT = 0
    LIVE = 1
    SWEEP = 2
    BACKFILL = 3
    VERIFY = 4


PRIORITIES = tuple(Priority)
"""All of them, the first first. Asking the class makes them one by one, which every budget of a status would do twice."""


class Verdict(Enum):
    """What `finish` says of an entity that was started."""

    DONE = "done"
    PARKED = "parked"
    AGAIN = "again"
    NEXT = "next"
    RETRY = "retry"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Item:
    """One entity that is due. `rank` orders within its lane: the contact is 0, what hangs on it is 1.

    `ticket` numbers its starts: a result counts only for the start with its ticket.
    """

    key: str
    lane: str
    budget: str
    tenant: str
    priority: Priority = Priority.LIVE
    rank: int = 0
    ticket: int = field(default=0, compare=False)

    @property
    def connection(self) -> str:
        """The connection whose work it is. That of a directory or a sweep has a tenant of its own, and the connection in its key."""
        return self.key.removeprefix(f"{self.tenant}:") if self.tenant.startswith("@") else self.tenant
