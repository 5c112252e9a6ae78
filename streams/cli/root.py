"""The command tree."""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from streams.cli.shared import keep_libraries_quiet

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMANDS = (
    *(
        "demo",
        "init",
        "worker",
        "gateway",
        "rehearse",
        "backfill",
        "verify",
        "explain",
        "conflicts",
        "doctor",
        "replay",
        "runs",
    ),
    "status",
    "catalogue",
    "operations",
    "schemas",
    *(
        "connect",
        "connections",
        "links",
        "secrets",
        "console",
        "people",
        "notifications",
        "parked",
        "mapping",
        "directories",
        "topics",
        "changes",
        "partitions",
    ),
    *("subscriptions", "sandbox"),
)
"""The commands, then the groups, in the order of the help. Each is a module of this package, which has an object of the same name."""


class _Commands(TyperGroup):
    """Lists its commands with their whole first sentence, where Typer's plain help cuts it off at the line's end."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        rows = [(name, _first_sentence(one.help)) for name, one in self._shown(ctx)]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)

    def _shown(self, ctx: Any) -> Iterator[tuple[str, Any]]:
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                yield name, command


def _first_sentence(text: str | None) -> str:
    return re.sub(r"\s+", " ", (text or "").partition("\n\n")[0]).strip()


# Plain help: importing Rich to draw it costs more processor time than all of the rest.
app = typer.Typer(
    name="lofty-ghl",
    help="Keeps Lofty (CRM) and GoHighLevel (marketing) in step, through Kafka.",
    cls=_Commands,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool | None) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"lofty-ghl {version('lofty-ghl')}")
        raise typer.Exit


@app.callback()
def _every_command(
    version: Annotated[
        bool | None,
        typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True),
    ] = None,
) -> None:
    """Before every command."""
    keep_libraries_quiet()


for _name in COMMANDS:
    _command = getattr(import_module(f"streams.cli.{_name}"), _name)
    if isinstance(_command, typer.Typer):
        app.add_typer(_command, cls=_Commands)
    else:
        app.command()(_command)


def main() -> None:
    """The console script."""
    app()
