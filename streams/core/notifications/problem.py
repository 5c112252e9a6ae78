"""A problem as notifications see it: a cause from a closed set, of what, and since when. Pure.

`streams/operations/status/health.py` decides what a problem is; nothing here decides it a second time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from streams.messages.notification import Issue

Cause = Literal[
    "no worker",
    "worker stopped",
    "worker",
    "partitions",
    "no gateway",
    "gateway stopped",
    "gateway",
    "unread",
    "kafka",
    "access",
    "wrong account",
    "other deployment",
    "paused",
    "quota",
    "opt-out",
    "stuck",
    "sweep",
    "schedule",
    "parked",
    "webhooks",
    "notifications",
    "move",
    "copy rests",
]
"""Why something does not work, for people who know neither workers nor Kafka."""

WORST: frozenset[str] = frozenset(
    {"no worker", "no gateway", "kafka", "opt-out", "wrong account", "other deployment", "move"}
)
"""Everything is at a halt, or each hour costs money or trust: quiet hours do not delay these by default."""

PRIMARY: frozenset[str] = frozenset({"access", "wrong account", "paused", "quota"})
CONSEQUENCES: frozenset[str] = frozenset({"stuck", "sweep"})
"""What follows from a primary problem of the same connection by itself: it is no news of its own."""

BY_WORKERS: frozenset[str] = (
    PRIMARY | CONSEQUENCES | {"schedule", "partitions", "worker", "opt-out", "parked", "other deployment"}
)
"""Problems that only a living worker reports: while none is alive, nobody knows whether they still exist."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem now. `of` names what has it, such as `read harbor` or a worker; `cause` and `of` together identify it.

    `connections` are those that it concerns, empty for the whole deployment. `number` counts records where it is about records.
    """

    cause: Cause
    of: str = ""
    connections: tuple[str, ...] = ()
    number: int = 0
    since_ms: int | None = None

    @property
    def id(self) -> str:
        """What identifies it from one look to the next."""
        return f"{self.cause}/{self.of}"


@dataclass(frozen=True, slots=True)
class Observation:
    """All that is known at `at_ms`; `observe` makes one.

    A problem that is not listed is over, unless nobody could see it: `is_blind` says that nothing but the listed problems is known
    (Kafka is away), `has_workers` whether one is alive, `unseen` are connections that no living worker reports whole, and `hindered`
    those with a primary problem, whose consequences are left out.
    """

    at_ms: int
    problems: tuple[Problem, ...]
    is_blind: bool = False
    has_workers: bool = True
    unseen: frozenset[str] = frozenset()
    hindered: frozenset[str] = frozenset()

    def is_unknown(self, issue: Issue) -> bool:
        """Whether an issue that is not listed may exist all the same."""
        if self.is_blind or (not self.has_workers and issue.cause in BY_WORKERS):
            return True
        if issue.cause in CONSEQUENCES and not self.hindered.isdisjoint(issue.connections):
            return True
        return issue.cause in BY_WORKERS and not self.unseen.isdisjoint(issue.connections)

    def heard_by(self, recipient: str, connections: frozenset[str]) -> Observation:
        """What a recipient hears of these connections alone, or of all: never that its own messages do not arrive."""
        own = f"notifications/{recipient}"
        heard = (one for one in self.problems if one.id != own and concerns(one, connections))
        return replace(self, problems=tuple(heard))


def observe(
    at_ms: int,
    problems: Iterable[Problem],
    *,
    is_blind: bool = False,
    has_workers: bool = True,
    unseen: frozenset[str] = frozenset(),
) -> Observation:
    """What is known now. A connection's consequences are left out while it has a primary problem."""
    found = tuple(problems)
    hindered = frozenset(name for one in found if one.cause in PRIMARY for name in one.connections)
    listed = (one for one in found if one.cause not in CONSEQUENCES or hindered.isdisjoint(one.connections))
    return Observation(at_ms, tuple(listed), is_blind, has_workers, unseen, hindered)


def concerns(problem: Problem, connections: frozenset[str]) -> bool:
    """Whether a problem concerns one of these connections, as the worst of the whole deployment does. No connections are all."""
    if not connections:
        return True
    if not problem.connections:
        return problem.cause in WORST
    return not connections.isdisjoint(problem.connections)
