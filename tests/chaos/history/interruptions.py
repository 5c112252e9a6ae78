"""Which requests had no living client: what a killed worker had in flight, and what a frozen one sent when it woke.

Kills and freezes hit a process; a process is worker after worker, for a mapping that is edited is taken over by the next.

The promise: a worker that may no longer own anything sends nothing.
Two things are beyond it, and are distinguished here exactly:

- a request that was in flight when its worker was killed, ended or frozen: the vendor goes on with it, whoever comes next;
- a request of a worker that was frozen between its last look at the lease and the send: it leaves as the worker wakes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from math import inf

from connectors.sandbox.shared.ledger import Entry
from tests.chaos.history.history import ENDED, FROZEN, KILLED, Event
from tests.chaos.history.told import process_of

WAKING_SECONDS = 0.25
"""What was about to be sent is sent within this of waking: no wait lies between the look at the lease and the send."""


class Interruptions:
    """Kills and freezes, by process."""

    def __init__(self, events: Iterable[Event]) -> None:
        self._deaths: dict[str, float] = {}
        self._freezes: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for one in events:
            if one.kind in (KILLED, ENDED):
                self._deaths[one.whom] = min(self._deaths.get(one.whom, inf), one.at)
            elif one.kind == FROZEN:
                self._freezes[one.whom].append((one.at, inf if one.until is None else one.until))

    def watched_until(self, entry: Entry) -> float:
        """When a request stopped being its client's: at its end, or when the client died or froze with it in flight."""
        ended = inf if entry.ended is None else entry.ended
        process = process_of(entry)
        if process not in self._deaths and process not in self._freezes:
            return ended
        cuts = [
            self._deaths.get(process, inf),
            *(at for at, until in self._freezes.get(process, ()) if until >= entry.at),
        ]
        return min(ended, max(entry.at, min(cuts)))

    def is_sent_on_waking(self, entry: Entry) -> bool:
        """Whether its worker was frozen and woke just before it."""
        return any(at <= entry.at <= until + WAKING_SECONDS for at, until in self._freezes.get(process_of(entry), ()))
