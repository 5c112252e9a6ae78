"""`lofty-ghl init`: a configuration to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streams.cli.shared import refuse


def init(
    path: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("lofty-ghl.toml"),
    rehearsal: Annotated[
        bool, typer.Option("--rehearsal", help="For both sandboxes on this machine, at their usual ports.")
    ] = False,
) -> None:
    """Write a commented configuration with every setting in it. Never overwrites a file.

    With --rehearsal it works unchanged with `lofty-ghl sandbox lofty` and `lofty-ghl sandbox ghl`.

    Example: lofty-ghl init
    """
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(_rehearsal() if rehearsal else _example())
    except FileExistsError:
        refuse(f"{path} exists already and was not changed")
    except OSError as error:
        refuse(f"{path} cannot be written: {error.strerror}")
    if rehearsal:
        typer.echo(f"wrote {path}: for the sandboxes on this machine; it works unchanged")
        return
    typer.echo(f"wrote {path}: fill in team_id and location_id, then set the credentials named at its top")


def _rehearsal() -> str:
    from connectors.sandbox.ghl import GhlSandboxSettings
    from connectors.sandbox.ghl.mailer import public_key
    from streams.settings import rehearsal_text

    return rehearsal_text(public_key(GhlSandboxSettings()))


def _example() -> str:
    from streams.settings import example_text

    return example_text()
