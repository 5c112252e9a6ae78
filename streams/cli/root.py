"""The command tree."""

from __future__ import annotations

import typer

from streams.cli.backfill import backfill
from streams.cli.connect import connect
from streams.cli.console import console
from streams.cli.demo import demo
from streams.cli.doctor import doctor
from streams.cli.explain import explain
from streams.cli.gateway import gateway
from streams.cli.init import init
from streams.cli.mapping import mapping
from streams.cli.operations import operations
from streams.cli.parked import parked
from streams.cli.replay import replay
from streams.cli.running import keep_libraries_quiet
from streams.cli.sandbox import sandbox
from streams.cli.secrets import secrets
from streams.cli.status import status
from streams.cli.subscriptions import subscriptions
from streams.cli.topics import topics
from streams.cli.verify import verify
from streams.cli.worker import worker

app = typer.Typer(
    name="lofty-ghl",
    help="Keeps Lofty (CRM) and GoHighLevel (marketing) in step, through Kafka.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(demo)
app.command()(init)
app.command()(worker)
app.command()(gateway)
app.command()(backfill)
app.command()(verify)
app.command()(explain)
app.command()(doctor)
app.command()(replay)
app.command()(status)
app.add_typer(connect, name="connect")
app.add_typer(secrets, name="secrets")
app.add_typer(console, name="console")
app.add_typer(parked, name="parked")
app.add_typer(mapping, name="mapping")
app.add_typer(topics, name="topics")
app.add_typer(subscriptions, name="subscriptions")
app.add_typer(sandbox, name="sandbox")
app.command()(operations)


def main() -> None:
    """The console script."""
    keep_libraries_quiet()
    app()
