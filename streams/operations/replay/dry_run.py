"""What a replay would do, said without doing it: nothing is appended but questions to workers, and no vendor is asked."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from streams.messages import Selection, topics
from streams.operations.parked.open_records import by_cause
from streams.operations.replay.errors import InvalidReplay
from streams.operations.replay.planner import Load, Planner
from streams.operations.replay.record_store import Shelf
from streams.operations.replay.semantics import MEANING, refusal
from streams.operations.replay.snapshots import Snapshots, Tell
from streams.operations.replay.sources import ChangeSource, EventSource, ParkedSource
from streams.operations.replay.summary import Tally
from streams.operations.worker_queries.directories import directory_of, observe
from streams.settings import Settings

FEW_SNAPSHOTS = 3000
"""So many are planned in this process: another would need longer to begin."""


@dataclass(frozen=True, slots=True)
class DryRun:
    """What would become of a selection.

    `tallies` are by connection, for snapshots alone: only there is known what would be written. `counts` are what else is to
    be told, in words. `left` are records that cannot go on, by key with the reason. `others` are the connections of which the
    workers have another mapping in force than these settings.
    """

    selection: Selection
    chosen: int
    tallies: dict[str, Tally] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()
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
            "connections": {name: tally.as_dict() for name, tally in sorted(self.tallies.items())},
            "counts": self.counts,
            "left": self.left,
            "other_mapping_in_force": list(self.others),
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
    load: Load | None = None,
    tell: Tell = lambda what, number: None,
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    clock: Callable[[], float] = time.monotonic,
) -> DryRun:
    """Say what would become of a selection, with `most` examples of each connection.

    For snapshots: by the mapping of `settings`, which need not be the one in force. `load` gives the same settings to other
    processes. Raises `InvalidReplay` for what cannot be replayed, `NoWorker`, and aiokafka's errors.
    """
    if problem := refusal(selection):
        raise InvalidReplay(problem)
    began = clock()
    with Shelf() as shelf:
        match selection.topic:
            case topics.SNAPSHOTS:
                found = await _snapshots(settings, selection, shelf, most, processes, load, tell, now_ms())
            case topics.GHL_CHANGES:
                found = await _events(settings, selection, shelf, tell)
            case topics.PARKED:
                found = await _parked(settings, selection, tell, now_ms())
            case _:
                found = await _changes(settings, selection, shelf, tell, now_ms())
    return replace(found, seconds=clock() - began)


async def _snapshots(
    settings: Settings,
    selection: Selection,
    shelf: Shelf,
    most: int,
    processes: int,
    load: Load | None,
    tell: Tell,
    now_ms: int,
) -> DryRun:
    snapshots = Snapshots(settings, selection, shelf)
    connections = snapshots.connections
    seen = await observe(settings, connections.values())
    await snapshots.gather(tell)
    chosen = sum(1 for _ in snapshots.chosen())
    directories = {name: directory_of(one) for name, one in seen.items()}
    async with Planner(settings, load, processes if chosen > FEW_SNAPSHOTS else 1) as planner:
        tallies, unreadable = await planner.tallies(
            snapshots.leads(), directories, now_ms, most, lambda number: tell("planned", number)
        )
    others = tuple(name for name, one in connections.items() if seen[name].mapping != one.mapping_fingerprint)
    minutes: dict[str, float] = {}
    for name, tally in tallies.items():
        ghl, budget = connections[name].ghl, connections[name].ghl_budget
        alone = tally.requests * ghl.window_seconds / ghl.requests_per_window / 60
        minutes[budget] = minutes.get(budget, 0.0) + alone
        tally.examples.sort(key=lambda one: one.entity)
    longest = max(minutes.values(), default=0.0)
    return DryRun(selection, chosen, tallies, others=others, unreadable=unreadable, minutes=longest)


async def _changes(settings: Settings, selection: Selection, shelf: Shelf, tell: Tell, now_ms: int) -> DryRun:
    source = ChangeSource(settings, selection, shelf, now_ms)
    chosen = await source.gather(tell)
    kinds = Counter((one.connection, one.kind) for one in source.changes())
    reads: Counter[str] = Counter()
    for (name, _), number in kinds.items():
        reads[name] += number
    minutes = [number / settings.connections[name].lofty.requests_per_minute for name, number in reads.items()]
    counts = {f"{name}: {kind}s to be read from Lofty": number for (name, kind), number in sorted(kinds.items())}
    return DryRun(selection, chosen, counts=counts, minutes=max(minutes, default=0.0))


async def _events(settings: Settings, selection: Selection, shelf: Shelf, tell: Tell) -> DryRun:
    source = EventSource(settings, selection, shelf)
    chosen = await source.gather(tell)
    connections = {one.ghl.location_id: one for one in settings.connections.values()}
    counts: Counter[str] = Counter()
    for _, event in source.events():
        connection = connections[event.location]
        words = "judged again" if event.type in connection.back.types else "means nothing here"
        counts[f"{connection.name}: {event.type} {words}"] += 1
    return DryRun(selection, chosen, counts=dict(sorted(counts.items())))


async def _parked(settings: Settings, selection: Selection, tell: Tell, now_ms: int) -> DryRun:
    source = ParkedSource(settings, selection, now_ms)
    chosen = await source.gather(tell)
    groups = by_cause([place for place, _ in source.ready])
    counts = {f"{name} {stage}: {reason} tried again": len(some) for (name, stage, reason), some in groups}
    return DryRun(selection, chosen, counts=counts, left=source.cannot)
