"""Which await point of which stage is to be stepped on next: counted up from 1, until a stage has no more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import cycle

STAGES = ("write", "read", "write", "record", "write", "deliver", "write", "fetch", "write", "dedupe")
"""In turns. Writing is the most delicate, and has the most points."""

MOST_MISSES = 3
"""A point that nothing has come to in so many traps is left out: such pieces of work are rare."""


@dataclass(slots=True)
class AwaitPoints:
    """The plan of traps. A stage whose points were all visited begins again at 1."""

    stages: Iterable[str] = STAGES
    visited: dict[str, set[int]] = field(default_factory=dict)
    points_of: dict[str, int] = field(default_factory=dict)
    """How many points the longest piece of work has, for each stage of which that was seen."""
    _turns: Iterable[str] = ()
    _next: dict[str, int] = field(default_factory=dict)
    _misses: dict[tuple[str, int], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._turns = cycle(self.stages)

    def take(self) -> tuple[str, int]:
        """The next stage and its point."""
        stage = next(iter(self._turns))
        point = self._next.get(stage, 1)
        self._next[stage] = point + 1
        return stage, point

    def stepped(self, stage: str, point: int) -> None:
        """A worker died there."""
        self.visited.setdefault(stage, set()).add(point)

    def too_far(self, stage: str, point: int) -> None:
        """No piece of work is so long: the stage begins again."""
        self.points_of[stage] = max(self.points_of.get(stage, 0), *self.visited.get(stage, {0}))
        self._next[stage] = 1

    def missed(self, stage: str, point: int) -> None:
        """Nothing came to the point, and that says nothing: it is tried again."""
        misses = self._misses[stage, point] = self._misses.get((stage, point), 0) + 1
        if misses < MOST_MISSES:
            self.give_back(stage, point)

    def give_back(self, stage: str, point: int) -> None:
        """The trap's worker ended of something else: the point is taken again."""
        self._next[stage] = min(point, self._next[stage])

    def never_stepped_on(self) -> list[str]:
        """The stages in which nothing ever came to a trap, however often it was set: their traps do not work."""
        misses: Counter[str] = Counter()
        for (stage, _), number in self._misses.items():
            misses[stage] += number
        return [stage for stage, number in misses.items() if number >= MOST_MISSES and stage not in self.visited]

    def report(self) -> str:
        """What was visited, for people."""
        lines = []
        for stage in dict.fromkeys(self.stages):
            visited = self.visited.get(stage, set())
            rest = f"no more after {self.points_of[stage]}" if stage in self.points_of else "more may follow"
            missing = sorted(set(range(1, max(visited, default=0) + 1)) - visited)
            left_out = f", left out {missing}" if missing else ""
            lines.append(f"{stage}: points 1 to {max(visited, default=0)}{left_out} ({rest})")
        return "; ".join(lines)
