"""Counts unreadable records that are skipped: a command continues without them, and says so at its end."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

log = logging.getLogger("lofty_ghl.left_out")


@dataclass(slots=True)
class UnreadableRecords:
    """By topic: how many records, and where and why the first."""

    counts: dict[str, int] = field(default_factory=dict)
    firsts: dict[str, str] = field(default_factory=dict)

    def note(self, topic: str, position: str, why: str) -> None:
        """One more."""
        self.counts[topic] = self.counts.get(topic, 0) + 1
        self.firsts.setdefault(topic, f"the first at {position}: {why}")

    def lines(self) -> list[str]:
        """A sentence for each topic."""
        return [
            f"left out: {count} record{'s' if count != 1 else ''} of {topic} that cannot be read ({self.firsts[topic]})"
            for topic, count in self.counts.items()
        ]


_collecting: ContextVar[UnreadableRecords | None] = ContextVar("left out", default=None)


@contextmanager
def collecting() -> Iterator[UnreadableRecords]:
    """What is skipped within is collected instead of logged."""
    found = UnreadableRecords()
    token = _collecting.set(found)
    try:
        yield found
    finally:
        _collecting.reset(token)


def skip_unreadable(topic: str, partition: int, offset: int, error: Exception) -> None:
    """Skip a record that is only shown or followed; the agent that processes it parks it."""
    found, position, why = _collecting.get(), f"{partition}@{offset}", str(error)[:200]
    if found is not None:
        found.note(topic, position, why)
    else:
        log.warning("left out: the record %s of %s cannot be read: %s", position, topic, why)
