"""A preview as a table on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from streams.cli.shared import plain
from streams.operations.mapping_preview.preview import MappingDifference, Preview, Row

MOST = 60
"""Characters of a value that are shown."""
QUIET = ("empty",)
"""Fields that are empty on both sides are counted, not listed."""


def print_preview(one: Preview, changes: Sequence[MappingDifference] | None = None) -> None:
    """Print a lead field by field; with `changes`, what an edited mapping would change."""
    console = Console(highlight=False)
    because = f" ({one.because})" if one.because else ""
    console.print(f"{one.connection} lead {one.lead} {_shown(one.name)}: would {one.would}{because}", markup=False)
    knows_found = any(row.is_found_known for row in one.rows)
    table = Table(
        "GHL field", "from Lofty", "its value", "steps", "for GHL", "GHL holds" if knows_found else "", "then"
    )
    for row in one.rows:
        if row.change not in QUIET or row.lofty not in (None, "", []):
            table.add_row(*(escape(cell) for cell in _cells(row, knows_found)))
    console.print(table)
    empty = sum(row.change in QUIET for row in one.rows)
    console.print(f"{empty} more fields are empty in Lofty and not written" if empty else "", markup=False)
    console.print(plain(_tags(one)), markup=False)
    for flag in one.flags:
        console.print(f"! {plain(flag)}", markup=False)
    if changes is not None:
        _print_changes(console, changes)
    console.print()


def _print_changes(console: Console, changes: Sequence[MappingDifference]) -> None:
    if not changes:
        console.print("this text changes nothing for this lead")
    for one in changes:
        before = _shown(one.before) if one.is_mapped_before else "not mapped"
        after = _shown(one.after) if one.is_mapped_after else "not mapped"
        console.print(f"  {one.target}: {before} → {after}", markup=False)


def _cells(row: Row, knows_found: bool) -> tuple[str, ...]:
    steps = " → ".join(f"{step.name} {step.trouble or _shown(step.value)}" for step in row.steps)
    found = _shown(row.found) if row.is_found_known else ""
    then = row.change + (f": {row.note}" if row.note else "")
    return (row.target, row.source, _shown(row.lofty), steps, _shown(row.value), found if knows_found else "", then)


def _tags(one: Preview) -> str:
    parts = [f"tags: {', '.join(one.tags.wanted) or 'none'}"]
    parts += [f"adds {', '.join(one.tags.add)}"] if one.tags.add else []
    parts += [f"removes {', '.join(one.tags.remove)}"] if one.tags.remove else []
    return "; ".join(parts)


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
    text = plain(text)
    return text if len(text) <= MOST else text[: MOST - 1] + "…"
