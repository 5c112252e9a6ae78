"""Extracts a mapping's text from the configuration file, for the editor. Pure.

The mapping's tables are copied from the file with their comments. If that text does not give the same table (because the file
has it inline or with dotted keys), the text is generated from the table instead.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from streams.mapping.default import DEFAULT_MAPPING
from streams.settings.problem_text import dotted
from streams.settings.toml_lines import line_numbers

DEFAULT_TEXT = "[mappings.default]" + DEFAULT_MAPPING.replace("[fields]", "[mappings.default.fields]")
"""The built-in mapping, in the form in which mappings are written."""


def new_text(name: str) -> str:
    """The first text of a new mapping."""
    header = dotted(("mappings", name))
    return f'[{header}]\nextends = "default"\n\n[{header}.fields]\n'


def text_in_file(file: str, name: str) -> str:
    """The text of the mapping `name` in a configuration file that holds it."""
    tables = tomllib.loads(file)
    table = tables["mappings"][name]
    cut = _cut(file, tables, name)
    try:
        if tomllib.loads(cut) == {"mappings": {name: table}}:
            return cut
    except tomllib.TOMLDecodeError:
        pass
    return "\n".join(_written(("mappings", name), table)) + "\n"


def _cut(file: str, tables: Mapping[str, Any], name: str) -> str:
    lines = file.replace("\r\n", "\n").split("\n")
    starts = sorted(
        (number, path)
        for path, number in line_numbers(file).items()
        if path and lines[number - 1].lstrip().startswith("[") and isinstance(_at(tables, path), dict)
    )
    headers: dict[int, tuple[str, ...]] = {}
    for number, path in starts:
        if len(path) > len(headers.get(number, ())):
            headers[number] = path
    numbers = sorted(headers)
    parts = []
    ends = [*numbers[1:], len(lines) + 1][: len(numbers)]
    for number, end in zip(numbers, ends, strict=True):
        if headers[number][:2] == ("mappings", name):
            parts += [
                *_comments_above(lines, number),
                *_without_comments_below(lines[number - 1 : end - 1], end <= len(lines)),
            ]
    return "\n".join(parts).strip("\n") + "\n"


def _comments_above(lines: list[str], number: int) -> list[str]:
    at = number - 1
    while at > 0 and lines[at - 1].lstrip().startswith("#"):
        at -= 1
    return lines[at : number - 1]


def _without_comments_below(part: list[str], has_next: bool) -> list[str]:
    """A table's lines without the comment that belongs to the next table."""
    if has_next:
        while len(part) > 1 and part[-1].lstrip().startswith("#"):
            part = part[:-1]
    return part


def _at(tables: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        is_list = isinstance(tables, list)
        tables = tables[int(key)] if is_list else tables.get(key) if isinstance(tables, dict) else None
    return tables


def _written(path: tuple[str, ...], table: Mapping[str, Any]) -> Iterator[str]:
    """A table as TOML. Tables inside it have their own headers, down to the level of a mapping's fields."""
    yield f"[{dotted(path)}]"
    inner = {key: value for key, value in table.items() if isinstance(value, dict) and len(path) == 2}
    for key, value in table.items():
        if key not in inner:
            yield f"{_key(key)} = {_value(value)}"
    for key, value in inner.items():
        yield ""
        yield from _written((*path, key), value)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _text(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_value(one)}" for key, one in value.items()) + " }" if value else "{}"
    if isinstance(value, list):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    return str(value)


def _text(value: str) -> str:
    """A TOML string: JSON's strings are also TOML's, except for one character."""
    return orjson.dumps(value).decode().replace("\x7f", "\\u007f")
