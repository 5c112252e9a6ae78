"""`lofty-ghl connections import` and `template`: many connections at once, from a table."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.connection_versions import with_versions
from streams.cli.shared import (
    DEFAULT_CONFIG,
    WRONG,
    ConfigOption,
    JsonOption,
    login_name,
    print_findings,
    refuse,
    refuse_on,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streams.console.auth.audit_actions import Action
    from streams.mapping_versions.store import MappingVersions
    from streams.operations.connection_edits.bulk import RowReport


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A table as CSV; template prints one.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check each row, and save nothing.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Add many connections while everything runs, one for each row of a table.

    A wrong row keeps no other row back. Run it again after you corrected the table: what is there already stays unchanged.
    Keys in the table are stored sealed and never shown; delete the file afterwards.
    Exit code 1: some rows were refused. Exit code 2: the table cannot be read.

    Example: lofty-ghl connections import agencies.csv --dry-run
    """
    from streams.core.connection_table.reading import MOST_BYTES, UnreadableTable, read_rows
    from streams.operations.connection_edits.bulk import ConnectionImport

    try:
        with file.open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
    except OSError as error:
        refuse(f"{file} cannot be read: {error.strerror}")
    with refuse_on(UnreadableTable):
        rows = read_rows(content)

    async def work(versions: MappingVersions) -> Sequence[RowReport]:
        importer = ConnectionImport(versions)
        return await (importer.check(rows) if dry_run else importer.add_all(rows, by=login_name()))

    action: Action | None = None if dry_run else "connection import"
    found = with_versions(config, work, action, {"rows": str(len(rows))})
    print_findings([asdict(one) for one in found], _lines(found, is_check=dry_run), as_json=as_json)
    if any(one.outcome == "refused" for one in found):
        raise typer.Exit(WRONG)


def template() -> None:
    """Print a table to fill in: the columns, and one row as an example.

    Example: lofty-ghl connections template > agencies.csv
    """
    from streams.core.connection_table.columns import template as text

    typer.echo(text(), nl=False)


def _lines(found: Sequence[RowReport], *, is_check: bool) -> Iterator[str]:
    for one in found:
        words = {"new": "would be added" if is_check else "added"}.get(one.outcome, one.outcome)
        needs = f", waits for {' and '.join(one.needs)}" if one.needs else ""
        yield f"line {one.line}  {one.name or '-'}: {words}{needs}" + (f" ({one.note})" if one.note else "")
        for problem in one.problems:
            hint = f" ({problem.hint})" if problem.hint else ""
            yield f"    {problem.where}: expected {problem.expected}, got {problem.got}{hint}"
    for outcome, words in (
        ("new", "to add" if is_check else "added"),
        ("unchanged", "unchanged"),
        ("refused", "refused"),
    ):
        yield f"{sum(one.outcome == outcome for one in found)} {words}"
