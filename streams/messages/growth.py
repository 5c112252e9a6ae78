"""A deployment's move to more partitions: how far it is, and which processes may run meanwhile. Pure.

Everything that the deployment keeps is copied into topics of another prefix, which have more partitions. The topics of before are
only read: until the switch they are the truth, whatever happens to the copy.

| state | what is true | workers | gateways |
| --- | --- | --- | --- |
| `copying` | the copy follows the topics of before | of before | of before |
| `closing` | workers are to be stopped, then the rest is copied | none | of before |
| `switching` | the copy has all that workers wrote; gateways change over | none | begin with the new prefix only |
| `done` | the copy is the deployment | of the new prefix | of the new prefix |
| `abandoned` | the topics of before are the deployment | of before | of before |
"""

from __future__ import annotations

import re
from typing import Literal

from streams.messages.message import Message

GROWTH_KEY = b"growth"
AT_WORK_KEY = b"at work"
GROWTH_PARTITION = 0
LONG_PAUSE_MS = 15 * 60_000
"""No worker may run while a move closes and switches: a copy of millions of rows needs some minutes, and people need some."""
LONG_REST_MS = 60 * 60_000
"""A copy beside running workers may take hours, but not rest."""
_GROWN = re.compile(r"grown-\d+\.$")

GrowthState = Literal["copying", "closing", "switching", "done", "abandoned"]
OPEN: frozenset[GrowthState] = frozenset({"copying", "closing", "switching"})
ABANDONABLE: frozenset[GrowthState] = frozenset({"copying", "closing"})
"""In these nothing but the copy was written to the new topics."""

Process = Literal["worker", "gateway", "command"]


def first_prefix(prefix: str) -> str:
    """The prefix that a deployment had before it grew. It names the deployment for good."""
    return _GROWN.sub("", prefix)


def grown_prefix(prefix: str, partitions: int) -> str:
    """The prefix of the topics with so many partitions."""
    return f"{first_prefix(prefix)}grown-{partitions}."


def growth_topic(prefix: str) -> str:
    """The topic that holds how far the move is: the same before and after."""
    return f"{first_prefix(prefix)}growth"


class Growth(Message):
    """One move. `holder` is the command that carries it out; times are epoch milliseconds.

    `since_ms` is when this state began, 0 where an earlier release wrote it; `at_ms` when a command wrote it last.
    `from_prefix` and `from_partitions` are the topics of before, `to_prefix` and `to_partitions` the copy. `state` is how far it is.
    `by` is who asked for it, at `began_ms`.
    `placement` is equal while each record belongs into the same partition of the copy (`core/copy_targets.py`).
    `is_spoiled`: a write of the copy failed, so that it is made again.
    """

    from_prefix: str
    from_partitions: int
    to_prefix: str
    to_partitions: int
    state: GrowthState
    holder: str
    by: str = ""
    began_ms: int
    at_ms: int
    since_ms: int = 0
    placement: str = ""
    is_spoiled: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it is under way."""
        return self.state in OPEN

    @property
    def words(self) -> str:
        """One sentence about where it is."""
        move = f"the move from {self.from_partitions} to {self.to_partitions} partitions"
        command = f"`lofty-ghl partitions grow --to {self.to_partitions}`"
        return {
            "copying": f"{move} copies beside the running workers; {command} continues it, and `lofty-ghl partitions abandon` ends it",
            "closing": f"{move} waits until all workers are stopped, and copies the rest; {command} continues it, and "
            "`lofty-ghl partitions abandon` ends it",
            "switching": f"{move} waits until all gateways run with kafka.topic_prefix = {self.to_prefix!r} and kafka.partitions = "
            f"{self.to_partitions}; {command} continues it",
            "done": f"{move} is done",
            "abandoned": f"{move} was abandoned",
        }[self.state]


class AtWork(Message):
    """The command's sign of life, under a key of its own: it never writes over a state. `copied` of `of` records in this round.

    `holder` is the command that was at work at `at_ms`.
    """

    holder: str
    at_ms: int
    copied: int = 0
    of: int = 0


class Move(Message):
    """A move as people see it: the state, and the last sign of life of a command that carries it out.

    `growth` is the state, `at_work` the sign of life; None before the first.
    """

    growth: Growth
    at_work: AtWork | None = None

    @property
    def pauses_workers(self) -> bool:
        """Whether no worker may run."""
        return self.growth.state in ("closing", "switching")

    @property
    def last_ms(self) -> int:
        """When a command was last at work."""
        return max(self.growth.at_ms, self.at_work.at_ms if self.at_work is not None else 0)

    @property
    def since_ms(self) -> int:
        """When the state began."""
        return self.growth.since_ms or self.growth.at_ms

    def stands_still_since(self, now_ms: int) -> int | None:
        """Since when it stands still: workers are paused for long, or nobody goes on with the copy. None while it goes on."""
        if not self.growth.is_open:
            return None
        if self.pauses_workers:
            return self.since_ms if now_ms - self.since_ms > LONG_PAUSE_MS else None
        return self.last_ms if now_ms - self.last_ms > LONG_REST_MS else None

    def words_at(self, now_ms: int) -> str:
        """Where it is, for how long, and whether a command is at work."""
        minutes = max(0, now_ms - self.since_ms) // 60_000
        done = self.at_work
        share = (
            f", copied {done.copied} of {done.of}"
            if done is not None and done.of and self.growth.state == "copying"
            else ""
        )
        idle = max(0, now_ms - self.last_ms) // 60_000
        rests = f"; no command has worked on it for {idle} min" if idle >= IDLE_MINUTES else ""
        return f"{self.growth.words} (for {minutes} min{share}{rests})"


IDLE_MINUTES = 2


def why_not(growth: Growth | None, process: Process, prefix: str) -> str:
    """Why a process with this topic prefix must not start; empty when it may. `growth` is the newest move, None without any."""
    if growth is None:
        if first_prefix(prefix) == prefix:
            return ""
        return (
            f"kafka.topic_prefix is {prefix!r}, but nothing was moved there: set it to {first_prefix(prefix)!r}, or move this "
            "deployment with `lofty-ghl partitions grow`"
        )
    old, new = prefix == growth.from_prefix, prefix == growth.to_prefix
    if growth.state == "done":
        return "" if new else _wrong_prefix(growth, prefix, growth.to_prefix, growth.to_partitions)
    if growth.state in ("copying", "abandoned"):
        return "" if old else _wrong_prefix(growth, prefix, growth.from_prefix, growth.from_partitions)
    if process == "worker":
        return f"no worker may run now: {growth.words}"
    if growth.state == "closing":
        return "" if old else _wrong_prefix(growth, prefix, growth.from_prefix, growth.from_partitions)
    # A gateway of before that runs goes on; one that starts now could be missed by the command that waits for the last of them.
    allowed = new or (old and process == "command")
    return "" if allowed else _wrong_prefix(growth, prefix, growth.to_prefix, growth.to_partitions)


def _wrong_prefix(growth: Growth, prefix: str, wanted: str, partitions: int) -> str:
    return (
        f"kafka.topic_prefix is {prefix!r}, but {growth.words}: set kafka.topic_prefix = {wanted!r} and "
        f"kafka.partitions = {partitions}"
    )
