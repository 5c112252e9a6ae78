"""The problems of a mapping's text, with their lines and columns in that text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from streams.settings.problem_text import dotted
from streams.settings.problems import Problem


@dataclass(frozen=True, slots=True)
class TextProblem:
    """One problem. `line` and `column` count from 1 in the edited text; None if the problem is not in that text.

    `where` is a dotted key.
    """

    line: int | None
    column: int | None
    where: str
    expected: str
    got: str
    hint: str = ""

    def __str__(self) -> str:
        column = f", column {self.column}" if self.column is not None else ""
        location = f"line {self.line}{column}, {self.where}" if self.line is not None else self.where
        text = f"{location}: expected {self.expected}, got {self.got}"
        return f"{text}. {self.hint[0].upper()}{self.hint[1:]}" if self.hint else text


def in_text(problems: Iterable[Problem], name: str, text: str) -> tuple[TextProblem, ...]:
    """The problems for the editor of the mapping `name`: in the order of its text, then those that are elsewhere."""
    key, lines = dotted(("mappings", name)), text.replace("\r\n", "\n").split("\n")
    found = (_in_text(one, key, lines) for one in problems)
    return tuple(sorted(found, key=lambda one: (one.line is None, one.line or 0, one.column or 0)))


def in_texts(problems: Iterable[Problem], texts: Mapping[str, str]) -> tuple[TextProblem, ...]:
    """The problems for several texts: each problem once, with its line if it is in one of them."""
    found = []
    for problem in problems:
        seen = [in_text([problem], name, text)[0] for name, text in texts.items()]
        elsewhere = TextProblem(None, None, problem.where, problem.expected, problem.got, problem.hint)
        found.append(next((one for one in seen if one.line is not None), elsewhere))
    return tuple(found)


def _in_text(problem: Problem, key: str, lines: list[str]) -> TextProblem:
    where, _, location = problem.where.partition(", ")
    is_here = where == key or where.startswith(f"{key}.")
    if not is_here or problem.line is None or problem.line > len(lines):
        return TextProblem(None, None, problem.where, problem.expected, problem.got, problem.hint)
    said = re.fullmatch(r"column (\d+)", location)
    column = int(said[1]) if said else _column(lines[problem.line - 1], where)
    return TextProblem(problem.line, column, where, problem.expected, problem.got, problem.hint)


def _column(line: str, where: str) -> int:
    """The column of the dotted path's last key in this line; the line's first column if the key is not in it."""
    keys = re.findall(r'"[^"]*"|[^."]+', where)
    for key in reversed(keys):
        at = line.find(key)
        if at < 0:
            at = line.find(key.strip('"'))
        if at >= 0:
            return at + 1
    return len(line) - len(line.lstrip()) + 1
