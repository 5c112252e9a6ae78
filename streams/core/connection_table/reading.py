"""Reads a table of connections: from the bytes of a file, however a spreadsheet wrote it, to rows with their problems. Pure.

| what comes | what becomes of it |
| --- | --- |
| commas, semicolons (Excel in many countries), tabs (cells that were pasted) | the one that finds most known headers |
| a byte order mark, UTF-16 (Excel's "Unicode text"), a first line `sep=;` | read |
| another encoding | refused, with the line: guessed letters would be wrong names |
| an unknown or double header | refused as a whole: nobody knows what its cells mean |
| a wrong cell, too many cells | this row is refused, the others count |

No text of a problem holds a key, nor a cell that could be one in the wrong column.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from streams.core.connection_table.columns import COLUMNS, FLAGS, HEADERS, Column, column_of
from streams.mapping.errors import did_you_mean
from streams.settings.problems import Problem

MOST_BYTES = 512 * 1024
MOST_ROWS = 500
LONGEST_CELL = 4096
LONGEST_SHOWN = 24
"""A longer text in a problem could be a key that slipped into another column."""
_DELIMITERS = (",", ";", "\t")


class UnreadableTable(Exception):
    """The table as a whole cannot be read. `problems` say why."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("\n".join(str(one) for one in problems))


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    """A row: the settings of a connection that it means. `cells` are those that are filled, by column, without secrets.

    `line` is the row's first line in the file. No secret shows in a `repr`.
    """

    line: int
    name: str
    table: Mapping[str, Any]
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    cells: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def read_rows(content: bytes) -> tuple[ConnectionRow, ...]:
    """The rows of a table that are not empty. Raises `UnreadableTable`."""
    if len(content) > MOST_BYTES:
        raise UnreadableTable(Problem(None, "the file", f"at most {MOST_BYTES // 1024} KiB", f"{len(content)} bytes"))
    text = _decoded(content)
    first_line = 1
    if re.match(r"sep=.\r?\n", text):  # Excel's hint to itself
        text, first_line = text.partition("\n")[2], 2
    if not text.strip():
        raise UnreadableTable(Problem(None, "the file", "a row of headers, and rows of connections", "nothing"))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter_of(text), strict=True)
    rows: list[tuple[int, list[str]]] = []
    line = first_line
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((line, cells))
            if len(rows) > MOST_ROWS + 1:
                raise UnreadableTable(Problem(line, "the file", f"at most {MOST_ROWS} connections", "more"))
            line = first_line + reader.line_num
    except csv.Error as error:
        hint = "a quotation mark is not closed, or a cell has one in its middle"
        raise UnreadableTable(Problem(line, "the file", "rows of cells", str(error), hint)) from None
    columns = _columns(*rows[0])
    return tuple(_row(line, columns, cells) for line, cells in rows[1:])


def _decoded(content: bytes) -> str:
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        hint = "in Excel: Save as, CSV UTF-8"
        raise UnreadableTable(Problem(line, "the file", "text in UTF-8", "another encoding", hint)) from None
    if "\0" in text:
        raise UnreadableTable(Problem(None, "the file", "a table as text (CSV)", "a file of another kind"))
    return text


def _delimiter_of(text: str) -> str:
    """The sign between cells: the one by which most headers of the first line are known."""
    first = next(line for line in text.splitlines() if line.strip())

    def known(delimiter: str) -> int:
        return sum(column_of(cell) is not None for cell in next(csv.reader([first], delimiter=delimiter), []))

    return max(_DELIMITERS, key=known)


def _columns(line: int, headers: list[str]) -> list[Column | None]:
    """The column of each header; None for cells without a header at the end. Raises `UnreadableTable`."""
    found = [column_of(header) for header in headers]
    problems = [
        Problem(line, "the headers", "a known column", repr(shown_cell(header)), did_you_mean(header.strip(), HEADERS))
        for header, column in zip(headers, found, strict=True)
        if column is None and header.strip()
    ]
    for column in COLUMNS:
        if found.count(column) > 1:
            problems.append(Problem(line, "the headers", f"one column {column.name}", f"{found.count(column)}"))
        elif column.is_required and column not in found:
            problems.append(Problem(line, "the headers", f"a column {column.name}", "none"))
    if problems:
        raise UnreadableTable(*problems)
    return found


def _row(line: int, columns: list[Column | None], cells: list[str]) -> ConnectionRow:
    problems: list[Problem] = []
    table: dict[str, Any] = {}
    values: dict[str, Any] = {}
    credentials: dict[str, str] = {}
    name = ""
    more = [cell for cell in cells[len(columns) :] if cell.strip()]
    more += [cell for column, cell in zip(columns, cells, strict=False) if column is None and cell.strip()]
    if more:
        hint = "put a cell that holds a separator into quotation marks"
        problems.append(Problem(line, "the row", f"{len(columns)} cells", f"{len(columns) + len(more)}", hint))
    given = {one.name: cell.strip() for one, cell in zip(columns, cells, strict=False) if one is not None}
    for column in COLUMNS:
        text = given.get(column.name, "")
        if not text:
            if column.is_required:
                problems.append(Problem(line, column.name, column.words, "nothing"))
        elif len(text) > LONGEST_CELL:
            problems.append(Problem(line, column.name, f"at most {LONGEST_CELL} characters", f"{len(text)}"))
        elif column.kind == "secret":
            credentials[column.name] = text
        elif column.name == "name":
            name = connection_name(text)
        else:
            value, problem = _value(line, column, text)
            if problem is not None:
                problems.append(problem)
                continue
            values[column.name] = value
            _put(table, column.path, value)
    return ConnectionRow(line, name, table, credentials, values, tuple(problems))


def _value(line: int, column: Column, text: str) -> tuple[Any, Problem | None]:
    """What a cell means, or its problem."""
    if column.kind in ("flag", "choice"):
        meanings: Mapping[str, Any] = FLAGS if column.kind == "flag" else column.choices
        known = {**{str(meaning).lower(): meaning for meaning in meanings.values()}, **meanings}
        if text.lower() in known:
            return known[text.lower()], None
        expected = "yes or no" if column.kind == "flag" else f"one of {', '.join(meanings)}"
        return None, Problem(line, column.name, expected, shown_cell(text), did_you_mean(text, meanings))
    if column.kind == "number":
        for kind in (int, float):
            try:
                return kind(text.replace(",", ".")), None
            except ValueError:
                continue
        return None, Problem(line, column.name, "a number", shown_cell(text))
    if column.name.endswith("_id") and re.fullmatch(r"\d[.,]?\d*E\+\d+", text, re.IGNORECASE):
        hint = "the spreadsheet rounded it: format the column as text, and type it again"
        return None, Problem(line, column.name, "all digits of the id", shown_cell(text), hint)
    return text, None


def _put(table: dict[str, Any], path: Iterable[str], value: Any) -> None:
    *tables, key = path
    for one in tables:
        table = table.setdefault(one, {})
    table[key] = value


def connection_name(text: str) -> str:
    """A connection's name from what an agency is called: `Harbor Realty` is `harbor-realty`."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9_]+", "-", plain).strip("-_")[:63] or text


def shown_cell(text: str) -> str:
    """A cell as a problem names it. A long text could be a key in the wrong column, and is not shown."""
    is_short = len(text.strip("'\"")) <= LONGEST_SHOWN and not text.lower().lstrip("'\"").startswith("pit-")
    return text if is_short else f"a text of {len(text)} characters (not shown)"
