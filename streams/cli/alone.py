"""`lofty-ghl explain` without the other commands."""

from __future__ import annotations

import typer

from streams.cli.explain import explain
from streams.cli.running import keep_libraries_quiet

app = typer.Typer(
    name="lofty-ghl", pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]}
)
app.command()(explain)


@app.callback()
def _keeps_its_name() -> None:
    """One command alone would lose its name."""


def explain_alone() -> None:
    """Run it."""
    keep_libraries_quiet()
    app()
