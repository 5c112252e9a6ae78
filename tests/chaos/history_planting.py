"""How a fault finds its place in a history."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")
Pick = Callable[[Sequence[T]], T]
"""Chooses where to plant."""


class NoPlace(Exception):
    """This history has nothing where the fault could be planted."""


def pick_from(pick: Pick[T], those: Iterable[T]) -> T:
    """One of those. Raises `NoPlace` when there is none."""
    found = list(those)
    if not found:
        raise NoPlace
    return pick(found)
