"""Edited mappings and connections over those of the configuration file.

The tables of an edited mapping replace those of the file, with the lines of their own text, and the tables of edited connections
come after the file's; then everything is parsed as one file. So an edit is checked by the same rules as the file.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from streams.settings.problem_text import dotted
from streams.settings.problems import Problem
from streams.settings.toml_lines import Path, line_numbers


@dataclass(frozen=True, slots=True)
class EditedConnection:
    """A connection that is not in the file. `id` is permanent, `label` the name of its `table`, `version` counts its edits."""

    id: str
    label: str
    version: int
    table: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Overlay:
    """`texts` are mappings by name, `uses` the mapping of each connection that has another than the file says.

    `version` counts the edits of mappings that led here; 0 is the file alone. `connections` are in the order of their last
    edits: where two contradict each other, the later edit has the problem.
    """

    version: int = 0
    texts: Mapping[str, str] = field(default_factory=dict)
    uses: Mapping[str, str] = field(default_factory=dict)
    connections: tuple[EditedConnection, ...] = ()


NO_OVERLAY = Overlay()

LONGEST_TEXT = 64 * 1024
"""Characters of a mapping's text."""
MOST_DOTS = 200
"""In one line: `tomllib` walks through all beginnings of a dotted key."""
DEEPEST = 12
"""How deep tables and lists may be nested. A mapping has six levels."""
MOST_OTHERS = 20


def apply_overlay(
    tables: dict[str, Any], lines: dict[Path, int], overlay: Overlay, problems: list[Problem]
) -> tuple[dict[str, Any], dict[Path, int]]:
    """The tables and lines of the file with the overlay applied. Texts that are no TOML are appended to `problems`."""
    if not overlay.texts and not overlay.uses and not overlay.connections:
        return tables, lines
    written = tables.get("mappings")
    mappings = dict(written) if isinstance(written, dict) else {}
    lines = {
        path: line
        for path, line in lines.items()
        if not (path[:1] == ("mappings",) and path[1:2] and path[1] in overlay.texts)
    }
    for name, text in overlay.texts.items():
        table = read_mapping(name, text, problems)
        if table is None:
            mappings[name] = {}  # the mapping exists: a connection that names it has no problem
            continue
        mappings[name] = table
        lines |= {path: line for path, line in line_numbers(text).items() if path[:2] == ("mappings", name)}
    merged = {**tables, "mappings": mappings} if mappings or "mappings" in tables else dict(tables)
    connections = tables.get("connections", {})
    if isinstance(connections, dict):
        connections = _with_edited(connections, overlay.connections, problems)
        merged["connections"] = {name: _with_mapping(name, one, overlay.uses) for name, one in connections.items()}
    return merged, lines


def _with_edited(
    written: Mapping[str, Any], edited: Iterable[EditedConnection], problems: list[Problem]
) -> dict[str, Any]:
    """The file's connections, and behind them the edited ones. Two of the same name are a problem of the later one."""
    connections = dict(written)
    for one in edited:
        if one.label in connections:
            where = "of the configuration file" if one.label in written else "that was edited before"
            key, expected = dotted(("connections", one.label)), "a name of its own"
            problems.append(Problem(None, key, expected, repr(one.label), f"a connection {where} has this name"))
        else:
            connections[one.label] = {**one.table, "id": one.id}
    return connections


def _with_mapping(name: str, table: Any, uses: Mapping[str, str]) -> Any:
    """A connection's table with the mapping that edits give it: they name it by its id."""
    key = table.get("id", name) if isinstance(table, dict) else ""
    return {**table, "mapping": uses[key]} if isinstance(key, str) and key in uses else table


def read_mapping(name: str, text: str, problems: list[Problem]) -> dict[str, Any] | None:
    """The table of a mapping from its text: TOML that holds `[mappings.NAME]` and nothing else.

    Every problem's `where` begins with the mapping's key, so that its line is known to count in this text.
    """
    key = dotted(("mappings", name))
    header = f"[{key}]"
    if (problem := _size_problem(key, text)) is not None:
        problems.append(problem)
        return None
    try:
        tables = tomllib.loads(text)
        if _is_deeper(tables, DEEPEST):
            raise RecursionError
    except RecursionError:
        problems.append(Problem(1, key, f"tables and lists at most {DEEPEST} deep", "more"))
        return None
    except tomllib.TOMLDecodeError as error:
        problem = syntax_problem(str(error), text)
        problems.append(replace(problem, where=f"{key}, {problem.where}"))
        return None
    except ValueError as error:  # such as a number of more digits than Python reads
        problems.append(Problem(1, key, "valid TOML", f"an error: {str(error)[:200]}"))
        return None
    lines = line_numbers(text)
    mappings = tables.get("mappings")
    others: list[Path] = [(other,) for other in tables if other != "mappings"]
    if isinstance(mappings, dict):
        others += [("mappings", other) for other in mappings if other != name]
    hint = f"a mapping's text holds {header} and its tables, nothing else"
    problems += (
        Problem(lines.get(path, 1), key, f"only {header}", dotted(path)[:200], hint) for path in others[:MOST_OTHERS]
    )
    if len(others) > MOST_OTHERS:
        problems.append(Problem(1, key, f"only {header}", f"{len(others) - MOST_OTHERS} more tables and keys"))
    table = mappings.get(name) if isinstance(mappings, dict) else None
    if not isinstance(table, dict) and not others:
        problems.append(Problem(1, key, f"a table {header}", "nothing", f"begin with {header}"))
    return table if isinstance(table, dict) and not others else None


def _size_problem(key: str, text: str) -> Problem | None:
    """The limit that a text exceeds, if any: such a text would take too long to read."""
    if len(text) > LONGEST_TEXT:
        return Problem(1, key, f"a text of at most {LONGEST_TEXT} characters", f"{len(text)}")
    for number, line in enumerate(text.split("\n"), 1):
        if line.count(".") > MOST_DOTS:
            return Problem(number, key, f"at most {MOST_DOTS} dots in a line", f"{line.count('.')}")
    return None


def _is_deeper(value: Any, most: int) -> bool:
    """Whether tables and lists are nested deeper."""
    waiting = [(value, 0)]
    while waiting:
        one, depth = waiting.pop()
        if depth > most:
            return True
        if isinstance(one, (dict, list)):
            waiting += ((inner, depth + 1) for inner in (one.values() if isinstance(one, dict) else one))
    return False


def syntax_problem(message: str, text: str) -> Problem:
    """The problem of a text that `tomllib` refuses; its message names the line and column, but not at the end of the text."""
    position = re.search(r" \(at line (\d+), column (\d+)\)$", message)
    line = int(position[1]) if position else text.count("\n") + 1
    where = f"column {position[2]}" if position else "the end"
    got = message[: position.start()] if position else message.removesuffix(" (at end of document)")
    return Problem(line, where, "valid TOML", f"an error: {got[0].lower()}{got[1:]}")
