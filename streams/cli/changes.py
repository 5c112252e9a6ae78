"""`lofty-ghl changes`: records for `lofty.changes` that did not come from Lofty."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streams.cli.shared import JsonOption, count_of, now_ms, plain, print_findings, refuse, say, settings_in_force

changes = typer.Typer(
    name="changes", help="Check records that you mean to produce to lofty.changes.", no_args_is_help=True
)


@changes.command()
def check(
    file: Annotated[
        Path, typer.Argument(help="JSON lines, each an object with key and value; - reads them from stdin.")
    ],
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Also check that each connection is in this configuration.")
    ] = None,
    as_kcat: Annotated[
        bool, typer.Option("--kcat", help="If all is right, print key, tab and value of each, for `kcat -K '\\t'`.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check records before you produce them: by the form of a change, by its key, and for what would do harm.

    It says for each fault in which line and field it is, what was expected, what was found, and what to do. It sends nothing.
    Exit code 0: all records are right. 1: some are not. 2: the file cannot be read.

    Example: lofty-ghl changes check changes.jsonl --config lofty-ghl.toml
    """
    from dataclasses import asdict

    from streams.contract.by_hand import check_lines

    if as_kcat and as_json:
        raise typer.BadParameter("expected one of the two", param_hint="--kcat, --json")
    connections = None if config is None else set(settings_in_force(config).connections)
    try:
        raw = typer.get_binary_stream("stdin").read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        refuse(f"{file} cannot be read: {error.strerror}")
    records = list(check_lines(raw.removeprefix(b"\xef\xbb\xbf").split(b"\n"), now_ms(), connections))
    faults = [fault for record in records for fault in record.faults]
    if not records:
        say(f"{file} has no records")
    if as_kcat and not faults:
        for record in records:
            typer.echo(f"{record.key}\t{record.value}")
    elif as_kcat:
        for fault in faults:
            say(str(fault))
    else:
        document = {"records": len(records), "faults": [asdict(fault) for fault in faults]}
        lines = [plain(str(fault)) for fault in faults] or [f"{count_of(len(records), 'record')}, nothing wrong"]
        print_findings(document, lines, as_json=as_json)
    raise typer.Exit(1 if faults or not records else 0)
