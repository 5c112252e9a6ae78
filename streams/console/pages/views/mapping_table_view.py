"""A mapping as a table: one row for each GHL field, and what was saved before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from streams.console.pages.views.mapping_view import DiffLine, diff
from streams.console.pages.views.mapping_words import change_words, source_words, value_of
from streams.console.pages.views.new_fields import TYPES
from streams.console.pages.views.page_view import Hyperlink
from streams.console.services.mapping_table import LeadExample
from streams.core.to_ghl.directory import Directory
from streams.mapping_versions.form.rows import FieldRow
from streams.mapping_versions.form.source import (
    Formula,
    Unmapped,
)
from streams.mapping_versions.listing import Edit

MOST_HISTORY = 10


@dataclass(frozen=True, slots=True)
class TableRow:
    """One GHL field: where its value comes from in words, and an example of Lofty's value.

    `is_own` says that this mapping decides it, otherwise `of` names the mapping that it is inherited from.
    """

    target: str
    name: str
    type: str
    source: str
    changes: tuple[str, ...]
    example: str
    of: str
    is_own: bool
    is_mapped: bool
    is_formula: bool
    is_new: bool


@dataclass(frozen=True, slots=True)
class PastEdit:
    """One saved version of this mapping. `can_undo` only for the newest."""

    version: int
    at_ms: int
    by: str
    diff: tuple[DiffLine, ...]
    can_undo: bool


@dataclass(frozen=True, slots=True)
class MappingTableView:
    """The table. `groups` are standard and custom fields; `example` names the lead whose values are shown.

    `steps` lead back to those of each connection that uses it and is not switched on.
    """

    name: str
    groups: tuple[tuple[str, tuple[TableRow, ...]], ...]
    used_by: tuple[str, ...]
    connection: str
    connections: tuple[str, ...]
    example: str
    example_problem: str
    is_built_in: bool
    can_delete: bool
    history: tuple[PastEdit, ...]
    problem: str = ""
    steps: tuple[Hyperlink, ...] = ()


def table_row(row: FieldRow, name: str, example: LeadExample | None, known: Directory | None) -> TableRow:
    """One row of the table. `known` is the location's directory, None where it is not known."""
    is_new = row.is_custom and known is not None and known.custom_field_id(row.target.partition(":")[2]) is None
    return TableRow(
        target=row.target,
        name=row.name,
        type=TYPES.get(row.type or "TEXT", row.type) if row.is_custom else "",
        source=source_words(row.source),
        changes=tuple(change_words(one) for one in row.transforms),
        example=value_of(row.source, example) if example else "",
        of=row.of,
        is_own=row.of == name,
        is_mapped=not isinstance(row.source, Unmapped),
        is_formula=isinstance(row.source, Formula),
        is_new=is_new and not isinstance(row.source, Unmapped),
    )


def past_edits(name: str, history: Iterable[Edit], now_text: str) -> tuple[PastEdit, ...]:
    """The saved versions of a mapping, newest first, each with what it changed."""
    edits = [one for one in history if one.kind == "text" and one.name == name]
    found = []
    for index, one in enumerate(edits[:MOST_HISTORY]):
        lines = diff(one.before or "", one.text or "")
        can_undo = index == 0 and (one.text or "") == now_text and one.before is not None
        found.append(PastEdit(one.version, one.at_ms, one.by, lines, can_undo))
    return tuple(found)
