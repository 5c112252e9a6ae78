"""The runs that are known: which of them were cut off, and which are old enough to be forgotten. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from streams.messages.run import Run

HEARTBEAT_MS = 5_000
"""How often whoever runs something writes that it is still under way."""
SILENT_MS = 20_000
"""A run that is not over, and of which nothing was written for so long, was cut off."""
KEPT = 20
"""Runs of one kind that are kept of a connection."""
KEPT_DAYS = 90
DAY_MS = 24 * 60 * 60 * 1000


@dataclass(slots=True)
class RunHistory:
    """The newest record of each run."""

    runs: dict[str, Run] = field(default_factory=dict)

    def take(self, key: str, run: Run | None) -> None:
        """A record was read; None takes its run away."""
        if run is None:
            self.runs.pop(key, None)
        else:
            self.runs[key] = run

    def newest_first(self) -> Iterator[Run]:
        """All of them."""
        return iter(sorted(self.runs.values(), key=lambda run: (run.began_ms, run.id), reverse=True))

    def surplus(self, now_ms: int, removed: Collection[str] = ()) -> tuple[str, ...]:
        """The ids of runs that are over and can be forgotten.

        Newer ones of their sort are there, or they are too old, or all their connections were removed.
        """
        return tuple(_surplus(self.newest_first(), now_ms, removed))


def is_cut_off(run: Run, now_ms: int) -> bool:
    """Whether it was stopped with the process that ran it, or that process is gone: it would have written since."""
    return run.was_cut_off or (not run.ended_ms and now_ms - run.moved_ms > SILENT_MS)


def _surplus(newest_first: Iterable[Run], now_ms: int, removed: Collection[str]) -> Iterator[str]:
    kept: defaultdict[tuple[object, ...], int] = defaultdict(int)
    for run in newest_first:
        if not run.ended_ms and not is_cut_off(run, now_ms):
            continue
        # Comparisons of single leads do not displace those of their connection, nor acts on many connections each other's.
        sort = (run.kind, run.connections[0] if len(run.connections) == 1 else "", bool(run.lead))
        kept[sort] += 1
        is_of_removed = bool(run.connections) and all(one in removed for one in run.connections)
        if is_of_removed or kept[sort] > KEPT or now_ms - run.moved_ms > KEPT_DAYS * DAY_MS:
            yield run.id
