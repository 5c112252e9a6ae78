"""The line of each key of a TOML document.

`tomllib` gives values without lines, and no maintained small library gives both.
This scanner only finds lines: it runs on documents that `tomllib` has already accepted, so it checks nothing.
A property-based test holds its keys to be exactly those that `tomllib` reads.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence

Path = tuple[str, ...]

_SPACE = re.compile(r"[ \t]*")
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^\s,\]}#]+(?: \d\d:[^\s,\]}#]+)?")


def line_numbers(text: str) -> dict[Path, int]:
    """The line (from 1) of every table, key and element of a list; list elements have their index as text in the path.

    The root `()` is on line 1. The document must be valid TOML.
    """
    return _Scanner(text.replace("\r\n", "\n")).scan()


def line_of(lines: Mapping[Path, int], path: Sequence[str]) -> int:
    """The line of a path, or of the nearest table around it that is written down."""
    for length in range(len(path), -1, -1):
        found = lines.get(tuple(path[:length]))
        if found is not None:
            return found
    return 1


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Path, int] = {(): 1}
        self.counts: dict[Path, int] = {}
        self.line = 1
        self.line_at = 0

    def scan(self) -> dict[Path, int]:
        table: Path = ()
        while True:
            self._skip(_BLANK)
            if self.at >= len(self.text):
                return self.lines
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._key_value(table)

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:
            raise ValueError(f"not TOML at line {self._current_line()}")
        self.at = match.end()
        return match[0]

    def _current_line(self) -> int:
        self.line += self.text.count("\n", self.line_at, self.at)
        self.line_at = self.at
        return self.line

    def _note(self, path: Path, line: int) -> None:
        for length in range(1, len(path) + 1):
            self.lines.setdefault(path[:length], line)

    def _header(self) -> Path:
        line = self._current_line()
        is_list = self.text.startswith("[[", self.at)
        self.at += 2 if is_list else 1
        path = self._inside_last(self._dotted_key(), keep_last=not is_list)
        self.at += 2 if is_list else 1
        if is_list:
            index = self.counts.get(path, 0)
            self.counts[path] = index + 1
            self._note(path, line)
            path = (*path, str(index))
        self._note(path, line)
        self.lines[path] = line
        return path

    def _inside_last(self, keys: Path, *, keep_last: bool) -> Path:
        """A header's path: within a list of tables, it speaks of the latest one."""
        path: Path = ()
        for position, key in enumerate(keys):
            path = (*path, key)
            if path in self.counts and (keep_last or position < len(keys) - 1):
                path = (*path, str(self.counts[path] - 1))
        return path

    def _dotted_key(self) -> Path:
        keys: list[str] = []
        while True:
            self._skip(_SPACE)
            keys.append(self._key())
            self._skip(_SPACE)
            if self.text[self.at] != ".":
                return tuple(keys)
            self.at += 1

    def _key(self) -> str:
        if self.text[self.at] in "\"'":
            start = self.at
            self._string()
            return str(tomllib.loads(f"key = {self.text[start : self.at]}")["key"])
        return self._skip(_BARE_KEY)

    def _key_value(self, table: Path) -> None:
        line = self._current_line()
        path = (*table, *self._dotted_key())
        self._note(path, line)
        self.at += 1
        self._skip(_SPACE)
        self._value(path)

    def _value(self, path: Path) -> None:
        start = self.text[self.at]
        if start in "\"'":
            self._string()
        elif start == "[":
            self._list(path)
        elif start == "{":
            self._inline_table(path)
        else:
            self._skip(_SCALAR)

    def _list(self, path: Path) -> None:
        self.at += 1
        index = 0
        while True:
            self._skip(_BLANK)
            if self.text[self.at] == "]":
                self.at += 1
                return
            if self.text[self.at] == ",":
                self.at += 1
                continue
            element = (*path, str(index))
            self._note(element, self._current_line())
            self._value(element)
            index += 1

    def _inline_table(self, path: Path) -> None:
        self.at += 1
        while True:
            self._skip(_BLANK)
            if self.text[self.at] == "}":
                self.at += 1
                return
            if self.text[self.at] == ",":
                self.at += 1
                continue
            self._key_value(path)

    def _string(self) -> None:
        """Move past a string of any of TOML's four kinds."""
        quote = self.text[self.at]
        if self.text.startswith(quote * 3, self.at):
            self.at += 3
            while not self.text.startswith(quote * 3, self.at):
                self.at += 2 if quote == '"' and self.text[self.at] == "\\" else 1
            self.at += 3
            while self.at < len(self.text) and self.text[self.at] == quote:
                self.at += 1
            return
        self.at += 1
        while self.text[self.at] != quote:
            self.at += 2 if quote == '"' and self.text[self.at] == "\\" else 1
        self.at += 1
