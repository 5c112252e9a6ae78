"""Plans a replay without running it: it produces only questions to workers, and calls no vendor."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from streams.kafka.record_store import RecordStore
from streams.messages import Selection, topics
from streams.operations.parked.open_records import by_cause
from streams.operations.replay.errors import InvalidReplay
from streams.operations.replay.planner import LoadSettings, Planner
from streams.operations.replay.semantics import MEANING, refusal
from streams.operations.replay.snapshots import ReportReading, Snapshots
from streams.operations.replay.sources import ChangeSource, EventSource, ParkedSource
from streams.operations.replay.summary import Summary
from streams.operations.worker_queries.directories import ask_directories, directory_of
from streams.settings import Settings

FEW_SNAPSHOTS = 3000
"""So many are planned in this process: starting another would take longer."""


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a replay of a selection would do.

    `summaries` are by connection, and for snapshots only: there we know what would be written. `counts` are the counts of other
    topics, by their description. `failed` are records that cannot be replayed: the reason by key. `other_mappings` are the
    connections whose workers use another mapping than these settings.
    """

    selection: Selection
    chosen: int
    summaries: dict[str, Summary] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    other_mappings: tuple[str, ...] = ()
    unreadable: int = 0
    minutes: float = 0.0
    seconds: float = 0.0

    @property
    def meaning(self) -> str:
        """What a replay of this topic does."""
        return MEANING[self.selection.topic]

    def as_dict(self) -> dict[str, Any]:
        """For a JSON document."""
        return {
            "topic": self.selection.topic,
            "selection": self.selection.model_dump(exclude_defaults=True),
            "meaning": self.meaning,
            "chosen": self.chosen,
            "connections": {name: summary.as_dict() for name, summary in sorted(self.summaries.items())},
            "counts": self.counts,
            "left": self.failed,
            "other_mapping_in_force": list(self.other_mappings),
            "unreadable": self.unreadable,
            "minutes_at_the_limits": round(self.minutes, 1),
            "seconds": round(self.seconds, 1),
        }


async def dry_run(
    settings: Settings,
    selection: Selection,
    *,
    most: int = 20,
    processes: int = 1,
    load: LoadSettings | None = None,
    report: ReportReading = lambda topic, number: None,
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    clock: Callable[[], float] = time.monotonic,
) -> DryRun:
    """Plan the replay of a selection, with `most` examples for each connection.

    Snapshots are planned by the mapping of `settings`, which need not be the effective one. `load` gives the same settings to
    other processes. Raises `InvalidReplay` for what cannot be replayed, `NoWorker`, and aiokafka's errors.
    """
    if problem := refusal(selection):
        raise InvalidReplay(problem)
    began = clock()
    with RecordStore() as store:
        match selection.topic:
            case topics.SNAPSHOTS:
                found = await _snapshots(settings, selection, store, most, processes, load, report, now_ms())
            case topics.GHL_CHANGES:
                found = await _events(settings, selection, store, report)
            case topics.PARKED:
                found = await _parked(settings, selection, report, now_ms())
            case _:
                found = await _changes(settings, selection, store, report, now_ms())
    return replace(found, seconds=clock() - began)


async def _snapshots(
    settings: Settings,
    selection: Selection,
    store: RecordStore,
    most: int,
    processes: int,
    load: LoadSettings | None,
    report: ReportReading,
    now_ms: int,
) -> DryRun:
    snapshots = Snapshots(settings, selection, store)
    connections = snapshots.connections
    answers = await ask_directories(settings, connections.values())
    await snapshots.gather(report)
    chosen = sum(1 for _ in snapshots.chosen())
    directories = {name: directory_of(answer) for name, answer in answers.items()}
    async with Planner(settings, load, processes if chosen > FEW_SNAPSHOTS else 1) as planner:
        summaries, unreadable = await planner.summaries(
            snapshots.leads(), directories, now_ms, most, lambda number: report("planned", number)
        )
    others = tuple(
        name for name, connection in connections.items() if answers[name].mapping != connection.mapping_fingerprint
    )
    minutes: dict[str, float] = {}
    for name, summary in summaries.items():
        ghl, budget = connections[name].ghl, connections[name].ghl_budget
        alone = summary.requests * ghl.window_seconds / ghl.requests_per_window / 60
        minutes[budget] = minutes.get(budget, 0.0) + alone
        summary.examples.sort(key=lambda outcome: outcome.entity)
    longest = max(minutes.values(), default=0.0)
    return DryRun(selection, chosen, summaries, other_mappings=others, unreadable=unreadable, minutes=longest)


async def _changes(
    settings: Settings, selection: Selection, store: RecordStore, report: ReportReading, now_ms: int
) -> DryRun:
    source = ChangeSource(settings, selection, store, now_ms)
    chosen = await source.gather(report)
    kinds = Counter((change.connection, change.kind) for change in source.changes())
    reads: Counter[str] = Counter()
    for (name, _), number in kinds.items():
        reads[name] += number
    minutes = [number / settings.connections[name].lofty.requests_per_minute for name, number in reads.items()]
    counts = {f"{name}: {kind}s to be read from Lofty": number for (name, kind), number in sorted(kinds.items())}
    return DryRun(selection, chosen, counts=counts, minutes=max(minutes, default=0.0))


async def _events(settings: Settings, selection: Selection, store: RecordStore, report: ReportReading) -> DryRun:
    source = EventSource(settings, selection, store)
    chosen = await source.gather(report)
    connections = {connection.ghl.location_id: connection for connection in settings.connections.values()}
    counts: Counter[str] = Counter()
    for _, event in source.events():
        connection = connections[event.location]
        words = "evaluated again" if connection.back.wants(event.type, event.body) else "means nothing here"
        counts[f"{connection.name}: {event.type} {words}"] += 1
    return DryRun(selection, chosen, counts=dict(sorted(counts.items())))


async def _parked(settings: Settings, selection: Selection, report: ReportReading, now_ms: int) -> DryRun:
    source = ParkedSource(settings, selection, now_ms)
    chosen = await source.gather(report)
    groups = by_cause([item for item, _ in source.ready])
    counts = {f"{name} {stage}: {reason} retried": len(items) for (name, stage, reason), items in groups}
    return DryRun(selection, chosen, counts=counts, failed=source.failed)
