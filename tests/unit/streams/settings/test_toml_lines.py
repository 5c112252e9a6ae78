"""The line on which each key of a TOML document stands."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.settings.toml_lines import line_numbers, line_of

DOCUMENT = '''
# a comment with [brackets] and = signs
top = 1
dotted.key."with.dot" = "a # no comment"

[table]
text = """
several = "lines"
\\"""" # the end
literal = \'\'\'
[no.table]\'\'\'
list = [
  "one", # first
  { inner = 1,   other = { deep = [1, 2] } },
  [2026-04-30 17:33:32, 1979-05-27T07:32:00Z],
]
inline = { "quoted key" = 1, b.c = \'x\' }

[[many]]
name = "first"
[many.child]
x = 1
[[many]]
name = "second"
[many.child]
x = 2
[[many.nested]]
y = 3
'''

PLACES = [
    (("top",), 3),
    (("dotted", "key", "with.dot"), 4),
    (("table",), 6),
    (("table", "text"), 7),
    (("table", "literal"), 10),
    (("table", "list"), 12),
    (("table", "list", "0"), 13),
    (("table", "list", "1", "other", "deep", "1"), 14),
    (("table", "list", "2", "1"), 15),
    (("table", "inline", "quoted key"), 17),
    (("table", "inline", "b", "c"), 17),
    (("many", "0", "name"), 20),
    (("many", "0", "child", "x"), 22),
    (("many", "1", "name"), 24),
    (("many", "1", "child", "x"), 26),
    (("many", "1", "nested", "0", "y"), 28),
]


@pytest.mark.parametrize(("path", "line"), PLACES)
def test_keys_are_found_in_every_way_that_toml_writes_them(path: tuple[str, ...], line: int) -> None:
    """Dotted and quoted keys, inline tables, lists over several lines, strings of all kinds, lists of tables."""
    assert line_numbers(DOCUMENT)[path] == line


def test_line_ends_of_windows_count_the_same() -> None:
    """A file that was edited there reads alike."""
    assert line_numbers(DOCUMENT.replace("\n", "\r\n")) == line_numbers(DOCUMENT)


def test_a_key_that_is_not_written_is_at_its_table() -> None:
    """Where a missing key would have to be added."""
    lines = line_numbers(DOCUMENT)
    assert line_of(lines, ("table", "missing", "deeper")) == 6
    assert line_of(lines, ("nowhere",)) == 1


def _paths(value: Any, path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    children: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, list):
        children = [(str(index), one) for index, one in enumerate(value)]
    return {path}.union(*(_paths(one, (*path, key)) for key, one in children)) if children else {path}


_KEYS = st.sampled_from(["a", "b-c", "d.e", "with space", "ä", '"', "#", "=", "[x]", "0"])
_VALUES = st.recursive(
    st.integers() | st.booleans() | st.text(max_size=8) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=8,
)


def _quoted(text: str) -> str:
    return json.dumps(text).replace("\x7f", "\\u007f")


def _inline(value: Any, gap: str) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(key)} = {_inline(one, ' ')}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + gap + f",{gap}".join(_inline(one, gap) for one in value) + gap + "]"
    if isinstance(value, str):
        return _quoted(value) if not _is_plain(value) else f"'{value}'"
    return json.dumps(value)


def _is_plain(text: str) -> bool:
    return "'" not in text and text.isprintable()


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(_KEYS, st.dictionaries(_KEYS, _VALUES, max_size=4), max_size=4),
    st.sampled_from([" ", "\n", " # [\n"]),
)
def test_the_scanner_finds_the_keys_that_tomllib_reads(document: dict[str, Any], gap: str) -> None:
    """All of them, and no other."""
    rows: list[str] = []
    written: dict[tuple[str, ...], int] = {}
    for table, keys in document.items():
        rows.append(f"[{_quoted(table)}]")
        written[(table,)] = "\n".join(rows).count("\n") + 1
        for key, value in keys.items():
            rows.append(f"{_quoted(key)} = {_inline(value, ' ' if '{' in str(value) else gap)}")
            written[(table, key)] = "\n".join(rows[:-1]).count("\n") + 2
    text = "\n".join(rows)
    try:
        parsed = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return  # JSON escapes a lone surrogate, which TOML has no way to write
    lines = line_numbers(text)
    assert set(lines) == _paths(parsed) | {()}
    assert {path: lines[path] for path in written} == written
