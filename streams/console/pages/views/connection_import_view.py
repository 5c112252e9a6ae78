"""The page that adds connections by a table. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from streams.console.errors import Fault
from streams.console.pages.views.page_view import Level, StatusText
from streams.console.pages.wording import counted
from streams.console.services.connection_imports import TABLE_COLUMNS, ImportedRow, ImportReport, TableColumn

_KEYS = {"lofty_api_key": "Lofty's API key", "ghl_token": "GoHighLevel's token"}


@dataclass(frozen=True, slots=True)
class ImportLine:
    """A row of the report. `notes` say more."""

    row: ImportedRow
    state: StatusText
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConnectionImportView:
    """The form alone, or with a report. `sealed` is the checked table; empty when there is nothing to add."""

    words: str = ""
    level: Level = "idle"
    lines: tuple[ImportLine, ...] = ()
    is_check: bool = True
    sealed: str = ""
    button: str = ""
    faults: tuple[Fault, ...] = ()
    columns: tuple[TableColumn, ...] = TABLE_COLUMNS


def import_view(report: ImportReport, sealed: str = "") -> ConnectionImportView:
    """A report: what is refused first, in the order of the table."""
    lines = sorted((_line(one, report) for one in report.rows), key=lambda one: one.row.outcome != "refused")
    verb = "can be added" if report.is_check else ("was added" if report.new == 1 else "were added")
    parts = [f"{counted(report.new, 'connection')} {verb}"]
    if report.unchanged:
        parts.append(f"{counted(report.unchanged, 'row')} unchanged")
    if report.refused:
        parts.append(f"{counted(report.refused, 'row')} refused")
    words = ", ".join(parts) + "."
    if report.is_check:
        words += " Nothing was saved yet."
    return ConnectionImportView(
        words=words,
        level="warn" if report.refused else "ok",
        lines=tuple(lines),
        is_check=report.is_check,
        # Rows that are unchanged may bring the keys that are missing.
        sealed=sealed if report.new or report.unchanged else "",
        button=f"Add {counted(report.new, 'connection')}" if report.new else "Add the missing keys",
    )


def _line(row: ImportedRow, report: ImportReport) -> ImportLine:
    states = {
        "new": StatusText("busy", "to be added") if report.is_check else StatusText("ok", "added"),
        "unchanged": StatusText("idle", "unchanged"),
        "refused": StatusText("bad", "refused"),
    }
    needs = f"waits for {' and '.join(_KEYS[one] for one in row.needs)}" if row.needs else ""
    return ImportLine(row, states[row.outcome], tuple(one for one in (row.note, needs) if one))
