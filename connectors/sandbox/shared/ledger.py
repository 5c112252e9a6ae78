"""The ledger: every request, in order, and its result. Tests of the pipeline read it."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any


@dataclass(slots=True)
class Entry:
    """One request. `at` is when it came, `ended` when its answer was ready (None: not yet, or never); both in seconds.

    `budget` is the location or account it counts for, `agent` the client's own name (its `User-Agent`).
    `applied` says whether it changed anything, `applied_at` when, `created` whether it made a new record.
    `entity` is the id it concerned (of a create: the new one), `parent` the contact's or lead's that it hangs on.
    `fault` is the kind of misbehaviour that was ordered for it. A `status` of None: it got no answer.
    """

    seq: int
    at: float
    method: str
    path: str
    agent: str = ""
    operation: str = "?"
    budget: str = "?"
    status: int | None = None
    body: Any = None
    applied: bool = False
    applied_at: float | None = None
    created: bool = False
    entity: str | None = None
    parent: str | None = None
    fault: str | None = None
    ended: float | None = None


class RequestLedger:
    """The newest `size` entries, and counts of all."""

    def __init__(self, size: int = 1_000_000) -> None:
        self._entries: deque[Entry] = deque(maxlen=size)
        self._seq = 0
        self._counts: Counter[tuple[str, str, str]] = Counter()

    def open(self, at: float, method: str, path: str, agent: str = "") -> Entry:
        """Note that a request came. The caller fills in the rest, then closes it."""
        self._seq += 1
        entry = Entry(self._seq, at, method, path, agent)
        self._entries.append(entry)
        return entry

    def apply(self, entry: Entry, at: float, *, created: bool) -> None:
        """Note that a request changed something."""
        entry.applied, entry.applied_at, entry.created = True, at, created

    def close(self, entry: Entry, at: float, status: int | None) -> None:
        """Note how a request ended, and count it."""
        entry.status = status
        entry.ended = at
        self._counts[entry.operation, str(status or "none"), entry.budget] += 1

    def after(self, seq: int = 0, limit: int = 1_000_000) -> list[Entry]:
        """Entries later than `seq`, the oldest first."""
        oldest = self._seq - len(self._entries) + 1
        start = max(0, seq + 1 - oldest)
        return list(islice(self._entries, start, start + limit))

    def rows(self, seq: int = 0, limit: int = 1_000) -> list[dict[str, Any]]:
        """The same as JSON."""
        return [asdict(entry) for entry in self.after(seq, limit)]

    def stats(self) -> dict[str, Any]:
        """Counts of all that ended: by operation and status, by budget, and of 429s."""
        operations: dict[str, dict[str, int]] = {}
        budgets: Counter[str] = Counter()
        for (operation, status, budget), number in self._counts.items():
            by_status = operations.setdefault(operation, {})
            by_status[status] = by_status.get(status, 0) + number
            budgets[budget] += number
        return {
            "requests": self._seq,
            "operations": operations,
            "budgets": dict(budgets),
            "throttled": sum(number for (_, status, _), number in self._counts.items() if status == "429"),
        }
