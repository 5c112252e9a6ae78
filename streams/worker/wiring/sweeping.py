"""Puts together what sweeps Lofty."""

from __future__ import annotations

from collections.abc import Mapping

from streams.core.listed_states import ListedStates
from streams.core.scheduling.retry import Retry
from streams.core.sweep import pair_of, schedule_of
from streams.messages.topics import RUNS
from streams.worker.dispatch.lofty_team import LoftyTeam
from streams.worker.dispatch.loop import DispatchLoop
from streams.worker.dispatch.sweep_changes import SweepChanges
from streams.worker.dispatch.sweep_children import SweepChildren
from streams.worker.dispatch.sweep_pages import SweepPages
from streams.worker.dispatch.sweep_parking import SweepParking
from streams.worker.dispatch.sweep_runs import SweepRuns
from streams.worker.dispatch.sweep_waits import SweepWaits
from streams.worker.dispatch.sweeper import Sweeper
from streams.worker.parts import WorkerParts


def new_sweeper(
    parts: WorkerParts, loop: DispatchLoop, teams: Mapping[str, LoftyTeam], changes: SweepChanges, listed: ListedStates
) -> Sweeper:
    """The handler of sweeps in the reading dispatcher `loop`."""
    metrics, connections = parts.deps.metrics, parts.connections
    parking = SweepParking(parts.output)
    waits = SweepWaits(Retry(parts.deps.now_ms, parts.deps.jitter).wait_seconds)

    def count(connection: str, result: str) -> None:
        metrics.sweeps.labels(connection, result).inc()

    return Sweeper(
        loop=loop,
        teams=teams,
        schedules=connections.view(lambda c: schedule_of(c.sweep)),
        pairs=connections.view(pair_of),
        sweeps=parts.tables.sweeps,
        changes=changes,
        pages=SweepPages(parking, loop.failures, waits, count),
        children=SweepChildren(changes, parking, parts.deps.repeats(), loop.failures, waits),
        waits=waits,
        listed=listed,
        record_end=SweepRuns(parts.output, parts.names.of(RUNS), parts.settings.kafka.partitions).ended,
        now_ms=parts.output.now_ms,
        count=count,
    )
