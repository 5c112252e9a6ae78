"""What is wrong with a mapping, said so that its author can fix it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True)
class MappingFault:
    """One thing wrong: at `path` (keys from the mapping's table down), with what would be right in `hint`."""

    path: tuple[str, ...]
    expected: str
    got: str
    hint: str = ""


class WrongTerm(ValueError):
    """An expression, a transform or an argument that cannot be compiled. The caller knows where it is."""

    def __init__(self, expected: str, got: str, hint: str = "") -> None:
        self.expected = expected
        self.got = got
        self.hint = hint
        super().__init__(f"expected {expected}, got {got}" + (f" ({hint})" if hint else ""))

    def at(self, *path: str) -> MappingFault:
        """The fault that this is at `path`."""
        return MappingFault(path, self.expected, self.got, self.hint)


LONGEST_NAME = 100
"""A longer name is no typing error, and the search costs the square of its length."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint that names the closest known name, or nothing when none is close. Case does not count."""
    if len(name) > LONGEST_NAME:
        return ""
    by_lower = {candidate.lower(): candidate for candidate in known}
    close = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return f"did you mean {by_lower[close[0]]!r}?" if close else ""


def shown(value: object) -> str:
    """A value from a configuration file as an error names it: short, and never the inside of a table or list."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, (list, tuple)):
        return "a list"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
