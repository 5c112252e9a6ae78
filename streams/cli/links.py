"""`lofty-ghl links`: moves the memory of a deployment into another one."""

from __future__ import annotations

import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from streams.cli.shared import (
    DEFAULT_CONFIG,
    ConfigOption,
    JsonOption,
    count_of,
    print_findings,
    refuse,
    refuse_on,
    say,
    settings_in_force,
    with_kafka,
)
from streams.cli.whole_file import whole_file

if TYPE_CHECKING:
    from streams.operations.move_links import Imported
    from streams.settings import Settings

links = typer.Typer(
    name="links", help="Move what is known of GHL to another cluster or topic prefix.", no_args_is_help=True
)


@links.command("export")
def export_(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it; an existing file is not touched.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write every link (which lead, note, task and appointment is which in GHL) into a file, one JSON object a line.

    The file is there once it is whole. It may hold e-mail addresses and phone numbers, so only its owner may read it.
    What the workers write afterwards is not in the file: the deployment that imports it finds that in GHL.

    Example: lofty-ghl links export links.jsonl
    """
    settings = settings_in_force(config)
    if path.exists():
        refuse(f"{path} exists already and was not changed")
    try:
        with whole_file(path) as file:
            number = with_kafka(settings, lambda: _write(settings, file))
    except OSError as error:
        refuse(f"{path} cannot be written: {error.strerror}")
    say(f"wrote {path}: {count_of(number, 'link')}")


async def _write(settings: Settings, file: IO[bytes]) -> int:
    from streams.operations.move_links import export_links

    number = -1  # the first line is no link
    async for line in export_links(settings):
        file.write(line + b"\n")
        number += 1
    return number


@links.command("import")
def import_(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A file of `lofty-ghl links export`.")],
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Read such a file into this deployment, before its first worker starts. A second time changes nothing.

    It refuses, with 2, while a worker is alive, where a link is here already and differs, and for another GHL location.

    Example: lofty-ghl links import links.jsonl
    """
    from dataclasses import asdict

    from streams.operations.accept_lost import StillAtWork
    from streams.operations.move_links import NotImported

    settings = settings_in_force(config)
    with refuse_on(NotImported, StillAtWork):
        try:
            found = with_kafka(settings, lambda: _read(settings, path))
        except OSError as error:
            refuse(f"{path} cannot be read: {error.strerror}")
    lines = [f"imported {count_of(found.imported, 'link')}; {found.same} were here already"]
    print_findings(asdict(found), lines, as_json=as_json)


async def _read(settings: Settings, path: Path) -> Imported:
    from streams.operations.move_links import import_links

    with path.open("rb") as file:
        return await import_links(settings, file, round(time.time() * 1000))
