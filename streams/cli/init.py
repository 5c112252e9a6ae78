"""`lofty-ghl init`: a configuration to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streams.cli.running import refuse
from streams.settings import example_text


def init(
    path: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("lofty-ghl.toml"),
) -> None:
    """Write a commented configuration with every setting in it. Never overwrites a file.

    Example: lofty-ghl init
    """
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(example_text())
    except FileExistsError:
        refuse(f"{path} exists already and is left as it is")
    except OSError as error:
        refuse(f"{path} cannot be written: {error.strerror}")
    typer.echo(f"wrote {path}: fill in team_id and location_id, then set the credentials named at its top")
