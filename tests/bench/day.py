"""A working day as a description: when agents work, and how one of them edits a lead. Pure: the same seed gives the same day.

Nobody's day was recorded. What is described: an agent opens a lead, and within 1 to 20 seconds makes 3 to 15 edits of it,
most of them of the lead itself (stage, tags, phone), the others notes and tasks; teams are busiest before noon.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from types import MappingProxyType
from typing import Literal

What = Literal["stage", "tags", "phone", "note", "task", "finish task"]

DAY_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Day:
    """One team's day. `hours` are weights of the 24 hours, `whats` of what is edited.

    A burst has between `least` and `most` edits and lasts between `shortest_seconds` and `longest_seconds`.
    """

    bursts: int = 300
    hours: tuple[int, ...] = (0, 0, 0, 0, 0, 0, 1, 3, 8, 12, 12, 10, 9, 8, 8, 7, 7, 5, 3, 3, 2, 1, 1, 0)
    least: int = 3
    most: int = 15
    shortest_seconds: float = 1.0
    longest_seconds: float = 20.0
    whats: Mapping[What, int] = field(
        default_factory=lambda: MappingProxyType(
            {"stage": 4, "tags": 5, "phone": 2, "note": 3, "task": 2, "finish task": 1}
        )
    )


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """One edit: `at` seconds after the day's beginning as it is played, of the `lead`-th lead of the `team`-th team."""

    at: float
    team: int
    lead: int
    number: int
    what: What


def play(day: Day, *, teams: int, leads: int, seconds: float, seed: int = 1) -> list[Edit]:
    """All edits of some teams' day that is played in `seconds`, in order.

    The hours are shortened, the bursts are not: within a burst an agent edits at real speed.
    """
    random = Random(seed)
    found: list[Edit] = []
    whats, weights = list(day.whats), list(day.whats.values())
    for team in range(teams):
        for _ in range(day.bursts):
            [hour] = random.choices(range(24), day.hours)
            begins = (hour + random.random()) * 3600 / DAY_SECONDS * seconds
            lasts = random.uniform(day.shortest_seconds, day.longest_seconds)
            edits = random.randint(day.least, day.most)
            offsets = sorted([0.0, lasts, *(random.uniform(0.0, lasts) for _ in range(edits - 2))])
            lead = random.randrange(leads)
            for offset in offsets:
                [what] = random.choices(whats, weights)
                found.append(Edit(begins + offset, team, lead, len(found), what))
    return sorted(found)
