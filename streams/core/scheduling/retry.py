"""When a failed row is tried again: an exponential wait with full jitter, noted in the row so that it holds after a restart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from streams.core.rows import FetchRow, OutboxRow
from streams.core.to_lofty.rows import EventRow

Row = TypeVar("Row", FetchRow, OutboxRow, EventRow)


@dataclass(frozen=True, slots=True)
class Backoff:
    """Wait between nothing and `first_seconds` doubled with each attempt, at most `most_seconds`.

    Full jitter spreads those who failed together; a floor keeps a retry from following at once.
    """

    first_seconds: float = 1.0
    most_seconds: float = 300.0
    floor: float = 0.1

    def wait_seconds(self, attempt: int, jitter: float) -> float:
        """The wait after the `attempt`-th failure (from 1), for a `jitter` in [0, 1)."""
        ceiling = min(self.most_seconds, self.first_seconds * 2 ** min(attempt - 1, 30))
        return float(ceiling * (self.floor + (1 - self.floor) * jitter))


@dataclass(frozen=True, slots=True)
class Retry:
    """`now_ms` gives epoch milliseconds, `jitter` a number in [0, 1)."""

    now_ms: Callable[[], int]
    jitter: Callable[[], float]
    backoff: Backoff = Backoff()

    def wait_seconds(self, attempts: int) -> float:
        """How long to wait after so many failures."""
        return self.backoff.wait_seconds(attempts, self.jitter())

    def due_in_seconds(self, at_ms: int) -> float:
        """How long it is until then, at least nothing."""
        return max(0.0, (at_ms - self.now_ms()) / 1000)

    def postponed(self, row: Row, wait_seconds: float, error: str) -> Row:
        """The row after one more failure."""
        update = {
            "attempts": row.attempts + 1,
            "not_before_ms": self.now_ms() + int(wait_seconds * 1000),
            "last_error": error,
        }
        return row.model_copy(update=update)
