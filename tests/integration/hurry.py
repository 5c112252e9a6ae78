"""Imported into a command's process before it begins, where a deadline of production is all that a test would wait for.

GHL's real search is ten seconds behind, the sandbox's half a second; and where no worker is, none will answer any later.
"""

from __future__ import annotations

from streams.operations.mapping_preview import check, lead_samples
from streams.operations.verify import run
from streams.operations.worker_queries import directories
from streams.operations.worker_queries.client import Timeouts

MOMENT_SECONDS = 1.0


def hurry() -> None:
    """Shorten the waits for a second look, and for a worker that is not there."""
    run.Timeouts = lambda: Timeouts(retry=1.0, confirm=0.7)  # type: ignore[assignment,misc]  # a class gives way to a function
    directories.TIMEOUTS = Timeouts(retry=MOMENT_SECONDS / 2, silence=MOMENT_SECONDS)
    lead_samples.SILENCE_SECONDS = MOMENT_SECONDS
    lead_samples.directories.__defaults__ = lead_samples.ask_workers.__defaults__ = (3 * MOMENT_SECONDS,)
    for asked in (lead_samples.read_leads, check.check):
        assert asked.__kwdefaults__["within_seconds"]
        asked.__kwdefaults__["within_seconds"] = 3 * MOMENT_SECONDS


hurry()
