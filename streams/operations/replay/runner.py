"""Carries a replay on: hands its records over in order, and writes down how far it is only when they are with Kafka.

A process that is killed in between hands the last of them over once more when the replay is carried on. That changes nothing:
what comes of a record is decided where it arrives, by what stands there then. So nothing is skipped, and nothing written twice.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

from streams.core.fingerprint import fingerprint
from streams.kafka.clients import GroupLag
from streams.messages import Replay
from streams.messages.topics import RESOLVED, SNAPSHOTS, TopicNames
from streams.operations.replay.errors import EditedMeanwhile, OtherMapping
from streams.operations.replay.record_store import Shelf
from streams.operations.replay.runs import Runs
from streams.operations.replay.semantics import under
from streams.operations.replay.sources import Step, source_of
from streams.operations.replay.throttle import Pace
from streams.operations.worker_queries.directories import observe
from streams.settings import Connection, Settings

DEFAULT_RATE = 200.0
"""Records a second: a hundred thousand snapshots take eight minutes, and the workers have most of their time for live work."""

NOTED_SECONDS = 1.0
MOST_LOOKED_AT = 1000

Phase = Literal["reading", "handing over", "waiting for the workers"]


@dataclass(frozen=True, slots=True)
class Progress:
    """What is going on. While `reading`, `topic` and `number` say what was read."""

    phase: Phase
    replay: Replay
    topic: str = ""
    number: int = 0


async def carry_on(
    settings: Settings,
    runs: Runs,
    replay: Replay,
    *,
    rate: float = DEFAULT_RATE,
    tell: Callable[[Progress], None] = lambda progress: None,
    left: Callable[[str, str], None] = lambda key, why: None,
    stop: asyncio.Event | None = None,
    clock: Callable[[], float] = time.monotonic,
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
) -> Replay:
    """Carry a replay on from where it was left, to its end or until `stop`. Returns it as it stands then.

    One of snapshots that was left under other mappings than those of `settings` begins again.
    `left` is told each record that cannot go on, and why. Raises `CannotReplay`, and aiokafka's errors.
    """
    if other := await _under_another_mapping(settings, replay):
        raise OtherMapping(other)
    replay = under_mappings(settings, replay)
    names = TopicNames(settings.kafka.topic_prefix)
    lag = GroupLag(settings, names.group)
    pace = Pace(rate, lag, clock)
    try:
        with Shelf() as shelf:
            source = source_of(settings, replay, shelf, now_ms())
            reading = replay
            chosen = await source.gather(lambda topic, number: tell(Progress("reading", reading, topic, number)))
            done = replay.handed + replay.passed + replay.left
            is_parked = replay.selection.topic == "parked"
            chosen += done if is_parked else 0  # what was sent on does not wait any more
            replay = await runs.put(
                _moved(replay, now_ms(), state="running", chosen=chosen, left=0 if is_parked else replay.left)
            )
            noted = clock()
            for batch in _batches(source.steps(replay.position), pace.batch):
                handed = [one for one in batch if one.records]
                await pace.ready(len(handed), partial(_wait, tell, replay))
                if stop is not None and stop.is_set():
                    return await runs.put(_moved(replay, now_ms(), state="stopped"))
                await _append(runs, pace, batch, names.of(RESOLVED))
                for one in batch:
                    if one.handling == "left":
                        left(one.key, one.why)
                replay = _counted(replay, batch, now_ms())
                if clock() - noted >= NOTED_SECONDS:
                    replay, noted = await runs.put(replay), clock()
                tell(Progress("handing over", replay))
            replay = await runs.put(replay)
            await pace.until_taken(0, partial(_wait, tell, replay))
            if other := await _under_another_mapping(settings, replay):
                await runs.put(_moved(replay, now_ms(), state="stopped"))
                raise EditedMeanwhile(other, replay.run)
            return await runs.put(_moved(replay, now_ms(), state="done"))
    finally:
        await lag.aclose()


def _wait(tell: Callable[[Progress], None], replay: Replay) -> None:
    tell(Progress("waiting for the workers", replay))


def under_mappings(settings: Settings, replay: Replay) -> Replay:
    """A replay as it is carried on under these settings: from where it was left, or from its beginning (`operations/replay/semantics.py`)."""
    if replay.selection.topic != SNAPSHOTS:
        return replay
    return under(replay, fingerprint({one.name: one.mapping_fingerprint for one in _meant(settings, replay)}))


def _meant(settings: Settings, replay: Replay) -> list[Connection]:
    wanted = replay.selection.connection
    return [one for one in settings.connections.values() if wanted in ("", one.name)]


async def _under_another_mapping(settings: Settings, replay: Replay) -> str:
    """A connection whose worker writes by another mapping than that of `settings`; empty where there is none, or where none matters."""
    if replay.selection.topic != SNAPSHOTS:
        return ""
    seen = await observe(settings, _meant(settings, replay))
    differing = (name for name, one in seen.items() if one.mapping != settings.connections[name].mapping_fingerprint)
    return next(differing, "")


async def _append(runs: Runs, pace: Pace, batch: list[Step], resolved: str) -> None:
    records = [record for one in batch for record in one.records]
    offsets = await runs.batching_producer.produce(records)
    for record, offset in zip(records, offsets, strict=True):
        if record.topic != resolved:
            pace.handed((record.topic, record.partition), offset)
    await runs.batching_producer.produce([record for one in batch for record in one.then])


def _batches(steps: Iterator[Step], most: int) -> Iterator[list[Step]]:
    """Steps of which at most `most` are handed over."""
    batch: list[Step] = []
    handed = 0
    for step in steps:
        batch.append(step)
        handed += step.handling == "handed"
        if handed >= most or len(batch) >= MOST_LOOKED_AT:
            yield batch
            batch, handed = [], 0
    if batch:
        yield batch


def _counted(replay: Replay, batch: list[Step], now_ms: int) -> Replay:
    counts = {name: sum(one.handling == name for one in batch) for name in ("handed", "passed", "left")}
    facts = {name: getattr(replay, name) + number for name, number in counts.items()}
    return _moved(replay, now_ms, position=batch[-1].key, **facts)


def _moved(replay: Replay, now_ms: int, **facts: object) -> Replay:
    return replay.model_copy(update={"moved_ms": now_ms, **facts})
