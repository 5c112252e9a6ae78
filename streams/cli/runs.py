"""`lofty-ghl runs`: what was run, by whom, and how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.cli.shared import (
    DEFAULT_CONFIG,
    ConfigOption,
    ConnectionOption,
    JsonOption,
    connection_or_refuse,
    now_ms,
    plain,
    print_findings,
    settings_in_force,
    with_kafka,
)

if TYPE_CHECKING:
    from streams.console.services.run_list import RunSeen


def runs(config: ConfigOption = DEFAULT_CONFIG, connection: ConnectionOption = "", as_json: JsonOption = False) -> None:
    """List imports, full checks and comparisons, and what else was run in the console: rehearsals, acts on many, checks of everything.

    The newest 20 of each connection and kind are kept, for up to 90 days. What replays did: `lofty-ghl replay --list`.

    Example: lofty-ghl runs --connection acme
    """
    from dataclasses import asdict

    from streams.console.auth.scope import EVERYTHING
    from streams.console.services.run_list import seen_by
    from streams.operations.runs.run_log import read_runs

    settings = settings_in_force(config)
    if connection:
        connection_or_refuse(settings, connection)
    known = with_kafka(settings, lambda: read_runs(settings))
    seen = (seen_by(run, EVERYTHING, now_ms()) for run in known.newest_first())
    found = [one for one in seen if one is not None and (not connection or connection in one.connections)]
    print_findings([asdict(one) for one in found], map(_line, found) if found else ["no runs"], as_json=as_json)


def _line(run: RunSeen) -> str:
    from datetime import UTC, datetime

    began = datetime.fromtimestamp(run.began_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    took = f" after {(run.ended_ms - run.began_ms) / 1000:.0f} s" if run.ended_ms else ""
    of = f"{', '.join(run.connections) or 'all connections'}{f' lead {run.lead}' if run.lead else ''}"
    counts = ("read", run.read), ("written", run.written), ("unchanged", run.unchanged), ("refused", run.refused)
    numbers = ", ".join(f"{count} {name}" for name, count in counts if count is not None)
    parts = (f"by {run.by}" if run.by else "", f"{run.state}{took}", numbers, run.problem or run.words)
    return plain(f"{began}  {run.kind} of {of}: {'; '.join(filter(None, parts))}")
