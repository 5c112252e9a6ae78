"""How long a failed entity waits: exponential backoff with full jitter."""

from __future__ import annotations

from dataclasses import dataclass


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
