"""What a person needs to see of a deployment, however many connections it has: what is wrong first, like things together. Pure."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from streams.operations.status.health import HealthProblem
from streams.operations.status.overview import ConnectionView, Overview

T = TypeVar("T")

ALIKE = 4
"""From so many problems with the same words on, they are one line."""


@dataclass(frozen=True, slots=True)
class ProblemGroup:
    """Problems that say the same of several `subjects`. `fix` is for the first; `is_for_all`: for each of them."""

    subjects: tuple[str, ...]
    says: str
    fix: str
    is_for_all: bool = True


@dataclass(frozen=True, slots=True)
class ConnectionCounts:
    """Each connection counts once: as one that `needs_attention`, or that a person has `paused`, or as `well`.

    `links` and `undelivered` are of all.
    """

    needs_attention: int
    paused: int
    well: int
    links: int
    undelivered: int


def together(items: Iterable[T], key: Callable[[T], Hashable], least: int = ALIKE) -> Iterator[tuple[T, ...]]:
    """The items in their order, with those together that have the same key, where there are at least so many of them."""
    listed = tuple(items)
    same: dict[Hashable, list[T]] = {}
    for item in listed:
        same.setdefault(key(item), []).append(item)
    for item in listed:
        group = same[key(item)]
        if len(group) < least:
            yield (item,)
        elif group[0] is item:
            yield tuple(group)


def grouped(problems: Iterable[HealthProblem], least: int = ALIKE) -> tuple[ProblemGroup, ...]:
    """The problems, with those together that say the same."""
    return tuple(
        ProblemGroup(
            tuple(one.subject for one in group), group[0].says, group[0].mend, len({one.mend for one in group}) == 1
        )
        for group in together(problems, lambda one: (one.kind, one.says), least)
    )


def needing_attention(found: Overview, problems: Iterable[HealthProblem]) -> tuple[ConnectionView, ...]:
    """The connections that a problem names, in the order of the problems."""
    views = {one.connection: one for one in found.connections}
    names = dict.fromkeys(name for problem in problems for name in problem.about.connections)
    return tuple(views[name] for name in names if name in views)


def connection_counts(found: Overview, in_need: Iterable[ConnectionView]) -> ConnectionCounts:
    """How many connections are how."""
    names = {one.connection for one in in_need}
    paused = sum(bool(one.paused) for one in found.connections if one.connection not in names)
    return ConnectionCounts(
        needs_attention=len(names),
        paused=paused,
        well=len(found.connections) - len(names) - paused,
        links=sum(one.links or 0 for one in found.connections),
        undelivered=sum(sum(one.undelivered.values()) for one in found.connections),
    )
