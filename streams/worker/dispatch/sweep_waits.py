"""How long a sweep waits after failures: ever longer, until something was read again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from streams.worker.dispatch.loop import WorkResult

log = logging.getLogger("lofty_ghl.sweep")


@dataclass(frozen=True, slots=True)
class SweepWaits:
    """Those of all connections. `wait_seconds` is the wait after so many failures."""

    wait_seconds: Callable[[int], float]
    _failures: dict[str, int] = field(default_factory=dict)

    def after(self, connection: str, error: Exception) -> WorkResult:
        """One failure more."""
        failures = self._failures[connection] = self._failures.get(connection, 0) + 1
        wait = self.wait_seconds(failures)
        log.info("connection %s: its sweep waits %.1f s after failure %d: %s", connection, wait, failures, error)
        return WorkResult.retry(wait)

    def failures(self, connection: str) -> int:
        """So many failures since something was read."""
        return self._failures.get(connection, 0)

    def forget(self, connection: str) -> None:
        """Something was read, or another worker goes on."""
        self._failures.pop(connection, None)
