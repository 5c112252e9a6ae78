"""`lofty-ghl demo`: the whole flow on this machine, in one command."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.cli.shared import refuse


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running until Ctrl-C.")] = False,
) -> None:
    """Show the whole flow on an embedded broker and both sandboxes: a few hundred leads, bursts of edits, faults.

    Ends by itself within two minutes; with --keep Ctrl-C or SIGTERM ends it. Exit code 1 when anything is lost, double or
    different; 130 or 143 when Ctrl-C or SIGTERM ended it before that was known.

    Example: lofty-ghl demo --keep
    """
    import asyncio
    import tempfile
    from pathlib import Path

    from rich.console import Console

    from streams.demo.processes import DidNotStart
    from streams.demo.run import Interrupted, run_demo

    console = Console()
    with tempfile.TemporaryDirectory(prefix="lofty-ghl-demo-") as folder:
        try:
            is_right = asyncio.run(run_demo(Path(folder), console, keep=keep))
        except Interrupted as error:
            refuse(f"cut off: {error}", 128 + error.number)
        except DidNotStart as error:
            refuse(str(error), 1)
    raise typer.Exit(0 if is_right else 1)
