"""What is left out where records of a topic cannot be read: a command goes on without them, and says so at its end."""

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

    def note(self, topic: str, place: str, why: str) -> None:
        """One more."""
        self.counts[topic] = self.counts.get(topic, 0) + 1
        self.firsts.setdefault(topic, f"the first at {place}: {why}")

    def lines(self) -> list[str]:
        """A sentence for each topic."""
        return [
            f"left out: {count} record{'s' if count != 1 else ''} of {topic} that cannot be read ({self.firsts[topic]})"
            for topic, count in self.counts.items()
        ]


_collecting: ContextVar[UnreadableRecords | None] = ContextVar("left out", default=None)


@contextmanager
def collecting() -> Iterator[UnreadableRecords]:
    """What is left out within is collected, and not logged."""
    found = UnreadableRecords()
    token = _collecting.set(found)
    try:
        yield found
    finally:
        _collecting.reset(token)


def skip_unreadable(topic: str, partition: int, offset: int, error: Exception) -> None:
    """A record is passed over by who only shows or reads along; whoever works it off parks it."""
    found, place, why = _collecting.get(), f"{partition}@{offset}", str(error)[:200]
    if found is not None:
        found.note(topic, place, why)
    else:
        log.warning("left out: the record %s of %s cannot be read: %s", place, topic, why)
