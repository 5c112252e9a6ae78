"""The problems of a configuration: all of them at once, each with its location and what was expected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem. `where` is a dotted key, or the name of an environment variable; then `line` is None."""

    line: int | None
    where: str
    expected: str
    got: str
    hint: str = ""

    def __str__(self) -> str:
        location = f"line {self.line}, {self.where}" if self.line is not None else self.where
        text = f"{location}: expected {self.expected}, got {self.got}"
        return f"{text}. {self.hint[0].upper()}{self.hint[1:]}" if self.hint else text


class SettingsError(Exception):
    """An invalid configuration. `problems` holds all of them, in the file's order; `source` names the file."""

    def __init__(self, source: str, problems: Iterable[Problem]) -> None:
        self.source = source
        self.problems = tuple(sorted(problems, key=lambda one: (one.line is None, one.line or 0, one.where)))
        count = len(self.problems)
        head = f"{source}: {count} problem{'s' if count != 1 else ''}"
        super().__init__("\n".join([head, *(f"  {problem}" for problem in self.problems)]))
